// Expected numbers are numpy's (mean, std, median, moments, histogram) on the same values, or follow from the figures written beside them.
import { describe as group, expect, it } from 'vitest'
import { type Calibration, calibratedByLine, millimetresOf, provenance } from './calibration'
import type { Point } from './geometry'
import { describe, results, statisticsOf } from './measure'
import { completed, etdrsLines, footOn, handlesOf, middleOfThree, nextVertebra, obliqueBox, reshaped, splineThrough } from './shapes'
import { histogramOf, profileOf, valuesIn } from './statistics'
import { suvFactor } from './suv'

const columns = 20
const data = Float32Array.from({ length: 400 }, (_, index) => ((index * 7919) % 997) - 300)
const values = { data, columns, rows: 20, color: false, unit: 'HU' }
const spacing: Calibration = { kind: 'spacing', x: 0.5, y: 0.7, note: '' }
const OUTLINE: Point[] = [[2.5, 3.2], [16.3, 4.1], [12.2, 17.4], [7.1, 9.3], [3.4, 15.8]]

const valueOf = (found: ReturnType<typeof results>, quantity: string): number => found.find((result) => result.quantity === quantity)?.value ?? Number.NaN

group('regions', () => {
  it('have the statistics that numpy finds inside of a concave outline', () => {
    const found = statisticsOf('freehand', OUTLINE, values)
    const expected = { count: 117, mean: 210.8803418803419, deviation: 287.4903242487219, min: -281, max: 694, median: 209, skewness: -0.017096052878601598, kurtosis: -1.197267673649781, entropy: 6.00887764676741 }
    for (const [name, value] of Object.entries(expected)) expect(found?.[name as keyof typeof expected], name).toBeCloseTo(value, 8)
    const said = results('freehand', OUTLINE, spacing, values)
    expect(valueOf(said, 'area')).toBeCloseTo(40.87125, 8) // the shoelace formula, in mm²
    expect(valueOf(said, 'perimeter')).toBeCloseTo(36.42194579766197, 8)
  })

  it('are round in millimetres, not in pixels', () => {
    const found = statisticsOf('circle', [[9, 8], [13, 8]], values, { x: 0.5, y: 0.7 })
    expect(found).toMatchObject({ count: 33, median: 66 })
    expect(found?.mean).toBeCloseTo(97.42424242424242, 8)
    const said = results('circle', [[9, 8], [13, 8]], spacing, values)
    expect(valueOf(said, 'radius')).toBeCloseTo(2)
    expect(valueOf(said, 'area')).toBeCloseTo(4 * Math.PI)
    expect(valueOf(said, 'perimeter')).toBeCloseTo(4 * Math.PI)
  })

  it('through three points: the circle that holds all of them', () => {
    const scale = { x: 0.5, y: 0.7 }
    const at = (angle: number): Point => [9 + (3 * Math.cos(angle)) / 0.5, 8 + (3 * Math.sin(angle)) / 0.7]
    const points = [at(0.3), at(2), at(4.4)]
    const middle = middleOfThree(points, scale)
    expect(middle?.[0]).toBeCloseTo(9)
    expect(middle?.[1]).toBeCloseTo(8)
    expect(valueOf(results('circle3', points, spacing, values), 'radius')).toBeCloseTo(3)
    expect(middleOfThree([[0, 0], [1, 1], [2, 2]], scale)).toBeUndefined()
    expect(results('circle3', [[0, 0], [1, 1], [2, 2]], spacing, values)).toEqual([])
  })

  it('of a curve pass through its points', () => {
    const curve = splineThrough(OUTLINE)
    for (const point of OUTLINE) expect(curve).toContainEqual(point)
    expect(curve.length).toBeGreaterThan(5 * OUTLINE.length)
  })

  it('have histograms as numpy makes them', () => {
    const found = valuesIn({ form: 'box', box: { left: 3, top: 4, right: 9, bottom: 11 } }, values)
    expect(histogramOf(found, 64).counts.slice(0, 8)).toEqual([2, 1, 1, 1, 1, 2, 0, 2])
    expect(histogramOf(found, 64).counts.reduce((sum, count) => sum + count, 0)).toBe(56)
    expect(histogramOf([5, 5], 4)).toEqual({ min: 5, max: 5, counts: [2, 0, 0, 0] })
  })
})

group('lines', () => {
  it('have the profile of the pixels below them', () => {
    const along = profileOf([[0, 5], [5, 5]], values)
    expect(along.filter((_, index) => index % 2 === 0)).toEqual([-18, -75, -132, -189, -246, 694])
    expect(along[1]).toBeCloseTo((-18 - 75) / 2)
    expect(profileOf([[-9, 5], [-4, 5]], values)).toEqual([])
  })

  it('along a path add up', () => {
    expect(describe('polyline', [[0, 0], [6, 0], [6, 10]], spacing, values)).toEqual(['10.0 mm']) // 3 + 7
  })

  it('from a point to a line stand at a right angle in millimetres', () => {
    const foot = footOn([0, 0], [10, 10], [0, 10], { x: 0.5, y: 0.7 })
    // The line's direction is (5, 7) mm, the point is (0, 7) mm: 49/74 of the way.
    expect(foot[0]).toBeCloseTo((49 / 74) * 10)
    expect(valueOf(results('perpendicular', [[0, 0], [10, 10], [0, 10]], spacing, values), 'distance')).toBeCloseTo(35 / Math.sqrt(74))
  })

  it('have angles: between directions up to 180°, by Cobb up to 90°', () => {
    const lines: Point[] = [[0, 0], [10, 0], [10, 10], [0, 0]]
    const square: Calibration = { kind: 'none' }
    expect(valueOf(results('openAngle', lines, square, values), 'angle')).toBeCloseTo(135)
    expect(valueOf(results('cobb', lines, square, values), 'angle')).toBeCloseTo(45)
    // Pixels twice as high as wide are known to be so also where millimetres are not.
    expect(valueOf(results('cobb', lines, square, { ...values, aspect: [1, 2] }), 'angle')).toBeCloseTo((Math.atan(2) * 180) / Math.PI)
  })

  it('cross at a right angle, whichever end is moved', () => {
    const scale = { x: 0.5, y: 0.7 }
    const right = ([a, b, c, d]: readonly Point[]): number => {
      if (!a || !b || !c || !d) return Number.NaN
      return (b[0] - a[0]) * (d[0] - c[0]) * 0.25 + (b[1] - a[1]) * (d[1] - c[1]) * 0.49
    }
    const made = completed('bidirectional', [[2, 3], [14, 9]], scale)
    expect(made).toHaveLength(4)
    expect(right(made)).toBeCloseTo(0)
    for (const handle of [0, 1, 2, 3]) {
      const moved = reshaped('bidirectional', made, handle, [0, 0], [8, 15], scale)
      expect(right(moved), `handle ${handle}`).toBeCloseTo(0)
      if (handle < 2) expect(moved[handle]).toEqual([8, 15])
    }
    expect(describe('bidirectional', [[0, 0], [10, 0], [5, -20], [5, 20]], spacing, values)).toEqual(['L 28.0 mm', 'S 5.00 mm']) // the longer one is the long axis
  })

  it('move as a whole, and by each of a box\'s four corners', () => {
    expect(reshaped('polyline', [[1, 1], [2, 2]], -1, [0, 0], [3, 4], { x: 1, y: 1 })).toEqual([[4, 5], [5, 6]])
    expect(reshaped('rectangle', [[1, 1], [5, 5]], 2, [5, 1], [7, 0], { x: 1, y: 1 })).toEqual([[1, 0], [7, 5]])
    expect(handlesOf('ellipse', [[1, 1], [5, 5]])).toHaveLength(4)
    expect(handlesOf('freehand', OUTLINE)).toEqual([])
  })
})

group('calibration by a line', () => {
  it('understands lengths as people write them', () => {
    expect(['50', '5 cm', '2,5cm', '1 in', '12.5 mm'].map(millimetresOf)).toEqual([50, 50, 25, 25.4, 12.5])
    for (const no of ['', '0', '-4', 'abc', '5 m', '1e3', '5 5']) expect(millimetresOf(no), no).toBeUndefined()
  })

  it('gives millimetres to both directions, and says where they come from', () => {
    const made = calibratedByLine([[0, 0], [100, 0]], 50, [1, 2])
    expect(made).toEqual({ kind: 'spacing', x: 0.5, y: 1, note: 'calibrated by line' })
    expect(made && describe('length', [[0, 0], [0, 10]], made, values)).toEqual(['10.0 mm (calibrated by line)'])
    expect(calibratedByLine([[3, 3], [3, 3]], 50, [1, 1])).toBeUndefined()
  })

  it('is told on the picture', () => {
    expect(provenance({ kind: 'none' })).toBe('px: not calibrated')
    expect(provenance({ kind: 'spacing', x: 1, y: 1, note: 'at detector' })).toBe('mm at detector')
    expect(provenance({ kind: 'spacing', x: 1, y: 1, note: '' })).toBe('')
    expect(provenance({ kind: 'regions', regions: [{ from: [0, 0], to: [9, 9], millimetres: undefined }] })).toBe('px: not calibrated')
  })
})

group('SUVbw', () => {
  const value = (...Value: (string | number)[]) => ({ vr: 'XX', Value })
  const drug = { '00181072': value('090000'), '00181074': value(370e6), '00181075': value(6586.2) }
  const pet = {
    '00080060': value('PT'), '00080021': value('20260105'), '00080031': value('100000'), '00080022': value('20260105'), '00080032': value('100130'),
    '00101030': value(75), '00280051': value('ATTN', 'DECY', 'SCAT'), '00541001': value('BQML'), '00541102': value('START'), '00540016': { vr: 'SQ', Value: [drug] },
  }

  it('is what the decayed dose and the weight make of it', () => {
    expect(suvFactor(pet)).toBeCloseTo(0.0002960750161260463, 12) // 75000 / (370e6 exp(-3600 ln 2 / 6586.2))
    expect(suvFactor({ ...pet, '00541102': value('ADMIN') })).toBeCloseTo(75000 / 370e6, 12)
    expect(suvFactor({ ...pet, '00541001': value('GML') })).toBe(1)
    const night = { ...pet, '00080031': value('003000'), '00080032': value('003000'), '00540016': { vr: 'SQ', Value: [{ ...drug, '00181072': value('233000') }] } }
    expect(suvFactor(night)).toBeCloseTo(0.0002960750161260463, 12)
    expect(describe('probe', [[0, 0]], { kind: 'none' }, { ...values, unit: 'Bq/ml', data: [10_000], suv: suvFactor(pet) })).toEqual(['10000 Bq/ml', 'SUVbw 2.96 g/ml'])
  })

  it('is not told where anything is missing or contradicts', () => {
    for (const [tag, element] of [
      ['00080060', value('CT')], ['00101030', value()], ['00280051', value('ATTN')], ['00541001', value('CNTS')], ['00541102', value('NONE')],
      ['00540016', { vr: 'SQ', Value: [{ ...drug, '00181075': value() }] }], ['00080031', value('110000')], // a series time after the acquisition's: derived
    ] as const) expect(suvFactor({ ...pet, [tag]: element }), tag).toBeUndefined()
  })
})

group('further shapes', () => {
  it('measure between parallels, upright, and the ratio of two lengths', () => {
    // A line of slope 0.7 / 0.5 in millimetres: from (0, 0) to (10 px, 10 px) is (5 mm, 7 mm); (10, 0) is 5 mm to the right.
    const apart = (5 * 7) / Math.hypot(5, 7)
    expect(valueOf(results('parallel', [[0, 0], [10, 10], [10, 0]], spacing, values), 'distance')).toBeCloseTo(apart, 8)
    expect(valueOf(results('height', [[2, 3], [9, 13]], spacing, values), 'height')).toBeCloseTo(7, 8)
    expect(valueOf(results('ratio', [[0, 0], [10, 0], [0, 5], [0, 15]], spacing, values), 'ratio')).toBeCloseTo(5 / 7, 8)
    expect(describe('ratio', [[0, 0], [10, 0], [0, 5], [20, 5]], spacing, values)).toEqual(['Ratio 0.50'])
  })

  it('measure the angle between lines through the middles of others', () => {
    const square: Calibration = { kind: 'spacing', x: 1, y: 1, note: '' }
    // Middles (0, 0) and (10, 0); then (0, 0) and (10, 10): 45 degrees.
    const points: Point[] = [[0, -1], [0, 1], [10, -3], [10, 3], [-2, 0], [2, 0], [10, 8], [10, 12]]
    expect(valueOf(results('midAngle', points, square, values), 'angle')).toBeCloseTo(45, 8)
    expect(results('midAngle', points.slice(0, 7), square, values)).toEqual([])
  })

  it('enclose a rectangle at an angle, at a right angle in millimetres', () => {
    const corners = obliqueBox([[0, 0], [10, 10], [10, 0]], { x: 0.5, y: 0.7 })
    const mm = corners.map(([x, y]) => [x * 0.5, y * 0.7] as const)
    const [a, b, c, d] = mm
    expect((b![0] - a![0]) * (c![0] - b![0]) + (b![1] - a![1]) * (c![1] - b![1])).toBeCloseTo(0, 8)
    expect([d![0] - a![0], d![1] - a![1]]).toEqual([expect.closeTo(c![0] - b![0], 8), expect.closeTo(c![1] - b![1], 8)])
    expect(valueOf(results('oblique', [[0, 0], [10, 10], [10, 0]], spacing, values), 'area')).toBeCloseTo(5 * 7, 8) // the side times the distance
    // Any handle leaves a rectangle, and of the same width where a side is moved.
    const made = completed('oblique', [[0, 0], [10, 10], [10, 0]], { x: 0.5, y: 0.7 })
    const side = reshaped('oblique', made, 1, [10, 10], [20, 0], { x: 0.5, y: 0.7 })
    expect(valueOf(results('oblique', side, spacing, values), 'area')).toBeCloseTo(10 * ((5 * 7) / Math.hypot(5, 7)), 8)
    const wider = reshaped('oblique', made, 2, [0, 0], [15, 5], { x: 0.5, y: 0.7 })
    expect(valueOf(results('oblique', wider, spacing, values), 'area')).toBeCloseTo(Math.abs(5 * 3.5 - 7 * 7.5), 8)
    expect(results('oblique', [[0, 0], [10, 10]], spacing, values).find((each) => each.quantity === 'area')?.value).toBe(0)
  })

  it('draw the rings of the ETDRS grid in millimetres, and none without them', () => {
    const lines = etdrsLines([50, 50], { x: 0.05, y: 0.1 })
    const radii = lines.slice(0, 3).map((ring) => ring.map(([x, y]) => Math.hypot((x - 50) * 0.05, (y - 50) * 0.1)))
    for (const [index, diameter] of [1, 3, 6].entries()) for (const radius of radii[index]!) expect(radius).toBeCloseTo(diameter / 2, 8)
    expect(lines).toHaveLength(7)
    expect(results('etdrs', [[50, 50]], { kind: 'none' }, values)).toEqual([])
  })

  it('label a spine downward and upward, on from what a person wrote', () => {
    expect([nextVertebra(undefined, false), nextVertebra('C7', false), nextVertebra('t12', false), nextVertebra('L1', true), nextVertebra('S1', false), nextVertebra('C1', true)]).toEqual(['C1', 'T1', 'L1', 'T12', 'S1', 'C1'])
  })

  it('measure along the axes of an ultrasound in the units of its region', () => {
    const regions: Calibration = {
      kind: 'regions',
      regions: [
        { from: [0, 0], to: [100, 50], millimetres: [0.2, 0.3], axes: { x: { delta: 0.2, unit: 'mm' }, y: { delta: 0.3, unit: 'mm' } } },
        { from: [0, 50], to: [100, 100], millimetres: undefined, axes: { x: { delta: 0.01, unit: 's' }, y: { delta: 1.5, unit: 'cm/s' } } },
      ],
    }
    expect(describe('directional', [[10, 60], [60, 90]], regions, values)).toEqual(['Across 0.50 s', 'Along 45 cm/s'])
    expect(describe('directional', [[10, 10], [60, 40]], regions, values)).toEqual(['Across 10.0 mm', 'Along 9.00 mm'])
    expect(describe('directional', [[10, 40], [60, 60]], regions, values)).toEqual(['Across 50.0 px (across two regions)', 'Along 20.0 px (across two regions)']) // of two regions
  })
})
