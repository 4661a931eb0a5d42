// How far a movement of the hand goes (FIELD 5.1). Pure arithmetic; ui/paneInput.ts listens, keys.ts names the same steps.

export interface Modifiers {
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
}

/** Shift is fast, Ctrl with Shift very fast: the same rule for wheel, arrow keys and drags. */
export type Pace = 'plain' | 'fast' | 'veryFast'

export function paceOf(press: Modifiers): Pace {
  if (!press.shiftKey) return 'plain'
  return press.ctrlKey || press.metaKey ? 'veryFast' : 'fast'
}

/** Images per notch of the wheel and per arrow key. */
export const IMAGES: Readonly<Record<Pace, number>> = { plain: 1, fast: 10, veryFast: 50 }

/** Pixels that a dragged pixel is worth for window and scroll. Pan and zoom stay with the hand: the picture sticks to it. */
export const DRAG: Readonly<Record<Pace, number>> = { plain: 1, fast: 4, veryFast: 16 }

const NOTCH = 40 // wheel pixels per image; a mouse notch is 100 or 120, a trackpad sends many small ones

/** Counts what a wheel or trackpad sends into notches. */
export class Wheel {
  private rest = 0

  /** @param delta of one event, in pixels or lines */
  notches(delta: number, lines: boolean): number {
    const pixels = delta * (lines ? NOTCH : 1)
    if (Math.sign(pixels) !== Math.sign(this.rest)) this.rest = 0
    // One notch of a mouse is one image, however many pixels the browser makes of it.
    this.rest += Math.abs(pixels) >= NOTCH ? Math.sign(pixels) * NOTCH : pixels
    const notches = Math.trunc(this.rest / NOTCH) + 0 // no -0
    this.rest -= notches * NOTCH
    return notches
  }
}

const LEAST_EACH = 3 // below that a hand cannot stop on one image
const MOST_EACH = 24
const MOST_EACH_FAST = 8

/**
 * Pixels of dragging per image. Plain: the whole series in one viewport height at most, but never less than the hand can stop at.
 * Fast: through the whole series in half a viewport height, however long it is.
 */
export function pixelsPerImage(count: number, height: number, fast: boolean): number {
  const images = Math.max(1, count)
  if (fast) return Math.min(MOST_EACH_FAST, Math.max(1, height) / 2 / images)
  return Math.min(MOST_EACH, Math.max(LEAST_EACH, height / images))
}

/** Turns dragged pixels into whole images and keeps what is left. */
export class DragScroll {
  private rest = 0

  images(by: number, each: number): number {
    this.rest += by
    const images = Math.trunc(this.rest / each)
    this.rest -= images * each
    return images
  }
}
