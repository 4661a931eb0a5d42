import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset'
import { framesOf, instanceOf } from './frame'
import { frameLaterality, frameTerms, locationOf } from './frameTerms'

const value = (...Value: (number | string | Dataset)[]) => ({ vr: 'XX', Value })
const PIXELS: Dataset = { '00280010': value(1), '00280011': value(1), '7FE00010': { vr: 'OW', BulkDataURI: 'x' } }
const framesWith = (dataset: Dataset) => framesOf(instanceOf({ ...PIXELS, ...dataset }, '1.2', '1.2.3'))
const terms = (dataset: Dataset): string[] => framesWith(dataset).map(frameTerms)

describe('what sets a frame apart', () => {
  it('enhanced: its label, phase, delay, breath, offset and time', () => {
    const own: Dataset[] = [
      { '00209111': value({ '00209453': value('Rest'), '00189074': value('20260105101502.50') }), '00209118': value({}), '00189118': value({ '00209241': value(74.8), '00209153': value(600) }) },
      { '00209111': value({ '00189074': value('2026') }), '00189118': value({ '00209153': value(612.4) }), '00209253': value({ '00209245': value(50) }), '00209310': value({ '0020930D': value(12.5) }) },
      {},
    ]
    expect(terms({ '00280008': value(3), '52009229': value({}), '52009230': value(...own) })).toEqual(['Rest  RR 75 %  10:15:02', 'Delay 612 ms  Breath 50 %  12.50 s', ''])
  })

  it('classic: the time since the first, by its steps or by one step, whichever it points to', () => {
    const steps = { '00280008': value(3), '00181063': value(40), '00181065': value(0, 500, 1500) }
    expect(terms({ ...steps, '00280009': value('00181065') })).toEqual(['0.00 s', '0.50 s', '2.00 s'])
    expect(terms({ ...steps, '00280009': value('00181063') })).toEqual(['0.00 s', '0.04 s', '0.08 s'])
    expect(terms(steps)).toEqual(['', '', ''])
    expect(terms({ '00280009': value('00181063'), '00181063': value(40) })).toEqual([''])
  })

  it('nuclear medicine: which energy window, detector and view, where there are several', () => {
    const vectors = { '00540010': value(1, 1, 1), '00540020': value(1, 2, 2), '00540090': value(1, 1, 2) }
    expect(terms({ '00280008': value(3), ...vectors })).toEqual(['Detector 1  View 1', 'Detector 2  View 1', 'Detector 2  View 2'])
  })

  it('the side of an enhanced frame, and where it lies along its normal', () => {
    const plane = (orientation: number[], position: number[]): Dataset => ({ '00209116': value({ '00200037': value(...orientation) }), '00209113': value({ '00200032': value(...position) }) })
    const own = [
      { ...plane([1, 0, 0, 0, 1, 0], [-100, -120, -35.5]), '00209071': value({ '00209072': value('L') }) },
      { ...plane([0, 1, 0, 0, 0, -1], [12.25, -90, 80]), '00209071': value({ '00209072': value('U') }) },
      {},
    ]
    const frames = framesWith({ '00280008': value(3), '00201041': value(7), '52009230': value(...own) })
    expect(frames.map(frameLaterality)).toEqual(['L', '', ''])
    expect(frames.map(locationOf)).toEqual([-35.5, 12.25, undefined])
    expect(framesWith({ '00200037': value(1, 0, 0, 0, 1, 0), '00200032': value(0, 0, 5), '00201041': value(7) }).map(locationOf)).toEqual([7])
  })
})
