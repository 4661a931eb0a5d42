import type { UploadResult, UploadStatus } from '../../api/types'
import { HttpError, OfflineError, explain, isAbort } from '../../lib/http'
import { Observable } from '../../lib/observable'
import { type Subject, type Wrapping, mediaTypeOf, wrap } from './media'
import type { Picked } from './pick'

/**
 * One file on its way.
 *
 *   waiting -> sending -> done        the server answered with a result per object
 *                      -> failed      it answered that it will not have the file, or broke
 *                      -> waiting     it could not be reached or was busy: tried again
 *   waiting | sending  -> cancelled   by the person; failed | cancelled -> waiting by "retry"
 */
export type ItemState = 'waiting' | 'sending' | 'done' | 'failed' | 'cancelled'

export interface Item {
  readonly id: number
  readonly name: string
  readonly size: number
  readonly file: File
  /** How it becomes DICOM; null when it is sent as it is. */
  readonly wrapping: Wrapping | null
  state: ItemState
  sent: number
  results: UploadResult[]
  /** Why it failed, for a person. */
  reason: string
}

export type Count = UploadStatus | 'failed' | 'cancelled' | 'waiting' | 'sending'

/**
 * running    files are sent as fast as the server takes them
 * paused     by the person
 * holding    the server cannot be reached or is busy; tried again by itself
 * stopped    something a person must look at first: signed out, disk full, server away for long
 */
export type QueueState = 'running' | 'paused' | 'holding' | 'stopped'

export interface Summary {
  state: QueueState
  /** Why it is holding or stopped. */
  why: string
  files: number
  bytes: number
  sentBytes: number
  counts: Readonly<Record<Count, number>>
  /** Grows with every change. */
  version: number
}

export type Send = (file: Blob, name: string, sending: { signal: AbortSignal; onProgress: (sent: number) => void }, wrapping: Wrapping | null) => Promise<UploadResult[]>

const PARALLEL = 3 // one file on the wire, one being stored, one on its way; leaves connections for the page itself
const NOTIFY_MS = 120
const HOLD_MS = [1_000, 2_000, 5_000, 10_000, 20_000, 30_000]

const NO_COUNTS: Record<Count, number> = {
  stored: 0,
  duplicate: 0,
  version: 0,
  quarantined: 0,
  refused: 0,
  failed: 0,
  cancelled: 0,
  waiting: 0,
  sending: 0,
}

const EMPTY: Summary = { state: 'running', why: '', files: 0, bytes: 0, sentBytes: 0, counts: NO_COUNTS, version: 0 }

function isOpen(item: Item): boolean {
  return item.state === 'waiting' || item.state === 'sending'
}

/** Sends files, a few at a time, and keeps what became of each. Lives as long as the page, whatever page is shown. */
export class UploadQueue {
  readonly summary = new Observable<Summary>(EMPTY)
  /** Pictures and documents, of which a person has to say first whose they are: `answer`, or `forget`. */
  readonly unanswered = new Observable<readonly Picked[]>([])
  private items: Item[] = []
  private next = 0
  private state: QueueState = 'running'
  private why = ''
  private holds = 0
  private nextId = 1
  private readonly flights = new Map<Item, AbortController>()
  private notifyTimer: number | undefined
  private holdTimer: number | undefined
  private readonly send: Send
  private readonly parallel: number

  constructor(send: Send, parallel = PARALLEL) {
    this.send = send
    this.parallel = parallel
  }

  all(): readonly Item[] {
    return this.items
  }

  busy(): boolean {
    return this.items.some(isOpen)
  }

  add(picked: readonly Picked[]): void {
    const asked = picked.filter(({ name }) => mediaTypeOf(name) !== '')
    if (asked.length > 0) this.unanswered.set([...this.unanswered.get(), ...asked])
    const plain = asked.length > 0 ? picked.filter(({ name }) => mediaTypeOf(name) === '') : picked
    this.push(plain.map((each) => ({ ...each, wrapping: null })))
  }

  /** Whose the unanswered files are. */
  answer(subject: Subject, now = new Date()): void {
    const files = this.unanswered.get()
    this.unanswered.set([])
    const wrapped = wrap(files, subject, now)
    this.push(files.map((each, index) => ({ ...each, wrapping: wrapped[index] ?? null })))
  }

  /** The unanswered files are not sent. */
  forget(): void {
    this.unanswered.set([])
  }

  private push(files: readonly (Picked & { wrapping: Wrapping | null })[]): void {
    for (const { file, name, wrapping } of files) {
      this.items.push({ id: this.nextId++, name, size: file.size, file, wrapping, state: 'waiting', sent: 0, results: [], reason: '' })
    }
    if (this.state === 'stopped') this.resume()
    this.pump()
    this.notify()
  }

  /** What is on the wire is finished; nothing new is begun. */
  pause(): void {
    if (this.state === 'paused') return
    window.clearTimeout(this.holdTimer)
    this.become('paused', '')
  }

  resume(): void {
    window.clearTimeout(this.holdTimer)
    this.holds = 0
    this.become('running', '')
    this.pump()
  }

  cancel(item: Item): void {
    if (!isOpen(item)) return
    item.state = 'cancelled'
    item.sent = 0
    item.reason = 'Cancelled before it was complete; the archive kept nothing of it.'
    this.flights.get(item)?.abort()
    this.notify()
  }

  cancelAll(): void {
    for (const item of this.items) this.cancel(item)
  }

  retry(item: Item): void {
    if (item.state !== 'failed' && item.state !== 'cancelled') return
    Object.assign(item, { state: 'waiting', sent: 0, reason: '', results: [] })
    this.next = 0
    this.pump()
    this.notify()
  }

  retryFailed(): void {
    for (const item of this.items) if (item.state === 'failed') this.retry(item)
  }

  /** Forgets what is finished; what is still open stays. */
  clear(): void {
    this.items = this.items.filter(isOpen)
    this.next = 0
    this.notify()
  }

  private become(state: QueueState, why: string): void {
    this.state = state
    this.why = why
    this.notify()
  }

  private pump(): void {
    while (this.state === 'running' && this.flights.size < this.parallel) {
      const item = this.nextWaiting()
      if (!item) return
      void this.sendOne(item)
    }
  }

  private nextWaiting(): Item | null {
    for (; this.next < this.items.length; this.next += 1) {
      const item = this.items[this.next]
      if (item?.state === 'waiting') return item
    }
    return null
  }

  private async sendOne(item: Item): Promise<void> {
    const flight = new AbortController()
    this.flights.set(item, flight)
    item.state = 'sending'
    try {
      const onProgress = (sent: number) => {
        item.sent = Math.min(sent, item.size)
        this.notify()
      }
      const results = await this.send(item.file, item.name, { signal: flight.signal, onProgress }, item.wrapping)
      this.holds = 0
      if (!flight.signal.aborted) Object.assign(item, { state: 'done', sent: item.size, results })
    } catch (error) {
      this.failed(item, error)
    } finally {
      this.flights.delete(item)
      this.pump()
      this.notify()
    }
  }

  private failed(item: Item, error: unknown): void {
    if (isAbort(error) || item.state !== 'sending') return
    item.sent = 0
    const { what, kept, hint } = explain(error)
    const status = error instanceof HttpError ? error.status : 0
    if (error instanceof OfflineError || status === 429 || status === 503) {
      this.waitAgain(item)
      this.hold(what, error instanceof HttpError ? error.retryAfter : null)
    } else if (status === 401 || status === 507) {
      this.waitAgain(item)
      this.become('stopped', [what, kept, hint].filter(Boolean).join(' '))
    } else {
      item.state = 'failed'
      item.reason = [what, hint].filter(Boolean).join(' ')
    }
  }

  private waitAgain(item: Item): void {
    item.state = 'waiting'
    this.next = 0
  }

  private hold(why: string, retryAfter: number | null): void {
    if (this.state !== 'running') return
    const wait = HOLD_MS[this.holds]
    this.holds += 1
    if (wait === undefined) {
      this.become('stopped', `${why} What was sent is safe; the rest waits here.`)
      return
    }
    this.become('holding', `${why} Trying again by itself.`)
    window.clearTimeout(this.holdTimer)
    this.holdTimer = window.setTimeout(
      () => {
        if (this.state !== 'holding') return
        this.become('running', '')
        this.pump()
      },
      retryAfter === null ? wait : Math.max(wait, retryAfter * 1000),
    )
  }

  /** Readers are told a few times a second at most, however many files finish. */
  private notify(): void {
    this.notifyTimer ??= window.setTimeout(() => {
      this.notifyTimer = undefined
      this.summary.set(this.summarize())
    }, NOTIFY_MS)
  }

  private summarize(): Summary {
    const counts = { ...NO_COUNTS }
    let bytes = 0
    let sentBytes = 0
    for (const item of this.items) {
      if (item.state === 'done') for (const result of item.results) counts[result.status] += 1
      else counts[item.state] += 1
      if (item.state === 'cancelled' || item.state === 'failed') continue
      bytes += item.size
      sentBytes += item.sent
    }
    const { state, why } = this
    return { state, why, files: this.items.length, bytes, sentBytes, counts, version: this.summary.get().version + 1 }
  }
}
