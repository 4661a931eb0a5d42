// Frames as they came, compressed, beyond what memory holds decoded: scrolling back to one costs a decode and no fetch.
import type { Bytes } from './frames'

/** Kept uncompressed they would be no smaller than their pictures. */
export const NATIVE: ReadonlySet<string> = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.1.99'])

/** The least recently used go first when the budget is spent. */
export class CompressedStore {
  private readonly frames = new Map<string, Bytes>()
  private used = 0
  private readonly budget: number

  constructor(budget: number) {
    this.budget = budget
  }

  get(address: string): Bytes | undefined {
    const found = this.frames.get(address)
    if (found) {
      // A Map remembers insertion order: put back in last means used last.
      this.frames.delete(address)
      this.frames.set(address, found)
    }
    return found
  }

  /** Whole frames only; what would take more than a quarter of the room is not worth it. */
  add(address: string, frame: Bytes): void {
    const size = frame.bytes.byteLength
    if (frame.reduction > 0 || NATIVE.has(frame.syntax) || size > this.budget / 4 || this.frames.has(address)) return
    this.frames.set(address, frame)
    this.used += size
    for (const [oldest, { bytes }] of this.frames) {
      if (this.used <= this.budget) return
      this.frames.delete(oldest)
      this.used -= bytes.byteLength
    }
  }

  get bytes(): number {
    return this.used
  }
}
