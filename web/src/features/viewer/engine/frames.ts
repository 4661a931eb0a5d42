// Frames over the network. On a slow line as HTJ2K copies: first a beginning of each, which is a smaller picture, later the rest.
import { send } from '../../../lib/http'
import { type Resolutions, RPCL, reductionWithin, resolutionsOf } from '../model/codestream'
import { CompressedStore } from './compressed'
import { Link, type Pace, type Told } from '../model/link'

export interface Bytes {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly syntax: string
  /** Halvings of the full size that these bytes are good for; 0 for all of the frame. */
  readonly reduction: number
}

interface Beginning {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly resolutions: Resolutions
}

// Any stored form of exactly one frame, without a multipart wrapper (PS3.18 8.7.3.3.2).
const AS_STORED = 'application/octet-stream; transfer-syntax=*'
const COPY_FIRST = `application/octet-stream; transfer-syntax=${RPCL}, ${AS_STORED}; q=0.5`
/** The size of first pictures (JPIP's fsiz): about a tenth of a slice's bytes. */
const SMALL = 'fsiz=384,384'
const BEGINNINGS_KEPT = 1000 // some 20 KB each
const BETWEEN_PARTS = 150 // ms: decoding in between must not become the work

/** One line for all viewers of a page: what one has measured the next one knows. */
const line = new Link(() => (navigator as { connection?: Told }).connection)

class TooSlow extends Error {}

const syntaxOf = (answer: Response): string => /transfer-syntax="?([0-9.]+)"?/i.exec(answer.headers.get('Content-Type') ?? '')?.[1] ?? '1.2.840.10008.1.2.1'
const seriesOf = (address: string): string => address.slice(0, address.indexOf('/instances/'))

export class FrameSource {
  private readonly beginnings = new Map<string, Beginning>()
  private readonly kept: CompressedStore
  /** Series whose frames came as they are stored though a copy was asked for. */
  private readonly uncopied = new Set<string>()
  private readonly pace: () => Pace
  private readonly link: Link

  /** @param room bytes for frames as they came, compressed */
  constructor(pace: () => Pace, link: Link = line, room = 0) {
    this.pace = pace
    this.link = link
    this.kept = new CompressedStore(room)
  }

  /** Small pictures should be shown first. */
  get isSlow(): boolean {
    return this.link.isSlow(this.pace())
  }

  /** A small picture is to be had of this frame, as far as is known. */
  hasBeginnings(address: string): boolean {
    return this.isSlow && !this.uncopied.has(seriesOf(address))
  }

  /** The beginning of a frame; all of it when there is no copy. */
  async beginning(address: string, signal: AbortSignal): Promise<Bytes> {
    const known = this.beginnings.get(address)
    if (known) return asFar(known)
    const answer = await send(`${address}?${SMALL}`, { headers: { Accept: COPY_FIRST }, signal })
    const bytes = await this.read(answer, new Uint8Array(0), () => undefined)
    const syntax = this.noted(address, answer)
    const resolutions = syntax === RPCL ? resolutionsOf(bytes) : null
    if (!isKnown(resolutions) || bytes.byteLength >= (resolutions.ends.at(-1) ?? 0)) return { bytes, syntax, reduction: 0 }
    return asFar(this.keep(address, { bytes, resolutions }))
  }

  /**
   * All of a frame. What of it is here already is not fetched again.
   * @param mayBeCopied a copy may be smaller than what is stored
   * @param part is told of each smaller picture that the bytes so far are good for
   */
  async whole(address: string, mayBeCopied: boolean, signal: AbortSignal, part: (bytes: Bytes) => void): Promise<Bytes> {
    const kept = this.kept.get(address)
    if (kept) return kept
    const fetched = await this.fetched(address, mayBeCopied, signal, part)
    this.kept.add(address, fetched)
    return fetched
  }

  private async fetched(address: string, mayBeCopied: boolean, signal: AbortSignal, part: (bytes: Bytes) => void): Promise<Bytes> {
    const known = this.beginnings.get(address)
    if (known) {
      const rest = await this.rest(address, known, signal, part)
      if (rest) return rest
      this.beginnings.delete(address)
    }
    const copied = mayBeCopied && this.link.wantsCopies(this.pace()) && !this.uncopied.has(seriesOf(address))
    if (copied || !mayBeCopied) return this.all(address, copied, signal, part)
    try {
      return await this.all(address, false, signal, part, (soFar, total, time) => this.isDoubtful(address, soFar, total, time))
    } catch (error) {
      if (!(error instanceof TooSlow)) throw error
      return this.all(address, true, signal, part)
    }
  }

  private async all(address: string, copied: boolean, signal: AbortSignal, part: (bytes: Bytes) => void, tooSlow: (soFar: number, total: number, time: number) => boolean = () => false): Promise<Bytes> {
    const stopped = new AbortController()
    const answer = await send(address, { headers: { Accept: copied ? COPY_FIRST : AS_STORED }, signal: AbortSignal.any([signal, stopped.signal]) })
    const syntax = copied ? this.noted(address, answer) : syntaxOf(answer)
    const begun = performance.now()
    const progress = new Progress(part)
    try {
      const hurry = (soFar: number, total: number): void => {
        if (tooSlow(soFar, total, performance.now() - begun)) throw new TooSlow()
      }
      // A copy is shown, or kept, while it comes; anything else goes into its array without a copy of each piece.
      const direct = syntax === RPCL ? undefined : await this.readInto(answer, hurry)
      const bytes = direct ?? (await this.read(answer, new Uint8Array(0), (soFar, total) => (syntax === RPCL ? progress.note(soFar) : hurry(soFar.byteLength, total))))
      return { bytes, syntax, reduction: 0 }
    } catch (error) {
      stopped.abort()
      this.saveBeginning(address, progress)
      throw error
    }
  }

  /** The answer would take long, and a copy may be had: better to begin anew than to wait. */
  private isDoubtful(address: string, received: number, total: number, elapsed: number): boolean {
    return received < total / 2 && this.link.stumbles(received, elapsed, this.pace()) && !this.uncopied.has(seriesOf(address))
  }

  /** The rest of a frame by byte range; undefined when what came does not fit what is here. */
  private async rest(address: string, known: Beginning, signal: AbortSignal, part: (bytes: Bytes) => void): Promise<Bytes | undefined> {
    const end = known.resolutions.ends.at(-1) ?? 0
    const headers: Record<string, string> = { Accept: COPY_FIRST, Range: `bytes=${known.bytes.byteLength}-` }
    const answer = await send(address, { headers, signal })
    const syntax = this.noted(address, answer)
    const ranged = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers.get('Content-Range') ?? '')
    const fits = answer.status === 206 && syntax === RPCL && Number(ranged?.[1]) === known.bytes.byteLength && Number(ranged?.[2]) === end
    if (answer.status === 206 && !fits) return undefined
    const progress = new Progress(part)
    if (fits) progress.skip(known.bytes.byteLength, known.resolutions)
    try {
      const bytes = await this.read(answer, fits ? known.bytes : new Uint8Array(0), (soFar) => syntax === RPCL && progress.note(soFar))
      return { bytes, syntax, reduction: 0 }
    } catch (error) {
      this.saveBeginning(address, progress)
      throw error
    }
  }

  private noted(address: string, answer: Response): string {
    const syntax = syntaxOf(answer)
    if (syntax !== RPCL) this.uncopied.add(seriesOf(address))
    return syntax
  }

  /** Somebody else goes first, or the line broke: what came is not fetched again. */
  private saveBeginning(address: string, progress: Progress): void {
    const { soFar, resolutions } = progress
    if (soFar && isKnown(resolutions) && reductionWithin(resolutions, soFar.byteLength) !== undefined) {
      this.keep(address, { bytes: soFar.slice(), resolutions })
    }
  }

  private keep(address: string, beginning: Beginning): Beginning {
    this.beginnings.delete(address)
    this.beginnings.set(address, beginning)
    for (const oldest of this.beginnings.keys()) {
      if (this.beginnings.size <= BEGINNINGS_KEPT) break
      this.beginnings.delete(oldest)
    }
    return beginning
  }

  /** What was fetched of a frame is in memory as a picture now. */
  forget(address: string): void {
    this.beginnings.delete(address)
  }

  /** The body straight into one array; undefined where the browser has no such way, and nothing was read. */
  private async readInto(answer: Response, arrived: (soFar: number, total: number) => void): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const reader = directReader(answer)
    if (!reader) return undefined
    const total = lengthOf(answer)
    // One more, so that the end is met before the array is full.
    let held = new Uint8Array(Math.max(total + 1, 1024))
    let filled = 0
    this.link.began(performance.now())
    try {
      for (;;) {
        if (filled === held.byteLength) held = grown(held, held.byteLength * 2)
        // Reading takes the array away and gives it back.
        const { done, value } = await reader.read(held.subarray(filled))
        if (!value) throw new DOMException('The answer was broken off', 'AbortError')
        held = new Uint8Array(value.buffer)
        if (done) return held.subarray(0, filled)
        filled += value.byteLength
        this.link.received(value.byteLength, performance.now())
        arrived(filled, total)
      }
    } finally {
      this.link.ended(performance.now())
    }
  }

  private async read(answer: Response, before: Uint8Array<ArrayBuffer>, arrived: (soFar: Uint8Array<ArrayBuffer>, total: number) => unknown): Promise<Uint8Array<ArrayBuffer>> {
    const reader = answer.body?.getReader()
    if (!reader) return before
    const total = before.byteLength + lengthOf(answer)
    let held = new Uint8Array(Math.max(total, 1024))
    held.set(before)
    let filled = before.byteLength
    this.link.began(performance.now())
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        if (filled + value.byteLength > held.byteLength) held = grown(held, Math.max(held.byteLength * 2, filled + value.byteLength))
        held.set(value, filled)
        filled += value.byteLength
        this.link.received(value.byteLength, performance.now())
        arrived(held.subarray(0, filled), total)
      }
    } finally {
      this.link.ended(performance.now())
    }
    return held.subarray(0, filled)
  }
}

function lengthOf(answer: Response): number {
  const length = Number(answer.headers.get('Content-Length'))
  return Number.isFinite(length) ? length : 0
}

function grown(held: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(size)
  larger.set(held)
  return larger
}

function directReader(answer: Response): ReadableStreamBYOBReader | undefined {
  try {
    return answer.body?.getReader({ mode: 'byob' })
  } catch {
    return undefined // TypeError: not a stream of bytes (Streams, 4.2.4)
  }
}

const isKnown = (resolutions: Resolutions | 'more' | null): resolutions is Resolutions => resolutions !== null && resolutions !== 'more'

function asFar({ bytes, resolutions }: Beginning): Bytes {
  return { bytes, syntax: RPCL, reduction: reductionWithin(resolutions, bytes.byteLength) ?? resolutions.ends.length - 1 }
}

/** Watches a frame arrive, and tells of each picture that becomes possible, the full one excepted. */
class Progress {
  resolutions: Resolutions | 'more' | null = 'more'
  soFar: Uint8Array<ArrayBuffer> | undefined
  private best = Infinity
  private told = performance.now()
  private readonly part: (bytes: Bytes) => void

  constructor(part: (bytes: Bytes) => void) {
    this.part = part
  }

  /** The picture of so many bytes is shown already. */
  skip(bytes: number, resolutions: Resolutions): void {
    this.resolutions = resolutions
    this.best = reductionWithin(resolutions, bytes) ?? Infinity
  }

  note(soFar: Uint8Array<ArrayBuffer>): void {
    this.soFar = soFar
    if (this.resolutions === 'more') this.resolutions = resolutionsOf(soFar)
    const { resolutions } = this
    if (!isKnown(resolutions)) return
    const reduction = reductionWithin(resolutions, soFar.byteLength)
    if (reduction === undefined || reduction === 0 || reduction >= this.best) return
    const now = performance.now()
    if (this.best < Infinity && now - this.told < BETWEEN_PARTS) return
    // Sixteenths of a picture tell nobody anything.
    if (Math.max(resolutions.columns, resolutions.rows) / 2 ** reduction < 64) return
    this.best = reduction
    this.told = now
    this.part({ bytes: soFar.slice(0, resolutions.ends[resolutions.ends.length - 1 - reduction]), syntax: RPCL, reduction })
  }
}
