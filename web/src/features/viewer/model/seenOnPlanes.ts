// Which images of a series a plane through its volume shows: those it lies on, not those it only cuts. Pure.
import type { Frame } from './frame'
import { type Vector, dot, normalOf } from './geometry'
import { type Orientation, normalOfPlane } from './planes'
import type { Projection } from './resample'
import type { Plan } from './volume'

const PARALLEL = 0.9999

interface Cut {
  readonly orientation: Orientation
  readonly focus: Vector
  readonly phase: number
  readonly projection: Projection
}

/**
 * The image that the plane lies nearest to, when it is parallel to the images, between them nowhere farther than half their distance,
 * and has all of their resolution. A line of each image (a cut across), a slab or a body is no look at an image: undefined.
 */
export function imageOn(plan: Plan, { orientation, focus, phase, projection }: Cut): Frame | undefined {
  const frames = plan.phases[phase] ?? []
  const first = frames[0]?.plane
  if (!first || projection !== 'none' || plan.reduction.some((each) => each > 1)) return undefined
  const normal = normalOf(first)
  if (Math.abs(dot(normal, normalOfPlane(orientation))) < PARALLEL) return undefined
  const off = ({ plane }: Frame): number => (plane?.position ? Math.abs(dot(normal, focus) - dot(normal, plane.position)) : Infinity)
  const nearest = frames.reduce<Frame | undefined>((best, each) => (best && off(best) <= off(each) ? best : each), undefined)
  // What lies beyond the last image, or in a gap, shows none of them.
  const reach = Math.abs(dot(normal, plan.grid.through)) / 2 + 1e-3
  return nearest && off(nearest) <= reach ? nearest : undefined
}
