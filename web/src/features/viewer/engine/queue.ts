// What is loaded next: few at a time, most urgent first; background work yields its place to what somebody waits for.

export const URGENT = 0
export const NEARBY = 1
export const THUMBNAIL = 2
export const LATER = 3

interface Job<T> {
  readonly id: string
  /** People waiting for it right now. */
  waiting: number
  /** Background wishes by owner. */
  readonly wishes: Map<string, { readonly rank: number; readonly order: number }>
  running: AbortController | null
  readonly promise: Promise<T>
  readonly settle: { resolve: (value: T) => void; reject: (error: unknown) => void }
}

export interface Wish {
  readonly id: string
  readonly rank: number
}

export class Queue<T> {
  private readonly jobs = new Map<string, Job<T>>()
  /** What failed, so that background work does not ask for it for ever. */
  private readonly failed = new Map<string, unknown>()
  private running = 0
  private closed = false
  private readonly load: (id: string, signal: AbortSignal) => Promise<T>
  private readonly has: (id: string) => boolean
  private readonly limit: number
  private readonly beside: () => number

  /**
   * @param load fetches one item; must stop when the signal says so
   * @param has is the item there already (then wishes for it are granted without work)
   * @param limit how many at a time
   * @param beside how unimportant may be what is loaded while somebody waits: on a slow line that somebody goes first
   */
  constructor(load: (id: string, signal: AbortSignal) => Promise<T>, has: (id: string) => boolean, limit: number, beside: () => number = () => Infinity) {
    this.load = load
    this.has = has
    this.limit = limit
    this.beside = beside
  }

  /** For somebody who waits. The signal withdraws the wish; the work goes on if the background wants it too. */
  want(id: string, signal?: AbortSignal): Promise<T> {
    this.failed.delete(id)
    const job = this.jobFor(id)
    job.waiting++
    signal?.addEventListener(
      'abort',
      () => {
        job.waiting = Math.max(0, job.waiting - 1)
        this.dropIdle(job)
        this.pump()
      },
      { once: true },
    )
    this.pump()
    return job.promise
  }

  /** Replaces everything an owner wished for in the background. */
  plan(owner: string, wishes: readonly Wish[]): void {
    if (this.closed) return
    for (const job of this.jobs.values()) job.wishes.delete(owner)
    wishes.forEach((wish, order) => {
      if (this.has(wish.id) || this.failed.has(wish.id)) return
      this.jobFor(wish.id).wishes.set(owner, { rank: wish.rank, order })
    })
    for (const job of [...this.jobs.values()]) this.dropIdle(job)
    this.pump()
  }

  /** Waits for what the background will load in its own time. */
  follow(id: string): Promise<T> {
    return this.jobs.get(id)?.promise ?? Promise.reject(new DOMException('Not planned', 'AbortError'))
  }

  failure(id: string): unknown {
    return this.failed.get(id)
  }

  forgive(id: string): void {
    this.failed.delete(id)
  }

  /** Aborts everything; nothing is loaded afterwards. */
  close(): void {
    this.closed = true
    for (const job of this.jobs.values()) {
      job.running?.abort()
      job.settle.reject(new DOMException('Closed', 'AbortError'))
    }
    this.jobs.clear()
    this.failed.clear()
  }

  private jobFor(id: string): Job<T> {
    const known = this.jobs.get(id)
    if (known) return known
    const { promise, resolve, reject } = withResolvers<T>()
    promise.catch(() => undefined) // a background wish may fail with nobody listening; `failed` remembers it
    const job: Job<T> = { id, waiting: 0, wishes: new Map(), running: null, promise, settle: { resolve, reject } }
    this.jobs.set(id, job)
    return job
  }

  /** Nobody wants it any more: a waiting job goes, a running one is nearly there and may finish. */
  private dropIdle(job: Job<T>): void {
    if (job.waiting > 0 || job.wishes.size > 0 || job.running) return
    this.jobs.delete(job.id)
    job.settle.reject(new DOMException('No longer wanted', 'AbortError'))
  }

  private urgency(job: Job<T>): readonly [number, number] {
    if (job.waiting > 0) return [URGENT, 0]
    let best: readonly [number, number] = [Number.MAX_SAFE_INTEGER, 0]
    for (const { rank, order } of job.wishes.values()) {
      if (rank < best[0] || (rank === best[0] && order < best[1])) best = [rank, order]
    }
    return best
  }

  private pump(): void {
    if (this.closed) return
    const isAwaited = [...this.jobs.values()].some((job) => job.waiting > 0)
    const most = isAwaited ? this.beside() : Infinity
    this.clearTheLine(most)
    // Asked at every step and every arrival, of a thousand images: nothing is looked for while there is no place for it.
    while (isAwaited || this.running < this.limit) {
      const job = this.mostUrgent()
      if (!job) return
      const [rank] = this.urgency(job)
      if (rank > most || (this.running >= this.limit && (rank !== URGENT || !this.yieldPlace()))) return
      this.start(job)
    }
  }

  /** Of those that wait for a place. */
  private mostUrgent(): Job<T> | undefined {
    let best: { readonly job: Job<T>; readonly urgency: readonly [number, number] } | undefined
    for (const job of this.jobs.values()) {
      if (job.running) continue
      const urgency = this.urgency(job)
      if (!best || urgency[0] < best.urgency[0] || (urgency[0] === best.urgency[0] && urgency[1] < best.urgency[1])) best = { job, urgency }
    }
    return best?.job
  }

  /** Stops the least urgent background job for one that is urgent; false when all running ones are urgent too. */
  private yieldPlace(): boolean {
    const running = [...this.jobs.values()].filter((job) => job.running && job.waiting === 0)
    const least = running.sort((a, b) => this.urgency(b)[0] - this.urgency(a)[0] || this.urgency(b)[1] - this.urgency(a)[1])[0]
    if (!least) return false
    this.stop(least)
    return true
  }

  /** Looks again what may be loaded now. */
  look(): void {
    this.pump()
  }

  private clearTheLine(most: number): void {
    for (const job of [...this.jobs.values()]) if (job.running && this.urgency(job)[0] > most) this.stop(job)
  }

  private stop(job: Job<T>): void {
    job.running?.abort()
    job.running = null
    this.running--
    this.dropIdle(job)
  }

  private start(job: Job<T>): void {
    const controller = new AbortController()
    job.running = controller
    this.running++
    this.load(job.id, controller.signal).then(
      (value) => this.finish(job, controller, () => job.settle.resolve(value)),
      (error: unknown) =>
        this.finish(job, controller, () => {
          this.failed.set(job.id, error)
          job.settle.reject(error)
        }),
    )
  }

  private finish(job: Job<T>, controller: AbortController, settle: () => void): void {
    // A job that gave up its place is no longer this run's business.
    if (job.running !== controller || this.closed) return
    job.running = null
    this.running--
    this.jobs.delete(job.id)
    settle()
    this.pump()
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
