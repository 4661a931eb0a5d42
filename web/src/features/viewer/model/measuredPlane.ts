// Planes through a volume on which somebody measures: each has pixels of its own, so that a shape on it is a shape on any image. Pure.
import type { AnnotationItem } from '../../../api/annotations'
import { type Vector, dot } from './geometry'
import { KINDS, type Measurement, type Result } from './measure'
import { type Extent, type Orientation, type PlaneView, normalOfPlane, toScreen } from './planes'
import type { Projection } from './resample'
import { type Grid, cornersOf, finest } from './volume'
import type { Affine } from './view'

export interface MeasuredPlane {
  readonly study: string
  readonly series: string
  readonly frameOfReference: string
  /** Centre of the pixel (0, 0) in the patient, mm. */
  readonly origin: Vector
  /** Unit vectors along rows and columns. */
  readonly right: Vector
  readonly below: Vector
  /** mm of a pixel, both ways */
  readonly step: number
  readonly columns: number
  readonly rows: number
  readonly projection: Projection
  /** mm of the slab; 0 for a thin plane */
  readonly thickness: number
  /** Moment of a series in time. */
  readonly phase: number
}

export interface Look {
  readonly projection: Projection
  readonly thickness: number
  readonly phase: number
}

const DIGITS = 4
const rounded = (value: number): number => Math.round(value * 10 ** DIGITS) / 10 ** DIGITS
const PARALLEL = 0.9999

/** The plane through a point: its pixels are as fine as the volume's finest step and cover all of the volume. */
export function planeThrough(of: Pick<MeasuredPlane, 'study' | 'series' | 'frameOfReference'>, grid: Grid, orientation: Orientation, focus: Vector, look: Look): MeasuredPlane {
  const { right, below } = orientation
  const normal = normalOfPlane(orientation)
  const step = finest(grid)
  const corners = cornersOf(grid)
  const spread = (axis: Vector): readonly [number, number] => {
    const along = corners.map((corner) => dot(corner, axis))
    return [Math.min(...along), Math.max(...along)]
  }
  const [left, end] = spread(right)
  const [top, bottom] = spread(below)
  const depth = dot(focus, normal)
  const at = (n: 0 | 1 | 2): number => right[n] * left + below[n] * top + normal[n] * depth
  const thickness = look.projection === 'none' ? 0 : look.thickness
  return { ...of, ...look, thickness, origin: [at(0), at(1), at(2)], right, below, step, columns: Math.ceil((end - left) / step) + 1, rows: Math.ceil((bottom - top) / step) + 1 }
}

/** The same for the same plane, whenever it is looked at again. */
export function keyOf({ series, origin, right, below, step, projection, thickness, phase }: MeasuredPlane): string {
  return ['plane', series, ...[...origin, ...right, ...below, step].map(rounded), projection, thickness, phase].join(':')
}

/** Whether a viewport that cuts through `focus` shows this plane. @param reach mm, half a step of the wheel */
export function isOn(plane: MeasuredPlane, orientation: Orientation, focus: Vector, phase: number, reach: number): boolean {
  const normal = normalOfPlane(orientation)
  const away = dot([focus[0] - plane.origin[0], focus[1] - plane.origin[1], focus[2] - plane.origin[2]], normal)
  return plane.phase === phase && Math.abs(dot(normal, normalOfPlane(plane))) > PARALLEL && Math.abs(away) <= reach
}

/** From pixels of the plane to those of a viewport that shows it, however it is turned there. */
export function affineOn(plane: MeasuredPlane, view: PlaneView, orientation: Orientation, size: Extent): Affine {
  const [e, f] = toScreen(plane.origin, view, orientation, size)
  const by = view.scale * plane.step
  return { a: dot(plane.right, orientation.right) * by, b: dot(plane.right, orientation.below) * by, c: dot(plane.below, orientation.right) * by, d: dot(plane.below, orientation.below) * by, e, f }
}

export function patientAt({ origin, right, below, step }: MeasuredPlane, [x, y]: readonly [number, number]): Vector {
  const at = (n: 0 | 1 | 2): number => origin[n] + (right[n] * x + below[n] * y) * step
  return [at(0), at(1), at(2)]
}

/** The middle of a shape, where a person wants to be led. */
export function middleOfShape(plane: MeasuredPlane, points: readonly (readonly [number, number])[]): Vector {
  const sum = points.reduce<readonly [number, number]>((total, point) => [total[0] + point[0], total[1] + point[1]], [0, 0])
  return patientAt(plane, [sum[0] / points.length, sum[1] / points.length])
}

export const PLANE_ITEM = 'plane'

/** As it is kept: with its plane, and with its points in the patient for whoever knows other planes. */
export function itemOn(measurement: Measurement, plane: MeasuredPlane, results: readonly Result[]): AnnotationItem {
  const { id, kind, points, lines, text, label } = measurement
  return { type: PLANE_ITEM, id, kind, plane, points, patient: points.map((point) => patientAt(plane, point)), lines, results, ...(text === undefined ? {} : { text }), ...(label === undefined ? {} : { label }) }
}

const isNumbers = (value: unknown, count: number): boolean => Array.isArray(value) && value.length === count && value.every((each) => Number.isFinite(each))
const isText = (value: unknown): value is string => typeof value === 'string'

function planeIn(value: unknown): MeasuredPlane | undefined {
  const plane = value as MeasuredPlane | null
  if (typeof plane !== 'object' || plane === null) return undefined
  const vectors = [plane.origin, plane.right, plane.below].every((vector) => isNumbers(vector, 3))
  const figures = [plane.step, plane.columns, plane.rows, plane.thickness, plane.phase].every((each) => Number.isFinite(each))
  return vectors && figures && plane.step > 0 && [plane.study, plane.series, plane.frameOfReference].every(isText) && ['none', 'max', 'min', 'mean'].includes(plane.projection) ? plane : undefined
}

/** The shape of a kept item and its plane; undefined for what is none. */
export function shapeOf(item: AnnotationItem): { readonly measurement: Measurement; readonly plane: MeasuredPlane } | undefined {
  const { id, kind, points, lines, text, label } = item
  const plane = item.type === PLANE_ITEM ? planeIn(item.plane) : undefined
  const known = KINDS.find((each) => each === kind)
  if (!plane || !known || !Array.isArray(points) || points.length === 0 || !points.every((point) => isNumbers(point, 2))) return undefined
  const measurement: Measurement = {
    id, kind: known, frameId: keyOf(plane), seriesInstanceUID: plane.series, points: points as Measurement['points'],
    lines: Array.isArray(lines) ? lines.filter(isText) : [], ...(isText(text) ? { text } : {}), ...(isText(label) ? { label } : {}),
  }
  return { measurement, plane }
}
