import { describe, expect, it } from 'vitest'
import { type Extent, UPRIGHT, affineOf, angleOf, turnedTo, apply, carriedOver, fitScale, fitted, flipHorizontal, flipVertical, invert, panned, rotateLeft, rotateRight, snapped, zoomed } from './view'

const extent: Extent = { columns: 512, rows: 256, aspect: [1, 2] }
const size = { width: 1000, height: 600 }

describe('view', () => {
  it('fits the picture in real proportions and centres it', () => {
    const m = affineOf(fitted(extent, size), extent, size)
    expect(apply(m, [255.5, 127.5])).toEqual([500, 300])
    const [left, top] = apply(m, [-0.5, -0.5])
    const [right, bottom] = apply(m, [511.5, 255.5])
    expect(bottom - top).toBeCloseTo(600)
    expect(right - left).toBeCloseTo(600)
  })

  it('fits the turned picture by its other side', () => {
    const wide: Extent = { columns: 400, rows: 100, aspect: [1, 1] }
    expect(fitScale(wide, size, UPRIGHT)).toBeCloseTo(2.5)
    expect(fitScale(wide, size, rotateRight(UPRIGHT))).toBeCloseTo(1.5)
  })

  it('turns what is on the screen: four quarters and two flips lead home', () => {
    let turn = UPRIGHT
    for (let quarter = 0; quarter < 4; quarter++) turn = rotateRight(turn)
    expect(turn).toEqual(UPRIGHT)
    expect(rotateLeft(rotateRight(UPRIGHT))).toEqual(UPRIGHT)
    expect(flipHorizontal(flipHorizontal(UPRIGHT))).toEqual(UPRIGHT)
    // Both flips are half a turn.
    expect(flipVertical(flipHorizontal(UPRIGHT))).toEqual(rotateRight(rotateRight(UPRIGHT)))
  })

  it('rotates clockwise: the right edge of the picture comes to the bottom', () => {
    const square: Extent = { columns: 101, rows: 101, aspect: [1, 1] }
    const m = affineOf(fitted(square, size, rotateRight(UPRIGHT)), square, size)
    const [x, y] = apply(m, [100, 50])
    expect(x).toBeCloseTo(500)
    expect(y).toBeGreaterThan(300)
  })

  it('keeps the point under the pointer while zooming, in every turn', () => {
    for (const turn of [UPRIGHT, rotateRight(UPRIGHT), flipHorizontal(UPRIGHT), flipVertical(rotateLeft(UPRIGHT))]) {
      const before = panned(fitted(extent, size, turn), extent, size, [33, -21])
      const held = apply(invert(affineOf(before, extent, size)), [700, 200])
      const after = zoomed(before, extent, size, 2.5, [700, 200])
      expect(after.scale).toBeCloseTo(before.scale * 2.5)
      const [x, y] = apply(affineOf(after, extent, size), held)
      expect(x).toBeCloseTo(700)
      expect(y).toBeCloseTo(200)
    }
  })

  it('pans by screen pixels whatever the turn', () => {
    const before = fitted(extent, size, flipHorizontal(rotateRight(UPRIGHT)))
    const [x, y] = apply(affineOf(before, extent, size), [10, 20])
    const [x2, y2] = apply(affineOf(panned(before, extent, size, [15, -7]), extent, size), [10, 20])
    expect(x2 - x).toBeCloseTo(15)
    expect(y2 - y).toBeCloseTo(-7)
  })

  it('puts image pixels exactly on screen pixels at 1:1', () => {
    const view = snapped({ turn: UPRIGHT, scale: 0.5, centre: [255.5, 127.5], fitted: false }, { ...extent, aspect: [1, 1] }, { width: 1001, height: 603 }, 2)
    const { e, f } = affineOf(view, { ...extent, aspect: [1, 1] }, { width: 1001, height: 603 })
    expect((e * 2) % 1).toBeCloseTo(0.5)
    expect((f * 2) % 1).toBeCloseTo(0.5)
  })

  it('carries relative place and magnification over to a picture of another size', () => {
    const big: Extent = { columns: 1024, rows: 512, aspect: [1, 2] }
    const view = zoomed(fitted(extent, size), extent, size, 3, [400, 250])
    const next = carriedOver(view, extent, big, size)
    expect(next.scale / fitScale(big, size, UPRIGHT)).toBeCloseTo(3)
    expect((next.centre[0] + 0.5) / 1024).toBeCloseTo((view.centre[0] + 0.5) / 512)
  })
})

describe('free rotation', () => {
  it('is read back as it was set, mirrored or not, and right angles are the eight turns', () => {
    for (const before of [UPRIGHT, flipHorizontal(UPRIGHT)]) for (const degrees of [-150, -90, -12.5, 0, 33, 90, 180]) expect(angleOf(turnedTo(before, degrees))).toBeCloseTo(degrees)
    expect(turnedTo(UPRIGHT, 90)).toEqual(rotateRight(UPRIGHT))
    expect(turnedTo(rotateRight(UPRIGHT), 0)).toEqual(UPRIGHT)
    expect(angleOf(rotateLeft(flipVertical(UPRIGHT)))).toBeCloseTo(90)
  })

  it('turns clockwise, and fits the corners', () => {
    const size = { width: 200, height: 200 }
    const extent: Extent = { columns: 100, rows: 100, aspect: [1, 1] }
    const turn = turnedTo(UPRIGHT, 45)
    expect(fitScale(extent, size, turn)).toBeCloseTo(2 / Math.SQRT2)
    const [x, y] = apply(affineOf(fitted(extent, size, turn), extent, size), [99.5, 49.5]) // the middle of the right edge
    expect(x).toBeGreaterThan(130)
    expect(y).toBeCloseTo(x)
  })
})
