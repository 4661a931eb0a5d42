// The values of a plane through a volume on which somebody measures. Pure.
import type { Vector } from './geometry'
import { type MeasuredPlane, patientAt } from './measuredPlane'
import { normalOfPlane } from './planes'
import { OUTSIDE, resample } from './resample'
import type { Volume } from './volume'

/** Values of a plane, worked out one by one when they are asked for: a shape needs few of them. */
export function valuesOn(phase: Volume | undefined, plane: MeasuredPlane): ArrayLike<number> {
  const { columns, rows, step, right, below, projection, thickness } = plane
  const known = new Map<number, number>()
  const one = new Float32Array(1)
  const none: Vector = [0, 0, 0]
  let isWhole = false
  const value = (index: number): number => {
    const before = known.get(index)
    if (before !== undefined) return before
    if (!phase) return OUTSIDE
    const origin = patientAt({ ...plane, step, right, below }, [index % columns, Math.floor(index / columns)])
    resample(phase, { width: 1, height: 1, origin, right: none, below: none }, { projection, thickness, normal: normalOfPlane(plane) }, one)
    // While slices are on their way a value is that of its neighbours: it will be another one.
    isWhole ||= phase.filled.every((state) => state === 2)
    if (isWhole) known.set(index, one[0] ?? OUTSIDE)
    return one[0] ?? OUTSIDE
  }
  const target = { length: columns * rows }
  return new Proxy<ArrayLike<number>>(target, { get: (held, name) => (typeof name === 'string' && /^\d+$/.test(name) ? value(Number(name)) : Reflect.get(held, name)) as unknown })
}
