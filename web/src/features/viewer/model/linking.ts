// What viewports that are linked show of one another: the image at the same place, the same piece of it, lines where planes cut. Pure.
import { text } from './dataset'
import type { Frame } from './frame'
import { type Point, type Vector, cross, dot, normalOf } from './geometry'
import { partAt } from './parts'
import { Tag } from './tags'
import { type Extent, type Size, type Turn, type View, fitScale } from './view'

/** Cosine between normals above which two stacks go through the body the same way; tilts of a gantry stay below 25 degrees. */
const SAME_WAY = 0.9

export interface Placed {
  /** Centre of the upper left pixel, mm. */
  readonly origin: Vector
  readonly row: Vector
  readonly column: Vector
  /** Millimetres from column to column and from row to row. */
  readonly spacing: Point
  readonly columns: number
  readonly rows: number
  readonly reference: string
}

const known = new WeakMap<Frame, Placed | null>()

/** Where a frame lies in its frame of reference; null when its header does not say. */
export function placedOf(frame: Frame): Placed | null {
  const found = known.get(frame)
  if (found !== undefined) return found
  const { plane, calibration, extent, instance } = frame
  const placed: Placed | null =
    plane?.position && calibration.kind === 'spacing'
      ? {
          origin: plane.position, row: plane.row, column: plane.column, spacing: [calibration.x, calibration.y],
          columns: extent.columns, rows: extent.rows, reference: text(instance.dataset, Tag.FrameOfReferenceUID),
        }
      : null
  known.set(frame, placed)
  return placed
}

export const sameReference = (a: Placed, b: Placed): boolean => a.reference !== '' && a.reference === b.reference

const along = (from: Vector, by: Vector, times: number): Vector => [from[0] + by[0] * times, from[1] + by[1] * times, from[2] + by[2] * times]
const between = (from: Vector, to: Vector): Vector => [to[0] - from[0], to[1] - from[1], to[2] - from[2]]

/** The point of the patient under an image point (column, row; centres of pixels are whole numbers). */
export const inPatient = (at: Placed, [x, y]: Point): Vector => along(along(at.origin, at.row, x * at.spacing[0]), at.column, y * at.spacing[1])

/** The image point that is nearest to a point of the patient. */
export function inImage(at: Placed, point: Vector): Point {
  const from = between(at.origin, point)
  return [dot(from, at.row) / at.spacing[0], dot(from, at.column) / at.spacing[1]]
}

/** Millimetres between a point and the plane of an image, with sign along its normal. */
export const heightAbove = (at: Placed, point: Vector): number => dot(between(at.origin, point), normalOf(at))

const middleOf = (at: Placed): Vector => inPatient(at, [(at.columns - 1) / 2, (at.rows - 1) / 2])

const isInside = (at: Placed, point: Vector): boolean => {
  const [x, y] = inImage(at, point)
  return x >= -0.5 && y >= -0.5 && x <= at.columns - 0.5 && y <= at.rows - 0.5
}

// --- scrolling together

/** How one series lies to another that shares no frame of reference: millimetres along the stacks, or images. */
export interface Offset {
  readonly by: 'mm' | 'images'
  readonly value: number
}

export interface Spot {
  readonly index: number
  /** Millimetres from the place that was asked for to the image, 0 within the stack. */
  readonly off: number
  readonly by: 'reference' | 'offset' | 'index'
}

export interface Stand {
  readonly frames: readonly Frame[]
  readonly index: number
}

/** The image that leads, also one of a stack in another window: plain values. */
export interface Lead {
  readonly placed: Placed | null
  readonly index: number
  readonly count: number
}

export function leadOf({ frames, index }: Stand): Lead | null {
  const frame = frames[index]
  return frame ? { placed: placedOf(frame), index, count: frames.length } : null
}

/** Where an image of a stack stands along the way through the body, mm; the way's direction does not depend on how the stack is sorted. */
function stationOf(at: Placed): number {
  const normal = normalOf(at)
  const main = normal.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0)
  return dot(middleOf(at), normal) * (main < 0 ? -1 : 1)
}

export const sameWay = (a: Placed, b: Placed): boolean => Math.abs(dot(normalOf(a), normalOf(b))) > SAME_WAY

/** Index of the frame whose measure is least; of equal ones that nearest to where the viewport is (phases of one place). */
function nearest(frames: readonly Frame[], now: number, distance: (at: Placed) => number | null): { index: number; distance: number } | null {
  // Of a series of several stacks the one that the viewport is in.
  const part = partAt(frames, now)
  const own = part && nearestOf(frames, part.from, part.to, now, distance)
  return own ?? nearestOf(frames, 0, frames.length, now, distance)
}

function nearestOf(frames: readonly Frame[], from: number, to: number, now: number, distance: (at: Placed) => number | null): { index: number; distance: number } | null {
  let best: { index: number; distance: number } | null = null
  for (let index = from; index < to; index++) {
    const frame = frames[index]
    const placed = frame ? placedOf(frame) : null
    const far = placed && distance(placed)
    if (far === null) continue
    const better = !best || far < best.distance - 1e-3 || (far < best.distance + 1e-3 && Math.abs(index - now) < Math.abs(best.index - now))
    if (better) best = { index, distance: far }
  }
  return best
}

/** Beyond its ends a stack has nothing to show at a place: said from half a step on. */
function beyond(frames: readonly Frame[], spot: { index: number; distance: number }): number {
  const neighbour = frames[spot.index === 0 ? 1 : spot.index - 1]
  const here = frames[spot.index]
  const [a, b] = [here && placedOf(here), neighbour && placedOf(neighbour)]
  const step = a && b ? Math.abs(stationOf(a) - stationOf(b)) : 0
  return spot.distance > Math.max(step, 1) * 0.75 ? spot.distance : 0
}

/**
 * The image of `follower` that belongs to the one `leader` is at: at the same place when both share a frame of reference, else by
 * the offset that somebody set, else (only `across` frames of reference) as far through the series. Null: nothing belongs to it.
 */
export function counterpart(leader: Lead | null, follower: Stand, offset: Offset | undefined, across: boolean): Spot | null {
  const other = follower.frames[follower.index] ?? follower.frames[0]
  if (!leader || !other) return null
  const [here, there] = [leader.placed, placedOf(other)]
  if (here && there && sameReference(here, there)) {
    const middle = middleOf(here)
    const found = nearest(follower.frames, follower.index, (at) => (sameWay(at, here) ? Math.abs(heightAbove(at, middle)) : null))
    return found && { index: found.index, off: beyond(follower.frames, found), by: 'reference' }
  }
  if (!across) return null
  if (offset?.by === 'mm' && here) {
    const wanted = stationOf(here) + offset.value
    const found = nearest(follower.frames, follower.index, (at) => (sameWay(at, here) ? Math.abs(stationOf(at) - wanted) : null))
    if (found) return { index: found.index, off: beyond(follower.frames, found), by: 'offset' }
  }
  const last = follower.frames.length - 1
  if (offset?.by === 'images') return { index: Math.min(last, Math.max(0, leader.index + offset.value)), off: 0, by: 'offset' }
  const through = leader.count > 1 ? leader.index / (leader.count - 1) : 0
  return { index: Math.round(through * last), off: 0, by: 'index' }
}

/** The offset that makes these two images belong together. */
export function offsetBetween(leader: Stand, follower: Stand): Offset | null {
  const [a, b] = [leader.frames[leader.index], follower.frames[follower.index]]
  if (!a || !b) return null
  const [here, there] = [placedOf(a), placedOf(b)]
  return here && there && sameWay(here, there)
    ? { by: 'mm', value: stationOf(there) - stationOf(here) }
    : { by: 'images', value: follower.index - leader.index }
}

/** Offsets by pair of series, the one set last at the end; a pair is kept once, in the order of its UIDs. */
export type Offsets = readonly (readonly [pair: string, by: Offset['by'], value: number])[]

const MOST_OFFSETS = 80 // the account keeps 16 KiB in one part of its preferences
const pairOf = (a: string, b: string): string => [a, b].sort().join('|')

export function offsetFor(offsets: Offsets, from: string, to: string): Offset | undefined {
  const found = offsets.find(([pair]) => pair === pairOf(from, to))
  return found && { by: found[1], value: from < to ? found[2] : -found[2] }
}

/** @param offset null forgets it */
export function withOffset(offsets: Offsets, from: string, to: string, offset: Offset | null): Offsets {
  const pair = pairOf(from, to)
  const others = offsets.filter(([each]) => each !== pair)
  if (!offset) return others
  const value = Math.round((from < to ? offset.value : -offset.value) * 1000) / 1000
  return [...others, [pair, offset.by, value + 0] as const].slice(-MOST_OFFSETS)
}

export function parseOffsets(kept: unknown): Offsets {
  const pairs = (kept as { pairs?: unknown } | undefined)?.pairs
  if (!Array.isArray(pairs)) return []
  return pairs.flatMap((entry: unknown): [string, Offset['by'], number][] => {
    if (!Array.isArray(entry)) return []
    const [pair, by, value] = entry as unknown[]
    return typeof pair === 'string' && (by === 'mm' || by === 'images') && typeof value === 'number' && Number.isFinite(value) ? [[pair, by, value]] : []
  })
}

// --- the same point

/** The image of a stack that is nearest to a point of its frame of reference; those that hold the point go before all others. */
export function imageAt(frames: readonly Frame[], now: number, point: Vector): { index: number; distance: number } | null {
  const far = (at: Placed): number => Math.abs(heightAbove(at, point))
  return nearest(frames, now, (at) => (isInside(at, point) ? far(at) : null)) ?? nearest(frames, now, far)
}

// --- lines of planes

/** Where the plane of `other` cuts the image `here`: the piece that the other's picture covers, in image points; null when it does not. */
export function cutLine(here: Placed, other: Placed): readonly [Point, Point] | null {
  const normal = normalOf(here)
  if (Math.hypot(...cross(normal, normalOf(other))) < 0.05) return null // parallel: there is no line, or all of it is one
  const { columns, rows } = other
  const corners: Vector[] = ([[-0.5, -0.5], [columns - 0.5, -0.5], [columns - 0.5, rows - 0.5], [-0.5, rows - 0.5]] as Point[]).map((at) => inPatient(other, at))
  const heights = corners.map((corner) => dot(between(here.origin, corner), normal))
  const ends = corners.flatMap((corner, at): Point[] => {
    const [from, to] = [heights[at] ?? 0, heights[(at + 1) % 4] ?? 0]
    const next = corners[(at + 1) % 4]
    if (!next || from > 0 === to > 0) return []
    return [inImage(here, along(corner, between(corner, next), from / (from - to)))]
  })
  const [a, b] = ends
  return a && b ? [a, b] : null
}

// --- the same piece of the picture

const unitOf = (at: Placed): number => Math.min(...at.spacing)

/** A picture as it lies in a viewport. */
export interface Looked {
  readonly view: View
  readonly extent: Extent
  readonly placed: Placed | null
  readonly size: Size
}

export const lookedAt = (view: View, frame: Frame, size: Size): Looked => ({ view, extent: frame.extent, placed: placedOf(frame), size })

/** The view of another picture that shows as many millimetres around the same place. */
export function viewLike(leader: Looked, follower: Looked): View {
  const { view, size } = leader
  const [from, to] = [leader.extent, follower.extent]
  const [here, there] = [leader.placed, follower.placed]
  if (!here || !there || !sameWay(here, there)) return byShare(view, from, size, follower.view, to, follower.size)
  const scale = (view.scale / unitOf(here)) * unitOf(there)
  const at = inPatient(here, view.centre)
  // Without a common frame of reference the middles of the pictures are taken for the same place.
  const point = sameReference(here, there) ? at : along(middleOf(there), between(middleOf(here), at), 1)
  return { ...follower.view, scale, centre: inImage(there, point), fitted: false }
}

function byShare(view: View, from: Extent, size: Size, other: View, to: Extent, room: Size): View {
  const magnification = view.scale / fitScale(from, size, view.turn)
  return {
    ...other,
    scale: magnification * fitScale(to, room, other.turn),
    centre: [((view.centre[0] + 0.5) / from.columns) * to.columns - 0.5, ((view.centre[1] + 0.5) / from.rows) * to.rows - 0.5],
    fitted: false,
  }
}

const times = (m: Turn, n: Turn): Turn => ({ a: m.a * n.a + m.b * n.c + 0, b: m.a * n.b + m.b * n.d + 0, c: m.c * n.a + m.d * n.c + 0, d: m.c * n.b + m.d * n.d + 0 })

/** What was done to one picture, done to another: turns are orthonormal, their inverse is their transpose. */
export const turnedLike = (before: Turn, after: Turn, other: Turn): Turn => times(times(after, { a: before.a, b: before.c, c: before.b, d: before.d }), other)
