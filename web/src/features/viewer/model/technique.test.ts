import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset'
import { framesOf, instanceOf } from './frame'
import { techniqueOf } from './technique'

const value = (...Value: (number | string | Dataset)[]) => ({ vr: 'XX', Value })
/** Lines of a frame, from 1. */
const of = (modality: string, more: Dataset, frame = 1): string[] => techniqueOf(framesOf(instanceOf({ '00080060': value(modality), '00280010': value(1), '00280011': value(1), '7FE00010': { vr: 'OW', BulkDataURI: 'x' }, ...more }, '1.2', '1.2.3'))[frame - 1]!)

describe('how an image was made, by its modality', () => {
  it.each<[string, Dataset, string[]]>([
    ['CT', { '00180060': value(120), '00181152': value(247.4), '00181151': value(300), '00189345': value(8.3412), '00181210': value('B31f', 'x'), '00181120': value(-12.5) }, ['120 kV  247 mAs  CTDIvol 8.34 mGy', 'B31f  Tilt -12.5°']],
    ['CT', { '00180060': value(120), '00181151': value(300), '00181120': value(0) }, ['120 kV  300 mA']],
    ['MR', { '00180080': value(2500), '00180081': value(98.5), '00180082': value(0), '00181314': value(150), '00180087': value(1.5), '00180024': value('*tse2d1_15') }, ['TR 2500  TE 98.5  FA 150°', '1.5 T  *tse2d1_15']],
    ['PT', { '00540016': value({ '00180031': value('FDG'), '00181074': value(3.12e8) }) }, ['FDG  312 MBq']],
    ['PT', {}, []],
    ['DX', { '00180060': value(125), '00181152': value(2), '00181411': value(254), '00181413': value(-0.4), '0018115E': value(1.25) }, ['125 kV  2 mAs', 'EI 254  DI -0.4  DAP 1.25 dGy·cm²']],
    ['MG', { '00180060': value(28), '00181152': value(63), '00400316': value(0.0151), '001811A2': value(110), '001811A0': value(52) }, ['28 kV  63 mAs  AGD 1.51 mGy', '110 N  52 mm compressed']],
    ['XA', { '00181510': value(-30.2), '00181511': value(20), '00180060': value(75), '00181151': value(600) }, ['RAO 30°  CRA 20°', '75 kV  600 mA']],
    ['MR', { '00180080': value(5400), '00180081': value(62), '00189087': value(0), '00181314': value(90) }, ['TR 5400  TE 62  FA 90°  b 0']],
    ['US', { '00185022': value(1.1), '00185027': value(0.4), '00185050': value(160) }, ['MI 1.1  TIS 0.4', 'Depth 160 mm']],
    ['SC', { '00180060': value(120) }, []],
  ])('%s', (modality, dataset, lines) => {
    expect(of(modality, dataset)).toEqual(lines)
  })
})

describe('each frame of its own', () => {
  const groups = (shared: Dataset, ...own: Dataset[]): Dataset => ({ '00280008': value(own.length), '52009229': value(shared), '52009230': value(...own) })

  it('enhanced CT: reconstruction and X-ray details of all, exposure of each', () => {
    const exposure = (mA: number, mAs: number): Dataset => ({ '00189321': value({ '00189330': value(mA), '00189332': value(mAs), '00189345': value(12.7) }) })
    const shared = { '00189325': value({ '00180060': value(100) }), '00189314': value({ '00181210': value('Br40') }), '00189304': value({ '00181120': value(4) }) }
    const object = groups(shared, exposure(310, 155), exposure(280, 140.4))
    expect(of('CT', object, 1)).toEqual(['100 kV  155 mAs  CTDIvol 12.7 mGy', 'Br40  Tilt 4°'])
    expect(of('CT', object, 2)).toEqual(['100 kV  140 mAs  CTDIvol 12.7 mGy', 'Br40  Tilt 4°'])
  })

  it('enhanced MR: echo time and b value of each, a frame\'s own before what all share', () => {
    const echo = (te: number): Dataset => ({ '00189114': value({ '00189082': value(te) }) })
    const shared = { '00189112': value({ '00180080': value(3200), '00181314': value(90) }), '00189114': value({ '00189082': value(1) }), '00189115': value({ '00189079': value(220) }) }
    const object = { '00180087': value(3), '00189005': value('ep2d_diff'), ...groups(shared, echo(30), { ...echo(60), '00189117': value({ '00189087': value(1000) }) }) }
    expect(of('MR', object, 1)).toEqual(['TR 3200  TE 30  TI 220  FA 90°', '3 T  ep2d_diff'])
    expect(of('MR', object, 2)).toEqual(['TR 3200  TE 60  TI 220  FA 90°  b 1000', '3 T  ep2d_diff'])
  })

  it('angiograms turn: enhanced ones name each angle, others one step or all offsets', () => {
    const at = (angle: number): Dataset => ({ '00189405': value({ '00181510': value(angle), '00181511': value(-5) }) })
    const enhanced = groups({ '00189417': value({ '00180060': value(81), '00189330': value(420) }) }, at(-30), at(10))
    expect(of('XA', enhanced, 1)).toEqual(['RAO 30°  CAU 5°', '81 kV  420 mA'])
    expect(of('XA', enhanced, 2)).toEqual(['LAO 10°  CAU 5°', '81 kV  420 mA'])
    const turning = { '00280008': value(3), '00181510': value(-20), '00181511': value(0) }
    expect(of('XA', { ...turning, '00181520': value(15) }, 3)).toEqual(['LAO 10°  CRA 0°'])
    expect(of('XA', { ...turning, '00181520': value(0, 5, 12), '00181521': value(0, -1, -2) }, 3)).toEqual(['RAO 8°  CAU 2°'])
    expect(of('XA', turning, 3)).toEqual(['RAO 20°  CRA 0°'])
    expect(of('XA', { ...turning, '00181520': value(0, 5) }, 3)).toEqual(['CRA 0°']) // a wrong number of offsets says nothing
  })
})
