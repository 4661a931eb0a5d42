import { describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset'
import { framesOf, instanceOf } from '../frame'
import { Tag } from '../tags'
import { type Slide, fitted, levelFor, scaleBar, slidesOf, tilesOn, zoomedAt } from './slide'

const value = (...Value: unknown[]) => ({ vr: 'UL', Value }) as Dataset[string]

const image = (columns: number, rows: number, more: Dataset = {}): Dataset => ({
  [Tag.SOPClassUID]: value('1.2.840.10008.5.1.4.1.1.77.1.6'),
  [Tag.SOPInstanceUID]: value(`1.${columns}.${rows}`),
  [Tag.PatientID]: value('x'),
  [Tag.PixelData]: { vr: 'OB', BulkDataURI: 'x' },
  [Tag.ImageType]: value('ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'),
  [Tag.Columns]: value(100),
  [Tag.Rows]: value(50),
  [Tag.NumberOfFrames]: value(Math.ceil(columns / 100) * Math.ceil(rows / 50)),
  '00480006': value(columns),
  '00480007': value(rows),
  '00480105': value({ '00480106': value('1'), '00480112': value(40) }),
  '00209311': value('TILED_FULL'),
  [Tag.SharedFunctionalGroups]: value({ [Tag.PixelMeasuresSequence]: value({ [Tag.PixelSpacing]: value(0.0005, 0.00025) }) }),
  ...more,
})

const read = (...datasets: Dataset[]) => slidesOf(datasets.map((dataset) => instanceOf(dataset, '1', '2')))
const only = (...datasets: Dataset[]): Slide => read(...datasets).slides[0]!

describe('a whole slide', () => {
  it('is one picture in a stack, however many tiles it has', () => {
    expect(framesOf(instanceOf(image(100_000, 80_000), '1', '2'))).toHaveLength(1)
  })

  it('has its levels finest first, and says how large a pixel is, across and down', () => {
    const slide = only(image(250, 150), image(1000, 600), image(500, 300))
    expect(slide.levels.map(({ columns }) => columns)).toEqual([1000, 500, 250])
    expect(slide).toMatchObject({ mm: [0.00025, 0.0005], power: 40 })
    expect(only(image(1000, 600, { [Tag.SharedFunctionalGroups]: value(), '00480001': value(10), '00480002': value(3) })).mm).toEqual([0.01, 0.005])
  })

  it('leaves the label out of the pyramid, and keeps other slides and stains apart', () => {
    const label = image(100, 50, { [Tag.ImageType]: value('ORIGINAL', 'PRIMARY', 'LABEL', 'NONE') })
    const stained = image(1000, 600, { [Tag.SOPInstanceUID]: value('9'), '00480105': value({ '00480106': value('2'), '00480107': value('DAPI') }) })
    const { slides, label: found } = read(image(1000, 600), image(500, 300), label, stained)
    expect(found?.sopInstanceUID).toBe('1.100.50')
    expect(slides.map(({ levels }) => levels.length)).toEqual([2, 1])
    expect(slides[1]?.name).toBe('Slide 2: DAPI')
  })

  it('finds the frame of a tile when all are there: columns, rows, focal planes, optical paths (PS3.3 C.7.6.17.3)', () => {
    const two = { '00480303': value(3), [Tag.NumberOfFrames]: value(3 * 2 * 3 * 2), '00480105': value({ '00480106': value('1') }, { '00480106': value('2') }) }
    const { frameOf } = only(image(250, 100, two)).levels[0]!
    // 3 columns and 2 rows of tiles.
    expect([frameOf(0, 0, 0, 0), frameOf(2, 0, 0, 0), frameOf(0, 1, 0, 0), frameOf(0, 0, 0, 1), frameOf(2, 1, 1, 2)]).toEqual([1, 3, 4, 7, 36])
    expect(frameOf(0, 0, 2, 0)).toBeUndefined()
  })

  it('finds the frame of a tile by its place when only some are there', () => {
    const at = (x: number, y: number, path: string) => ({ '0048021A': value({ '0048021E': value(x), '0048021F': value(y) }), '00480207': value({ '00480106': value(path) }) })
    const sparse = { '00209311': value('TILED_SPARSE'), [Tag.NumberOfFrames]: value(3), '00480105': value({ '00480106': value('a') }, { '00480106': value('b') }), [Tag.PerFrameFunctionalGroups]: value(at(101, 51, 'a'), at(1, 1, 'a'), at(101, 51, 'b')) }
    const { frameOf } = only(image(250, 100, sparse)).levels[0]!
    expect([frameOf(0, 0, 0, 0), frameOf(1, 1, 0, 0), frameOf(1, 1, 1, 0), frameOf(2, 0, 0, 0)]).toEqual([2, 1, 3, undefined])
  })
})

describe('looking at a slide', () => {
  const slide = only(image(1000, 600), image(500, 300), image(250, 150))
  const size = { width: 500, height: 300 }

  it('takes the coarsest level that is sharp enough', () => {
    expect([0.1, 0.25, 0.5, 0.7, 1, 4].map((scale) => levelFor(slide, scale))).toEqual([2, 2, 1, 0, 0, 0])
  })

  it('asks for the tiles on the screen, those in the middle first', () => {
    const tiles = tilesOn(slide, 0, { x: 250, y: 75, scale: 5 }, { width: 500, height: 250 })
    // 200 to 300 across, 50 to 100 down: the neighbours begin where these end.
    expect(tiles[0]).toEqual({ level: 0, column: 2, row: 1 })
    expect(tiles).toHaveLength(4)
    expect(tilesOn(slide, 2, { x: 500, y: 300, scale: 0.1 }, size)).toHaveLength(9)
  })

  it('zooms around the place under the hand', () => {
    const view = { x: 500, y: 300, scale: 0.5 }
    const later = zoomedAt(slide, view, 2, [400, 250], size)
    // The slide's pixel at the hand: middle + distance / scale.
    expect([500 + 150 / 0.5, 300 + 100 / 0.5]).toEqual([later.x + 150 / later.scale, later.y + 100 / later.scale])
    expect(zoomedAt(slide, view, 1000, [0, 0], size).scale).toBe(4)
    expect(fitted(slide, size)).toEqual({ x: 500, y: 300, scale: 0.475 })
  })

  it('has a bar of a round length', () => {
    expect(scaleBar(0.00025, 1)).toEqual({ pixels: 80, text: '20 µm' })
    expect(scaleBar(0.00025, 0.01)).toEqual({ pixels: 80, text: '2 mm' })
    expect(scaleBar(0.1, 1).text).toBe('10 mm')
  })
})
