import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset'
import { techniqueOf } from './technique'

const value = (...Value: (number | string | Dataset)[]) => ({ vr: 'XX', Value })
const of = (modality: string, more: Dataset): string[] => techniqueOf({ '00080060': value(modality), ...more })

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
    ['US', { '00185022': value(1.1), '00185027': value(0.4), '00185050': value(160) }, ['MI 1.1  TIS 0.4', 'Depth 160 mm']],
    ['SC', { '00180060': value(120) }, []],
  ])('%s', (modality, dataset, lines) => {
    expect(of(modality, dataset)).toEqual(lines)
  })
})
