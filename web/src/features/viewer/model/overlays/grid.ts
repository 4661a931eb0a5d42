// Where the pixels of a frame lie in the patient, and how one frame's pixels lie on another's.
import { type Dataset, item, number, numbers, text } from '../dataset'
import type { Frame } from '../frame'
import { type Plane, type Point, type Vector, cross, dot, normalOf, planeOf } from '../geometry'
import { Tag } from '../tags'
import type { Affine } from '../view'

export interface Grid {
  /** '' when the object names none. */
  readonly frameOfReference: string
  readonly row: Vector
  readonly column: Vector
  /** Centre of the first pixel, mm. */
  readonly origin: Vector
  /** Millimetres between columns (x) and rows (y). */
  readonly spacing: Point
  readonly columns: number
  readonly rows: number
}

const placed = (plane: Plane | undefined, spacing: readonly number[]): { plane: Plane & { position: Vector }; x: number; y: number } | undefined => {
  const [y, x] = spacing
  if (!plane?.position || x === undefined || y === undefined || x <= 0 || y <= 0) return undefined
  return { plane: { ...plane, position: plane.position }, x, y }
}

/** The grid of a frame from its header; undefined where no place in the patient is told. */
export function gridOfHeader(dataset: Dataset, own: Dataset | undefined, shared: Dataset | undefined): Grid | undefined {
  const group = (tag: string): Dataset => item(own, tag) ?? item(shared, tag) ?? dataset
  const orientation = numbers(group(Tag.PlaneOrientationSequence), Tag.ImageOrientationPatient)
  const position = numbers(group(Tag.PlanePositionSequence), Tag.ImagePositionPatient)
  const found = placed(planeOf(orientation, position), numbers(group(Tag.PixelMeasuresSequence), Tag.PixelSpacing))
  if (!found) return undefined
  return {
    frameOfReference: text(dataset, Tag.FrameOfReferenceUID),
    row: found.plane.row,
    column: found.plane.column,
    origin: found.plane.position,
    spacing: [found.x, found.y],
    columns: number(dataset, Tag.Columns) ?? 0,
    rows: number(dataset, Tag.Rows) ?? 0,
  }
}

const known = new WeakMap<Frame, { readonly grid: Grid | undefined }>()

/** The grid of a picture of a stack. */
export function gridOf(frame: Frame): Grid | undefined {
  const found = known.get(frame) ?? { grid: gridFrom(frame) }
  known.set(frame, found)
  return found.grid
}

function gridFrom(frame: Frame): Grid | undefined {
  const { dataset } = frame.instance
  const each = dataset[Tag.PerFrameFunctionalGroups]?.Value?.[frame.number - 1]
  const grid = gridOfHeader(dataset, typeof each === 'object' ? (each as Dataset | null) ?? undefined : undefined, item(dataset, Tag.SharedFunctionalGroups))
  // A position in the header of a classic multi-frame object is that of its first frame only.
  return each === undefined && frame.number > 1 ? undefined : grid
}

export const normalOfGrid = (grid: Grid): Vector => normalOf(grid)

/** Millimetres from `grid`'s plane to a point of the patient, along its normal. */
export function heightOf(grid: Grid, point: Vector): number {
  return dot([point[0] - grid.origin[0], point[1] - grid.origin[1], point[2] - grid.origin[2]], normalOfGrid(grid))
}

/** Column and row of a point of the patient, as seen along the normal. */
export function pixelOf(grid: Grid, point: Vector): Point {
  const from: Vector = [point[0] - grid.origin[0], point[1] - grid.origin[1], point[2] - grid.origin[2]]
  return [dot(from, grid.row) / grid.spacing[0], dot(from, grid.column) / grid.spacing[1]]
}

/** The point of the patient at a column and row. */
export function pointOf(grid: Grid, [x, y]: Point): Vector {
  const across = x * grid.spacing[0]
  const down = y * grid.spacing[1]
  const at = (axis: 0 | 1 | 2): number => grid.origin[axis] + grid.row[axis] * across + grid.column[axis] * down
  return [at(0), at(1), at(2)]
}

export const isParallel = (a: Grid, b: Grid): boolean => Math.abs(dot(normalOfGrid(a), normalOfGrid(b))) > 0.999

/** Objects without a frame of reference lie in none that another shares. */
export const sameSpace = (a: string, b: string): boolean => a !== '' && a === b

/** From pixels of `from` to pixels of `to`; both planes are parallel. */
export function between(from: Grid, to: Grid): Affine {
  const [e, f] = pixelOf(to, from.origin)
  const [x, y] = from.spacing
  return {
    a: (dot(from.row, to.row) * x) / to.spacing[0],
    b: (dot(from.row, to.column) * x) / to.spacing[1],
    c: (dot(from.column, to.row) * y) / to.spacing[0],
    d: (dot(from.column, to.column) * y) / to.spacing[1],
    e,
    f,
  }
}

/** first, then second. */
export const chained = (first: Affine, second: Affine): Affine => ({
  a: second.a * first.a + second.c * first.b,
  b: second.b * first.a + second.d * first.b,
  c: second.a * first.c + second.c * first.d,
  d: second.b * first.c + second.d * first.d,
  e: second.a * first.e + second.c * first.f + second.e,
  f: second.b * first.e + second.d * first.f + second.f,
})

/** Whether two grids have the same pixels, within a tenth of one. */
export function sameGrid(a: Grid, b: Grid): boolean {
  if (a.columns !== b.columns || a.rows !== b.rows || !isParallel(a, b)) return false
  const corners: Point[] = [[0, 0], [a.columns - 1, a.rows - 1], [a.columns - 1, 0]]
  return corners.every((corner) => {
    const there = pixelOf(b, pointOf(a, corner))
    return Math.abs(there[0] - corner[0]) < 0.1 && Math.abs(there[1] - corner[1]) < 0.1
  })
}

/** Axes of a millimetre in the plane with this normal through a point. */
export function inPlane(normal: Vector, origin: Vector, frameOfReference: string): Grid {
  const other: Vector = Math.abs(normal[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0]
  const along = dot(other, normal)
  const raw: Vector = [other[0] - along * normal[0], other[1] - along * normal[1], other[2] - along * normal[2]]
  const size = Math.sqrt(dot(raw, raw))
  const row: Vector = [raw[0] / size, raw[1] / size, raw[2] / size]
  return { frameOfReference, row, column: cross(normal, row), origin, spacing: [1, 1], columns: 0, rows: 0 }
}
