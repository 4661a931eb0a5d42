import { describe as group, expect, it } from 'vitest'
import { type Calibration, aspectOf, calibrationOf, scaleAt } from './calibration'
import { angleOf, areaOf, describe, lengthOf, statisticsOf } from './measure'
import { Tag } from './tags'

const value = (...Value: (string | number)[]) => ({ vr: 'XX', Value })

group('units', () => {
  it('takes the first value of PixelSpacing for rows, the second for columns', () => {
    const calibration = calibrationOf({ [Tag.Modality]: value('CT'), [Tag.PixelSpacing]: value(2, 0.5) })
    expect(calibration).toEqual({ kind: 'spacing', x: 0.5, y: 2, note: '' })
    expect(aspectOf({}, calibration)).toEqual([1, 4])
    expect(describe('length', [[0, 0], [10, 0]], calibration, nothing)).toEqual(['5.00 mm'])
    expect(describe('length', [[0, 0], [0, 10]], calibration, nothing)).toEqual(['20.0 mm'])
  })

  it('says at the detector for uncorrected radiographs', () => {
    const detector = { [Tag.Modality]: value('DX'), [Tag.ImagerPixelSpacing]: value(0.14, 0.14) }
    expect(calibrationOf(detector)).toMatchObject({ kind: 'spacing', x: 0.14, note: 'at detector' })
    expect(calibrationOf({ ...detector, [Tag.PixelSpacing]: value(0.14, 0.14) })).toMatchObject({ note: 'at detector' })
    expect(calibrationOf({ ...detector, [Tag.PixelSpacing]: value(0.1, 0.1) })).toMatchObject({ x: 0.1, note: 'calibrated' })
    expect(calibrationOf({ ...detector, [Tag.PixelSpacing]: value(0.1, 0.1), [Tag.PixelSpacingCalibrationType]: value('FIDUCIAL') })).toMatchObject({ note: 'calibrated by fiducial' })
    expect(calibrationOf({ ...detector, [Tag.EstimatedRadiographicMagnificationFactor]: value(1.4) })).toMatchObject({ note: 'estimated magnification' })
    expect(describe('length', [[0, 0], [100, 0]], calibrationOf(detector), nothing)).toEqual(['14.0 mm (at detector)'])
  })

  it('measures pixels where nothing is calibrated', () => {
    for (const modality of ['CR', 'US', 'OT', 'XC']) {
      const calibration = calibrationOf({ [Tag.Modality]: value(modality) })
      expect(calibration.kind).toBe('none')
      expect(describe('length', [[0, 0], [3, 4]], calibration, nothing)).toEqual(['5.0 px'])
    }
    // Plain PixelSpacing is not part of ultrasound and has been wrong there.
    expect(calibrationOf({ [Tag.Modality]: value('US'), [Tag.PixelSpacing]: value(0.3, 0.3) }).kind).toBe('none')
  })

  it('uses the ultrasound region that holds all points, the inner one where they overlap', () => {
    const region = (x0: number, y0: number, x1: number, y1: number, delta: number, units = 3) => ({
      [Tag.RegionLocationMinX0]: value(x0),
      [Tag.RegionLocationMinY0]: value(y0),
      [Tag.RegionLocationMaxX1]: value(x1),
      [Tag.RegionLocationMaxY1]: value(y1),
      [Tag.PhysicalUnitsXDirection]: value(units),
      [Tag.PhysicalUnitsYDirection]: value(units),
      [Tag.PhysicalDeltaX]: value(delta),
      [Tag.PhysicalDeltaY]: value(-delta),
    })
    const calibration = calibrationOf({
      [Tag.Modality]: value('US'),
      [Tag.SequenceOfUltrasoundRegions]: { vr: 'SQ', Value: [region(0, 0, 500, 500, 0.05), region(100, 100, 200, 200, 0.01), region(600, 0, 700, 500, 0.1, 4)] },
    })
    expect(scaleAt(calibration, [[10, 10], [60, 10]])).toMatchObject({ x: 0.5, y: 0.5, unit: 'mm' })
    expect(scaleAt(calibration, [[110, 110], [190, 110]])).toMatchObject({ x: 0.1, unit: 'mm' })
    expect(scaleAt(calibration, [[110, 110], [300, 110]])).toMatchObject({ unit: 'px', note: 'across two regions' })
    expect(scaleAt(calibration, [[610, 10], [650, 10]]).unit).toBe('px') // an axis of seconds
    expect(scaleAt(calibration, [[10, 10], [650, 10]]).unit).toBe('px')
  })
})

const nothing = { data: [], columns: 0, rows: 0, color: false, unit: '' }

group('shapes', () => {
  const columns = 20
  const rows = 20
  const data = Float32Array.from({ length: columns * rows }, (_, index) => ((index * 7919) % 997) - 300)
  const values = { data, columns, rows, color: false, unit: 'HU' }
  const spacing: Calibration = { kind: 'spacing', x: 0.5, y: 0.5, note: '' }

  /** By the definition, pixel by pixel. */
  function naive(inside: (x: number, y: number) => boolean) {
    const picked: number[] = []
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) if (inside(x, y)) picked.push(data[y * columns + x] ?? 0)
    const mean = picked.reduce((sum, each) => sum + each, 0) / picked.length
    const deviation = Math.sqrt(picked.reduce((sum, each) => sum + (each - mean) ** 2, 0) / picked.length)
    return { count: picked.length, mean, deviation, min: Math.min(...picked), max: Math.max(...picked) }
  }

  it('counts the pixels whose centres lie in a rectangle, either way it was drawn', () => {
    const expected = naive((x, y) => x >= 3 && x <= 9 && y >= 4 && y <= 11)
    for (const points of [[[3, 4], [9, 11]], [[9, 11], [3, 4]], [[2.6, 3.2], [9.4, 11.9]]] as const) {
      const found = statisticsOf('rectangle', points, values)
      expect(found?.count).toBe(expected.count)
      expect(found?.mean).toBeCloseTo(expected.mean, 6)
      expect(found?.deviation).toBeCloseTo(expected.deviation, 6)
      expect([found?.min, found?.max]).toEqual([expected.min, expected.max])
    }
  })

  it('counts the pixels whose centres lie in an ellipse', () => {
    const expected = naive((x, y) => ((x - 9) / 6) ** 2 + ((y - 8) / 4) ** 2 <= 1)
    const found = statisticsOf('ellipse', [[3, 4], [15, 12]], values)
    expect(found?.count).toBe(expected.count)
    expect(found?.mean).toBeCloseTo(expected.mean, 6)
    expect(found?.deviation).toBeCloseTo(expected.deviation, 6)
  })

  it('leaves out what lies outside the picture, and has no statistics where there is nothing', () => {
    expect(statisticsOf('rectangle', [[-5, -5], [1, 1]], values)?.count).toBe(4)
    expect(statisticsOf('rectangle', [[-9, -9], [-5, -5]], values)).toBeUndefined()
    expect(statisticsOf('rectangle', [[3.2, 3.2], [3.8, 3.8]], values)).toBeUndefined()
  })

  it('measures in real proportions', () => {
    expect(lengthOf([0, 0], [3, 4], { x: 1, y: 1 })).toBe(5)
    expect(angleOf([[10, 0], [0, 0], [0, 10]], { x: 1, y: 1 })).toBeCloseTo(90)
    expect(angleOf([[10, 0], [0, 0], [10, 10]], { x: 1, y: 2 })).toBeCloseTo((Math.atan(2) * 180) / Math.PI)
    expect(areaOf('ellipse', [[0, 0], [10, 20]], { x: 0.5, y: 0.5 })).toBeCloseTo((Math.PI / 4) * 50)
  })

  it('writes values with their unit, and colour without statistics', () => {
    expect(describe('rectangle', [[3, 4], [9, 11]], spacing, values)[0]).toMatch(/^Mean -?[\d.]+ HU$/)
    expect(describe('rectangle', [[3, 4], [9, 11]], spacing, values)[3]).toBe('Area 10.5 mm²')
    expect(describe('rectangle', [[3, 4], [9, 11]], { kind: 'none' }, { ...values, color: true })).toEqual(['Area 42 px²'])
    expect(describe('probe', [[2.2, 1.8]], spacing, values)).toEqual([`${data[2 * columns + 2] ?? 0} HU`])
    expect(describe('probe', [[-3, 1]], spacing, values)).toEqual([])
  })
})
