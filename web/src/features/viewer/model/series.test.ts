import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset'
import { missingSlices, picturesOf } from './series'
import { Tag } from './tags'

const value = (...Value: (string | number)[]) => ({ vr: 'XX', Value })

interface Slice {
  uid: string
  number?: number
  z?: number
  orientation?: number[]
  frames?: number
  more?: Dataset
}

const image = ({ uid, number, z, orientation = [1, 0, 0, 0, 1, 0], frames, more = {} }: Slice): Dataset => ({
  [Tag.SOPClassUID]: value('1.2.840.10008.5.1.4.1.1.2'),
  [Tag.SOPInstanceUID]: value(uid),
  [Tag.Rows]: value(4),
  [Tag.Columns]: value(4),
  [Tag.PixelData]: { vr: 'OW', BulkDataURI: 'x' },
  ...(number === undefined ? {} : { [Tag.InstanceNumber]: value(number) }),
  ...(z === undefined ? {} : { [Tag.ImagePositionPatient]: value(0, 0, z), [Tag.ImageOrientationPatient]: value(...orientation) }),
  ...(frames === undefined ? {} : { [Tag.NumberOfFrames]: value(frames) }),
  ...more,
})

const order = (...slices: Slice[]): string[] => picturesOf(slices.map(image), '1', '2').map((frame) => `${frame.instance.sopInstanceUID}/${frame.number}`)

describe('order of a series', () => {
  it('goes along the body, in the direction of the instance numbers', () => {
    expect(order({ uid: 'b', number: 2, z: 10 }, { uid: 'a', number: 1, z: 0 }, { uid: 'c', number: 3, z: 20 })).toEqual(['a/1', 'b/1', 'c/1'])
    expect(order({ uid: 'b', number: 2, z: 10 }, { uid: 'a', number: 1, z: 20 }, { uid: 'c', number: 3, z: 0 })).toEqual(['a/1', 'b/1', 'c/1'])
    // A slice that was numbered out of turn goes where it belongs.
    expect(order({ uid: 'a', number: 1, z: 0 }, { uid: 'b', number: 9, z: 10 }, { uid: 'c', number: 3, z: 20 }, { uid: 'd', number: 10, z: 30 })).toEqual(['a/1', 'b/1', 'c/1', 'd/1'])
  })

  it('keeps the instance numbers where places repeat, planes differ or are missing', () => {
    expect(order({ uid: 'b', number: 2, z: 0 }, { uid: 'a', number: 1, z: 0 }, { uid: 'c', number: 3, z: 5 })).toEqual(['a/1', 'b/1', 'c/1'])
    expect(order({ uid: 'b', number: 2, z: 0 }, { uid: 'a', number: 1, z: 9, orientation: [0, 1, 0, 0, 0, -1] })).toEqual(['a/1', 'b/1'])
    expect(order({ uid: 'b', number: 2 }, { uid: 'a', number: 10 })).toEqual(['b/1', 'a/1'])
    expect(order({ uid: 'b' }, { uid: 'a' }, { uid: 'z', number: 1 })).toEqual(['z/1', 'a/1', 'b/1'])
  })

  it('takes a multi-frame object apart into its frames', () => {
    expect(order({ uid: 'a', number: 1, frames: 3 }, { uid: 'b', number: 2 })).toEqual(['a/1', 'a/2', 'a/3', 'b/1'])
  })

  it('reads place, spacing and window of enhanced frames from their functional groups', () => {
    const group = (z: number): Dataset => ({
      [Tag.PlanePositionSequence]: { vr: 'SQ', Value: [{ [Tag.ImagePositionPatient]: value(0, 0, z) }] },
      [Tag.FrameVOILUTSequence]: { vr: 'SQ', Value: [{ [Tag.WindowCenter]: value(z), [Tag.WindowWidth]: value(100) }] },
    })
    const shared: Dataset = {
      [Tag.PlaneOrientationSequence]: { vr: 'SQ', Value: [{ [Tag.ImageOrientationPatient]: value(1, 0, 0, 0, 1, 0) }] },
      [Tag.PixelMeasuresSequence]: { vr: 'SQ', Value: [{ [Tag.PixelSpacing]: value(0.7, 0.7), [Tag.SliceThickness]: value(3) }] },
      [Tag.PixelValueTransformationSequence]: { vr: 'SQ', Value: [{ [Tag.RescaleSlope]: value(2), [Tag.RescaleIntercept]: value(-5) }] },
    }
    const frames = picturesOf(
      [image({ uid: 'e', frames: 3, more: { [Tag.SharedFunctionalGroups]: { vr: 'SQ', Value: [shared] }, [Tag.PerFrameFunctionalGroups]: { vr: 'SQ', Value: [group(20), group(0), group(10)] } } })],
      '1',
      '2',
    )
    // The frames were not in the order of the body.
    expect(frames.map((frame) => frame.number)).toEqual([1, 3, 2])
    expect(frames[1]).toMatchObject({ thickness: 3, calibration: { kind: 'spacing', x: 0.7 }, modality: { slope: 2, intercept: -5 }, windows: [{ window: { center: 10, width: 100 } }] })
  })

  it('keeps objects without pictures, with the reason', () => {
    const report: Dataset = { [Tag.SOPClassUID]: value('1.2.840.10008.5.1.4.1.1.88.22'), [Tag.SOPInstanceUID]: value('r') }
    const [frame] = picturesOf([report], '1', '2')
    expect(frame?.reason).toMatch(/structured report/)
    const [bare] = picturesOf([{ ...image({ uid: 'x' }), [Tag.PixelData]: undefined }], '1', '2')
    expect(bare?.reason).toMatch(/no pixel data/)
    const [video] = picturesOf([{ ...image({ uid: 'v' }), [Tag.AvailableTransferSyntaxUID]: value('1.2.840.10008.1.2.4.102') }], '1', '2')
    expect(video?.reason).toMatch(/video/)
  })

  it('tells of gaps', () => {
    const at = (...places: number[]) => missingSlices(picturesOf(places.map((z, index) => image({ uid: `u${index}`, number: index, z })), '1', '2'))
    expect(at(0, 1, 2, 3, 4, 5)).toBe(0)
    expect(at(0, 1, 2, 5, 6, 7)).toBe(2)
    expect(at(0, 1.01, 2, 2.99, 4)).toBe(0)
  })
})
