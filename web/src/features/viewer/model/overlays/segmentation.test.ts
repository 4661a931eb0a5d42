import { describe, expect, it } from 'vitest'
import { framesOf, instanceOf } from '../frame'
import { nativeSamples } from '../pixels'
import { fromLab, toLab } from './colors'
import { between, gridOf } from './grid'
import { type Layer, fittedTo, layersOn, segmentationOf, volumeOf } from './segmentation'
import { LABEL_MAP, SEGMENTATION } from './tags'
import { decimal } from './composing'
import { packed, written } from './writing'

const el = (vr: string, ...Value: unknown[]) => ({ vr, Value }) as never
const group = (value: object) => el('SQ', value)

/** An image of 5 x 3 pixels, 0.5 mm wide and 2 mm high, at z. */
function image(z: number, uid = `1.2.${z}`) {
  const dataset = {
    '00080016': el('UI', '1.2.840.10008.5.1.4.1.1.2'), '00080018': el('UI', uid), '0020000D': el('UI', '1.1'), '00200052': el('UI', '9.9'), '00100010': el('PN', { Alphabetic: 'Doe^Jane' }),
    '00280010': el('US', 3), '00280011': el('US', 5), '00280030': el('DS', 2, 0.5), '00200032': el('DS', -1, -2, z), '00200037': el('DS', 1, 0, 0, 0, 1, 0), '00180050': el('DS', 4), '7FE00010': { vr: 'OW', BulkDataURI: 'x' },
  }
  return framesOf(instanceOf(dataset, '1.1', '1.1.1'))[0]!
}

const object = (frames: readonly { segment?: number; z: number }[], more: object = {}) => ({
  '00080016': el('UI', SEGMENTATION), '00200052': el('UI', '9.9'), '00280010': el('US', 3), '00280011': el('US', 5), '00280008': el('IS', frames.length), '00620001': el('CS', 'BINARY'),
  '00620002': el('SQ', { '00620004': el('US', 1), '00620005': el('LO', 'One') }, { '00620004': el('US', 2), '00620005': el('LO', 'Two') }),
  '52009229': group({ '00209116': group({ '00200037': el('DS', 1, 0, 0, 0, 1, 0) }), '00289110': group({ '00280030': el('DS', 2, 0.5), '00180050': el('DS', 3) }) }),
  '52009230': el('SQ', ...frames.map(({ segment, z }) => ({ '00209113': group({ '00200032': el('DS', -1, -2, z) }), ...(segment !== undefined && { '0062000A': group({ '0062000B': el('US', segment) }) }) }))),
  ...more,
})

describe('segmentations', () => {
  it('binary: each frame is its segment, on the nearest image of the same frame of reference', () => {
    const read = segmentationOf(object([{ segment: 1, z: 0 }, { segment: 2, z: 0 }, { segment: 1, z: 4 }]), (frame) => Array.from({ length: 15 }, (_, at) => (at <= frame ? 1 : 0)))
    expect(read.segments.map(({ label }) => label)).toEqual(['One', 'Two'])
    expect(read.step).toBe(4)
    // 1 + 3 voxels of 0.5 x 2 x 4 mm
    expect(volumeOf(read, 1)).toBeCloseTo((4 * 4) / 1000, 9)
    expect(layersOn(read, image(0)).map(({ segment }) => segment)).toEqual([1, 2])
    expect(layersOn(read, image(2.5)).map(({ grid }) => grid!.origin[2])).toEqual([4])
    expect(layersOn(read, image(6.5))).toEqual([])
    const elsewhere = segmentationOf({ ...object([{ segment: 1, z: 0 }]), '00200052': el('UI', '8.8') }, () => [1])
    expect(layersOn(elsewhere, image(0))).toEqual([])
  })

  it('fractional: each voxel counts by its fraction', () => {
    const read = segmentationOf(object([{ segment: 1, z: 0 }], { '00620001': el('CS', 'FRACTIONAL'), '0062000E': el('US', 100) }), () => [100, 50, 25, ...Array<number>(12).fill(0)])
    expect([...read.layers[0]!.mask.slice(0, 4)]).toEqual([255, 128, 64, 0])
    expect(Math.abs(volumeOf(read, 1)! - (1.75 * 3) / 1000)).toBeLessThan(1e-5)
  })

  it('label map: each value is its segment, the background is none', () => {
    const more = { '00080016': el('UI', LABEL_MAP), '00280120': el('US', 5), '00620002': el('SQ', { '00620004': el('US', 5), '00620005': el('LO', 'Background') }, { '00620004': el('US', 1), '00620005': el('LO', 'Liver') }, { '00620004': el('US', 7), '00620005': el('LO', 'Spleen') }) }
    const read = segmentationOf(object([{ z: 0 }], more), () => [5, 1, 1, 7, ...Array<number>(11).fill(5)])
    expect(read.segments.map(({ label }) => label)).toEqual(['Liver', 'Spleen'])
    expect(read.layers.map(({ segment, mask }) => [segment, mask.filter((value) => value > 0).length])).toEqual([[1, 2], [7, 1]])
  })

  it('written, it is read as it was, with what it was drawn on', () => {
    const frames = [0, 3, 6].map((z) => image(z))
    const layer = (segment: number, at: number, marked: readonly number[]): Layer => {
      const mask = new Uint8Array(15)
      for (const index of marked) mask[index] = 255
      return { segment, columns: 5, rows: 3, grid: gridOf(frames[at]!), sources: [{ sopInstanceUID: frames[at]!.instance.sopInstanceUID, frame: 1 }], mask }
    }
    const layers = [layer(4, 2, [3]), layer(4, 0, [0, 14]), layer(2, 0, [0, 1]), layer(2, 1, [])]
    let serial = 0
    const segments = [2, 3, 4].map((number) => ({ number, label: `S${number}`, color: [200, 100, 50] as const }))
    const made = written('Liver, Größe', segments, layers, frames, 3, { uid: () => `2.25.${++serial}`, now: new Date(2026, 0, 5), author: 'me', seriesNumber: 7, version: '1' })
    // Three frames of 15 bits need not begin at bytes.
    expect(made.pixels.length).toBe(6)
    const bits = nativeSamples(made.pixels, { samples: 1, photometric: 'MONOCHROME2', planar: false, allocated: 1, stored: 1, high: 0, signed: false, number: 'integer' }, 45)
    const read = segmentationOf(made.dataset, (frame) => Array.from({ length: 15 }, (_, at) => bits[frame * 15 + at] ?? 0))
    // The one that nothing was drawn of is left out, the others are numbered from 1.
    expect(read.segments.map(({ number, label }) => [number, label])).toEqual([[1, 'S2'], [2, 'S4']])
    const marks = (each: Layer) => [...each.mask].flatMap((value, at) => (value ? [at] : []))
    expect(read.layers.map((each) => [each.segment, each.sources[0]!.sopInstanceUID, marks(each)])).toEqual([[1, '1.2.0', [0, 1]], [2, '1.2.0', [0, 14]], [2, '1.2.6', [3]]])
    expect([read.step, read.series]).toEqual([3, ['1.1.1']])
    expect(fittedTo(read, frames)).toHaveLength(3)
    expect(fittedTo(read, [image(0.5), image(3), image(6)])).toBeUndefined()
    expect(made.dataset['00100010']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] })
    expect(() => written('x', segments, [layer(2, 1, [])], frames, 3, { uid: () => '2.25.1', now: new Date(), author: '', seriesNumber: 1, version: '1' })).toThrow(/nothing to save/)
  })

  it('written as a label map or with fractions, it is read as it was; what overlaps is refused in words', () => {
    const frames = [0, 3].map((z) => image(z))
    const layer = (segment: number, at: number, values: readonly number[]): Layer => {
      const mask = Uint8Array.from({ length: 15 }, (_, index) => values[index] ?? 0)
      return { segment, columns: 5, rows: 3, grid: gridOf(frames[at]!), sources: [{ sopInstanceUID: frames[at]!.instance.sopInstanceUID, frame: 1 }], mask }
    }
    const segments = [3, 7].map((number) => ({ number, label: `S${number}`, color: [200, 100, 50] as const }))
    const naming = { uid: () => '2.25.1', now: new Date(2026, 0, 5), author: 'me', seriesNumber: 7, version: '1' }
    const again = (layers: readonly Layer[], form: 'FRACTIONAL' | 'LABELMAP') => {
      const { dataset, pixels } = written('x', segments, layers, frames, 3, naming, form)
      expect(pixels.length % 2).toBe(0)
      return segmentationOf(dataset, (frame) => pixels.subarray(frame * 15, frame * 15 + 15))
    }
    const apart = [layer(7, 0, [255]), layer(3, 0, [0, 255, 255]), layer(7, 1, [0, 0, 0, 255])]
    const map = again(apart, 'LABELMAP')
    expect([map.type, map.segments.map(({ number, label }) => [number, label]), map.step, map.series]).toEqual(['LABELMAP', [[1, 'S3'], [2, 'S7']], 3, ['1.1.1']])
    const found = (read: typeof map) => read.layers.map((each) => [each.segment, each.sources[0]!.sopInstanceUID, [...each.mask.subarray(0, 4)]])
    expect(found(map).toSorted()).toEqual([[1, '1.2.0', [0, 255, 255, 0]], [2, '1.2.0', [255, 0, 0, 0]], [2, '1.2.3', [0, 0, 0, 255]]])
    const parts = again([layer(3, 0, [255, 128, 1]), layer(7, 0, [0, 64])], 'FRACTIONAL')
    expect([parts.type, found(parts)]).toEqual(['FRACTIONAL', [[1, '1.2.0', [255, 128, 1, 0]], [2, '1.2.0', [0, 64, 0, 0]]]])
    expect(() => again([layer(3, 0, [255]), layer(7, 0, [255])], 'LABELMAP')).toThrow(/S3 and S7 overlap.*binary/)
  })

  it('lies where it lies, also when it is turned, mirrored or of another size', () => {
    const frame = gridOf(image(0))!
    // Columns run along the image's rows backwards; pixels of 1 mm.
    const other = { ...frame, row: [0, 1, 0] as const, column: [-1, 0, 0] as const, origin: [1, 0, 0] as const, spacing: [1, 1] as const }
    const m = between(other, frame)
    // Pixel (2, 1) of it lies at [1 - 1, 0 + 2, 0]: column (0 + 1) / 0.5 = 2, row (2 + 2) / 2 = 2.
    expect([m.a * 2 + m.c * 1 + m.e, m.b * 2 + m.d * 1 + m.f]).toEqual([2, 2])
  })

  it('keeps colours through CIELab, and numbers in sixteen bytes', () => {
    for (const color of [[230, 90, 80], [0, 0, 0], [255, 255, 255], [10, 200, 90]] as const) expect(fromLab(toLab(color))!.map((value, at) => Math.abs(value - color[at]!) <= 1)).toEqual([true, true, true])
    // L* of sRGB red is 54.29 (D50), a* 80.8, b* 69.9.
    const [l, a, b] = toLab([255, 0, 0])
    expect([(l / 65535) * 100, (a / 65535) * 255 - 128, (b / 65535) * 255 - 128].map((value) => Math.round(value))).toEqual([54, 81, 70])
    expect(String(decimal(-1400.4001473703704 / 3)).length).toBeLessThanOrEqual(16)
    expect([...packed([Uint8Array.from([255, 0, 0, 255, 0]), Uint8Array.from([0, 255])])]).toEqual([0b01001001, 0])
  })
})
