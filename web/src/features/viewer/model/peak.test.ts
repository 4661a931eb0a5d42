import { describe, expect, it } from 'vitest'
import type { Vector } from './geometry'
import { describe as linesOf, results } from './measure'
import { PEAK_RADIUS, peaksIn, sphereOf } from './peak'
import type { Grid, Volume } from './volume'

const grid = (step: Vector, size: Vector): Grid => ({ size: [size[0], size[1], size[2]], origin: [0, 0, 0], across: [step[0], 0, 0], down: [0, step[1], 0], through: [0, 0, step[2]] })

function phantom(of: Grid, value: (i: number, j: number, k: number) => number): Volume {
  const [columns, rows, slices] = of.size
  const values = new Float32Array(columns * rows * slices)
  for (let at = 0; at < values.length; at++) values[at] = value(at % columns, Math.floor(at / columns) % rows, Math.floor(at / (columns * rows)))
  return { grid: of, values, filled: new Uint8Array(slices).fill(2) }
}

/** Share of the sphere beyond a plane at a distance from its middle: a spherical cap. */
const cap = (away: number): number => ((Math.PI * (PEAK_RADIUS - away) ** 2 * (2 * PEAK_RADIUS + away)) / 3) / 1000

describe('SUVpeak', () => {
  it('is of a sphere of one cubic centimetre, whatever the voxels', () => {
    expect((4 / 3) * Math.PI * PEAK_RADIUS ** 3).toBeCloseTo(1000, 9)
    for (const step of [[4, 4, 4], [2, 2, 3.27], [5.3, 5.3, 2]] as const) {
      const shares = sphereOf(grid(step, [9, 9, 9]))
      expect(shares.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9)
      // Of the voxel in the middle all of it.
      expect(shares.find(({ by }) => by.every((each) => each === 0))!.weight).toBeCloseTo((step[0] * step[1] * step[2]) / 1000, 2)
    }
  })

  it('has beside an edge what the cap of the sphere says, also in a sheared grid', () => {
    const half = phantom(grid([4, 4, 4], [16, 16, 5]), (i) => (i < 8 ? 1 : 2))
    const peak = peaksIn(half)
    expect(peak([32, 32, 8])).toBeCloseTo(2 - cap(2), 2)
    expect(peak([28, 32, 8])).toBeCloseTo(1 + cap(2), 2)
    expect(peak([48, 32, 8])).toBeCloseTo(2, 6)
    const tilted: Grid = { ...grid([2, 2, 2], [30, 30, 30]), through: [0, 1, 2] }
    expect(peaksIn(phantom(tilted, (i) => (i < 15 ? 1 : 2)))([30, 50, 30])).toBeCloseTo(2 - cap(1), 2)
  })

  it('is no number where the sphere leaves the volume or slices are not there yet', () => {
    const even = phantom(grid([4, 4, 4], [16, 16, 5]), () => 1)
    expect(peaksIn(even)([32, 32, 8])).toBeCloseTo(1, 6)
    expect(peaksIn(even)([0, 32, 8])).toBeUndefined()
    expect(peaksIn(even)([32, 32, 16])).toBeUndefined()
    const waiting = { ...even, filled: Uint8Array.from([2, 2, 1, 2, 2]) }
    const peak = peaksIn(waiting)
    expect(peak([32, 32, 8])).toBeUndefined()
    waiting.filled[2] = 2
    expect(peak([32, 32, 8])).toBeCloseTo(1, 6)
  })

  it('is the highest of a region, by each size of the body, and never above the greatest value', () => {
    const half = phantom(grid([4, 4, 4], [16, 16, 5]), (i) => (i < 8 ? 1 : 2))
    const peak = peaksIn(half)
    const values = {
      data: half.values.slice(2 * 256, 3 * 256), columns: 16, rows: 16, color: false, unit: 'Bq/ml', suv: 3,
      uptakes: [{ name: 'SUVlbm' as const, unit: 'g/ml', factor: 2 }], peakAt: ([x, y]: readonly [number, number]) => peak([4 * x, 4 * y, 8]),
    }
    const found = results('rectangle', [[5.5, 6.5], [8.5, 9.5]], { kind: 'none' }, values)
    const of = (quantity: string): number => found.find((each) => each.quantity === quantity)!.value
    expect(of('SUVbw peak')).toBeCloseTo(3 * (2 - cap(2)), 1)
    expect(of('SUVlbm peak')).toBeCloseTo(2 * (2 - cap(2)), 1)
    expect(of('SUVbw max')).toBe(6)
    expect(linesOf('rectangle', [[5.5, 6.5], [8.5, 9.5]], { kind: 'none' }, values)).toContain(`SUVbw peak ${of('SUVbw peak').toFixed(2)} g/ml`)
    // A region of an image alone has none.
    expect(results('rectangle', [[5.5, 6.5], [8.5, 9.5]], { kind: 'none' }, { ...values, peakAt: undefined }).some(({ quantity }) => quantity.endsWith('peak'))).toBe(false)
  })
})
