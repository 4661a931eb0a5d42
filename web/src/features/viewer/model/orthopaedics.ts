// What is measured of legs and hips. Image coordinates, pure.
import { acute, angleBetween, angleOf } from './angles'
import type { Point } from './geometry'
import type { Proportion } from './shapes'

const QUANTITIES = [
  'leg 1', 'femur 1', 'tibia 1', 'knee 1', 'leg 2', 'femur 2', 'tibia 2', 'knee 2', 'difference of legs',
  'centre-edge angle', 'acetabular index 1', 'acetabular index 2', 'alpha', 'beta',
] as const
export type OrthopaedicQuantity = (typeof QUANTITIES)[number]
export type OrthopaedicKind = 'legLength' | 'centreEdge' | 'acetabular' | 'graf'

/** All but the parts of a leg, which the panel has. */
export const isWrittenBeside = (quantity: string): boolean => (QUANTITIES as readonly string[]).includes(quantity) && !/^(femur|tibia)/.test(quantity)

/** Its unit is that of lengths where none is given. */
type Found = readonly [quantity: OrthopaedicQuantity, value: number, unit?: string]
type Length = (a: Point, b: Point) => number

export function orthopaedics(kind: OrthopaedicKind, points: readonly Point[], length: Length, proportion: Proportion): Found[] {
  switch (kind) {
    case 'legLength':
      return legs(points, length, proportion)
    case 'centreEdge':
      return centreEdge(points, proportion)
    case 'acetabular':
      return [...toBase('acetabular index 1', points, 2, proportion), ...toBase('acetabular index 2', points, 4, proportion)]
    case 'graf':
      return [...toBase('alpha', points, 2, proportion), ...toBase('beta', points, 4, proportion)]
  }
}

/** A leg's length is that of its mechanical axis, from the middle of the hip to that of the ankle; the angle at the knee is 180 degrees in a straight leg. */
function leg(number: 1 | 2, points: readonly Point[], length: Length, proportion: Proportion): Found[] {
  const [hip, knee, ankle] = points
  if (!hip || !knee || !ankle) return []
  return [[`leg ${number}`, length(hip, ankle)], [`femur ${number}`, length(hip, knee)], [`tibia ${number}`, length(knee, ankle)], [`knee ${number}`, angleOf(points, proportion), '°']]
}

function legs(points: readonly Point[], length: Length, proportion: Proportion): Found[] {
  const [one, other] = [leg(1, points.slice(0, 3), length, proportion), leg(2, points.slice(3), length, proportion)]
  const [first, second] = [one[0]?.[1], other[0]?.[1]]
  return [...one, ...other, ...(first !== undefined && second !== undefined ? [['difference of legs', first - second] as const] : [])]
}

/**
 * Wiberg's angle: from the perpendicular of the line across the pelvis, at the middle of the femoral head, to the lateral edge of the roof. Positive
 * when the edge lies lateral of the head's middle, which is away from the middle of the line.
 */
function centreEdge([a, b, head, edge]: readonly Point[], { x, y }: Proportion): Found[] {
  if (!a || !b || !head || !edge) return []
  const [dx, dy] = [(b[0] - a[0]) * x, (b[1] - a[1]) * y]
  const along = ([px, py]: Point, [qx, qy]: Point): number => (qx - px) * x * dx + (qy - py) * y * dy
  const across = Math.abs((edge[0] - head[0]) * x * dy - (edge[1] - head[1]) * y * dx)
  const lateral = along([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], head) < 0 ? -1 : 1
  return [['centre-edge angle', (Math.atan2(along(head, edge) * lateral, across) * 180) / Math.PI, '°']]
}

/** A line's angle to the first one: the acetabular index to Hilgenreiner's line; Graf's alpha and beta to his base line. */
function toBase(quantity: OrthopaedicQuantity, points: readonly Point[], at: number, proportion: Proportion): Found[] {
  const [a, b] = points
  const [c, d] = points.slice(at)
  return a && b && c && d ? [[quantity, acute(angleBetween(a, b, c, d, proportion)), '°']] : []
}
