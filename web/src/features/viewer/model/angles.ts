// Angles on an image, in real proportions.
import type { Point } from './geometry'
import type { Proportion } from './shapes'

/** Degrees at the vertex, measured in real proportions. */
export function angleOf(points: readonly Point[], scale: Proportion): number {
  const [a, vertex, b] = points
  return a && vertex && b ? angleBetween(vertex, a, vertex, b, scale) : 0
}

/** Degrees from 0 to 180 between the directions of two lines. */
export function angleBetween(a: Point, b: Point, c: Point, d: Point, scale: Proportion): number {
  const one = Math.atan2((b[1] - a[1]) * scale.y, (b[0] - a[0]) * scale.x)
  const two = Math.atan2((d[1] - c[1]) * scale.y, (d[0] - c[0]) * scale.x)
  const degrees = Math.abs(((one - two) * 180) / Math.PI)
  return degrees > 180 ? 360 - degrees : degrees
}

/** Between two lines, whichever way they were drawn: 0 to 90 degrees. */
export const acute = (degrees: number): number => (degrees > 90 ? 180 - degrees : degrees)
