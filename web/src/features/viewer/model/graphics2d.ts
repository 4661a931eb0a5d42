// What other objects draw on images (SCOORD of reports, graphics of presentation states): plain curves in image coordinates.
import type { Point } from './geometry'

export interface Figure {
  readonly sopInstanceUID: string
  /** Frames it is on, from 1; none: all. */
  readonly frames: readonly number[]
  readonly type: 'POINT' | 'MULTIPOINT' | 'POLYLINE' | 'INTERPOLATED' | 'CIRCLE' | 'ELLIPSE' | 'TEXT'
  /** Centres of pixels are whole numbers. */
  readonly points: readonly Point[]
  readonly lines: readonly string[]
  readonly filled: boolean
}

const TYPES = ['POINT', 'MULTIPOINT', 'POLYLINE', 'INTERPOLATED', 'CIRCLE', 'ELLIPSE', 'TEXT'] as const

export const figureType = (text: string): Figure['type'] | undefined => TYPES.find((each) => each === (text === 'MULTIPLE POINT' ? 'MULTIPOINT' : text))

/** Both standards count from the corner of the first pixel (PS3.3 C.18.6, C.10.5), the viewer from its centre. */
export function pointsOf(data: readonly number[]): Point[] {
  return Array.from({ length: Math.floor(data.length / 2) }, (_, at): Point => [(data[2 * at] ?? 0) - 0.5, (data[2 * at + 1] ?? 0) - 0.5])
}

const CORNERS = 72

/** The outline as a chain of points, which any turn and scale of the picture keeps exact. */
export function chainOf({ type, points }: Pick<Figure, 'type' | 'points'>): readonly Point[] {
  const [a, b, c, d] = points
  if (type === 'CIRCLE' && a && b) return round(a, [b[0] - a[0], b[1] - a[1]], [a[1] - b[1], b[0] - a[0]])
  if (type === 'ELLIPSE' && a && b && c && d) {
    const middle: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
    return round(middle, [(b[0] - a[0]) / 2, (b[1] - a[1]) / 2], [(d[0] - c[0]) / 2, (d[1] - c[1]) / 2])
  }
  if (type === 'INTERPOLATED' && points.length > 2) return curve(points)
  return points
}

/** Through all the points (PS3.3 C.10.5.1.2 leaves the form of the curve open): Catmull-Rom, closed when the last is the first. */
function curve(points: readonly Point[]): Point[] {
  const [first, last] = [points[0], points.at(-1)]
  const closed = first?.[0] === last?.[0] && first?.[1] === last?.[1]
  const count = points.length - 1
  const at = (index: number): Point => points[closed ? ((index % count) + count) % count : Math.min(count, Math.max(0, index))] ?? [0, 0]
  const mixed = (index: number, t: number, axis: 0 | 1): number => {
    const [p, q, r, s] = [at(index - 1)[axis], at(index)[axis], at(index + 1)[axis], at(index + 2)[axis]]
    return 0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t * t + (3 * q - p - 3 * r + s) * t ** 3)
  }
  const steps = 8
  return Array.from({ length: count * steps + 1 }, (_, step): Point => {
    const index = Math.min(count - 1, Math.floor(step / steps))
    const t = step / steps - index
    return [mixed(index, t, 0), mixed(index, t, 1)]
  })
}

function round(middle: Point, one: Point, other: Point): Point[] {
  return Array.from({ length: CORNERS + 1 }, (_, at): Point => {
    const [cos, sin] = [Math.cos((2 * Math.PI * at) / CORNERS), Math.sin((2 * Math.PI * at) / CORNERS)]
    return [middle[0] + one[0] * cos + other[0] * sin, middle[1] + one[1] * cos + other[1] * sin]
  })
}
