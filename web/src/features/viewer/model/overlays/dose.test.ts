// References are analytic, or of numpy as written beside them.
import { describe, expect, it } from 'vitest'
import { type Dose, doseAt, doseOf, doseOn, histogramOf, isodose, wash } from './dose'
import type { Structure } from './structures'

const grid = { frameOfReference: '1.2', row: [1, 0, 0], column: [0, 1, 0], origin: [-10, -10, 0], spacing: [2, 2], columns: 11, rows: 11 } as const

/** dose(x, y, z) = 30 + x + 2 y + 0.5 z at the points of a grid. */
function linear(offsets: readonly number[]): Dose {
  const values = new Float32Array(121 * offsets.length)
  offsets.forEach((z, plane) => {
    for (let at = 0; at < 121; at++) values[plane * 121 + at] = 30 + (-10 + (at % 11) * 2) + 2 * (-10 + Math.floor(at / 11) * 2) + 0.5 * z
  })
  return { grid, offsets, values, max: 70, unit: 'Gy', summation: 'PLAN', type: 'PHYSICAL' }
}

const ring = (from: number, to: number, z: number, side = 1) => ({ closed: true, points: [[from, from, z], [to, from, z], [to, to * side, z], [from, to * side, z]] as [number, number, number][] })
const structure = (contours: Structure['contours']): Structure => ({ number: 1, label: 'Box', color: [0, 0, 0], type: '', frameOfReference: '1.2', contours, step: 2 })

describe('dose', () => {
  it('is linear between the points of its grid, also where planes are unevenly apart', () => {
    const dose = linear([0, 2, 5, 9])
    for (const [x, y, z] of [[0, 0, 0], [-9.3, 4.7, 1.1], [9.99, -9.99, 8.9], [1, 2, 7]] as const) expect(doseAt(dose, [x, y, z])).toBeCloseTo(30 + x + 2 * y + 0.5 * z, 4)
    expect(doseAt(dose, [0, 0, 9.1])).toBeUndefined()
    expect(doseAt(dose, [10.1, 0, 0])).toBeUndefined()
  })

  it('gives the histogram of a box in a linear field', () => {
    // numpy: g = np.arange(-6 + .005, 6, .01); d = 30 + g[None, :] + 2 * g[:, None]; mean 30.0, min 12.01, max 47.98;
    // np.percentile(d, 5) = 17.36 (D95), np.percentile(d, 50) = 30.0, (d >= 40).mean() = 0.1111
    const dose = { ...linear([0, 2, 4]), values: linear([0, 0, 0]).values }
    const found = histogramOf(dose, structure([0, 2, 4].map((z) => ring(-6, 6, z))))!
    expect(found.volume).toBeCloseTo((12 * 12 * 2 * 3) / 1000, 6)
    expect(found.outside).toBe(0)
    expect(found.mean).toBeCloseTo(30, 2)
    expect(found.dose(0.95)).toBeCloseTo(17.36, 0)
    expect(found.dose(0.5)).toBeCloseTo(30, 0)
    expect(Math.abs(found.atLeast(40) - 0.1111)).toBeLessThan(0.005)
    expect([found.min, found.max].map(Math.round)).toEqual([13, 47])
  })

  it('leaves out holes, and counts what lies outside of the grid', () => {
    const holed = histogramOf(linear([0, 2, 4]), structure([0, 2, 4].flatMap((z) => [ring(-6, 6, z), ring(-2, 2, z)])))!
    expect(holed.volume).toBeCloseTo(((144 - 16) * 6) / 1000, 6)
    const large = histogramOf(linear([0, 2, 4]), structure([0, 2, 4].map((z) => ring(-20, 20, z))))!
    expect(large.outside / large.volume).toBeCloseTo(1 - 400 / 1600, 2)
    expect(histogramOf(linear([0]), { ...structure([ring(-6, 6, 0)]), frameOfReference: '3.4' })).toBeUndefined()
  })

  it('is drawn on any plane, and isodoses lie where the dose is', () => {
    const coronal = { frameOfReference: '1.2', row: [1, 0, 0], column: [0, 0, 1], origin: [-10, 3, 0], spacing: [1, 1], columns: 21, rows: 10 } as const
    const slice = doseOn(linear([0, 4, 8]), coronal)!
    expect(slice.values[2 * 21 + 5]).toBeCloseTo(30 - 5 + 6 + 1, 4)
    expect(Number.isNaN(slice.values[9 * 21])).toBe(true)
    const pieces = isodose(slice, 36)
    expect(pieces.length).toBeGreaterThan(0)
    // 30 + x + 6 + z / 2 = 36
    for (let at = 0; at < pieces.length; at += 2) expect(pieces[at]! - 10 + pieces[at + 1]! / 2).toBeCloseTo(0, 4)
    expect(doseOn(linear([0]), { ...coronal, frameOfReference: '' })).toBeUndefined()
  })

  it('is read with its scale, its unit and its planes in their order', () => {
    const dataset = {
      '00200032': { vr: 'DS', Value: [0, 0, 100] }, '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] }, '00280030': { vr: 'DS', Value: [1, 1] }, '00280010': { vr: 'US', Value: [1] }, '00280011': { vr: 'US', Value: [2] },
      '00280008': { vr: 'IS', Value: [2] }, '3004000E': { vr: 'DS', Value: [0.5] }, '30040002': { vr: 'CS', Value: ['GY'] }, '3004000C': { vr: 'DS', Value: [0, -3] },
    }
    const read = doseOf(dataset, (frame) => [[2, 4], [6, 8]][frame]!)
    expect([read.offsets, [...read.values], read.max, read.unit]).toEqual([[-3, 0], [3, 4, 1, 2], 4, 'Gy'])
    // Absolute patient coordinates mean the same (PS3.3 C.8.8.3.2); a relative dose is told in percent.
    expect(doseOf({ ...dataset, '3004000C': { vr: 'DS', Value: [100, 97] } }, (frame) => [[2, 4], [6, 8]][frame]!).offsets).toEqual([-3, 0])
    expect(doseOf({ ...dataset, '30040002': { vr: 'CS', Value: ['RELATIVE'] } }, () => [1, 2]).unit).toBe('%')
    expect(() => doseOf({ ...dataset, '3004000C': { vr: 'DS', Value: [0] } }, () => [1, 2])).toThrow(/Offset/)
  })

  it('is washed from blue to red', () => {
    expect(wash(0.09)).toBeUndefined()
    expect(wash(Number.NaN)).toBeUndefined()
    expect(wash(0.15)![2]).toBeGreaterThan(wash(0.15)![0])
    expect(wash(1)![0]).toBeGreaterThan(wash(1)![2])
  })
})
