// SUVpeak: the highest mean within a sphere of 1 cm³ (QIBA FDG-PET profile, EANM, PERCIST). Pure.
import type { Vector } from './geometry'
import { type Grid, type Volume, inverseOf, toVoxel } from './volume'

/** mm, of a sphere of 1,000 mm³ */
export const PEAK_RADIUS = Math.cbrt(3000 / (4 * Math.PI))
const FINE = 0.5 // mm between the points that tell how much of a voxel lies in the sphere

interface Share {
  readonly by: readonly [number, number, number]
  readonly weight: number
}

/** How much of each voxel lies in the sphere around the middle of one; the sum is 1. */
export function sphereOf(grid: Grid): Share[] {
  const inverse = inverseOf(grid)
  const { across, down, through } = grid
  const axes = [across, down, through] as const
  const reach = [0, 3, 6].map((row) => Math.ceil(PEAK_RADIUS * Math.hypot(inverse[row] ?? 0, inverse[row + 1] ?? 0, inverse[row + 2] ?? 0) - 0.5))
  const parts = axes.map((axis) => Math.max(2, Math.ceil(Math.hypot(...axis) / FINE)))
  const found: Share[] = []
  const [ri = 0, rj = 0, rk = 0] = reach
  for (let k = -rk; k <= rk; k++) for (let j = -rj; j <= rj; j++) for (let i = -ri; i <= ri; i++) {
    const weight = pointsWithin(axes, [i, j, k], parts)
    if (weight > 0) found.push({ by: [i, j, k], weight })
  }
  const sum = found.reduce((total, { weight }) => total + weight, 0)
  return found.map(({ by, weight }) => ({ by, weight: weight / sum }))
}

function pointsWithin(axes: readonly [Vector, Vector, Vector], [i, j, k]: Vector, [pi = 1, pj = 1, pk = 1]: readonly number[]): number {
  const [across, down, through] = axes
  let inside = 0
  for (let c = 0; c < pk; c++) for (let b = 0; b < pj; b++) for (let a = 0; a < pi; a++) {
    const [x, y, z] = [i + (a + 0.5) / pi - 0.5, j + (b + 0.5) / pj - 0.5, k + (c + 0.5) / pk - 0.5]
    const at = (n: 0 | 1 | 2): number => x * across[n] + y * down[n] + z * through[n]
    if (Math.hypot(at(0), at(1), at(2)) <= PEAK_RADIUS) inside++
  }
  return inside
}

/**
 * Means of the spheres around the voxels that points (mm in the patient) lie in. Undefined where a sphere leaves the volume or meets padding, and as long as a slice has not
 * its own values: a mean of anything else would be another number.
 */
export function peaksIn(volume: Volume): (point: Vector) => number | undefined {
  const { grid, values, padding } = volume
  const [columns, rows, slices] = grid.size
  const known = new Map<number, number | undefined>()
  let sphere: Share[] | undefined
  const mean = (i: number, j: number, k: number): number | undefined => {
    let sum = 0
    for (const { by: [di, dj, dk], weight } of (sphere ??= sphereOf(grid))) {
      const [x, y, z] = [i + di, j + dj, k + dk]
      if (x < 0 || y < 0 || z < 0 || x >= columns || y >= rows || z >= slices) return undefined
      const value = values[(z * rows + y) * columns + x] ?? 0
      if (value === padding) return undefined
      sum += weight * value
    }
    return sum
  }
  return (point) => {
    if (known.size === 0 && !volume.filled.every((state) => state === 2)) return undefined
    const [i, j, k] = toVoxel(grid, point).map(Math.round) as unknown as Vector
    const index = (k * rows + j) * columns + i
    if (!known.has(index)) known.set(index, mean(i, j, k))
    return known.get(index)
  }
}
