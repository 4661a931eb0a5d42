import { describe, expect, it } from 'vitest'
import { framesOf, instanceOf } from '../frame'
import { contoursOf } from './contours'
import { gridOf } from './grid'
import { inside } from './masks'
import { type Layer, volumeOf } from './segmentation'
import { areaOf, contoursOn, holds, seriesOfPart, structureSetOf, structureVolume } from './structures'
import { structuresFrom } from './writingStructures'

const drawn = (...lines: string[]) => ({ columns: lines[0]!.length, rows: lines.length, mask: Uint8Array.from(lines.join(''), (letter) => (letter === '#' ? 255 : 0)) })

/** A mask again, by the even-odd rule at the centres of its pixels. */
function filled(rings: ReturnType<typeof contoursOf>, { columns, rows }: { columns: number; rows: number }): number[] {
  const mask = Array<number>(columns * rows).fill(0)
  for (const ring of rings) inside([ring], columns, rows, (index) => (mask[index] = mask[index]! ^ 255))
  return mask
}

/** The same pictures every time (a linear congruential generator). */
function* noise(seed: number): Generator<number> {
  for (let value = seed; ; ) {
    value = (value * 1_664_525 + 1_013_904_223) % 4_294_967_296
    yield value / 4_294_967_296
  }
}

describe('outlines of masks', () => {
  it('go along the edges of the pixels, without the corners on the way', () => {
    expect(contoursOf(drawn('....', '.##.', '....'))).toEqual([[[0.5, 0.5], [2.5, 0.5], [2.5, 1.5], [0.5, 1.5]]])
    // Two that touch at a corner are two.
    expect(contoursOf(drawn('#.', '.#'))).toHaveLength(2)
  })

  it('hold exactly what the mask holds, with holes and islands in them', () => {
    const ring = drawn('#######', '#.....#', '#.###.#', '#.#.#.#', '#.###.#', '#.....#', '#######')
    const found = contoursOf(ring)
    expect(found).toHaveLength(2)
    expect(found.reduce((sum, each) => sum + areaOf([each]), 0)).toBe(24 + 8)
    expect([holds(found[0]!, [0, 0]), holds(found[0]!, [1, 1])]).toEqual([true, false])
    for (let seed = 1; seed <= 40; seed++) {
      const random = noise(seed)
      const [columns, rows] = [13, 11]
      const mask = Uint8Array.from({ length: columns * rows }, () => (random.next().value! < 0.35 + seed / 100 ? 255 : 0))
      const sheet = { columns, rows, mask }
      expect(filled(contoursOf(sheet), sheet)).toEqual([...mask])
      // Cut into bands, none of which has more points than it may.
      expect(filled(contoursOf(sheet, 40), sheet)).toEqual([...mask])
    }
  })
})

describe('segments as structures', () => {
  const el = (vr: string, ...Value: unknown[]) => ({ vr, Value }) as never
  const image = (z: number) =>
    framesOf(instanceOf({
      '00080016': el('UI', '1.2.840.10008.5.1.4.1.1.2'), '00080018': el('UI', `1.2.${z}`), '0020000D': el('UI', '1.1'), '00200052': el('UI', '9.9'), '00280010': el('US', 3), '00280011': el('US', 5),
      '00280030': el('DS', 2, 0.5), '00200032': el('DS', -1, -2, z), '00200037': el('DS', 1, 0, 0, 0, 1, 0), '00180050': el('DS', 4), '7FE00010': { vr: 'OW', BulkDataURI: 'x' },
    }, '1.1', '1.1.1'))[0]!

  it('read again, are as large, of the same name and colour, where they were', () => {
    const frames = [0, 3, 6].map(image)
    const layers = frames.map((frame, at): Layer => ({ ...drawn('#####', '#.##.', '#####'), segment: 4, grid: gridOf(frame), sources: [{ sopInstanceUID: `1.2.${at * 3}`, frame: 1 }] }))
    const segments = [{ number: 2, label: 'Nothing', color: [1, 2, 3] as const }, { number: 4, label: 'Größe', color: [200, 100, 50] as const }]
    let serial = 0
    const made = structuresFrom('Plan of the day, long', segments, layers, frames, { uid: () => `2.25.${++serial}`, now: new Date(2026, 0, 5), author: 'me', seriesNumber: 7, version: '1' })
    const { label, series, structures: [read, ...others] } = structureSetOf(made)
    expect([label, series, others]).toEqual(['Plan of the day,', ['1.1.1'], []])
    expect([read!.label, read!.color, read!.frameOfReference, read!.step, read!.contours.length]).toEqual(['Größe', [200, 100, 50], '9.9', 3, 3])
    expect(structureVolume(read!)).toBeCloseTo(volumeOf({ layers, step: 3 }, 4)!, 9)
    // The first pixel's upper left corner: half a pixel of 0.5 x 2 mm before its centre.
    expect(read!.contours[0]!.points).toContainEqual([-1.25, -3, 0])
  })
})

describe('structures in several frames of reference', () => {
  const el = (vr: string, ...Value: unknown[]) => ({ vr, Value }) as never
  const space = (uid: string, series: string) => ({ '00200052': el('UI', uid), '30060012': el('SQ', { '30060014': el('SQ', { '0020000E': el('UI', series) }) }) })
  const roi = (number: number, uid: string) => ({ '30060022': el('IS', number), '30060024': el('UI', uid), '30060026': el('LO', `ROI ${number}`) })
  const square = (number: number) => ({ '30060084': el('IS', number), '30060040': el('SQ', { '30060042': el('CS', 'CLOSED_PLANAR'), '30060046': el('IS', 4), '30060050': el('DS', 0, 0, 5, 10, 0, 5, 10, 10, 5, 0, 10, 5) }) })
  const set = structureSetOf({ '30060010': el('SQ', space('1.1', 'ct'), space('2.2', 'mr')), '30060020': el('SQ', roi(1, '1.1'), roi(2, '2.2')), '30060039': el('SQ', square(1), square(2)) })
  const grid = (frameOfReference: string) => ({ frameOfReference, row: [1, 0, 0] as const, column: [0, 1, 0] as const, origin: [0, 0, 5] as const, spacing: [1, 1] as const, columns: 20, rows: 20 })

  it('lie on the images of their own frame of reference only, though they have the same coordinates', () => {
    const on = (uid: string) => set.structures.filter((structure) => contoursOn(structure, grid(uid), 1).length > 0).map(({ label }) => label)
    expect([on('1.1'), on('2.2'), on('3.3'), on('')]).toEqual([['ROI 1'], ['ROI 2'], [], []])
  })

  it('lead to the series that they were drawn on', () => {
    expect([1, 2].map((number) => seriesOfPart(set, number)[0])).toEqual(['ct', 'mr'])
    expect(seriesOfPart(set, undefined)).toEqual(['ct', 'mr'])
    expect(set.series).toEqual(['ct', 'mr'])
  })
})
