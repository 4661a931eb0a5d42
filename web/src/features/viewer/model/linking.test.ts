import { describe, expect, it } from 'vitest'
import type { JsonDataset } from '../../../dicomweb/types'
import { type Frame, framesOf, instanceOf } from './frame'
import { counterpart, cutLine, imageAt, inImage, inPatient, leadOf, lookedAt, offsetBetween, offsetFor, parseOffsets, placedOf, turnedLike, viewLike, withOffset } from './linking'
import { flipHorizontal, rotateLeft, rotateRight, UPRIGHT } from './view'

interface Made {
  reference?: string
  orientation?: number[]
  position: number[]
  spacing?: [number, number]
  size?: [number, number]
}

function frame({ reference = '1.2.3', orientation = [1, 0, 0, 0, 1, 0], position, spacing = [1, 1], size = [100, 100] }: Made): Frame {
  const dataset: JsonDataset = {
    '00080018': { vr: 'UI', Value: [position.join('.') || '1'] }, '00080060': { vr: 'CS', Value: ['CT'] }, '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
    '00280010': { vr: 'US', Value: [size[1]] }, '00280011': { vr: 'US', Value: [size[0]] }, '00280030': { vr: 'DS', Value: spacing },
    '00280100': { vr: 'US', Value: [16] }, '00280101': { vr: 'US', Value: [16] }, '00280002': { vr: 'US', Value: [1] },
    ...(position.length > 0 ? { '00200037': { vr: 'DS', Value: orientation }, '00200032': { vr: 'DS', Value: position } } : {}),
    ...(reference ? { '00200052': { vr: 'UI', Value: [reference] } } : {}),
  }
  return framesOf(instanceOf(dataset, '1', '2'))[0]!
}

/** An axial stack from z by step. */
const stack = (count: number, from: number, step: number, more: Partial<Made> = {}): Frame[] =>
  Array.from({ length: count }, (_, index) => frame({ ...more, position: [0, 0, from + index * step] }))

describe('scrolling together', () => {
  it('goes by place in one frame of reference, whatever the spacing and the direction', () => {
    const thin = stack(101, 0, 1)
    const thick = stack(21, 100, -5)
    expect(counterpart(leadOf({ frames: thin, index: 40 }), { frames: thick, index: 0 }, undefined, false)).toEqual({ index: 12, off: 0, by: 'reference' })
    expect(counterpart(leadOf({ frames: thick, index: 3 }), { frames: thin, index: 0 }, undefined, false)).toEqual({ index: 85, off: 0, by: 'reference' })
  })

  it('says how far it is to the end of a stack that has nothing there', () => {
    const spot = counterpart(leadOf({ frames: stack(101, 0, 1), index: 90 }), { frames: stack(10, 0, 5), index: 0 }, undefined, false)
    expect(spot).toEqual({ index: 9, off: 45, by: 'reference' })
  })

  it('follows only what goes through the body the same way', () => {
    const sagittal = [frame({ position: [10, 0, 90], orientation: [0, 1, 0, 0, 0, -1] })]
    expect(counterpart(leadOf({ frames: stack(9, 0, 1), index: 3 }), { frames: sagittal, index: 0 }, undefined, true)).toBeNull()
  })

  it('keeps the phase of a series that has several at each place', () => {
    const phases = [0, 1, 2].flatMap(() => stack(10, 0, 2))
    expect(counterpart(leadOf({ frames: stack(10, 0, 2), index: 7 }), { frames: phases, index: 14 }, undefined, false)?.index).toBe(17)
  })

  it('goes across frames of reference by a set offset in millimetres, both ways, and by share of the series without one', () => {
    const now = stack(100, 0, 1, { reference: '1.1' })
    const prior = stack(30, 512, 5, { reference: '1.9' })
    expect(counterpart(leadOf({ frames: now, index: 50 }), { frames: prior, index: 0 }, undefined, false)).toBeNull()
    expect(counterpart(leadOf({ frames: now, index: 99 }), { frames: prior, index: 0 }, undefined, true)).toEqual({ index: 29, off: 0, by: 'index' })
    const offset = offsetBetween({ frames: now, index: 20 }, { frames: prior, index: 4 })!
    expect(offset).toEqual({ by: 'mm', value: 512 })
    expect(counterpart(leadOf({ frames: now, index: 40 }), { frames: prior, index: 4 }, offset, true)).toEqual({ index: 8, off: 0, by: 'offset' })
    const kept = withOffset([], 'b', 'a', offset)
    expect(counterpart(leadOf({ frames: prior, index: 8 }), { frames: now, index: 0 }, offsetFor(kept, 'a', 'b'), true)?.index).toBe(40)
  })

  it('does the same with stacks that are sorted and turned the other way round', () => {
    const now = stack(50, 0, 2, { reference: '1.1' })
    const prone = stack(50, 300, -2, { reference: '1.9', orientation: [-1, 0, 0, 0, 1, 0] })
    const offset = offsetBetween({ frames: now, index: 10 }, { frames: prone, index: 30 })!
    expect(counterpart(leadOf({ frames: now, index: 15 }), { frames: prone, index: 30 }, offset, true)?.index).toBe(25)
  })

  it('counts images when nothing says where they lie', () => {
    const plain = Array.from({ length: 20 }, () => frame({ position: [], reference: '' }))
    const offset = offsetBetween({ frames: plain, index: 3 }, { frames: plain, index: 8 })!
    expect(offset).toEqual({ by: 'images', value: 5 })
    expect(counterpart(leadOf({ frames: plain, index: 10 }), { frames: plain, index: 0 }, offset, true)).toEqual({ index: 15, off: 0, by: 'offset' })
    expect(counterpart(leadOf({ frames: plain, index: 18 }), { frames: plain, index: 0 }, offset, true)?.index).toBe(19)
    expect(counterpart(leadOf({ frames: plain, index: 7 }), { frames: plain, index: 0 }, undefined, true)?.index).toBe(7)
  })
})

describe('offsets', () => {
  it('are kept once for a pair, the newest last, forgotten on demand, and never too many', () => {
    let all = withOffset(withOffset([], '1', '2', { by: 'mm', value: 3.25 }), '2', '1', { by: 'mm', value: 7 })
    expect(all).toEqual([['1|2', 'mm', -7]])
    expect(parseOffsets(JSON.parse(JSON.stringify({ pairs: [...all, ['x', 'miles', 1], 7] })))).toEqual(all)
    expect(withOffset(all, '1', '2', null)).toEqual([])
    for (let at = 0; at < 200; at++) all = withOffset(all, `a${at}`, 'z', { by: 'images', value: at })
    expect(all).toHaveLength(80)
    expect(offsetFor(all, 'z', 'a199')).toEqual({ by: 'images', value: -199 })
  })
})

describe('planes', () => {
  it('turn image points into the patient and back', () => {
    const at = placedOf(frame({ position: [10, -20, 30], orientation: [0, 1, 0, 0, 0, -1], spacing: [0.5, 2] }))!
    // PixelSpacing is rows, then columns (PS3.3 10.7.1.3).
    expect(inPatient(at, [3, 4])).toEqual([10, -14, 28])
    expect(inImage(at, [10, -14, 28])).toEqual([3, 4])
  })

  it('cut one another where they do', () => {
    const axial = placedOf(frame({ position: [0, 0, 50] }))!
    const sagittal = placedOf(frame({ position: [30, 0, 99], orientation: [0, 1, 0, 0, 0, -1] }))!
    // On the sagittal the axial is the row 99 - 50, as long as the axial is wide from front to back.
    expect(cutLine(sagittal, axial)!.map(([x, y]) => [x, y]).sort((a, b) => a[0]! - b[0]!)).toEqual([[-0.5, 49], [99.5, 49]])
    expect(cutLine(axial, sagittal)!.map(([x]) => x)).toEqual([30, 30])
    expect(cutLine(axial, placedOf(frame({ position: [0, 0, 60] }))!)).toBeNull()
    expect(cutLine(axial, placedOf(frame({ position: [30, 0, 300], orientation: [0, 1, 0, 0, 0, -1] }))!)).toBeNull()
  })

  it('find the image that a point lies on, before any that lies beside it', () => {
    const small = { size: [10, 10] as [number, number] }
    const frames = [...stack(20, 0, 3), frame({ ...small, position: [500, 500, 31] })]
    expect(imageAt(frames, 0, [20, 20, 31])).toEqual({ index: 10, distance: 1 })
    expect(imageAt(stack(20, 0, 3, small), 0, [400, 400, 31])?.index).toBe(10)
  })
})

describe('the same piece', () => {
  it('is as many millimetres around the same place, in another matrix, too', () => {
    const fine = frame({ position: [0, 0, 0], spacing: [0.5, 0.5], size: [200, 200] })
    const coarse = frame({ position: [10, 10, 4], spacing: [2, 2], size: [40, 40] })
    const size = { width: 400, height: 400 }
    const view = { turn: UPRIGHT, scale: 3, centre: [60, 80] as const, fitted: false }
    expect(viewLike(lookedAt(view, fine, size), lookedAt({ ...view, turn: flipHorizontal(UPRIGHT) }, coarse, size))).toEqual({
      turn: flipHorizontal(UPRIGHT), scale: 12, centre: [10, 15], fitted: false,
    })
  })

  it('is turned by what turned the other', () => {
    const other = flipHorizontal(UPRIGHT)
    expect(turnedLike(rotateLeft(UPRIGHT), rotateRight(rotateLeft(UPRIGHT)), other)).toEqual(rotateRight(other))
    expect(turnedLike(UPRIGHT, flipHorizontal(UPRIGHT), UPRIGHT)).toEqual(flipHorizontal(UPRIGHT))
  })
})
