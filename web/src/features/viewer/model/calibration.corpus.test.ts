// Headers as devices write them, and what 10 pixels to the right and 10 downwards are worth on each: the right unit, value and words, or pixels.
import { describe, expect, it } from 'vitest'
import { calibrationOf } from './calibration'
import type { Dataset } from './dataset'
import { framesOf, instanceOf } from './frame'
import { type Kind, describe as linesOf, results } from './measure'

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
  ['a film that was digitised', modality('OT', { '00182010': value(0.1, 0.05) }), 0.5, 1, 'mm', 'at scanner'],
  ['a film of a projection', modality('RG', { '00182010': value(0.1, 0.1) }), 1, 1, 'mm', 'at scanner'],
  ['a film with a scale of the patient, too', modality('OT', { ...SPACING, '00182010': value(0.1, 0.1) }), 2.5, 5, 'mm', ''],
  ['a film with the scale of the film in both', modality('OT', { ...SPACING, '00182010': value(0.5, 0.25), '00080016': value('1.2.840.10008.5.1.4.1.1.7') }), 2.5, 5, 'mm', 'at scanner'],
  ['an ultrasound film', modality('US', { '00182010': value(0.1, 0.1) }), 10, 10, 'px', ''],
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
  ['US outside of its region', regions(region(3, 3, [60, 60], [99, 99], [0.02, 0.03])), 10, 10, 'px', 'outside of the regions'],
  ['US partly outside of its region', regions(region(3, 3, [0, 0], [25, 25], [0.02, 0.03])), 10, 10, 'px', 'partly outside of the regions'],
  ['US from one picture to the other beside and below it', regions(region(3, 3, [0, 0], [25, 25], [0.02, 0.02]), region(3, 3, [26, 0], [99, 25], [0.02, 0.02]), region(3, 3, [0, 26], [99, 99], [0.02, 0.02])), 10, 10, 'px', 'across two regions'],
  ['US into an inset of another scale', regions(region(3, 3, [0, 0], [99, 99], [0.05, 0.05]), region(3, 3, [28, 10], [50, 25], [0.01, 0.01]), region(3, 3, [10, 28], [25, 50], [0.01, 0.01])), 10, 10, 'px', 'across two regions'],
  ['US into colour flow of the same scale', regions(region(3, 3, [0, 0], [99, 99], [0.05, 0.05]), region(3, 3, [28, 10], [50, 50], [0.05, 0.05])), 5, 5, 'mm', ''],
  ['US region without units', regions(region(0, 0, [0, 0], [99, 99], [1, 1])), 10, 10, 'px', ''],
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

  // A spectrum: seconds to the right, cm/s upwards; the baseline is row 60 of the image, the moment of the frame column 90 (PS3.3 C.8.5.5.1.16.3).
  const spectrum = regions({
    ...region(4, 7, [10, 20], [99, 99], [0.01, -2]),
    '00186020': value(80), '00186022': value(40), '00186028': value(0), '0018602A': value(0),
  })
  const said = (kind: Kind, points: [number, number][], dataset = spectrum): [string, number, string][] =>
    results(kind, points, calibrationOf(dataset), values).map((each) => [each.quantity, Number(each.value.toFixed(6)), each.unit])

  it('measures time, velocity and acceleration where those are the axes, and never a length', () => {
    expect(said('length', [[30, 60], [50, 30]])).toEqual([['across', 0.2, 's'], ['along', 60, 'cm/s'], ['slope', 300, 'cm/s²']])
    expect(said('directional', [[30, 60], [50, 30]])).toEqual([['across', 0.2, 's'], ['along', 60, 'cm/s']])
    expect(said('probe', [[30, 35]]).slice(0, 2)).toEqual([['at across', -0.6, 's'], ['at along', 50, 'cm/s']])
    expect(linesOf('probe', [[30, 70]], calibrationOf(spectrum), values)).toEqual(['0', '-0.60 s', '-20 cm/s'])
    // The area below an envelope is the way that the blood goes: 0.2 s at 60 cm/s.
    expect(said('rectangle', [[30, 30], [50, 60]]).filter(([name]) => name === 'time velocity integral')).toEqual([['time velocity integral', 12, 'cm']])
    expect(said('rectangle', [[30, 30], [50, 60]]).map(([name]) => name)).not.toContain('area')
    expect(results('polyline', [[30, 30], [50, 60]], calibrationOf(spectrum), values)).toMatchObject([{ unit: 'px', note: 'axes of different units' }])
    expect(results('angle', [[30, 30], [50, 60], [60, 30]], calibrationOf(spectrum), values)).toMatchObject([{ unit: '°', note: 'axes of different units' }])
  })

  it('knows the depth and time of an M-mode', () => {
    const motion = regions(region(4, 3, [0, 0], [99, 99], [0.005, 0.02]))
    expect(said('length', [[20, 20], [40, 60]], motion)).toEqual([['across', 0.1, 's'], ['along', 8, 'mm'], ['slope', 80, 'mm/s']])
    // Where values begin is not said: no place is made up.
    expect(said('probe', [[20, 20]], motion).map(([name]) => name)).toEqual(['value'])
  })

  it('compares lengths of two regions only where both have millimetres', () => {
    const two = regions(region(3, 3, [0, 0], [49, 99], [0.1, 0.1]), region(3, 3, [50, 0], [99, 99], [0.2, 0.2]))
    expect(results('ratio', [[10, 10], [20, 10], [60, 10], [70, 10]], calibrationOf(two), values)).toEqual([{ quantity: 'ratio', value: 0.5, unit: '', note: '' }])
    const mixed = regions(region(3, 3, [0, 0], [49, 99], [0.1, 0.1]), region(4, 7, [50, 0], [99, 99], [0.2, 0.2]))
    expect(results('ratio', [[10, 10], [20, 10], [60, 10], [70, 10]], calibrationOf(mixed), values)[0]?.note).toBe('across two regions')
  })

  it('takes the regions of each frame where functional groups hold them', () => {
    const sequence = (...Value: Dataset[]) => ({ vr: 'SQ', Value })
    const tenth = sequence(region(3, 3, [0, 0], [99, 99], [0.01, 0.01]))
    const fifth = sequence(region(3, 3, [0, 0], [99, 99], [0.02, 0.02]))
    const dataset: Dataset = {
      ...modality('US', { '00280008': value(3), '7FE00010': value(0), '00280010': value(100), '00280011': value(100), '00186011': sequence(region(3, 3, [0, 0], [99, 99], [0.04, 0.04])) }),
      '52009229': sequence({}),
      '52009230': sequence({ '00186011': tenth }, { '00209171': sequence({ '00186011': fifth }) }, {}),
    }
    const lengths = framesOf(instanceOf(dataset, '1', '2')).map(({ calibration }) => results('length', [[20, 20], [30, 20]], calibration, values)[0])
    expect(lengths).toMatchObject([{ value: 1, unit: 'mm' }, { value: 2, unit: 'mm' }, { value: 4, unit: 'mm' }])
  })

  it('takes an enhanced frame’s own Pixel Measures before what the object says', () => {
    expect(results('length', [[0, 0], [10, 0]], calibrationOf(modality('MR', SPACING), { '00280030': value(2, 1) }), values)[0]).toMatchObject({ value: 10, unit: 'mm' })
  })
})
