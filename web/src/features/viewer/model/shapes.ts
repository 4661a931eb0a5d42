// The shapes that measurements have: how many points, what they enclose, what their handles move. Image coordinates, pure.
import type { Point } from './geometry'

export const KINDS = [
  'length', 'bidirectional', 'polyline', 'perpendicular', 'parallel', 'height', 'ratio', 'directional', 'legLength', 'angle', 'openAngle', 'cobb', 'midAngle', 'centreEdge', 'acetabular', 'graf',
  'ellipse', 'rectangle', 'oblique', 'circle', 'circle3', 'freehand', 'spline', 'livewire', 'probe', 'arrow', 'text', 'marker', 'vertebra', 'etdrs', 'calibration',
] as const
export type Kind = (typeof KINDS)[number]

/** Width and height of a pixel in a common unit. */
export interface Proportion {
  readonly x: number
  readonly y: number
}

interface Rule {
  /** Points that drawing asks for; Infinity: as many as the hand gives. */
  readonly points: number
  readonly least: number
}

const exactly = (points: number): Rule => ({ points, least: points })

export const RULES: Readonly<Record<Kind, Rule>> = {
  length: exactly(2),
  bidirectional: exactly(2), // the short axis follows from the long one
  polyline: { points: Infinity, least: 2 },
  perpendicular: exactly(3),
  parallel: exactly(3),
  height: exactly(2),
  ratio: exactly(4),
  directional: exactly(2),
  angle: exactly(3),
  openAngle: exactly(4),
  cobb: exactly(4),
  midAngle: exactly(8), // four lines; the middles of two of them make one side of the angle
  legLength: exactly(6), // hip, knee and ankle of one leg, then of the other
  centreEdge: exactly(4), // a line across the pelvis; middle of the femoral head, edge of the roof
  acetabular: exactly(6), // Hilgenreiner's line; the two roofs
  graf: exactly(6), // base line; bony roof; cartilage roof
  ellipse: exactly(2),
  rectangle: exactly(2),
  oblique: exactly(3), // one side, then how wide
  circle: exactly(2),
  circle3: exactly(3),
  freehand: { points: Infinity, least: 3 },
  spline: { points: Infinity, least: 3 },
  livewire: { points: Infinity, least: 3 },
  probe: exactly(1),
  arrow: exactly(2),
  text: exactly(1),
  marker: exactly(1),
  vertebra: exactly(1),
  etdrs: exactly(1),
  calibration: exactly(2),
}

/** How many points each line has, of shapes of several lines that do not touch. */
export const STROKES: Readonly<Partial<Record<Kind, number>>> = { openAngle: 2, cobb: 2, ratio: 2, midAngle: 2, legLength: 3, centreEdge: 2, acetabular: 2, graf: 2 }

/** The lines of such a shape; undefined for all others. */
export function strokesOf(kind: Kind, points: readonly Point[]): (readonly Point[])[] | undefined {
  const each = STROKES[kind]
  return each === undefined ? undefined : points.flatMap((_, index) => (index % each === 0 ? [points.slice(index, index + each)] : []))
}

export const isRegion = (kind: Kind): boolean => ['ellipse', 'rectangle', 'oblique', 'circle', 'circle3', 'freehand', 'spline', 'livewire'].includes(kind)

/** Outlines whose points no hand set one by one. */
export const isTraced = (kind: Kind): boolean => kind === 'freehand' || kind === 'livewire'

/** Kinds that ask for words (or a number) as soon as they are drawn. */
export const asksFor = (kind: Kind): boolean => kind === 'text' || kind === 'arrow' || kind === 'calibration'

/** Kinds whose words are what they say; those of all others are a name beside what was measured. */
export const isWords = (kind: Kind): boolean => asksFor(kind) || kind === 'marker' || kind === 'vertebra'

export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export function boxOf(points: readonly Point[]): Box {
  const [a = [0, 0], b = a] = points
  return { left: Math.min(a[0], b[0]), top: Math.min(a[1], b[1]), right: Math.max(a[0], b[0]), bottom: Math.max(a[1], b[1]) }
}

export type Region =
  | { readonly form: 'box' | 'ellipse'; readonly box: Box }
  | { readonly form: 'polygon'; readonly points: readonly Point[] }

/** The middle of the circle through three points, measured in real proportions; undefined when they lie on a line. */
export function middleOfThree([a, b, c]: readonly Point[], { x: px, y: py }: Proportion): Point | undefined {
  if (!a || !b || !c) return undefined
  const [ax, ay, bx, by, cx, cy] = [a[0] * px, a[1] * py, b[0] * px, b[1] * py, c[0] * px, c[1] * py]
  const twice = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
  if (Math.abs(twice) < 1e-9) return undefined
  const [a2, b2, c2] = [ax * ax + ay * ay, bx * bx + by * by, cx * cx + cy * cy]
  return [(a2 * (by - cy) + b2 * (cy - ay) + c2 * (ay - by)) / twice / px, (a2 * (cx - bx) + b2 * (ax - cx) + c2 * (bx - ax)) / twice / py]
}

function around(middle: Point, edge: Point, { x, y }: Proportion): Region {
  const radius = Math.hypot((edge[0] - middle[0]) * x, (edge[1] - middle[1]) * y)
  const [rx, ry] = [radius / x, radius / y]
  return { form: 'ellipse', box: { left: middle[0] - rx, right: middle[0] + rx, top: middle[1] - ry, bottom: middle[1] + ry } }
}

/** What a shape encloses; undefined for lines, points and what is not drawn to its end. */
export function regionOf(kind: Kind, points: readonly Point[], proportion: Proportion): Region | undefined {
  const [a, b] = points
  if (!a || !b) return undefined
  if (kind === 'rectangle') return { form: 'box', box: boxOf(points) }
  if (kind === 'ellipse') return { form: 'ellipse', box: boxOf(points) }
  if (kind === 'oblique') return { form: 'polygon', points: points.length === 4 ? points : obliqueBox(points, proportion) }
  if (kind === 'circle') return around(a, b, proportion)
  if (kind === 'circle3') {
    const middle = middleOfThree(points, proportion)
    return middle && around(middle, a, proportion)
  }
  if (isTraced(kind)) return { form: 'polygon', points }
  return kind === 'spline' ? { form: 'polygon', points: splineThrough(points) } : undefined
}

/** Middle and edge of a circle, or where pixels are not square the ends of its axes (left, right, top, bottom); undefined for anything else. */
export function circleOf(kind: Kind, points: readonly Point[], proportion: Proportion): readonly Point[] | undefined {
  const region = kind === 'circle' || kind === 'circle3' ? regionOf(kind, points, proportion) : undefined
  if (region?.form !== 'ellipse') return undefined
  const { left, right, top, bottom } = region.box
  const [x, y] = [(left + right) / 2, (top + bottom) / 2]
  const edge = points[kind === 'circle' ? 1 : 0]
  if (edge && Math.abs(proportion.x - proportion.y) < 1e-9 * proportion.x) return [[x, y], edge]
  return [[left, y], [right, y], [x, top], [x, bottom]]
}

/** The points that a curve was drawn through, of its corners; undefined when it is no such curve. */
export function splinePoints(corners: readonly Point[]): readonly Point[] | undefined {
  const points = corners.filter((_, index) => index % STEPS === 0)
  if (points.length < 3 || corners.length !== points.length * STEPS) return undefined
  const again = splineThrough(points)
  return corners.every(([x, y], index) => Math.hypot(x - (again[index]?.[0] ?? 0), y - (again[index]?.[1] ?? 0)) < 0.01) ? points : undefined
}

const STEPS = 16

/** A closed Catmull-Rom curve through the points. */
export function splineThrough(points: readonly Point[]): Point[] {
  if (points.length < 3) return [...points]
  const at = (index: number): Point => points[(index + points.length) % points.length] ?? [0, 0]
  return points.flatMap((_, index) => {
    const [p, q, r, s] = [at(index - 1), at(index), at(index + 1), at(index + 2)]
    const along = (t: number, axis: 0 | 1): number =>
      0.5 * (2 * q[axis] + (r[axis] - p[axis]) * t + (2 * p[axis] - 5 * q[axis] + 4 * r[axis] - s[axis]) * t * t + (3 * q[axis] - p[axis] - 3 * r[axis] + s[axis]) * t ** 3)
    return Array.from({ length: STEPS }, (_unused, step): Point => [along(step / STEPS, 0), along(step / STEPS, 1)])
  })
}

const ROUND = 72

/** The outline of a region as a closed polygon. */
export function outlineOf(region: Region): readonly Point[] {
  if (region.form === 'polygon') return region.points
  const { left, top, right, bottom } = region.box
  if (region.form === 'box') return [[left, top], [right, top], [right, bottom], [left, bottom]]
  const [x, y, rx, ry] = [(left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2]
  return Array.from({ length: ROUND }, (_, step): Point => [x + rx * Math.cos((step * 2 * Math.PI) / ROUND), y + ry * Math.sin((step * 2 * Math.PI) / ROUND)])
}

/** Where a point falls on a line (which goes on beyond its ends), in real proportions. */
export function footOn(a: Point, b: Point, at: Point, { x, y }: Proportion): Point {
  const [dx, dy] = [(b[0] - a[0]) * x, (b[1] - a[1]) * y]
  const length = dx * dx + dy * dy
  if (length === 0) return a
  const share = ((at[0] - a[0]) * x * dx + (at[1] - a[1]) * y * dy) / length
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]
}

/** The corners of a rectangle on one side (a, b) that is as wide as the third point is away from it; the side alone without that. */
export function obliqueBox([a, b, c]: readonly Point[], proportion: Proportion): readonly Point[] {
  if (!a || !b || !c) return [a, b].filter((point) => point !== undefined)
  const foot = footOn(a, b, c, proportion)
  const [dx, dy] = [c[0] - foot[0], c[1] - foot[1]]
  return [a, b, [b[0] + dx, b[1] + dy], [a[0] + dx, a[1] + dy]]
}

/** The two sides of an angle between middles of lines; as many as there are points for. */
export function middles(points: readonly Point[]): Point[] {
  const found: Point[] = []
  for (let index = 0; index + 1 < points.length; index += 2) {
    const [a, b] = [points[index], points[index + 1]]
    if (a && b) found.push([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2])
  }
  return found
}

export const ETDRS_DIAMETERS = [1, 3, 6] // millimetres: the grid of the Early Treatment Diabetic Retinopathy Study

/** Its rings and the lines between the inner and the outer one. */
export function etdrsLines([x, y]: Point, { x: px, y: py }: Proportion): (readonly Point[])[] {
  const at = (radius: number, angle: number): Point => [x + (radius * Math.cos(angle)) / px, y + (radius * Math.sin(angle)) / py]
  const rings = ETDRS_DIAMETERS.map((diameter) => Array.from({ length: ROUND + 1 }, (_, step) => at(diameter / 2, (step * 2 * Math.PI) / ROUND)))
  const spokes = [1, 3, 5, 7].map((eighth) => [at(0.5, (eighth * Math.PI) / 4), at(3, (eighth * Math.PI) / 4)])
  return [...rings, ...spokes]
}

export const VERTEBRAE = [
  ...Array.from({ length: 7 }, (_, index) => `C${index + 1}`), ...Array.from({ length: 12 }, (_, index) => `T${index + 1}`), ...Array.from({ length: 5 }, (_, index) => `L${index + 1}`), 'S1',
] as const

/** The vertebra after (or before) one that was labelled; C1 to begin with. A label that a person changed is gone on from. */
export function nextVertebra(last: string | undefined, upward: boolean): string {
  const at = VERTEBRAE.findIndex((each) => each === last?.trim().toUpperCase())
  return VERTEBRAE[at < 0 ? 0 : Math.min(VERTEBRAE.length - 1, Math.max(0, at + (upward ? -1 : 1)))] ?? 'C1'
}

/** How far along the long axis the short one crosses it, and how far it reaches to both sides, in lengths of the long one. */
interface Cross {
  readonly along: number
  readonly one: number
  readonly other: number
}

function crossed(a: Point, b: Point, { along, one, other }: Cross, { x, y }: Proportion): [Point, Point] {
  const foot: Point = [a[0] + (b[0] - a[0]) * along, a[1] + (b[1] - a[1]) * along]
  // The long axis turned by a right angle, in real proportions.
  const normal: Point = [(-(b[1] - a[1]) * y) / x, ((b[0] - a[0]) * x) / y]
  const away = (by: number): Point => [foot[0] + normal[0] * by, foot[1] + normal[1] * by]
  return [away(one), away(other)]
}

function crossOf(a: Point, b: Point, at: Point, { x, y }: Proportion): { along: number; away: number } {
  const [dx, dy, ex, ey] = [(b[0] - a[0]) * x, (b[1] - a[1]) * y, (at[0] - a[0]) * x, (at[1] - a[1]) * y]
  const length = dx * dx + dy * dy || 1
  return { along: (ex * dx + ey * dy) / length, away: (ey * dx - ex * dy) / length }
}

/** The points of a finished shape: a bidirectional one gets its short axis, at a right angle through the middle of the long one; an oblique rectangle its corners. */
export function completed(kind: Kind, points: readonly Point[], proportion: Proportion): readonly Point[] {
  const [a, b] = points
  if (kind === 'oblique') return obliqueBox(points, proportion)
  if (kind !== 'bidirectional' || points.length !== 2 || !a || !b) return points
  return [a, b, ...crossed(a, b, { along: 0.5, one: 0.3, other: -0.3 }, proportion)]
}

/** Both axes stay at a right angle, whichever end is moved. */
function bidirectional(points: readonly Point[], index: number, to: Point, proportion: Proportion): readonly Point[] {
  const [a, b, c, d] = points
  if (!a || !b || !c || !d) return points
  const one = crossOf(a, b, c, proportion)
  const other = crossOf(a, b, d, proportion)
  if (index < 2) {
    const [p, q] = index === 0 ? [to, b] : [a, to]
    return [p, q, ...crossed(p, q, { along: one.along, one: one.away, other: other.away }, proportion)]
  }
  const moved = crossOf(a, b, to, proportion)
  const along = Math.min(1, Math.max(0, moved.along))
  return [a, b, ...crossed(a, b, { along, one: index === 2 ? moved.away : one.away, other: index === 3 ? moved.away : other.away }, proportion)]
}

/** An oblique rectangle stays one: an end of its first side takes the width along, the other corners set the width. */
function oblique(points: readonly Point[], index: number, to: Point, proportion: Proportion): readonly Point[] {
  const [a, b, c] = points
  if (!a || !b || !c) return points
  if (index > 1) return obliqueBox([a, b, to], proportion)
  const { x, y } = proportion
  const [p, q] = index === 0 ? [to, b] : [a, to]
  const lengths = Math.hypot((b[0] - a[0]) * x, (b[1] - a[1]) * y) / (Math.hypot((q[0] - p[0]) * x, (q[1] - p[1]) * y) || 1)
  const [corner] = crossed(p, q, { along: 1, one: crossOf(a, b, c, proportion).away * lengths, other: 0 }, proportion)
  return obliqueBox([p, q, corner], proportion)
}

/** A box has handles on all four corners, the last two being the ones its points do not name; a traced outline is only moved as a whole. */
export function handlesOf(kind: Kind, points: readonly Point[]): readonly Point[] {
  const [a, b] = points
  if ((kind === 'rectangle' || kind === 'ellipse') && a && b) return [a, b, [b[0], a[1]], [a[0], b[1]]]
  return isTraced(kind) ? [] : points
}

/** Points after a handle (-1: the whole shape) was dragged from one place to another. */
export function reshaped(kind: Kind, points: readonly Point[], handle: number, from: Point, to: Point, proportion: Proportion): readonly Point[] {
  if (handle < 0) return points.map((point): Point => [point[0] + to[0] - from[0], point[1] + to[1] - from[1]])
  if (kind === 'bidirectional') return bidirectional(points, handle, to, proportion)
  if (kind === 'oblique') return oblique(points, handle, to, proportion)
  const [a, b] = points
  // Handles 2 and 3 of a box are its other two corners: each moves one coordinate of both points.
  if ((kind === 'rectangle' || kind === 'ellipse') && a && b && handle > 1) return handle === 2 ? [[a[0], to[1]], [to[0], b[1]]] : [[to[0], a[1]], [b[0], to[1]]]
  return points.map((point, index) => (index === handle ? to : point))
}
