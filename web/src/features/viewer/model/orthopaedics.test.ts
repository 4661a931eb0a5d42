import { describe as group, expect, it } from 'vitest'
import type { Calibration } from './calibration'
import { describe, results } from './measure'

const values = { data: [], columns: 100, rows: 100, color: false, unit: '' }
// Columns are 0.5 mm apart, rows 2 mm: angles in pixels would be others.
const spacing: Calibration = { kind: 'spacing', x: 0.5, y: 2, note: '' }
const found = (...given: Parameters<typeof results>): Record<string, [number, string]> => Object.fromEntries(results(...given).map(({ quantity, value, unit }) => [quantity, [Number(value.toFixed(6)), unit]]))
/** From millimetres to pixels of that spacing. */
const at = (x: number, y: number): [number, number] => [x / 0.5, y / 2]

group('legs', () => {
  const one = [at(0, 0), at(0, 400), at(0, 780)]
  const other = [at(200, 0), at(200, 390), at(200 + 370 * Math.sin(Math.PI / 18), 390 + 370 * Math.cos(Math.PI / 18))]

  it('are as long as from hip to ankle, in millimetres of pixels that are not square', () => {
    const said = found('legLength', [...one, ...other], spacing, values)
    expect(said).toMatchObject({ 'leg 1': [780, 'mm'], 'femur 1': [400, 'mm'], 'tibia 1': [380, 'mm'], 'knee 1': [180, '°'], 'femur 2': [390, 'mm'], 'tibia 2': [370, 'mm'], 'knee 2': [170, '°'] })
    const second = Math.sqrt(390 ** 2 + 370 ** 2 + 2 * 390 * 370 * Math.cos(Math.PI / 18)) // law of cosines
    expect(said['leg 2']?.[0]).toBeCloseTo(second, 5)
    expect(said['difference of legs']?.[0]).toBeCloseTo(780 - second, 5)
  })

  it('say so at the detector, and pixels where nothing is known', () => {
    expect(describe('legLength', [...one, ...other], { ...spacing, note: 'at detector' }, values)[0]).toBe('Leg 1 780.0 mm (at detector)')
    expect(found('legLength', [[0, 0], [0, 40], [0, 78]], { kind: 'none' }, values)).toEqual({ 'leg 1': [78, 'px'], 'femur 1': [40, 'px'], 'tibia 1': [38, 'px'], 'knee 1': [180, '°'] })
    expect(describe('legLength', [...one, ...other], spacing, values).map((line) => line.replace(/ -?[\d.]+( mm|°)$/, ''))).toEqual(['Leg 1', 'Knee 1', 'Leg 2', 'Knee 2', 'Difference of legs'])
    expect(results('legLength', one.slice(0, 2), spacing, values)).toEqual([])
  })
})

group('hips', () => {
  // A pelvis that stands 5 degrees askew: every point turned about the origin.
  const turned = (x: number, y: number): [number, number] => {
    const askew = (5 * Math.PI) / 180
    return at(x * Math.cos(askew) - y * Math.sin(askew), x * Math.sin(askew) + y * Math.cos(askew))
  }
  const pelvis = [turned(-90, 0), turned(90, 0)]
  const edge = (angle: number): [number, number] => turned(90 + 25 * Math.sin((angle * Math.PI) / 180), 5 - 25 * Math.cos((angle * Math.PI) / 180))

  it.each([32, 0.5, -8])('have a centre-edge angle of %f degrees on either side, whichever way the line was drawn', (angle) => {
    const head = turned(90, 5)
    expect(found('centreEdge', [...pelvis, head, edge(angle)], spacing, values)['centre-edge angle']).toEqual([angle, '°'])
    expect(found('centreEdge', [...pelvis.toReversed(), head, edge(angle)], spacing, values)['centre-edge angle']).toEqual([angle, '°'])
    const mirrored = [...pelvis, head, edge(angle)].map(([x, y]): [number, number] => [-x, y])
    expect(found('centreEdge', mirrored, spacing, values)['centre-edge angle']).toEqual([angle, '°'])
  })

  it('have an acetabular index each', () => {
    const roof = (side: 1 | -1, angle: number): [number, number][] => [turned(side * 20, 0), turned(side * (20 + 30 * Math.cos((angle * Math.PI) / 180)), -30 * Math.sin((angle * Math.PI) / 180))]
    expect(found('acetabular', [...pelvis, ...roof(-1, 22), ...roof(1, 35).toReversed()], spacing, values)).toEqual({ 'acetabular index 1': [22, '°'], 'acetabular index 2': [35, '°'] })
    expect(describe('acetabular', [...pelvis, ...roof(-1, 22)], spacing, values)).toEqual(['Acetabular index 1 22.0°'])
  })

  it('have the angles of Graf to the base line', () => {
    const from = (angle: number): [number, number][] => [turned(0, 0), turned(30 * Math.cos((angle * Math.PI) / 180), -30 * Math.sin((angle * Math.PI) / 180))]
    expect(found('graf', [...from(0), ...from(61), ...from(-52)], spacing, values)).toEqual({ alpha: [61, '°'], beta: [52, '°'] })
  })
})
