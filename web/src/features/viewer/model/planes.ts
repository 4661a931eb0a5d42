// Three planes through one point of the patient, at right angles to each other however they are turned. Pure.
import { type Point, type Vector, cross, dot } from './geometry'
import type { Sheet } from './resample'

export interface Orientation {
  /** Unit vectors in the patient of what goes to the right and down on the screen. */
  readonly right: Vector
  readonly below: Vector
}

export const PLANES = ['axial', 'coronal', 'sagittal'] as const
export type PlaneName = (typeof PLANES)[number]
export type Planes = Readonly<Record<PlaneName, Orientation>>

/** As they are read: the patient's right on the left of the screen, in front on the left of a sagittal plane, the head above. */
export const UPRIGHT_PLANES: Planes = {
  axial: { right: [1, 0, 0], below: [0, 1, 0] },
  coronal: { right: [1, 0, 0], below: [0, 0, -1] },
  sagittal: { right: [0, 1, 0], below: [0, 0, -1] },
}

export const normalOfPlane = ({ right, below }: Orientation): Vector => cross(right, below)

/** A vector turned about a unit axis (Rodrigues). */
export function rotated(v: Vector, axis: Vector, angle: number): Vector {
  const cosine = Math.cos(angle)
  const sine = Math.sin(angle)
  const aside = cross(axis, v)
  const rest = dot(axis, v) * (1 - cosine)
  const at = (n: 0 | 1 | 2): number => v[n] * cosine + aside[n] * sine + axis[n] * rest
  return [at(0), at(1), at(2)]
}

/** Turning the cross in one plane turns the other two. */
export function turnedIn(planes: Planes, name: PlaneName, angle: number): Planes {
  const axis = normalOfPlane(planes[name])
  const turn = (other: PlaneName): Orientation =>
    other === name ? planes[other] : { right: rotated(planes[other].right, axis, angle), below: rotated(planes[other].below, axis, angle) }
  return { axial: turn('axial'), coronal: turn('coronal'), sagittal: turn('sagittal') }
}

/** The three planes, one of them laid as asked; the other two stay at right angles to it. */
export function planesWith(name: PlaneName, wanted: Orientation): Planes {
  const normal = normalOfPlane(wanted)
  const standing: Orientation = { right: wanted.right, below: [-normal[0], -normal[1], -normal[2]] }
  const aside: Orientation = { right: wanted.below, below: standing.below }
  const lying: Orientation = { right: wanted.right, below: normal }
  if (name === 'axial') return { axial: wanted, coronal: standing, sagittal: aside }
  if (name === 'coronal') return { axial: lying, coronal: wanted, sagittal: { right: normal, below: wanted.below } }
  return { axial: { right: [-normal[0], -normal[1], -normal[2]], below: wanted.right }, coronal: { right: [-normal[0], -normal[1], -normal[2]], below: wanted.below }, sagittal: wanted }
}

export const isUpright = (planes: Planes): boolean => PLANES.every((name) => dot(normalOfPlane(planes[name]), normalOfPlane(UPRIGHT_PLANES[name])) > 1 - 1e-9)

/** What a viewport shows of a plane. */
export interface PlaneView {
  /** Point of the patient in the middle, moved into the plane. */
  readonly centre: Vector
  /** Screen pixels a millimetre. */
  readonly scale: number
}

const plus = (a: Vector, b: Vector, by: number): Vector => [a[0] + b[0] * by, a[1] + b[1] * by, a[2] + b[2] * by]
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]]

/** The point of the plane through `focus` that is in the middle of the viewport. */
export function middleIn(view: PlaneView, orientation: Orientation, focus: Vector): Vector {
  const normal = normalOfPlane(orientation)
  return plus(view.centre, normal, dot(minus(focus, view.centre), normal))
}

export interface Extent {
  readonly width: number
  readonly height: number
}

export function toScreen(point: Vector, view: PlaneView, { right, below }: Orientation, size: Extent): Point {
  const offset = minus(point, view.centre)
  return [size.width / 2 + dot(offset, right) * view.scale, size.height / 2 + dot(offset, below) * view.scale]
}

export function fromScreen([x, y]: Point, view: PlaneView, orientation: Orientation, focus: Vector, size: Extent): Vector {
  const middle = middleIn(view, orientation, focus)
  return plus(plus(middle, orientation.right, (x - size.width / 2) / view.scale), orientation.below, (y - size.height / 2) / view.scale)
}

/** The sheet a viewport shows, one sample for each `coarse` screen pixels. */
export function sheetOf(view: PlaneView, orientation: Orientation, focus: Vector, size: Extent, coarse: number): Sheet {
  const width = Math.max(1, Math.ceil(size.width / coarse))
  const height = Math.max(1, Math.ceil(size.height / coarse))
  const step = coarse / view.scale
  // The centre of the first sample lies half a sample inside the corner of the viewport.
  const origin = fromScreen([coarse / 2, coarse / 2], view, orientation, focus, size)
  const along = (v: Vector): Vector => [v[0] * step, v[1] * step, v[2] * step]
  return { width, height, origin, right: along(orientation.right), below: along(orientation.below) }
}

/** The direction on the screen of the line in which another plane cuts this one; null when they are parallel. */
export function cutOf(here: Orientation, other: Orientation): Point | null {
  const line = cross(normalOfPlane(here), normalOfPlane(other))
  const size = Math.hypot(...line)
  return size < 1e-6 ? null : [dot(line, here.right) / size, dot(line, here.below) / size]
}
