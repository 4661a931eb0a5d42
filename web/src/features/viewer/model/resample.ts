// Planes, slabs and curved sheets out of a volume, by trilinear interpolation. Pure; rows can be made a few at a time.
import type { Vector } from './geometry'
import { type Volume, inverseOf, toVoxel, turnedBy } from './volume'

/** A picture in the patient: the centre of pixel (x, y) is at origin + x right + y below, mm. */
export interface Sheet {
  readonly width: number
  readonly height: number
  readonly origin: Vector
  readonly right: Vector
  readonly below: Vector
}

export type Projection = 'none' | 'max' | 'min' | 'mean'

/** How thick what is projected onto the sheet is: steps of so many mm to both sides of it. */
export interface Slab {
  readonly projection: Projection
  /** Unit vector. */
  readonly normal: Vector
  /** mm */
  readonly thickness: number
}

/** Where there is no voxel, or none that has a value. */
export const OUTSIDE = Number.NaN

/** Value at a place in voxels; OUTSIDE more than half a voxel beyond the outermost centres, and where most of the voxels around it are padding. */
export function valueAt({ grid, values, padding }: Volume, x: number, y: number, z: number): number {
  const [columns, rows, slices] = grid.size
  if (!(x >= -0.5 && y >= -0.5 && z >= -0.5 && x <= columns - 0.5 && y <= rows - 0.5 && z <= slices - 0.5)) return OUTSIDE
  const cx = x < 0 ? 0 : x > columns - 1 ? columns - 1 : x
  const cy = y < 0 ? 0 : y > rows - 1 ? rows - 1 : y
  const cz = z < 0 ? 0 : z > slices - 1 ? slices - 1 : z
  const i = cx | 0
  const j = cy | 0
  const k = cz | 0
  const fx = cx - i
  const fy = cy - j
  const fz = cz - k
  const at = (k * rows + j) * columns + i
  const dx = i < columns - 1 ? 1 : 0
  const dy = j < rows - 1 ? columns : 0
  const dz = k < slices - 1 ? columns * rows : 0
  const v = values as Float32Array
  if (padding !== undefined) return amongPadding(v, padding, at, [dx, dy, dz], [fx, fy, fz])
  const a = (v[at] ?? 0) * (1 - fx) + (v[at + dx] ?? 0) * fx
  const b = (v[at + dy] ?? 0) * (1 - fx) + (v[at + dy + dx] ?? 0) * fx
  const c = (v[at + dz] ?? 0) * (1 - fx) + (v[at + dz + dx] ?? 0) * fx
  const d = (v[at + dz + dy] ?? 0) * (1 - fx) + (v[at + dz + dy + dx] ?? 0) * fx
  return (a * (1 - fy) + b * fy) * (1 - fz) + (c * (1 - fy) + d * fy) * fz
}

/** Right between two voxels rounding must not decide, or a plane there is speckled. */
const HALF = 0.5 - 1e-6

/** The same where voxels may be padding: only the others count, with their shares, as long as these are half of all. */
function amongPadding(v: Float32Array, padding: number, at: number, [dx, dy, dz]: Vector, [fx, fy, fz]: Vector): number {
  let sum = 0
  let met = 0
  for (let corner = 0; corner < 8; corner++) {
    const share = (corner & 1 ? fx : 1 - fx) * (corner & 2 ? fy : 1 - fy) * (corner & 4 ? fz : 1 - fz)
    if (share === 0) continue
    const value = v[at + (corner & 1 ? dx : 0) + (corner & 2 ? dy : 0) + (corner & 4 ? dz : 0)] ?? 0
    if (value === padding) continue
    sum += value * share
    met += share
  }
  return met < HALF ? OUTSIDE : sum / met
}

/** Values at places in one line: the same as valueAt for each of them, in half of the time. */
function line({ grid: { size }, values }: Volume, startX: number, startY: number, startZ: number, step: Vector, into: Float32Array, at: number, count: number): void {
  const v = values as Float32Array
  const [columns, rows] = size
  const plane = columns * rows
  const [lastX, lastY, lastZ] = [columns - 1, rows - 1, size[2] - 1]
  const [stepX, stepY, stepZ] = step
  for (let n = 0; n < count; n++) {
    const x = startX + n * stepX
    const y = startY + n * stepY
    const z = startZ + n * stepZ
    if (!(x >= -0.5 && y >= -0.5 && z >= -0.5 && x <= lastX + 0.5 && y <= lastY + 0.5 && z <= lastZ + 0.5)) {
      into[at + n] = OUTSIDE
      continue
    }
    const cx = x < 0 ? 0 : x > lastX ? lastX : x
    const cy = y < 0 ? 0 : y > lastY ? lastY : y
    const cz = z < 0 ? 0 : z > lastZ ? lastZ : z
    const i = cx | 0
    const j = cy | 0
    const k = cz | 0
    const fx = cx - i
    const fy = cy - j
    const fz = cz - k
    const dx = i < lastX ? 1 : 0
    const dy = j < lastY ? columns : 0
    const first = k * plane + j * columns + i
    let value = between4(v, first, dx, dy, fx, fy)
    // Along the slices themselves nothing lies between two of them.
    if (fz > 0) value = value * (1 - fz) + between4(v, k < lastZ ? first + plane : first, dx, dy, fx, fy) * fz
    into[at + n] = value
  }
}

function between4(v: Float32Array, at: number, dx: number, dy: number, fx: number, fy: number): number {
  const a = (v[at] ?? 0) * (1 - fx) + (v[at + dx] ?? 0) * fx
  const b = (v[at + dy] ?? 0) * (1 - fx) + (v[at + dy + dx] ?? 0) * fx
  return a * (1 - fy) + b * fy
}

export const valueIn = (volume: Volume, point: Vector): number => valueAt(volume, ...toVoxel(volume.grid, point))

/** Steps through a slab: no wider apart than the voxels lie in that direction, an odd number so that the sheet itself is one. */
function stepsThrough(volume: Volume, { projection, normal, thickness }: Slab): { count: number; step: Vector } {
  if (projection === 'none' || !(thickness > 0)) return { count: 1, step: [0, 0, 0] }
  const direction = turnedBy(inverseOf(volume.grid), normal)
  const voxels = Math.hypot(...direction) * thickness
  const count = Math.max(3, 2 * Math.ceil(voxels / 2) + 1)
  const width = thickness / (count - 1)
  return { count, step: [direction[0] * width, direction[1] * width, direction[2] * width] }
}

/** @param samples values along the way, OUTSIDE ones left out */
function projected(volume: Volume, x: number, y: number, z: number, count: number, step: Vector, projection: Projection): number {
  if (count === 1) return valueAt(volume, x, y, z)
  let result = OUTSIDE
  let met = 0
  const half = (count - 1) / 2
  for (let n = -half; n <= half; n++) {
    const value = valueAt(volume, x + n * step[0], y + n * step[1], z + n * step[2])
    if (value !== value) continue
    met++
    if (met === 1) result = value
    else if (projection === 'max') result = value > result ? value : result
    else if (projection === 'min') result = value < result ? value : result
    else result += value
  }
  return projection === 'mean' && met > 0 ? result / met : result
}

/** Fills rows from..to of a sheet. */
export function resample(volume: Volume, sheet: Sheet, slab: Slab, into: Float32Array, from = 0, to = sheet.height): void {
  const inverse = inverseOf(volume.grid)
  const right = turnedBy(inverse, sheet.right)
  const below = turnedBy(inverse, sheet.below)
  const start = toVoxel(volume.grid, sheet.origin)
  const { count, step } = stepsThrough(volume, slab)
  for (let v = from; v < to; v++) {
    let x = start[0] + v * below[0]
    let y = start[1] + v * below[1]
    let z = start[2] + v * below[2]
    const row = v * sheet.width
    // Padding is met by few series: they take the longer way.
    if (count === 1 && volume.padding === undefined) {
      line(volume, x, y, z, right, into, row, sheet.width)
      continue
    }
    for (let u = 0; u < sheet.width; u++) {
      into[row + u] = projected(volume, x, y, z, count, step, slab.projection)
      x += right[0]
      y += right[1]
      z += right[2]
    }
  }
}

const between = (a: Vector, b: Vector, t: number): Vector => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
const distance = (a: Vector, b: Vector): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])

/** Catmull-Rom: a curve through all points. */
function curveThrough(points: readonly Vector[], parts: number): Vector[] {
  const curve: Vector[] = []
  for (let n = 0; n + 1 < points.length; n++) {
    const b = points[n]
    const c = points[n + 1]
    if (!b || !c) continue
    const a = points[n - 1] ?? between(b, c, -1)
    const d = points[n + 2] ?? between(b, c, 2)
    for (let part = 0; part < parts; part++) {
      const t = part / parts
      const at = (axis: 0 | 1 | 2): number =>
        0.5 * (2 * b[axis] + (c[axis] - a[axis]) * t + (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis]) * t * t + (3 * b[axis] - a[axis] - 3 * c[axis] + d[axis]) * t * t * t)
      curve.push([at(0), at(1), at(2)])
    }
  }
  const last = points.at(-1)
  return last ? [...curve, last] : curve
}

/** Points of a curve through the given ones, every `step` mm along it. */
export function alongPath(points: readonly Vector[], step: number): Vector[] {
  const curve = curveThrough(points, 32)
  const even: Vector[] = curve[0] ? [curve[0]] : []
  let rest = step
  for (let n = 1; n < curve.length; n++) {
    let from = curve[n - 1]
    const to = curve[n]
    if (!from || !to) continue
    let left = distance(from, to)
    while (left >= rest) {
      from = between(from, to, rest / left)
      even.push(from)
      left -= rest
      rest = step
    }
    rest -= left
  }
  return even
}

/**
 * Curved reformat, stretched: columns go along a path by its length, rows along `normal` (across the plane the path was drawn in).
 * A slab's thickness is across the path within that plane.
 * @param path points every `step` mm
 */
export function resampleCurve(volume: Volume, path: readonly Vector[], normal: Vector, step: number, height: number, slab: Omit<Slab, 'normal'>, into: Float32Array): void {
  for (const [u, point] of path.entries()) {
    const ahead = path[Math.min(path.length - 1, u + 1)] ?? point
    const behind = path[Math.max(0, u - 1)] ?? point
    const along: Vector = [ahead[0] - behind[0], ahead[1] - behind[1], ahead[2] - behind[2]]
    const aside: Vector = [along[1] * normal[2] - along[2] * normal[1], along[2] * normal[0] - along[0] * normal[2], along[0] * normal[1] - along[1] * normal[0]]
    const size = Math.hypot(...aside) || 1
    const column = new Float32Array(height)
    const origin: Vector = [0, 1, 2].map((axis) => (point[axis] ?? 0) + (normal[axis] ?? 0) * step * ((height - 1) / 2)) as unknown as Vector
    const below: Vector = [-normal[0] * step, -normal[1] * step, -normal[2] * step]
    resample(volume, { width: 1, height, origin, right: [0, 0, 0], below }, { ...slab, normal: [aside[0] / size, aside[1] / size, aside[2] / size] }, column)
    for (let v = 0; v < height; v++) into[v * path.length + u] = column[v] ?? OUTSIDE
  }
}
