import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset'
import { counterpart, leadOf } from './linking'
import { besideIn, partAt, partsOf } from './parts'
import { missingSlices, picturesOf } from './series'

const value = (...Value: (number | string | Dataset)[]) => ({ vr: 'XX', Value })
const AXIAL = [1, 0, 0, 0, 1, 0]
const SAGITTAL = [0, 1, 0, 0, 0, -1]

const image = (number: number, place: number, more: Dataset = {}, orientation = AXIAL): Dataset => ({
  '00080016': value('1.2.840.10008.5.1.4.1.1.4'), '00080018': value(`${number}`), '00280010': value(8), '00280011': value(8), '00280030': value(1, 1), '7FE00010': { vr: 'OW', BulkDataURI: 'x' }, '00200013': value(number),
  '00200052': value('1.2.3'), '00200032': value(...(orientation === AXIAL ? [0, 0, place] : [place, 0, 0])), '00200037': value(...orientation), ...more,
})
const series = (images: readonly Dataset[]) => picturesOf(images, '1', '2')
const numbersOf = (frames: ReturnType<typeof series>): (number | undefined)[] => frames.map((frame) => frame.instance.number)
const told = (frames: ReturnType<typeof series>) => partsOf(frames).map(({ name, from, to }) => [name, from, to])

/** Two echoes of five slices, numbered slice by slice. */
const echoes = () => series(Array.from({ length: 10 }, (_, at) => image(at + 1, Math.floor(at / 2) * 4, { '00180081': value(at % 2 ? 98.5 : 12) })))

describe('stacks of one series', () => {
  it('are each together, whatever their images were numbered in', () => {
    expect(numbersOf(echoes())).toEqual([1, 3, 5, 7, 9, 2, 4, 6, 8, 10])
    expect(told(echoes())).toEqual([['TE 12 ms', 0, 5], ['TE 98.5 ms', 5, 10]])
  })

  it.each<[string, (at: number) => Dataset, string[]]>([
    ['b values', (at) => ({ '00189087': value(at * 500) }), ['b 0', 'b 500', 'b 1000']],
    ['pictures of a Dixon', (at) => ({ '00080008': value('DERIVED', 'PRIMARY', 'DIXON', ['WATER', 'FAT', 'IN_PHASE'][at] ?? '') }), ['DIXON WATER', 'DIXON FAT', 'DIXON IN_PHASE']],
    ['phases', (at) => ({ '00200100': value(at + 1) }), ['Phase 1', 'Phase 2', 'Phase 3']],
    ['acquisitions', (at) => ({ '00200012': value(at + 4) }), ['Acquisition 4', 'Acquisition 5', 'Acquisition 6']],
  ])('are told by %s', (_, own, names) => {
    const frames = series(Array.from({ length: 12 }, (_unused, at) => image(at + 1, Math.floor(at / 3), own(at % 3))))
    expect(told(frames)).toEqual(names.map((name, at) => [name, at * 4, at * 4 + 4]))
  })

  it('miss an image where one of them does, and none between them', () => {
    expect(missingSlices(echoes())).toBe(0)
    const gap = Array.from({ length: 12 }, (_, at) => image(at + 1, Math.floor(at / 2) * 4, { '00180081': value(at % 2 ? 98.5 : 12) })).filter((_, at) => at !== 4)
    expect(missingSlices(series(gap))).toBe(1)
  })

  it('are told by their planes, and by echoes within those', () => {
    const both = Array.from({ length: 12 }, (_, at) => image(at + 1, Math.floor(at / 2) % 3, { '00180081': value(at % 2 ? 90 : 10) }, at < 6 ? SAGITTAL : AXIAL))
    expect(told(series(both))).toEqual([['Sagittal · TE 10 ms', 0, 3], ['Sagittal · TE 90 ms', 3, 6], ['Axial · TE 10 ms', 6, 9], ['Axial · TE 90 ms', 9, 12]])
  })

  it('are those of functional groups in enhanced objects', () => {
    const sequence = (...Value: Dataset[]) => ({ vr: 'SQ', Value })
    const frame = (at: number): Dataset => ({ '00209113': sequence({ '00200032': value(0, 0, Math.floor(at / 2)) }), '00189114': sequence({ '00189082': value(at % 2 ? 80 : 20) }) })
    const object = { ...image(1, 0), '00280008': value(6), '52009229': sequence({ '00209116': sequence({ '00200037': value(...AXIAL) }) }), '52009230': sequence(...Array.from({ length: 6 }, (_, at) => frame(at))) }
    const frames = series([object])
    expect(frames.map((each) => each.number)).toEqual([1, 3, 5, 2, 4, 6])
    expect(told(frames)).toEqual([['TE 20 ms', 0, 3], ['TE 80 ms', 3, 6]])
  })

  it('are none where one stack says different things of its slices, where a run in time does, and of scouts', () => {
    const one = series(Array.from({ length: 6 }, (_, at) => image(at + 1, at, { '00200012': value(at % 2), '00180081': value(at) })))
    expect([told(one), numbersOf(one)]).toEqual([[], [1, 2, 3, 4, 5, 6]])
    const beating = series(Array.from({ length: 6 }, (_, at) => image(at + 1, Math.floor(at / 3), { '00181060': value((at % 3) * 40), '00200012': value(at) })))
    expect([told(beating), numbersOf(beating)]).toEqual([[], [1, 2, 3, 4, 5, 6]])
    const scouts = series([image(1, 0, {}, SAGITTAL), image(2, 0), image(3, 5)])
    expect([told(scouts), numbersOf(scouts)]).toEqual([[], [1, 2, 3]])
  })

  it('lead from one to the next at the same place, and round', () => {
    const frames = echoes()
    expect([besideIn(frames, 2, 1), besideIn(frames, 7, 1), besideIn(frames, 2, -1)]).toEqual([7, 2, 7])
    const planes = series(Array.from({ length: 8 }, (_, at) => image(at + 1, at % 4, {}, at < 4 ? SAGITTAL : AXIAL)))
    expect([besideIn(planes, 0, 1), besideIn(planes, 3, 1)]).toEqual([4, 7])
    expect(besideIn(series([image(1, 0), image(2, 1)]), 1, 1)).toBe(1)
  })

  it('stay their own in viewports that are linked', () => {
    const frames = echoes()
    const spot = counterpart(leadOf({ frames, index: 1 }), { frames, index: 9 }, undefined, true)
    expect(spot?.index).toBe(6)
    expect(partAt(frames, spot?.index ?? 0)?.name).toBe('TE 98.5 ms')
  })
})
