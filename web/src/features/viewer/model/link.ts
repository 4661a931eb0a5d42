// How quick the line to the server is: measured on what comes over it, and what the reader wants to be done about it.

/** When small pictures come first: as the line is, always, never. */
export type Pace = 'automatic' | 'always' | 'never'

export const PACES: readonly Pace[] = ['automatic', 'always', 'never']

/** Bytes per millisecond. Below the first, compressed copies arrive and decode sooner than originals; below the second, small pictures go first. */
const COPIES_BELOW = 12_500 // 100 Mbit/s
const SLOW_BELOW = 4_000 // 32 Mbit/s: an eighth of a second for a slice
const ENOUGH_BYTES = 64 * 1024
const ENOUGH_TIME = 300
const REMEMBERED = 4_000 // ms of traffic; what is older counts half

/** What browsers tell of the network (Network Information API; Chromium only). Of one that is new to it Chromium guesses 1.3 to 1.6 Mbit/s. */
export interface Told {
  readonly saveData?: boolean
  readonly effectiveType?: string
  readonly downlink?: number
}

export class Link {
  private active = 0
  private since = 0
  private bytes = 0
  private time = 0
  private readonly told: () => Told | undefined

  constructor(told: () => Told | undefined = () => undefined) {
    this.told = told
  }

  /** An answer begins to arrive. Several at once share the line: their time counts once. */
  began(now: number): void {
    if (this.active++ === 0) this.since = now
  }

  received(bytes: number, now: number): void {
    this.bytes += bytes
    this.settle(now)
  }

  ended(now: number): void {
    this.settle(now)
    this.active = Math.max(0, this.active - 1)
  }

  private settle(now: number): void {
    if (this.active > 0) this.time += Math.max(0, now - this.since)
    this.since = now
    if (this.time <= REMEMBERED) return
    this.time /= 2
    this.bytes /= 2
  }

  /** Bytes per millisecond; undefined before enough has come over the line. */
  get rate(): number | undefined {
    return this.bytes >= ENOUGH_BYTES || this.time >= ENOUGH_TIME ? this.bytes / Math.max(1, this.time) : undefined
  }

  /**
   * An answer has begun, and so little of it came in this time that the line must have become slow; then nothing else counts any
   * more. Several share the line, so one alone must be slower than slow.
   */
  stumbles(bytes: number, time: number, pace: Pace): boolean {
    if (pace !== 'automatic' || time < ENOUGH_TIME || bytes / time > SLOW_BELOW / 4) return false
    this.bytes = bytes
    this.time = time
    return true
  }

  /** Whether small pictures should come first. */
  isSlow(pace: Pace): boolean {
    if (pace !== 'automatic') return pace === 'always'
    if (this.rate !== undefined) return this.rate < SLOW_BELOW
    const told = this.told()
    return told !== undefined && (told.saveData === true || (told.effectiveType ?? '4g') !== '4g' || (told.downlink ?? 10) < 1)
  }

  /** Whether compressed copies are worth their decoding. */
  wantsCopies(pace: Pace): boolean {
    if (pace === 'never') return false
    return this.isSlow(pace) || (this.rate !== undefined && this.rate < COPIES_BELOW)
  }
}
