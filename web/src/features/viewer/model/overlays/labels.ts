// Segments and structures as numbers in the voxels of a volume, for drawing them as bodies.
import type { Labels } from '../bricks'
import { type Vector, dot } from '../geometry'
import { type Grid as Voxels, toPatient } from '../volume'
import type { Rgb } from './colors'
import { type Grid, pixelOf } from './grid'
import { segmentsOn, structureOn } from './onPlane'
import type { Layer, Segmentation } from './segmentation'
import type { Structure } from './structures'

export type Part =
  | { readonly kind: 'segmentation'; readonly segmentation: Segmentation; readonly hidden: ReadonlySet<number> }
  | { readonly kind: 'structure'; readonly structure: Structure }

const MOST_COLORS = 255 // a byte a voxel
const MOST_BYTES = 256 * 1024 * 1024

interface Cut {
  readonly slice: number
  readonly left: number
  readonly top: number
  readonly layer: Layer
  readonly color: number
}

function sliceOf(voxels: Voxels, slice: number, frameOfReference: string): Grid {
  const [x, y] = [Math.hypot(...voxels.across), Math.hypot(...voxels.down)]
  const unit = (v: Vector, by: number): Vector => [v[0] / by, v[1] / by, v[2] / by]
  return { frameOfReference, row: unit(voxels.across, x), column: unit(voxels.down, y), origin: toPatient(voxels, [0, 0, slice]), spacing: [x, y], columns: voxels.size[0], rows: voxels.size[1] }
}

/** One slice after the other, so that whoever asks can let the page breathe; ends with undefined where nothing lies in the volume. */
export function* labelling(voxels: Voxels, frameOfReference: string, parts: readonly Part[]): Generator<undefined, Labels | undefined> {
  const colors: Rgb[] = []
  const numbers = new Map<string, number>()
  const numberOf = (key: string, color: Rgb): number => {
    const known = numbers.get(key)
    if (known !== undefined) return known
    if (colors.length < MOST_COLORS) colors.push(color)
    numbers.set(key, colors.length)
    return colors.length
  }
  const cuts: Cut[] = []
  // Rows and columns of a volume are at right angles, as those of its images are (PS3.3 C.7.6.2.1.1).
  if (Math.abs(dot(voxels.across, voxels.down)) > 1e-3) return undefined
  for (let slice = 0; slice < voxels.size[2]; slice++) {
    const plane = sliceOf(voxels, slice, frameOfReference)
    const add = (layer: Layer, color: number): void => {
      if (!layer.grid || !layer.mask.some((value) => value >= 128)) return
      const [left, top] = pixelOf(plane, layer.grid.origin)
      cuts.push({ slice, left: Math.round(left), top: Math.round(top), layer, color })
    }
    parts.forEach((part, index) => {
      if (part.kind === 'structure') {
        const layer = structureOn(part.structure, plane)
        if (layer) add(layer, numberOf(String(index), part.structure.color))
        return
      }
      const shades = new Map(part.segmentation.segments.map((segment) => [segment.number, segment.color]))
      for (const layer of segmentsOn(part.segmentation, plane, part.hidden)) add(layer, numberOf(`${index}:${layer.segment}`, shades.get(layer.segment) ?? [230, 90, 80]))
    })
    yield undefined
  }
  return filledFrom(cuts, colors)
}

function filledFrom(cuts: readonly Cut[], colors: readonly Rgb[]): Labels | undefined {
  if (cuts.length === 0) return undefined
  const least = (of: (cut: Cut) => number): number => cuts.reduce((low, cut) => Math.min(low, of(cut)), Infinity)
  const most = (of: (cut: Cut) => number): number => cuts.reduce((high, cut) => Math.max(high, of(cut)), -Infinity)
  const from = [least((cut) => cut.left), least((cut) => cut.top), least((cut) => cut.slice)] as const
  const size = [most((cut) => cut.left + cut.layer.columns) - from[0], most((cut) => cut.top + cut.layer.rows) - from[1], most((cut) => cut.slice) - from[2] + 1] as const
  const count = size[0] * size[1] * size[2]
  if (count > MOST_BYTES) return undefined
  const values = new Uint8Array(typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(count) : new SharedArrayBuffer(count))
  for (const { slice, left, top, layer: { mask, columns, rows }, color } of cuts) {
    for (let y = 0; y < rows; y++) {
      const start = ((slice - from[2]) * size[1] + top - from[1] + y) * size[0] + left - from[0]
      for (let x = 0; x < columns; x++) if ((mask[y * columns + x] ?? 0) >= 128) values[start + x] = color
    }
  }
  return { from, size, values, colors, opacity: 0.6 }
}
