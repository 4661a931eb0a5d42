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
export function chainOf({ type, points }: Figure): readonly Point[] {
  const [a, b, c, d] = points
  if (type === 'CIRCLE' && a && b) return round(a, [b[0] - a[0], b[1] - a[1]], [a[1] - b[1], b[0] - a[0]])
  if (type === 'ELLIPSE' && a && b && c && d) {
    const middle: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
    return round(middle, [(b[0] - a[0]) / 2, (b[1] - a[1]) / 2], [(d[0] - c[0]) / 2, (d[1] - c[1]) / 2])
  }
  return points
}

function round(middle: Point, one: Point, other: Point): Point[] {
  return Array.from({ length: CORNERS + 1 }, (_, at): Point => {
    const [cos, sin] = [Math.cos((2 * Math.PI * at) / CORNERS), Math.sin((2 * Math.PI * at) / CORNERS)]
    return [middle[0] + one[0] * cos + other[0] * sin, middle[1] + one[1] * cos + other[1] * sin]
  })
}
