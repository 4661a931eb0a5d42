import { describe, expect, it } from 'vitest'
import { area, borders, brushed, cut, interpolated } from './masks'

const sheet = (columns: number, rows: number) => ({ columns, rows, mask: new Uint8Array(columns * rows) })

/** A disc with its centre in the middle of a sheet. */
function disc(side: number, radius: number): { columns: number; rows: number; mask: Uint8Array } {
  const made = sheet(side, side)
  const middle = (side - 1) / 2
  made.mask.forEach((_, at) => {
    if (Math.hypot((at % side) - middle, Math.floor(at / side) - middle) <= radius) made.mask[at] = 255
  })
  return made
}

describe('masks', () => {
  it('a brush paints a disc in millimetres, and all of the way it went', () => {
    const round = sheet(101, 101)
    brushed(round, [50, 50], [50, 50], 20, [1, 0.5], 255)
    // 20 mm are 20 columns and 40 rows: an ellipse of pi * 20 * 40 pixels.
    expect(Math.abs(area(round.mask) - Math.PI * 800)).toBeLessThan(40)
    expect([round.mask[50 * 101 + 70], round.mask[50 * 101 + 71], round.mask[90 * 101 + 50], round.mask[91 * 101 + 50]]).toEqual([255, 0, 255, 0])
    const way = sheet(50, 9)
    brushed(way, [5, 4], [44, 4], 1, [1, 1], 255)
    expect(area(way.mask)).toBe(40 * 3 + 2)
    brushed(way, [5, 4], [44, 4], 5, [1, 1], 0, (index) => index % 50 < 20)
    expect(area(way.mask)).toBe(25 * 3 + 1)
  })

  it('scissors cut what lies inside a line, once where it crosses itself', () => {
    const made = sheet(20, 20)
    cut(made, [[2, 2], [12, 2], [12, 12], [2, 12]], 255)
    expect(area(made.mask)).toBe(11 * 10)
    cut(made, [[-5, -5], [30, -5], [30, 6.5], [-5, 6.5]], 0)
    expect(area(made.mask)).toBe(11 * 5)
    const bow = sheet(20, 20)
    cut(bow, [[0, 0], [19, 19], [19, 0], [0, 19]], 255)
    expect([bow.mask[10 * 20 + 1], bow.mask[10 * 20 + 18], bow.mask[1 * 20 + 10]]).toEqual([255, 255, 0])
  })

  it('between two discs lies a disc with the radius between theirs', () => {
    for (const [part, radius] of [[0.5, 15], [0.25, 12.5]] as const) {
      const made = interpolated(disc(61, 10), disc(61, 20), part, [1, 1])
      expect(Math.abs(area(made) - Math.PI * radius ** 2) / (Math.PI * radius ** 2)).toBeLessThan(0.06)
    }
  })

  it('outlines lie between pixels, as long as the border is', () => {
    const made = sheet(5, 5)
    cut(made, [[0.5, 0.5], [3.5, 0.5], [3.5, 3.5], [0.5, 3.5]], 255)
    const pieces = borders(made)
    let long = 0
    for (let at = 0; at < pieces.length; at += 4) long += Math.hypot(pieces[at + 2]! - pieces[at]!, pieces[at + 3]! - pieces[at + 1]!)
    expect([pieces.length / 4, long]).toEqual([4, 12])
    expect(Math.min(...pieces)).toBe(0.5)
  })
})
