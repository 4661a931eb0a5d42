// Segmentations (PS3.3 A.51, C.8.20): binary, fractional and label map objects as one thing, masks by segment and plane.
import { type Dataset, item, items, number, numbers, text } from '../dataset'
import type { Frame } from '../frame'
import { dot } from '../geometry'
import { Tag } from '../tags'
import { type Rgb, colorFor, fromLab } from './colors'
import { type Grid, gridOf, gridOfHeader, heightOf, isParallel, normalOfGrid, sameGrid, sameSpace } from './grid'
import { LABEL_MAP, T } from './tags'

export interface Code {
  readonly value: string
  readonly scheme: string
  readonly meaning: string
}

export interface Segment {
  readonly number: number
  readonly label: string
  readonly color: Rgb
  readonly category?: Code
  readonly type?: Code
}

export interface Source {
  readonly sopInstanceUID: string
  /** 1 for an object with one frame. */
  readonly frame: number
}

/** One segment on one plane. */
export interface Layer {
  readonly segment: number
  readonly columns: number
  readonly rows: number
  readonly grid: Grid | undefined
  readonly sources: readonly Source[]
  /** 0 outside, 255 inside, between them what a fractional segmentation says. */
  readonly mask: Uint8Array
}

export interface Segmentation {
  readonly type: 'BINARY' | 'FRACTIONAL' | 'LABELMAP'
  readonly label: string
  readonly segments: readonly Segment[]
  readonly layers: readonly Layer[]
  /** Millimetres between planes; undefined when nothing tells. */
  readonly step: number | undefined
  /** Series the planes were drawn on. */
  readonly series: readonly string[]
}

export class BadSegmentation extends Error {}

/** Where the stored samples of frame n are: one value each, bits already unpacked. */
export type Samples = (frame: number) => ArrayLike<number>

const codeOf = (code: Dataset | undefined): Code | undefined =>
  code && { value: text(code, T.CodeValue), scheme: text(code, T.CodingSchemeDesignator), meaning: text(code, T.CodeMeaning) }

function segmentOf(entry: Dataset, index: number): Segment {
  const category = codeOf(item(entry, T.SegmentedPropertyCategory))
  const type = codeOf(item(entry, T.SegmentedPropertyType))
  const segment: Segment = {
    number: number(entry, T.SegmentNumber) ?? index + 1,
    label: text(entry, T.SegmentLabel) || (type?.meaning ?? '') || `Segment ${index + 1}`,
    color: fromLab(numbers(entry, T.RecommendedDisplayCIELabValue)) ?? colorFor(index),
  }
  return { ...segment, ...(category && { category }), ...(type && { type }) }
}

/** Segments in their order; the background of a label map is none. */
export function segmentsOf(dataset: Dataset): Segment[] {
  const isMap = text(dataset, Tag.SOPClassUID) === LABEL_MAP
  return items(dataset, T.SegmentSequence).map(segmentOf).filter((segment) => !(isMap && segment.number === background(dataset)))
}

/** The value of a label map that is no segment: 0, else what Pixel Padding Value says (PS3.3 C.8.20.2). */
const background = (dataset: Dataset): number => {
  const padding = number(dataset, T.PixelPaddingValue)
  return padding !== undefined && items(dataset, T.SegmentSequence).some((entry) => number(entry, T.SegmentNumber) === padding) ? padding : 0
}

function sourcesOf(group: Dataset | undefined): Source[] {
  return items(group ?? {}, T.DerivationImageSequence).flatMap((derivation) =>
    items(derivation, T.SourceImageSequence).flatMap((image): Source[] => {
      const sopInstanceUID = text(image, T.ReferencedSOPInstanceUID)
      const frames = numbers(image, T.ReferencedFrameNumber)
      return (frames.length > 0 ? frames : [1]).map((frame) => ({ sopInstanceUID, frame }))
    }),
  )
}

/** Reads a segmentation. Throws BadSegmentation when it does not hang together. */
export function segmentationOf(dataset: Dataset, samples: Samples): Segmentation {
  const type = text(dataset, Tag.SOPClassUID) === LABEL_MAP ? 'LABELMAP' : text(dataset, T.SegmentationType) === 'FRACTIONAL' ? 'FRACTIONAL' : 'BINARY'
  const columns = number(dataset, Tag.Columns) ?? 0
  const rows = number(dataset, Tag.Rows) ?? 0
  const count = number(dataset, Tag.NumberOfFrames) ?? 1
  if (columns < 1 || rows < 1) throw new BadSegmentation('The segmentation does not say how many rows and columns it has.')
  const shared = item(dataset, Tag.SharedFunctionalGroups)
  const each = items(dataset, Tag.PerFrameFunctionalGroups)
  const segments = segmentsOf(dataset)
  const most = number(dataset, T.MaximumFractionalValue) ?? 255
  const layers: Layer[] = []
  for (let index = 0; index < count; index++) {
    const own = each[index]
    const values = samples(index)
    const about = { columns, rows, grid: gridOfHeader(dataset, own, shared), sources: [...sourcesOf(own), ...sourcesOf(shared)] }
    if (type === 'LABELMAP') {
      layers.push(...labelled(values, columns * rows, new Set(segments.map((segment) => segment.number))).map(([segment, mask]) => ({ ...about, segment, mask })))
      continue
    }
    const named = item(own, T.SegmentIdentificationSequence) ?? item(shared, T.SegmentIdentificationSequence)
    const segment = (named && number(named, T.ReferencedSegmentNumber)) ?? segments[0]?.number ?? 1
    layers.push({ ...about, segment, mask: scaled(values, columns * rows, type === 'FRACTIONAL' ? most : 1) })
  }
  const measures = item(shared, Tag.PixelMeasuresSequence) ?? item(each[0], Tag.PixelMeasuresSequence)
  const series = items(dataset, T.ReferencedSeriesSequence).map((entry) => text(entry, Tag.SeriesInstanceUID))
  return { type, label: text(dataset, T.ContentLabel), segments, layers, step: stepOf(layers, measures), series }
}

function scaled(values: ArrayLike<number>, count: number, most: number): Uint8Array {
  const mask = new Uint8Array(count)
  for (let index = 0; index < count; index++) mask[index] = Math.round((Math.min(values[index] ?? 0, most) / most) * 255)
  return mask
}

function labelled(values: ArrayLike<number>, count: number, wanted: ReadonlySet<number>): [number, Uint8Array][] {
  const masks = new Map<number, Uint8Array>()
  for (let index = 0; index < count; index++) {
    const value = values[index] ?? 0
    if (!wanted.has(value)) continue
    const mask = masks.get(value) ?? new Uint8Array(count)
    mask[index] = 255
    masks.set(value, mask)
  }
  return [...masks]
}

/** What the header says lies between two planes, else the least distance there is, else their thickness. */
function stepOf(layers: readonly Layer[], measures: Dataset | undefined): number | undefined {
  const said = measures && number(measures, T.SpacingBetweenSlices)
  if (said !== undefined && said > 0) return said
  const first = layers.find((layer) => layer.grid)?.grid
  if (first) {
    const heights = [...new Set(layers.flatMap(({ grid }) => (grid && isParallel(first, grid) ? [Math.round(heightOf(first, grid.origin) * 1000) / 1000] : [])))].sort((a, b) => a - b)
    const gaps = heights.slice(1).map((height, index) => height - (heights[index] ?? 0))
    if (gaps.length > 0) return Math.min(...gaps)
  }
  const thickness = measures && number(measures, T.SliceThickness)
  return thickness !== undefined && thickness > 0 ? thickness : undefined
}

const sums = new WeakMap<Uint8Array, number>()

function sumOf(mask: Uint8Array): number {
  let sum = sums.get(mask)
  if (sum !== undefined) return sum
  sum = 0
  for (const value of mask) sum += value
  sums.set(mask, sum)
  return sum
}

/** Millilitres of a segment; of a fractional one each voxel counts by its fraction. Undefined where planes have no place. */
export function volumeOf({ layers, step }: Pick<Segmentation, 'layers' | 'step'>, segment: number): number | undefined {
  if (step === undefined) return undefined
  let cubic = 0
  for (const layer of layers) {
    if (layer.segment !== segment) continue
    if (!layer.grid) return undefined
    cubic += (sumOf(layer.mask) / 255) * layer.grid.spacing[0] * layer.grid.spacing[1] * step
  }
  return cubic / 1000
}

const isSource = (layer: Layer, frame: Frame): boolean =>
  layer.sources.some((source) => source.sopInstanceUID === frame.instance.sopInstanceUID && (frame.instance.frames === 1 || source.frame === frame.number))

/** What lies on a picture: of each segment the nearest plane, no further than half the way to the next. */
export function layersOn({ layers, step }: Pick<Segmentation, 'layers' | 'step'>, frame: Frame): Layer[] {
  const grid = gridOf(frame)
  const best = new Map<number, { layer: Layer; away: number }>()
  for (const layer of layers) {
    let away = isSource(layer, frame) ? 0 : Infinity
    if (away > 0 && grid && layer.grid && sameSpace(grid.frameOfReference, layer.grid.frameOfReference) && isParallel(grid, layer.grid)) {
      const height = Math.abs(heightOf(grid, layer.grid.origin))
      if (height <= (step ?? frame.thickness ?? 1) / 2 + 0.001) away = height
    }
    if (away < (best.get(layer.segment)?.away ?? Infinity)) best.set(layer.segment, { layer, away })
  }
  return [...best.values()].map(({ layer }) => layer)
}

/** Each layer on the picture of a stack with the same pixels, by frame id; undefined when one of them has none. */
export function fittedTo(segmentation: Segmentation, frames: readonly Frame[]): Layer[] | undefined {
  const grids = frames.map((frame) => gridOf(frame))
  const fitted: Layer[] = []
  for (const layer of segmentation.layers) {
    const index = frames.findIndex((frame, at) => {
      const grid = grids[at]
      if (!layer.grid || !grid) return isSource(layer, frame) && frame.extent.columns === layer.columns && frame.extent.rows === layer.rows
      const near = Math.abs(dot(normalOfGrid(grid), [layer.grid.origin[0] - grid.origin[0], layer.grid.origin[1] - grid.origin[1], layer.grid.origin[2] - grid.origin[2]]))
      return sameGrid(layer.grid, grid) && near < 0.1
    })
    const frame = frames[index]
    if (!frame) return undefined
    fitted.push({ ...layer, grid: grids[index], sources: [{ sopInstanceUID: frame.instance.sopInstanceUID, frame: frame.number }] })
  }
  return fitted
}
