// Segments and structures cut by any plane through the patient: of each the nearest stored plane's pixel, no further than half the way to the next.
import { type Vector, dot } from '../geometry'
import { type Grid, heightOf, isParallel, normalOfGrid, pixelOf, pointOf, sameSpace } from './grid'
import { inside } from './masks'
import type { Layer, Segmentation } from './segmentation'
import { type Structure, levelsOf } from './structures'

type Box = readonly [left: number, top: number, right: number, bottom: number]
type Placed = Layer & { readonly grid: Grid }

const boxes = new WeakMap<Uint8Array, Box | null>()

/** The smallest box around everything that is set; null for nothing. */
function boxOf({ mask, columns, rows }: Layer): Box | null {
  const known = boxes.get(mask)
  if (known !== undefined) return known
  let [left, top, right, bottom] = [columns, rows, -1, -1]
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      if ((mask[y * columns + x] ?? 0) === 0) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = y
    }
  }
  const box: Box | null = right < 0 ? null : [left, top, right, bottom]
  boxes.set(mask, box)
  return box
}

/** A layer from where it is looked up: a pixel of the plane (x, y) lies in its pixel (x0 + x xx + y xy, y0 + x yx + y yy). */
interface Lookup {
  readonly layer: Placed
  readonly height: number
  readonly x0: number
  readonly xx: number
  readonly xy: number
  readonly y0: number
  readonly yx: number
  readonly yy: number
}

function lookupOf(layer: Placed, normal: Vector, plane: Grid): Lookup {
  const from = pixelOf(layer.grid, plane.origin)
  const along = (axis: Vector, step: number, own: Vector, spacing: number): number => (dot(axis, own) * step) / spacing
  const { row, column, spacing: [sx, sy] } = layer.grid
  return {
    layer, height: dot(layer.grid.origin, normal),
    x0: from[0], xx: along(plane.row, plane.spacing[0], row, sx), xy: along(plane.column, plane.spacing[1], row, sx),
    y0: from[1], yx: along(plane.row, plane.spacing[0], column, sy), yy: along(plane.column, plane.spacing[1], column, sy),
  }
}

/** The part of the plane that layers may reach; null when it passes them by. */
function reached(layers: readonly Placed[], plane: Grid, reach: number): Box | null {
  let [left, top, right, bottom, low, high] = [Infinity, Infinity, -Infinity, -Infinity, Infinity, -Infinity]
  for (const layer of layers) {
    const box = boxOf(layer)
    if (!box) continue
    const normal = normalOfGrid(layer.grid)
    for (let corner = 0; corner < 8; corner++) {
      const at = pointOf(layer.grid, [box[corner & 1 ? 2 : 0] + (corner & 1 ? 0.5 : -0.5), box[corner & 2 ? 3 : 1] + (corner & 2 ? 0.5 : -0.5)])
      const away = corner & 4 ? reach : -reach
      const point: Vector = [at[0] + normal[0] * away, at[1] + normal[1] * away, at[2] + normal[2] * away]
      const [x, y] = pixelOf(plane, point)
      const height = heightOf(plane, point)
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
      low = Math.min(low, height)
      high = Math.max(high, height)
    }
  }
  if (low > 0 || high < 0) return null
  const box: Box = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top)), Math.min(plane.columns - 1, Math.ceil(right)), Math.min(plane.rows - 1, Math.ceil(bottom))]
  return box[0] <= box[2] && box[1] <= box[3] ? box : null
}

/** Index of the nearest height; heights ascend. */
function nearest(found: readonly Lookup[], height: number): number {
  let low = 0
  let high = found.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((found[middle]?.height ?? 0) <= height) low = middle
    else high = middle
  }
  return height - (found[low]?.height ?? 0) <= (found[high]?.height ?? 0) - height ? low : high
}

/**
 * The pixels of a plane that parallel layers cover, as one layer of the plane's part that they reach.
 * @param step mm between layers @returns undefined when the plane passes them by
 */
export function cutThrough(layers: readonly Layer[], step: number, plane: Grid): Layer | undefined {
  const placed = layers.filter((layer): layer is Placed => layer.grid !== undefined && sameSpace(layer.grid.frameOfReference, plane.frameOfReference))
  const first = placed[0]
  const parallel = first ? placed.filter((layer) => isParallel(layer.grid, first.grid)) : []
  const reach = step / 2 + 0.001
  const box = reached(parallel, plane, reach)
  if (!first || !box) return undefined
  const normal = normalOfGrid(first.grid)
  const found = parallel.map((layer) => lookupOf(layer, normal, plane)).sort((a, b) => a.height - b.height)
  const [left, top, right, bottom] = box
  const [columns, rows] = [right - left + 1, bottom - top + 1]
  const mask = new Uint8Array(columns * rows)
  const [h0, hx, hy] = [dot(plane.origin, normal), dot(plane.row, normal) * plane.spacing[0], dot(plane.column, normal) * plane.spacing[1]]
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const height = h0 + x * hx + y * hy
      const at = found[nearest(found, height)]
      if (!at || Math.abs(at.height - height) > reach) continue
      const u = Math.round(at.x0 + x * at.xx + y * at.xy)
      const v = Math.round(at.y0 + x * at.yx + y * at.yy)
      if (u >= 0 && v >= 0 && u < at.layer.columns && v < at.layer.rows) mask[(y - top) * columns + x - left] = at.layer.mask[v * at.layer.columns + u] ?? 0
    }
  }
  return { segment: first.segment, columns, rows, grid: { ...plane, origin: pointOf(plane, [left, top]), columns, rows }, sources: [], mask }
}

const bySegment = new WeakMap<readonly Layer[], ReadonlyMap<number, readonly Layer[]>>()

function segmentsOf({ layers }: Pick<Segmentation, 'layers'>): ReadonlyMap<number, readonly Layer[]> {
  const known = bySegment.get(layers)
  if (known) return known
  const made = new Map<number, Layer[]>()
  for (const layer of layers) made.set(layer.segment, [...(made.get(layer.segment) ?? []), layer])
  bySegment.set(layers, made)
  return made
}

/** Each segment's part of a plane. */
export function segmentsOn(segmentation: Pick<Segmentation, 'layers' | 'step'>, plane: Grid, hidden: ReadonlySet<number>): Layer[] {
  return [...segmentsOf(segmentation)].flatMap(([segment, layers]) => (hidden.has(segment) ? [] : (cutThrough(layers, segmentation.step ?? 1, plane) ?? [])))
}

const MOST = 300_000 // pixels of one level of a structure
const rasters = new WeakMap<Structure, readonly Layer[]>()

/** A structure's closed contours as masks of a millimetre's pixels, coarser where it is large. */
function layersOf(structure: Structure): readonly Layer[] {
  const known = rasters.get(structure)
  if (known) return known
  const made = levelsOf(structure).map(({ grid, rings }): Layer => {
    const xs = rings.flatMap((ring) => ring.map((point) => point[0]))
    const ys = rings.flatMap((ring) => ring.map((point) => point[1]))
    const span = (values: readonly number[]): readonly [number, number] => [values.reduce((least, value) => Math.min(least, value), Infinity), values.reduce((most, value) => Math.max(most, value), -Infinity)]
    const [[left, right], [top, bottom]] = [span(xs), span(ys)]
    const side = Math.max(0.5, Math.sqrt(((right - left) * (bottom - top)) / MOST))
    const [columns, rows] = [Math.ceil((right - left) / side) + 1, Math.ceil((bottom - top) / side) + 1]
    const mask = new Uint8Array(columns * rows)
    const scaled = rings.map((ring) => ring.map(([x, y]) => [(x - left) / side, (y - top) / side] as const))
    inside(scaled, columns, rows, (index) => (mask[index] = 255))
    return { segment: structure.number, columns, rows, grid: { ...grid, origin: pointOf(grid, [left, top]), spacing: [side, side], columns, rows }, sources: [], mask }
  })
  rasters.set(structure, made)
  return made
}

/** What a structure covers of a plane across its contours. */
export const structureOn = (structure: Structure, plane: Grid): Layer | undefined =>
  sameSpace(structure.frameOfReference, plane.frameOfReference) ? cutThrough(layersOf(structure), structure.step ?? 1, plane) : undefined
