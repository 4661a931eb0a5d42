// Empty space: a volume in bricks of 8 voxels with the least and greatest value of each, so that rays step over what cannot be seen. Pure.
import type { Transfer } from './raycast'
import type { Volume } from './volume'

export const SIDE = 8

export interface Bricks {
  /** Bricks along columns, rows and slices. */
  readonly size: readonly [number, number, number]
  readonly least: Float32Array
  readonly most: Float32Array
}

/** A place between voxels of a brick is worked out from its own and the next brick's first ones: those count as its own. */
export function bricksOf({ grid, values }: Pick<Volume, 'grid' | 'values'>): Bricks {
  const [columns, rows, slices] = grid.size
  const size = [columns, rows, slices].map((count) => Math.max(1, Math.ceil(count / SIDE))) as unknown as Bricks['size']
  const [bx, by, bz] = size
  const least = new Float32Array(bx * by * bz).fill(Infinity)
  const most = new Float32Array(bx * by * bz).fill(-Infinity)
  const line = { low: new Float32Array(bx), high: new Float32Array(bx) }
  for (let k = 0; k < slices; k++) {
    for (let j = 0; j < rows; j++) {
      spread(values as Float32Array, (k * rows + j) * columns, columns, line)
      for (const z of shared(k, bz)) {
        for (const y of shared(j, by)) {
          const at = (z * by + y) * bx
          for (let x = 0; x < bx; x++) {
            const [low, high] = [line.low[x] ?? 0, line.high[x] ?? 0]
            if (low < (least[at + x] ?? 0)) least[at + x] = low
            if (high > (most[at + x] ?? 0)) most[at + x] = high
          }
        }
      }
    }
  }
  return { size, least, most }
}

/** The bricks that use a voxel: its own, and the one before when it is the first of its own. */
const shared = (at: number, count: number): readonly number[] => {
  const own = Math.min(count - 1, Math.floor(at / SIDE))
  return at % SIDE === 0 && own > 0 ? [own - 1, own] : [own]
}

function spread(values: Float32Array, start: number, columns: number, { low, high }: { readonly low: Float32Array; readonly high: Float32Array }): void {
  for (let brick = 0; brick < low.length; brick++) {
    const from = brick * SIDE
    const to = Math.min(columns - 1, from + SIDE)
    let [least, most] = [Infinity, -Infinity]
    for (let i = from; i <= to; i++) {
      const value = values[start + i] ?? 0
      if (value < least) least = value
      if (value > most) most = value
    }
    low[brick] = least
    high[brick] = most
  }
}

/** 1 for each brick in which no value has any opacity. */
export function emptyFor({ least, most }: Bricks, { low, high, table }: Transfer): Uint8Array {
  const entries = table.length / 4
  // How many entries up to each have an opacity: a range without any has the same number at both its ends.
  const seen = new Uint32Array(entries + 1)
  for (let entry = 0; entry < entries; entry++) seen[entry + 1] = (seen[entry] ?? 0) + ((table[entry * 4 + 3] ?? 0) > 0 ? 1 : 0)
  const place = (value: number): number => Math.min(entries - 1, Math.max(0, Math.floor(((value - low) * (entries - 1)) / (high - low))))
  return Uint8Array.from(least, (value, brick) => {
    const top = most[brick] ?? 0
    if (!(top > low)) return 1
    return (seen[place(top) + 1] ?? 0) - (seen[place(value)] ?? 0) === 0 ? 1 : 0
  })
}

/** Whether any label lies in a brick or at its borders takes it out of the empty ones. */
export function withLabels(empty: Uint8Array, { size }: Bricks, labels: Labels | undefined): Uint8Array {
  if (!labels) return empty
  const made = empty.slice()
  const [bx, by] = size
  const { from, size: [columns, rows, slices] } = labels
  for (let k = 0; k < slices; k++) {
    for (let j = 0; j < rows; j++) {
      for (let i = 0; i < columns; i++) {
        if ((labels.values[(k * rows + j) * columns + i] ?? 0) === 0) continue
        const [x, y, z] = [from[0] + i, from[1] + j, from[2] + k]
        for (const [dx, dy, dz] of NEAR) {
          const [u, v, w] = [(x + dx) >> 3, (y + dy) >> 3, (z + dz) >> 3]
          if (u >= 0 && v >= 0 && w >= 0 && u < bx && v < by) made[(w * by + v) * bx + u] = 0
        }
      }
    }
  }
  return made
}

const NEAR = [[-1, -1, -1], [1, 1, 1]] as const

/** Segments in the voxels of a volume: a number for each voxel of a part of it, and what each number looks like. */
export interface Labels {
  readonly from: readonly [number, number, number]
  readonly size: readonly [number, number, number]
  /** 0: none; n: the n-th colour. */
  readonly values: Uint8Array
  readonly colors: readonly (readonly [number, number, number])[]
  /** Opacity of a millimetre. */
  readonly opacity: number
}

export function labelAt({ from, size, values }: Labels, x: number, y: number, z: number): number {
  const [i, j, k] = [Math.round(x) - from[0], Math.round(y) - from[1], Math.round(z) - from[2]]
  if (i < 0 || j < 0 || k < 0 || i >= size[0] || j >= size[1] || k >= size[2]) return 0
  return values[(k * size[1] + j) * size[0] + i] ?? 0
}
