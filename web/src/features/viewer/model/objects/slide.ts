// Whole slide microscopy (PS3.3 C.8.12.4): levels of a pyramid, and which frame is which tile.
import { type Dataset, item, items, number, numbers, text, texts } from '../dataset'
import type { Instance } from '../frame'
import { Tag } from '../tags'

const Slide_ = {
  TotalPixelMatrixColumns: '00480006',
  TotalPixelMatrixRows: '00480007',
  ImagedVolumeWidth: '00480001',
  ImagedVolumeHeight: '00480002',
  OpticalPathSequence: '00480105',
  OpticalPathIdentifier: '00480106',
  OpticalPathDescription: '00480107',
  ObjectiveLensPower: '00480112',
  OpticalPathIdentificationSequence: '00480207',
  PlanePositionSlideSequence: '0048021A',
  ColumnPosition: '0048021E',
  RowPosition: '0048021F',
  FocalPlanes: '00480303',
  DimensionOrganizationType: '00209311',
} as const

export interface Level {
  readonly instance: Instance
  readonly columns: number
  readonly rows: number
  readonly tileColumns: number
  readonly tileRows: number
  readonly focalPlanes: number
  /** The stored bytes of a tile are a JPEG that browsers show rightly. */
  readonly plainJpeg: boolean
  /** Frame number of a tile, undefined where nothing was scanned. */
  readonly frameOf: (column: number, row: number, path: number, plane: number) => number | undefined
}

export interface Slide {
  readonly name: string
  /** Finest first. */
  readonly levels: readonly Level[]
  readonly paths: readonly string[]
  /** Width and height of a pixel of the finest level; undefined when nothing says so. */
  readonly mm: readonly [number, number] | undefined
  /** Of the objective, as "20 x". */
  readonly power: number | undefined
}

export interface Slides {
  readonly slides: readonly Slide[]
  readonly label: Instance | undefined
}

const MOST_TILES = 4_000_000

export function slidesOf(instances: readonly Instance[]): Slides {
  const flavour = ({ dataset }: Instance): string => texts(dataset, Tag.ImageType)[2] ?? ''
  const groups = new Map<string, Level[]>()
  const all = instances.flatMap((instance) => (['LABEL', 'OVERVIEW'].includes(flavour(instance)) ? [] : (levelOf(instance) ?? [])))
  for (const level of all.sort((one, other) => other.columns - one.columns)) {
    // Another image of the same size is another slide or optical path, not another level.
    for (let at = 0; ; at++) {
      const key = `${pathsOf(level.instance.dataset).join('|')} ${text(level.instance.dataset, Tag.FrameOfReferenceUID)} ${at}`
      const group = groups.get(key) ?? []
      if (group.some(({ columns }) => columns === level.columns)) continue
      groups.set(key, [...group, level])
      break
    }
  }
  const slides = [...groups.values()].map((levels, at) => slideOf(levels, `${at + 1}`))
  return { slides, label: instances.find((instance) => flavour(instance) === 'LABEL') }
}

function slideOf(levels: readonly Level[], at: string): Slide {
  const dataset = levels[0]?.instance.dataset ?? {}
  const paths = pathsOf(dataset)
  const power = items(dataset, Slide_.OpticalPathSequence).map((path) => number(path, Slide_.ObjectiveLensPower)).find((each) => each !== undefined)
  return { name: [`Slide ${at}`, paths.length === 1 ? paths[0] : ''].filter(Boolean).join(': '), levels, paths, mm: levels[0] && spacingOf(levels[0]), power }
}

const pathsOf = (dataset: Dataset): string[] => items(dataset, Slide_.OpticalPathSequence).map((path) => text(path, Slide_.OpticalPathDescription) || text(path, Slide_.OpticalPathIdentifier))

/** Pixel Spacing, else the size of what was imaged over the number of pixels. */
function spacingOf({ instance: { dataset }, columns, rows }: Level): readonly [number, number] | undefined {
  const measures = item(item(dataset, Tag.SharedFunctionalGroups), Tag.PixelMeasuresSequence) ?? dataset
  const [down, across] = numbers(measures, Tag.PixelSpacing)
  if (down !== undefined && across !== undefined && down > 0 && across > 0) return [across, down]
  const [width, height] = [number(dataset, Slide_.ImagedVolumeWidth), number(dataset, Slide_.ImagedVolumeHeight)]
  return width && height ? [width / columns, height / rows] : undefined
}

function levelOf(instance: Instance): Level | undefined {
  const { dataset } = instance
  const [tileColumns, tileRows] = [number(dataset, Tag.Columns) ?? 0, number(dataset, Tag.Rows) ?? 0]
  const columns = number(dataset, Slide_.TotalPixelMatrixColumns) ?? tileColumns
  const rows = number(dataset, Slide_.TotalPixelMatrixRows) ?? tileRows
  if (tileColumns <= 0 || tileRows <= 0 || columns <= 0 || rows <= 0 || instance.frames > MOST_TILES) return undefined
  const focalPlanes = Math.max(1, number(dataset, Slide_.FocalPlanes) ?? 1)
  const lossy = text(dataset, Tag.AvailableTransferSyntaxUID) === '1.2.840.10008.1.2.4.50'
  return { instance, columns, rows, tileColumns, tileRows, focalPlanes, plainJpeg: lossy && instance.format.photometric.startsWith('YBR'), frameOf: sparse(instance, tileColumns, tileRows) ?? full(columns, rows, tileColumns, tileRows, focalPlanes, instance.frames) }
}

/** TILED_FULL: columns first, then rows, then focal planes, then optical paths (PS3.3 C.7.6.17.3). */
function full(columns: number, rows: number, tileColumns: number, tileRows: number, planes: number, frames: number): Level['frameOf'] {
  const across = Math.ceil(columns / tileColumns)
  const down = Math.ceil(rows / tileRows)
  return (column, row, path, plane) => {
    const frame = ((path * planes + plane) * down + row) * across + column + 1
    return frame <= frames ? frame : undefined
  }
}

/** Each frame says where it lies, and of which optical path it is; the first of several focal planes is taken. */
function sparse({ dataset, frames }: Instance, tileColumns: number, tileRows: number): Level['frameOf'] | undefined {
  const each = items(dataset, Tag.PerFrameFunctionalGroups)
  if (text(dataset, Slide_.DimensionOrganizationType) === 'TILED_FULL' || each.length < frames) return undefined
  const ids = items(dataset, Slide_.OpticalPathSequence).map((path) => text(path, Slide_.OpticalPathIdentifier))
  const found = new Map<string, number[]>()
  each.forEach((group, index) => {
    const place = item(group, Slide_.PlanePositionSlideSequence) ?? {}
    const [x, y] = [number(place, Slide_.ColumnPosition) ?? 1, number(place, Slide_.RowPosition) ?? 1]
    const path = Math.max(0, ids.indexOf(text(item(group, Slide_.OpticalPathIdentificationSequence) ?? {}, Slide_.OpticalPathIdentifier)))
    const key = `${Math.floor((x - 1) / tileColumns)}/${Math.floor((y - 1) / tileRows)}/${path}`
    found.set(key, [...(found.get(key) ?? []), index + 1])
  })
  return (column, row, path, plane) => {
    const numbers_ = found.get(`${column}/${row}/${path}`)
    return numbers_?.[plane] ?? numbers_?.[0]
  }
}

// --- looking at it

export interface SlideView {
  /** Pixel of the finest level in the middle of the screen. */
  readonly x: number
  readonly y: number
  /** Pixels of the screen for one of the finest level. */
  readonly scale: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Tile {
  readonly level: number
  readonly column: number
  readonly row: number
}

/** Of a level, how many pixels of the finest lie in one of its own. */
export const coarseness = ({ levels }: Slide, level: number): number => (levels[0]?.columns ?? 1) / (levels[level]?.columns ?? 1)

/** The coarsest level that need not be enlarged by more than a fifth. */
export function levelFor(slide: Slide, scale: number): number {
  for (let level = slide.levels.length - 1; level > 0; level--) if (coarseness(slide, level) * scale <= 1.2) return level
  return 0
}

/** Tiles of a level on the screen, those in the middle first. */
export function tilesOn(slide: Slide, level: number, view: SlideView, size: Size): Tile[] {
  const { columns, rows, tileColumns, tileRows } = slide.levels[level] ?? { columns: 0, rows: 0, tileColumns: 1, tileRows: 1 }
  const coarse = coarseness(slide, level)
  const [halfX, halfY] = [size.width / view.scale / 2, size.height / view.scale / 2]
  const range = (middle: number, half: number, tile: number, most: number): number[] => {
    const first = Math.max(0, Math.floor((middle - half) / coarse / tile))
    const last = Math.min(Math.ceil(most / tile) - 1, Math.floor((middle + half) / coarse / tile))
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at)
  }
  const found = range(view.y, halfY, tileRows, rows).flatMap((row) => range(view.x, halfX, tileColumns, columns).map((column) => ({ level, column, row })))
  const away = ({ column, row }: Tile): number => Math.hypot((column + 0.5) * tileColumns * coarse - view.x, (row + 0.5) * tileRows * coarse - view.y)
  return found.sort((one, other) => away(one) - away(other))
}

/** All of it on the screen. */
export function fitted({ levels }: Slide, { width, height }: Size): SlideView {
  const { columns, rows } = levels[0] ?? { columns: 1, rows: 1 }
  return { x: columns / 2, y: rows / 2, scale: Math.min(width / columns, height / rows) * 0.95 }
}

/** Zooms so that what lies at a place of the screen stays there; never past four screen pixels for one (of tiny ones twice the whole), nor below half of the whole. */
export function zoomedAt(slide: Slide, view: SlideView, by: number, at: readonly [number, number], size: Size): SlideView {
  const whole = fitted(slide, size).scale
  const scale = Math.min(Math.max(4, whole * 2), Math.max(whole / 2, view.scale * by))
  const [dx, dy] = [at[0] - size.width / 2, at[1] - size.height / 2]
  return kept(slide, { x: view.x + dx / view.scale - dx / scale, y: view.y + dy / view.scale - dy / scale, scale })
}

/** The middle of the screen stays on the slide. */
export function kept({ levels }: Slide, view: SlideView): SlideView {
  const { columns, rows } = levels[0] ?? { columns: 1, rows: 1 }
  return { ...view, x: Math.min(columns, Math.max(0, view.x)), y: Math.min(rows, Math.max(0, view.y)) }
}

/** The longest round length that is no longer than `most` pixels of the screen. */
export function scaleBar(mm: number, scale: number, most = 140): { readonly pixels: number; readonly text: string } {
  const longest = (most / scale) * mm
  const power = 10 ** Math.floor(Math.log10(longest))
  const length = power * ([5, 2, 1].find((each) => each * power <= longest) ?? 1)
  const text_ = length >= 1 ? `${Number(length.toPrecision(3))} mm` : `${Number((length * 1000).toPrecision(3))} µm`
  return { pixels: (length / mm) * scale, text: text_ }
}
