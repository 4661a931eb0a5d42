// Planes as coloured pictures, against the window and the colours written out value by value.
import { describe, expect, it } from 'vitest'
import { alike } from './alike'
import type { Vector } from './geometry'
import { OUTSIDE, resample, valueAt } from './resample'
import { hotIron, levelOf, sectionRows, shade } from './section'
import { type Volume, toVoxel } from './volume'
import { type Window, grey } from './windows'

const window: Window = { center: 40, width: 400, shape: 'LINEAR' }
const size = [23, 19, 17] as const
// A grid that is oblique to the patient and to itself, values without any order.
const volume: Volume = {
  grid: { size, origin: [3, -5, 7], across: [0.7, 0.1, 0], down: [-0.1, 0.8, 0.05], through: [0, 0.3, 1.4] },
  values: Int16Array.from({ length: size[0] * size[1] * size[2] }, (_, at) => ((at * 7919) % 2003) - 1000),
  filled: new Uint8Array(size[2]).fill(2),
}

describe('grey values of planes', () => {
  it.each([[window, false], [window, true], [{ center: 100, width: 50, shape: 'LINEAR_EXACT' }, false], [{ center: 0, width: 300, shape: 'SIGMOID' }, true]] as [Window, boolean][])('%o inverted %s', (own, inverted) => {
    const level = levelOf({ window: own, inverted })
    for (const value of [-1000, -160, -159.5, 0, 39.5, 40, 99.2, 239, 240, 3000]) expect(level(value)).toBeCloseTo(inverted ? 255 - grey(value, own) : grey(value, own), 9)
    expect(level(OUTSIDE)).toBe(0)
  })

  it('what is laid over begins above its least value, is white at its top, and leaves the rest grey', () => {
    const values = new Float32Array([40, 40, 40, 40, 40])
    const above = new Float32Array([OUTSIDE, 2, 4, 6, 9])
    const made = new Uint8ClampedArray(20)
    shade(values, above, { grey: { window, inverted: false }, laid: { from: 2, top: 6, opacity: 1 } }, made)
    const dark = Math.round(grey(40, window))
    const pixel = (at: number): number[] => [...made.slice(at * 4, at * 4 + 4)]
    expect([pixel(0), pixel(1)]).toEqual([[dark, dark, dark, 255], [dark, dark, dark, 255]])
    expect(pixel(2)).toEqual([...hotIron(0.5), 255])
    expect([pixel(3), pixel(4)]).toEqual([[255, 255, 255, 255], [255, 255, 255, 255]])
  })
})

describe('an oblique plane', () => {
  const sheet = { width: 37, height: 29, origin: [2, -7, 2] as Vector, right: [0.5, 0.2, 0.1] as Vector, below: [-0.1, 0.4, 0.7] as Vector }
  const slab = { projection: 'none', thickness: 0, normal: [0, 0, 1] } as const

  it('has in each pixel the value at its place', () => {
    const values = new Float32Array(37 * 29)
    resample(volume, sheet, slab, values)
    let inside = 0
    values.forEach((value, at) => {
      const [x, y] = [at % 37, Math.floor(at / 37)]
      const place = [0, 1, 2].map((n) => sheet.origin[n]! + x * sheet.right[n]! + y * sheet.below[n]!) as unknown as Vector
      const wanted = valueAt(volume, ...toVoxel(volume.grid, place))
      if (Number.isNaN(wanted)) expect(value).toBeNaN()
      else {
        inside++
        expect(Math.abs(value - wanted)).toBeLessThan(0.01)
      }
    })
    expect(inside).toBeGreaterThan(200)
  })

  it('is the same picture in bands', () => {
    const section = { sheet, slab, grey: { window, inverted: false }, laid: { from: 0, top: 500, opacity: 0.5 } }
    const whole = sectionRows(volume, volume, section, 0, 29)
    const parts = [sectionRows(volume, volume, section, 0, 11), sectionRows(volume, volume, section, 11, 29)]
    // The first pixel of a band is worked out anew: a shade of difference at most.
    expect(Math.max(...[...parts[0]!, ...parts[1]!].map((value, at) => Math.abs(value - whole[at]!)))).toBeLessThanOrEqual(1)
    expect(whole.some((value, at) => at % 4 === 0 && value !== whole[at + 2])).toBe(true)
  })
})

it('the same picture is known again, whatever the noise of its arithmetic; another volume, moment or window is not', () => {
  const job = { volume, middle: [1, 2, 3], grey: { window, inverted: false }, overlay: null }
  expect(alike(job, { ...job, middle: [1 + 1e-13, 2, 3], grey: { window: { ...window }, inverted: false } })).toBe(true)
  for (const other of [{ ...job, middle: [1.001, 2, 3] }, { ...job, volume: { ...volume, values: volume.values.slice() } }, { ...job, overlay: { top: 1 } }, { ...job, grey: { window: { ...window, width: 401 }, inverted: false } }]) expect(alike(job, other)).toBe(false)
})
