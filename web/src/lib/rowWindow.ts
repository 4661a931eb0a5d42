/**
 * Which rows of a very long list are on the screen.
 *
 * Browsers stop at about 17 (Firefox) to 33 (Chromium) million pixels of height: 34 px rows of a million studies do not fit. Above
 * LIMIT the scrolled element is shorter than the list ("physical" and "virtual" height): dragging the scroll bar maps in proportion,
 * while wheel and keys move pixel by pixel, because `shift` (virtual minus physical) stays where it is between jumps.
 */
export const LIMIT = 8_000_000
const EDGE = 100_000

export interface Extent {
  count: number
  rowHeight: number
  viewport: number
}

export class RowWindow {
  private extent: Extent = { count: 0, rowHeight: 1, viewport: 0 }
  private physicalTop = 0
  private shift = 0

  get virtualHeight(): number {
    return this.extent.count * this.extent.rowHeight
  }

  get physicalHeight(): number {
    return Math.min(this.virtualHeight, LIMIT)
  }

  /** Where the list is scrolled to, in pixels of the whole list. */
  get top(): number {
    return this.physicalTop + this.shift
  }

  /** The list changed its length or its element its size. */
  resize(extent: Extent): void {
    this.extent = extent
    if (this.virtualHeight <= LIMIT) this.shift = 0
  }

  /** The element was scrolled to `scrollTop`; answers the scrollTop it should have instead, or null. */
  scrolled(scrollTop: number): number | null {
    const step = Math.abs(scrollTop - this.physicalTop)
    this.physicalTop = scrollTop
    if (this.virtualHeight <= LIMIT) return null
    if (step > this.extent.viewport * 2) {
      this.shift = this.toVirtual(scrollTop) - scrollTop
      return null
    }
    return this.rebase()
  }

  /** Scrolls to a pixel of the whole list; answers the element's scrollTop. */
  moveTo(virtualTop: number): number {
    const top = Math.max(0, Math.min(virtualTop, this.virtualHeight - this.extent.viewport))
    this.physicalTop = Math.round(this.toPhysical(top))
    this.shift = top - this.physicalTop
    return this.physicalTop
  }

  /** Where to scroll so that a row is wholly visible; null when it is already. */
  reveal(index: number, margin = 0): number | null {
    const { rowHeight, viewport } = this.extent
    const top = index * rowHeight
    if (top < this.top + margin) return this.moveTo(top - margin)
    if (top + rowHeight > this.top + viewport - margin) return this.moveTo(top + rowHeight + margin - viewport)
    return null
  }

  /** First and last row to draw (last is exclusive). */
  range(overscan: number): { first: number; last: number } {
    const { count, rowHeight, viewport } = this.extent
    const first = Math.max(0, Math.floor(this.top / rowHeight) - overscan)
    const last = Math.min(count, Math.ceil((this.top + viewport) / rowHeight) + overscan)
    return { first: Math.min(first, last), last }
  }

  /** Where a row stands inside the element, in its own pixels. */
  offsetOf(index: number): number {
    return index * this.extent.rowHeight - this.shift
  }

  /** Room to scroll, in pixels of the element and of the list. */
  private rooms(): { physical: number; virtual: number } {
    const { viewport } = this.extent
    return { physical: Math.max(0, this.physicalHeight - viewport), virtual: Math.max(0, this.virtualHeight - viewport) }
  }

  /** One to one near both ends, so that the wheel arrives there naturally; in proportion between. */
  private toVirtual(physicalTop: number): number {
    const { physical, virtual } = this.rooms()
    if (physicalTop <= EDGE) return physicalTop
    if (physicalTop >= physical - EDGE) return virtual - (physical - physicalTop)
    return EDGE + ((physicalTop - EDGE) / (physical - 2 * EDGE)) * (virtual - 2 * EDGE)
  }

  private toPhysical(virtualTop: number): number {
    const { physical, virtual } = this.rooms()
    if (physical === virtual || virtualTop <= EDGE) return virtualTop
    if (virtualTop >= virtual - EDGE) return physical - (virtual - virtualTop)
    return EDGE + ((virtualTop - EDGE) / (virtual - 2 * EDGE)) * (physical - 2 * EDGE)
  }

  /** Many small steps drift from the proportion; before either height ends the drift is taken back. */
  private rebase(): number | null {
    const { physical, virtual } = this.rooms()
    const near = this.extent.viewport * 4
    const atEnd = Math.min(this.physicalTop, physical - this.physicalTop, this.top, virtual - this.top) < near
    if (!atEnd) return null
    const top = Math.max(0, Math.min(this.top, virtual))
    const wanted = Math.round(this.toPhysical(top))
    if (Math.abs(wanted - this.physicalTop) < 1) return null
    this.physicalTop = wanted
    this.shift = top - wanted
    return wanted
  }
}
