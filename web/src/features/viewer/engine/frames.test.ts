import { afterEach, describe, expect, it, vi } from 'vitest'
import { RPCL } from '../model/codestream'
import { frameOf } from '../model/codestreams'
import { Link, type Pace } from '../model/link'
import { type Bytes, FrameSource } from './frames'

const WHOLE = frameOf({ columns: 512, rows: 512, parts: [60, 200, 600, 1800] })
const ENDS = [60, 260, 860].map((end) => WHOLE.byteLength - 2660 - 2 + end)
const ADDRESS = '/dicom-web/studies/1/series/2/instances/3/frames/1'

interface Asked {
  url: string
  accept: string
  range: string
}

/** The server: a copy of the frame, or only the stored form; `ranges` false ignores Range. The body comes in pieces. */
function serve({ copy = true, ranges = true, whole = WHOLE, pieces = 100, cut = Infinity, bytes = false } = {}) {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', (url: string, init: { headers: HeadersInit; signal?: AbortSignal }) => {
    const headers = new Headers(init.headers)
    const range = headers.get('Range') ?? ''
    asked.push({ url, accept: headers.get('Accept') ?? '', range })
    const wanted = copy && headers.get('Accept')?.includes(RPCL)
    const stored = new Uint8Array(5000).fill(7)
    const [, from = ''] = /bytes=(\d+)-/.exec(range) ?? []
    const partial = wanted && ranges && from !== ''
    const body = !wanted ? stored : url.includes('fsiz') ? whole.slice(0, ENDS[1]) : partial ? whole.slice(Number(from)) : whole
    let at = 0
    const stream = new ReadableStream({
      ...(bytes ? { type: 'bytes' } : {}),
      pull(controller: ReadableStreamDefaultController<Uint8Array> & { readonly byobRequest?: ReadableStreamBYOBRequest | null }) {
        if (at >= cut) controller.error(new DOMException('aborted', 'AbortError'))
        else if (at >= body.byteLength) {
          controller.close()
          controller.byobRequest?.respond(0) // whoever reads into an array gets it back
        } else controller.enqueue(body.slice(at, (at += pieces)))
      },
    } as UnderlyingDefaultSource<Uint8Array>)
    return Promise.resolve(
      new Response(stream, {
        status: partial ? 206 : 200,
        headers: {
          'Content-Type': `application/octet-stream; transfer-syntax=${wanted ? RPCL : '1.2.840.10008.1.2.1'}`,
          'Content-Length': String(body.byteLength),
          ...(partial ? { 'Content-Range': `bytes ${from}-${whole.byteLength - 1}/${whole.byteLength}` } : {}),
        },
      }),
    )
  })
  return asked
}

const source = (pace: Pace = 'always') => new FrameSource(() => pace, new Link())
const forever = new AbortController().signal

afterEach(() => vi.unstubAllGlobals())

describe('frames over a slow line', () => {
  it('come small first, and then only what is missing', async () => {
    const asked = serve()
    const frames = source()
    const small = await frames.beginning(ADDRESS, forever)
    expect([small.syntax, small.reduction, small.bytes.byteLength]).toEqual([RPCL, 2, ENDS[1]])
    const whole = await frames.whole(ADDRESS, true, forever, () => undefined)
    expect(whole).toEqual({ bytes: WHOLE, syntax: RPCL, reduction: 0 })
    expect(asked.map(({ url, range }) => [url.includes('fsiz='), range])).toEqual([[true, ''], [false, `bytes=${ENDS[1]}-`]])
    expect(await frames.beginning(ADDRESS, forever)).toMatchObject({ reduction: 2 }) // known, not asked for again
    expect(asked.length).toBe(2)
  })

  it('become finer as they arrive', async () => {
    serve({ pieces: 20 })
    const clock = vi.spyOn(performance, 'now')
    let now = 0
    clock.mockImplementation(() => (now += 200))
    const parts: Bytes[] = []
    const whole = await source().whole(ADDRESS, true, forever, (part) => parts.push(part))
    expect(parts.map((part) => [part.reduction, part.bytes.byteLength])).toEqual([[3, ENDS[0]], [2, ENDS[1]], [1, ENDS[2]]])
    expect(whole.bytes).toEqual(WHOLE)
  })

  it('are whole when the server knows no ranges', async () => {
    serve({ ranges: false })
    const frames = source()
    await frames.beginning(ADDRESS, forever)
    expect((await frames.whole(ADDRESS, true, forever, () => undefined)).bytes).toEqual(WHOLE)
  })

  it('are fetched anew when their copy is another one by now', async () => {
    serve()
    const frames = source()
    await frames.beginning(ADDRESS, forever)
    const other = frameOf({ columns: 512, rows: 512, parts: [60, 200, 600, 1900] })
    const asked = serve({ whole: other })
    expect((await frames.whole(ADDRESS, true, forever, () => undefined)).bytes).toEqual(other)
    expect(asked.map(({ range }) => range)).toEqual([`bytes=${ENDS[1]}-`, ''])
  })

  it('go on where they were interrupted', async () => {
    serve({ cut: 1000 })
    const frames = source()
    await expect(frames.whole(ADDRESS, true, forever, () => undefined)).rejects.toThrow()
    const asked = serve()
    expect((await frames.whole(ADDRESS, true, forever, () => undefined)).bytes).toEqual(WHOLE)
    expect(asked[0]?.range).toBe('bytes=1000-')
  })

  it.each([true, false])('come into one array where the browser reads bytes so (%s), and are broken off as ever', async (bytes) => {
    serve({ bytes, pieces: 700 })
    const whole = await source('never').whole(ADDRESS, true, forever, () => undefined)
    expect([whole.syntax, whole.reduction]).toEqual(['1.2.840.10008.1.2.1', 0])
    expect(whole.bytes).toEqual(new Uint8Array(5000).fill(7))
    // No room beyond what is needed to meet the end: a picture may live in it.
    if (bytes) expect(whole.bytes.buffer.byteLength).toBe(5001)
    serve({ bytes, cut: 1000 })
    await expect(source('never').whole(ADDRESS, true, forever, () => undefined)).rejects.toThrow('aborted')
  })

  it('come as they are stored without a copy, which is not asked for twice', async () => {
    const asked = serve({ copy: false })
    const frames = source()
    expect(frames.hasBeginnings(ADDRESS)).toBe(true)
    expect(await frames.beginning(ADDRESS, forever)).toMatchObject({ syntax: '1.2.840.10008.1.2.1', reduction: 0 })
    expect(frames.hasBeginnings(ADDRESS)).toBe(false)
    await frames.whole(ADDRESS, true, forever, () => undefined)
    expect(asked.map(({ accept }) => accept.includes(RPCL))).toEqual([true, false])
  })
})

describe('frames that are small as they are stored', () => {
  it('are asked for so, however slow the line is', async () => {
    const asked = serve()
    await source().whole(ADDRESS, false, forever, () => undefined)
    expect(asked.map(({ accept }) => accept.includes(RPCL))).toEqual([false])
  })
})

describe('frames over a quick line', () => {
  it('come as they are stored', async () => {
    const asked = serve()
    const whole = await source('automatic').whole(ADDRESS, true, forever, () => undefined)
    expect([whole.syntax, whole.bytes.byteLength, asked.length]).toEqual(['1.2.840.10008.1.2.1', 5000, 1])
  })

  it('that turns out to be slow are begun anew as copies', async () => {
    const asked = serve()
    const clock = vi.spyOn(performance, 'now')
    let now = 0
    clock.mockImplementation(() => (now += 200))
    const whole = await source('automatic').whole(ADDRESS, true, forever, () => undefined)
    expect([whole.syntax, whole.bytes.byteLength]).toEqual([RPCL, WHOLE.byteLength])
    expect(asked.map(({ accept }) => accept.includes(RPCL))).toEqual([false, true])
  })

  it('stay as they are stored when the reader wants it so', async () => {
    const asked = serve()
    const clock = vi.spyOn(performance, 'now')
    let now = 0
    clock.mockImplementation(() => (now += 200))
    await source('never').whole(ADDRESS, true, forever, () => undefined)
    expect(asked.length).toBe(1)
  })
})

describe('frames that were here', () => {
  it('are not fetched again while they are kept compressed', async () => {
    const asked = serve()
    const frames = new FrameSource(() => 'always', new Link(), 100_000)
    const first = await frames.whole(ADDRESS, true, forever, () => undefined)
    frames.forget(ADDRESS)
    const again = await frames.whole(ADDRESS, true, forever, () => undefined)
    expect(again).toBe(first)
    expect(asked).toHaveLength(1)
    // Another frame, and one without room, are.
    await frames.whole(ADDRESS.replace('frames/1', 'frames/2'), true, forever, () => undefined)
    const poor = source()
    await poor.whole(ADDRESS, true, forever, () => undefined)
    await poor.whole(ADDRESS, true, forever, () => undefined)
    expect(asked).toHaveLength(4)
  })

  it('are fetched again when they came uncompressed: their pictures are as small', async () => {
    const asked = serve({ copy: false })
    const frames = new FrameSource(() => 'always', new Link(), 100_000)
    await frames.whole(ADDRESS, true, forever, () => undefined)
    await frames.whole(ADDRESS, true, forever, () => undefined)
    expect(asked).toHaveLength(2)
  })
})
