// Which image a plane counts for, by where the plane was laid.
import { describe, expect, it } from 'vitest'
import type { Vector } from './geometry'
import { type Orientation, UPRIGHT_PLANES, rotated } from './planes'
import { imageOn } from './seenOnPlanes'
import { picturesOf } from './series'
import { type Plan, planVolume } from './volume'

const el = (vr: string, ...Value: (string | number)[]) => ({ vr, Value })
const STEP = 2.5

/** Axial slices at these places, named by their order; 8 by 8 pixels of 1 mm. */
function planOf(places: readonly number[], row: Vector = [1, 0, 0], column: Vector = [0, 1, 0]): Plan {
  const images = places.map((z, index) => ({
    '00080018': el('UI', `1.2.${index}`), '00080060': el('CS', 'CT'), '00200013': el('IS', index + 1), '00200052': el('UI', '1.9'),
    '00200032': el('DS', 0, 0, z), '00200037': el('DS', ...row, ...column), '00280002': el('US', 1), '00280004': el('CS', 'MONOCHROME2'),
    '00280010': el('US', 8), '00280011': el('US', 8), '00280030': el('DS', 1, 1), '00280100': el('US', 16), '00280101': el('US', 16),
    '00280102': el('US', 15), '00280103': el('US', 1), '7FE00010': { vr: 'OW', BulkDataURI: '/x' },
  }))
  return planVolume(picturesOf(images, '1', '2'), 1e9)
}

const even = planOf([0, 1, 2, 3, 4, 5].map((at) => at * STEP))
const { axial, coronal } = UPRIGHT_PLANES
const cut = (z: number, orientation: Orientation = axial, plan = even, projection: 'none' | 'max' = 'none') =>
  imageOn(plan, { orientation, focus: [3, 4, z], phase: 0, projection })?.instance.sopInstanceUID

describe('a plane counts as the image it lies on', () => {
  it('the nearest one, wherever in it the cross is', () => {
    for (const at of [0, 1, 2, 3, 4, 5]) for (const off of [-0.45, 0, 0.45]) expect(cut((at + off) * STEP)).toBe(`1.2.${at}`)
  })

  it('half way between two it is one of them, so that who steps through all has seen all', () => {
    const told = [0.5, 1.5, 2.5, 3.5, 4.5].map((at) => cut(at * STEP))
    expect(new Set(told).size).toBe(5)
    expect(told).not.toContain(undefined)
  })

  it('mirrored or turned within itself it is the same image', () => {
    expect(cut(STEP, { right: [-1, 0, 0], below: [0, 1, 0] })).toBe('1.2.1')
    expect(cut(STEP, { right: rotated(axial.right, [0, 0, 1], 0.7), below: rotated(axial.below, [0, 0, 1], 0.7) })).toBe('1.2.1')
  })
})

describe('nothing counts', () => {
  it('where the plane only cuts the images: across, oblique, or by a tilted gantry', () => {
    expect(cut(STEP, coronal)).toBeUndefined()
    expect(cut(STEP, { right: axial.right, below: rotated(axial.below, axial.right, 0.05) })).toBeUndefined()
    const angle = (20 * Math.PI) / 180
    expect(cut(STEP, axial, planOf([0, 2, 4, 6], [1, 0, 0], [0, Math.cos(angle), Math.sin(angle)]))).toBeUndefined()
  })

  it('in a slab, in lower resolution, beyond the ends, in a gap', () => {
    expect(cut(STEP, axial, even, 'max')).toBeUndefined()
    expect(cut(STEP, axial, { ...even, reduction: [2, 2, 1] })).toBeUndefined()
    expect(cut(-STEP)).toBeUndefined()
    expect(cut(6 * STEP)).toBeUndefined()
    expect(cut(10, axial, planOf([0, 2, 4, 6, 14, 16]))).toBeUndefined()
  })
})
