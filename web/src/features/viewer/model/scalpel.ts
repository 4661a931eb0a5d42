// The scalpel: what is drawn around on a body is cut away along the line of sight, or all the rest. Pure.
import { type Point, type Vector, dot } from './geometry'
import type { Orientation } from './planes'
import { type Grid, finest } from './volume'

/** Smallest area, square pixels of the screen, that counts as drawn around. */
const LEAST = 16
const MOST_SIDE = 1024

export interface Cut {
  /** How the body was held when it was cut. */
  readonly orientation: Orientation
  /** The line around, mm in the patient along `right` and `below`. */
  readonly points: readonly Point[]
  readonly keep: 'outside' | 'inside'
}

export interface Eye {
  readonly orientation: Orientation
  /** Point in the middle of the screen. */
  readonly target: Vector
  /** Screen pixels a millimetre. */
  readonly scale: number
}

/** A line drawn on the screen as a cut; undefined when it goes around nothing. */
export function cutAlong(line: readonly Point[], size: { readonly width: number; readonly height: number }, { orientation, target, scale }: Eye, keep: Cut['keep']): Cut | undefined {
  const area = line.reduce((sum, [x, y], at) => sum + x * (line[(at + 1) % line.length]?.[1] ?? 0) - y * (line[(at + 1) % line.length]?.[0] ?? 0), 0) / 2
  if (Math.abs(area) < LEAST) return undefined
  const [left, top] = [dot(target, orientation.right), dot(target, orientation.below)]
  return { orientation, keep, points: line.map(([x, y]): Point => [left + (x - size.width / 2) / scale, top + (y - size.height / 2) / scale]) }
}

/** A cut for the voxels of a grid: where a voxel is seen in the line's own picture, and what of that is cut. */
export interface Stencil {
  /** Pixel of the picture for a voxel: part of 1, of x, y and z. */
  readonly across: readonly [number, number, number, number]
  readonly down: readonly [number, number, number, number]
  readonly width: number
  readonly height: number
  /** 1 for what is cut. */
  readonly cut: Uint8Array
  /** 1 when all beyond the picture is cut. */
  readonly beyond: 0 | 1
}

/** Pixels whose centres lie within the line, by even and odd crossings. */
function filled(points: readonly Point[], width: number, height: number): Uint8Array {
  const made = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const crossings = points.flatMap(([ax, ay], at): number[] => {
      const [bx, by] = points[(at + 1) % points.length] ?? [ax, ay]
      return ay <= y !== by <= y ? [ax + ((y - ay) / (by - ay)) * (bx - ax)] : []
    })
    crossings.sort((a, b) => a - b)
    for (let n = 0; n + 1 < crossings.length; n += 2) {
      made.fill(1, y * width + Math.max(0, Math.ceil(crossings[n] ?? 0)), y * width + Math.min(width, Math.floor(crossings[n + 1] ?? -1) + 1))
    }
  }
  return made
}

/** @param grid of the volume that is cut: pixels are half as wide as its finest voxels, as long as there are not too many */
export function stencilOf({ orientation: { right, below }, points, keep }: Cut, grid: Grid): Stencil {
  const [left, top] = [Math.min(...points.map(([x]) => x)), Math.min(...points.map(([, y]) => y))]
  const extent = Math.max(...points.map(([x, y]) => Math.max(x - left, y - top)))
  const step = Math.max(finest(grid) / 2, extent / (MOST_SIDE - 2))
  const inPixels = points.map(([x, y]): Point => [(x - left) / step, (y - top) / step])
  const width = Math.ceil(Math.max(...inPixels.map(([x]) => x))) + 1
  const height = Math.ceil(Math.max(...inPixels.map(([, y]) => y))) + 1
  const inside = filled(inPixels, width, height)
  const along = (axis: Vector, from: number): Stencil['across'] => [(dot(grid.origin, axis) - from) / step, dot(grid.across, axis) / step, dot(grid.down, axis) / step, dot(grid.through, axis) / step]
  return { across: along(right, left), down: along(below, top), width, height, cut: keep === 'outside' ? inside : inside.map((each) => 1 - each), beyond: keep === 'inside' ? 1 : 0 }
}

const known = new Map<string, Stencil>()
const KNOWN = 32

/** The stencils of cuts, worked out once for each: a picture is made of many bands, and turned many times. */
export function stencilsOf(cuts: readonly Cut[], grid: Grid): readonly Stencil[] {
  return cuts.map((cut) => {
    const key = JSON.stringify([cut, grid])
    const stencil = known.get(key) ?? stencilOf(cut, grid)
    known.set(key, stencil)
    for (const oldest of known.keys()) {
      if (known.size <= KNOWN) break
      known.delete(oldest)
    }
    return stencil
  })
}

/** Whether any of the cuts takes the place of a voxel away. */
export function isCut(stencils: readonly Stencil[], x: number, y: number, z: number): boolean {
  for (const { across, down, width, height, cut, beyond } of stencils) {
    const u = Math.round(across[0] + across[1] * x + across[2] * y + across[3] * z)
    const v = Math.round(down[0] + down[1] * x + down[2] * y + down[3] * z)
    const gone = u >= 0 && v >= 0 && u < width && v < height ? cut[v * width + u] : beyond
    if (gone === 1) return true
  }
  return false
}
