import { describe, expect, it } from 'vitest'
import { planeThrough } from './measuredPlane'
import { UPRIGHT_PLANES } from './planes'
import { valuesOn } from './planeValues'
import type { Volume } from './volume'

const grid = { size: [3, 2, 2] as const, origin: [0, 0, 0] as const, across: [1, 0, 0] as const, down: [0, 1, 0] as const, through: [0, 0, 1] as const }
const of = { study: '1.2', series: '1.2.3', frameOfReference: '1.9' }
const plane = planeThrough(of, grid, UPRIGHT_PLANES.axial, [0, 0, 1], { projection: 'none', thickness: 0, phase: 0 })

describe('values of a plane', () => {
  it('are those of the volume, and nothing without one', () => {
    const volume: Volume = { grid, values: Float32Array.from({ length: 12 }, (_, at) => at), filled: new Uint8Array(2).fill(2) }
    expect(Array.from(valuesOn(volume, plane))).toEqual([6, 7, 8, 9, 10, 11])
    expect(valuesOn(undefined, plane)[0]).toBeNaN()
  })

  it('change while slices are on their way: what was lent by a neighbour is not kept', () => {
    // The upper slice has the values of the lower one so far.
    const volume: Volume = { grid, values: new Float32Array(12).fill(5), filled: Uint8Array.from([2, 1]) }
    const values = valuesOn(volume, plane)
    expect([values[0], values[5]]).toEqual([5, 5])
    volume.values.fill(80, 6)
    volume.filled[1] = 2
    expect([values[0], values[5]]).toEqual([80, 80])
  })
})
