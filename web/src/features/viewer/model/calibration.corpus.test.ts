// Headers as devices write them, and what 10 pixels to the right and 10 downwards are worth on each: the right unit, value and words, or pixels.
import { describe, expect, it } from 'vitest'
import { calibrationOf } from './calibration'
import type { Dataset } from './dataset'
import { results } from './measure'

const value = (...Value: (number | string)[]) => ({ vr: 'XX', Value })
const values = { data: new Uint8Array(10_000), columns: 100, rows: 100, color: false, unit: '' }
const region = (unitX: number, unitY: number, from: [number, number], to: [number, number], delta: [number, number]): Dataset => ({
  '00186018': value(from[0]), '0018601A': value(from[1]), '0018601C': value(to[0]), '0018601E': value(to[1]),
  '00186024': value(unitX), '00186026': value(unitY), '0018602C': value(delta[0]), '0018602E': value(delta[1]),
})
const regions = (...items: Dataset[]): Dataset => ({ '00080060': value('US'), '00186011': { vr: 'SQ', Value: items } })
const modality = (name: string, more: Dataset = {}): Dataset => ({ '00080060': value(name), ...more })
// Rows are 0.5 mm apart, columns 0.25 mm (PS3.3 10.7.1.3: the first value is between rows).
const SPACING = { '00280030': value(0.5, 0.25) }
const IMAGER = { '00181164': value(0.2, 0.2) }

const CASES: readonly [name: string, dataset: Dataset, right: number, down: number, unit: string, note: string][] = [
  ['CT with Pixel Spacing', modality('CT', SPACING), 2.5, 5, 'mm', ''],
  ['CT without', modality('CT'), 10, 10, 'px', ''],
  ['a spacing of nothing', modality('CT', { '00280030': value(0, 0) }), 10, 10, 'px', ''],
  ['CR with Imager Pixel Spacing only', modality('CR', IMAGER), 2, 2, 'mm', 'at detector'],
  ['DX with both, equal', modality('DX', { ...IMAGER, '00280030': value(0.2, 0.2) }), 2, 2, 'mm', 'at detector'],
  ['DX with both, different', modality('DX', { ...IMAGER, '00280030': value(0.15, 0.15) }), 1.5, 1.5, 'mm', 'calibrated'],
  ['DX calibrated by fiducial', modality('DX', { ...IMAGER, '00280030': value(0.1, 0.1), '00280A02': value('FIDUCIAL') }), 1, 1, 'mm', 'calibrated by fiducial'],
  ['DX calibrated by geometry', modality('DX', { '00280030': value(0.1, 0.1), '00280A02': value('GEOMETRY') }), 1, 1, 'mm', 'corrected for geometry'],
  ['MG with a magnification factor', modality('MG', { ...IMAGER, '00181114': value(2) }), 1, 1, 'mm', 'estimated magnification'],
  ['XA with Pixel Spacing only', modality('XA', SPACING), 2.5, 5, 'mm', 'at detector'],
  ['XA with nothing', modality('XA'), 10, 10, 'px', ''],
  ['US without regions, whatever its spacing', modality('US', SPACING), 10, 10, 'px', ''],
  ['US in a region of centimetres', regions(region(3, 3, [0, 0], [99, 99], [0.02, 0.03])), 2, 3, 'mm', ''],
  ['US upside down', regions(region(3, 3, [0, 0], [99, 99], [0.02, -0.03])), 2, 3, 'mm', ''],
  ['US outside of its region', regions(region(3, 3, [60, 60], [99, 99], [0.02, 0.03])), 10, 10, 'px', ''],
  ['US Doppler: seconds and cm/s are no lengths', regions(region(4, 7, [0, 0], [99, 99], [0.01, 2])), 10, 10, 'px', ''],
  ['US: the inner of two regions', regions(region(3, 3, [0, 0], [99, 99], [0.05, 0.05]), region(3, 3, [10, 10], [50, 50], [0.01, 0.01])), 1, 1, 'mm', ''],
  ['a secondary capture with spacing', modality('OT', { ...SPACING, '00080016': value('1.2.840.10008.5.1.4.1.1.7') }), 2.5, 5, 'mm', 'secondary capture'],
]

describe('measurements on a corpus of headers', () => {
  it.each(CASES)('%s', (_, dataset, right, down, unit, note) => {
    const calibration = calibrationOf(dataset)
    const length = (to: [number, number]) => results('length', [[20, 20], to], calibration, values)[0]
    expect(length([30, 20])).toMatchObject({ unit, note })
    expect(length([30, 20])?.value).toBeCloseTo(right, 6)
    expect(length([20, 30])).toMatchObject({ unit, note })
    expect(length([20, 30])?.value).toBeCloseTo(down, 6)
    const area = results('rectangle', [[20, 20], [30, 30]], calibration, values).find(({ quantity }) => quantity === 'area')
    expect(area?.unit).toBe(`${unit}²`)
    expect(area?.value).toBeCloseTo(right * down, 6)
  })

  it('takes an enhanced frame’s own Pixel Measures before what the object says', () => {
    expect(results('length', [[0, 0], [10, 0]], calibrationOf(modality('MR', SPACING), { '00280030': value(2, 1) }), values)[0]).toMatchObject({ value: 10, unit: 'mm' })
  })
})
