import { describe, expect, it } from 'vitest'
import { DragScroll, Wheel, paceOf, pixelsPerImage } from './gestures'

const press = (...held: ('shiftKey' | 'ctrlKey' | 'metaKey')[]) => ({ shiftKey: held.includes('shiftKey'), ctrlKey: held.includes('ctrlKey'), metaKey: held.includes('metaKey') })

describe('pace', () => {
  it('is fast with Shift, very fast with Ctrl or Command too, and plain with Ctrl alone', () => {
    expect(paceOf(press())).toBe('plain')
    expect(paceOf(press('ctrlKey'))).toBe('plain')
    expect(paceOf(press('shiftKey'))).toBe('fast')
    expect(paceOf(press('shiftKey', 'ctrlKey'))).toBe('veryFast')
    expect(paceOf(press('shiftKey', 'metaKey'))).toBe('veryFast')
  })
})

describe('wheel', () => {
  it('is one image a notch, whether the browser says 100, 120 or 3 lines', () => {
    expect(new Wheel().notches(100, false)).toBe(1)
    expect(new Wheel().notches(-120, false)).toBe(-1)
    expect(new Wheel().notches(3, true)).toBe(1)
  })

  it('adds up what a trackpad sends, and starts anew when it turns round', () => {
    const wheel = new Wheel()
    expect([15, 15, 15, 15].map((delta) => wheel.notches(delta, false))).toEqual([0, 0, 1, 0])
    expect(wheel.notches(-39, false)).toBe(0)
    expect(wheel.notches(-1, false)).toBe(-1)
  })
})

describe('drag', () => {
  it('goes through a long series at the hand’s precision, and fast through all of it in half the height', () => {
    expect(pixelsPerImage(20, 600, false)).toBe(24)
    expect(pixelsPerImage(100, 600, false)).toBe(6)
    expect(pixelsPerImage(2000, 600, false)).toBe(3)
    expect(pixelsPerImage(2000, 600, true) * 2000).toBeCloseTo(300)
    expect(pixelsPerImage(12, 600, true)).toBe(8)
  })

  it('loses no pixel between images', () => {
    const drag = new DragScroll()
    expect([5, 5, 5, -1, -8].map((by) => drag.images(by, 6))).toEqual([0, 1, 1, 0, -1])
  })
})
