// @vitest-environment jsdom
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { UploadResult } from '../../api/types'
import { HttpError, OfflineError } from '../../lib/http'
import { linesOf } from './lines'
import { UploadQueue, type Send } from './queue'

const stored = (name: string): UploadResult => ({ name, status: 'stored', reason: '', StudyInstanceUID: '1.2', SOPInstanceUID: '1.3' })
const files = (...names: string[]) => names.map((name) => ({ name, file: new File(['12345'], name) }))

/** A server whose answers the test gives one by one. */
function server() {
  const open = new Map<string, { resolve: (results: UploadResult[]) => void; reject: (error: unknown) => void; onProgress: (sent: number) => void }>()
  const send: Send = (_file, name, { signal, onProgress }) =>
    new Promise((resolve, reject) => {
      open.set(name, { resolve, reject, onProgress })
      signal.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')))
    })
  const take = (name: string) => {
    const flight = open.get(name)
    if (!flight) throw new Error(`${name} is not on the wire`)
    open.delete(name)
    return flight
  }
  return { open, send: vi.fn(send), take }
}

const settle = () => vi.advanceTimersByTimeAsync(200)
const states = (queue: UploadQueue) => queue.all().map((item) => item.state)
const item = (queue: UploadQueue, index: number) => queue.all()[index]!

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

describe('the queue', () => {
  it('sends three at a time, in order, and counts what became of each', async () => {
    const { open, send, take } = server()
    const queue = new UploadQueue(send)
    queue.add(files('a', 'b', 'c', 'd'))
    expect([...open.keys()]).toEqual(['a', 'b', 'c'])
    take('b').resolve([stored('b')])
    await settle()
    expect(open.has('d')).toBe(true)
    take('a').resolve([{ ...stored('a'), status: 'duplicate' }])
    take('c').resolve([{ ...stored('c'), status: 'refused', reason: 'this is no DICOM file' }])
    take('d').resolve([])
    await settle()
    const { counts, files: count, sentBytes, bytes } = queue.summary.get()
    expect(counts).toMatchObject({ stored: 1, duplicate: 1, refused: 1, waiting: 0, sending: 0 })
    expect(count).toBe(4)
    expect(sentBytes).toBe(bytes)
    expect(queue.busy()).toBe(false)
  })

  it('tells progress in bytes', async () => {
    const { send, open } = server()
    const queue = new UploadQueue(send)
    queue.add(files('a'))
    open.get('a')?.onProgress(3)
    await settle()
    expect(queue.summary.get()).toMatchObject({ bytes: 5, sentBytes: 3 })
  })

  it('pauses after what is on the wire, and resumes', async () => {
    const { open, send, take } = server()
    const queue = new UploadQueue(send, 1)
    queue.add(files('a', 'b'))
    queue.pause()
    take('a').resolve([stored('a')])
    await settle()
    expect(open.size).toBe(0)
    expect(states(queue)).toEqual(['done', 'waiting'])
    expect(queue.summary.get().state).toBe('paused')
    queue.resume()
    expect(open.has('b')).toBe(true)
  })

  it('cancels one on the wire and goes on with the next', async () => {
    const { open, send } = server()
    const queue = new UploadQueue(send, 1)
    queue.add(files('a', 'b'))
    queue.cancel(item(queue, 0))
    await settle()
    expect(states(queue)).toEqual(['cancelled', 'sending'])
    expect(open.has('b')).toBe(true)
    queue.cancelAll()
    await settle()
    expect(queue.busy()).toBe(false)
  })

  it('keeps a cancelled file cancelled when it is retried only later', async () => {
    const { open, send, take } = server()
    const queue = new UploadQueue(send, 1)
    queue.add(files('a'))
    queue.cancel(item(queue, 0))
    await settle()
    open.clear()
    queue.retry(item(queue, 0))
    take('a').resolve([stored('a')])
    await settle()
    expect(states(queue)).toEqual(['done'])
  })

  it('marks a failed file with what to do, and retries it', async () => {
    const { send, take } = server()
    const queue = new UploadQueue(send)
    queue.add(files('a'))
    take('a').reject(new HttpError(500, { kind: 'broken', message: 'the database is away', hint: 'try again' }))
    await settle()
    expect(item(queue, 0)).toMatchObject({ state: 'failed', reason: 'The database is away. Try again.' })
    queue.retryFailed()
    take('a').resolve([stored('a')])
    await settle()
    expect(states(queue)).toEqual(['done'])
  })
})

describe('when the server is away', () => {
  it('holds, tries again by itself, and loses nothing', async () => {
    const { open, send, take } = server()
    const queue = new UploadQueue(send)
    queue.add(files('a', 'b', 'c', 'd'))
    for (const name of ['a', 'b', 'c']) take(name).reject(new OfflineError())
    await settle()
    expect(queue.summary.get().state).toBe('holding')
    expect(states(queue)).toEqual(['waiting', 'waiting', 'waiting', 'waiting'])
    expect(open.size).toBe(0)
    await vi.advanceTimersByTimeAsync(1_000)
    expect([...open.keys()]).toEqual(['a', 'b', 'c'])
  })

  it('waits as long as the server asks', async () => {
    const { open, send, take } = server()
    const queue = new UploadQueue(send)
    queue.add(files('a'))
    take('a').reject(new HttpError(503, { kind: 'busy', message: 'busy' }, 7))
    await vi.advanceTimersByTimeAsync(6_000)
    expect(open.size).toBe(0)
    await vi.advanceTimersByTimeAsync(1_500)
    expect(open.has('a')).toBe(true)
  })

  it('gives up after some minutes and says so', async () => {
    const { open, send, take } = server()
    const queue = new UploadQueue(send)
    queue.add(files('a'))
    for (let round = 0; round < 7; round += 1) {
      take('a').reject(new OfflineError())
      await vi.advanceTimersByTimeAsync(31_000)
    }
    expect(queue.summary.get()).toMatchObject({ state: 'stopped' })
    expect(open.size).toBe(0)
    queue.resume()
    take('a').resolve([stored('a')])
    await settle()
    expect(states(queue)).toEqual(['done'])
  })

  it.each([
    [401, 'unauthenticated'],
    [507, 'no_space'],
  ] as const)('stops at once at %d and keeps the file waiting', async (status, kind) => {
    const { send, take } = server()
    const queue = new UploadQueue(send, 1)
    queue.add(files('a', 'b'))
    take('a').reject(new HttpError(status, { kind, message: 'no' }))
    await settle()
    expect(queue.summary.get().state).toBe('stopped')
    expect(states(queue)).toEqual(['waiting', 'waiting'])
  })
})

it('lists the entries of a ZIP below it, and filters them', async () => {
  const { send, take } = server()
  const queue = new UploadQueue(send)
  queue.add(files('a.zip', 'b'))
  take('a.zip').resolve([stored('a.zip/1'), { ...stored('a.zip/2'), status: 'refused', reason: 'no' }])
  take('b').resolve([stored('b')])
  await settle()
  expect(linesOf(queue.all(), 'all').map((line) => line.result?.name ?? line.item.name)).toEqual(['a.zip', 'a.zip/1', 'a.zip/2', 'b'])
  expect(linesOf(queue.all(), 'refused').map((line) => line.result?.name)).toEqual(['a.zip/2'])
  expect(linesOf(queue.all(), 'stored').map((line) => line.result?.name)).toEqual(['a.zip/1', 'b'])
  expect(linesOf(queue.all(), 'problems')).toHaveLength(1)
})

it('tells its readers a few times a second, not for each of thousands of files', async () => {
  const send: Send = (_file, name) => Promise.resolve([stored(name)])
  const queue = new UploadQueue(send)
  const reader = vi.fn()
  queue.summary.subscribe(reader)
  queue.add(files(...Array.from({ length: 3000 }, (_, n) => `f${n}`)))
  await settle()
  expect(queue.summary.get().counts.stored).toBe(3000)
  expect(reader.mock.calls.length).toBeLessThan(5)
})
