// Region growing: the voxels that hang together with one of them, from image to image of a stack. Pure.
import type { Frame } from '../frame'
import { gridOf, heightOf, isParallel } from './grid'

/** Of one image, row by row. */
export interface Slice {
  readonly columns: number
  readonly rows: number
  readonly holds: (index: number) => boolean
}

/** Loads an image of the stack when growing comes to it; undefined where there is none to grow on. */
export type Slices = (place: number) => Promise<Slice | undefined>

export class GrewTooFar extends Error {}

/** Nothing that somebody means to mark by a click is larger, and the masks of this much must fit into memory. */
const MOST_VOXELS = 20_000_000

/** New pixels that hang together with the starts along rows and columns; they are marked in the mask. */
function flooded({ columns, rows, holds }: Slice, mask: Uint8Array, starts: readonly number[]): number[] {
  const found: number[] = []
  const take = (index: number): void => {
    if (mask[index] !== 0 || !holds(index)) return
    mask[index] = 255
    found.push(index)
  }
  for (const start of starts) take(start)
  // What is found is looked around from as well: the list grows while it is walked.
  for (const index of found) {
    const column = index % columns
    if (column > 0) take(index - 1)
    if (column < columns - 1) take(index + 1)
    if (index >= columns) take(index - columns)
    if (index < columns * (rows - 1)) take(index + columns)
  }
  return found
}

/**
 * Masks by place in the stack of all that hangs together with a pixel over faces of voxels. Empty where that pixel itself is not held.
 * Only images that are reached are loaded. Throws GrewTooFar.
 */
export async function grown(slices: Slices, next: (place: number) => readonly number[], from: { readonly place: number; readonly index: number }, most = MOST_VOXELS): Promise<Map<number, Uint8Array>> {
  const masks = new Map<number, Uint8Array>()
  const waiting = new Map<number, number[]>([[from.place, [from.index]]])
  let count = 0
  for (const [place, starts] of waiting) {
    waiting.delete(place)
    const slice = await slices(place)
    if (!slice) continue
    const mask = masks.get(place) ?? new Uint8Array(slice.columns * slice.rows)
    const found = flooded(slice, mask, starts)
    if (found.length === 0) continue
    masks.set(place, mask)
    count += found.length
    if (count > most) throw new GrewTooFar(`More than ${most.toLocaleString('en')} voxels hang together there.`)
    for (const other of next(place)) {
      const seen = masks.get(other)
      const fresh = seen ? found.filter((index) => seen[index] === 0) : found
      // A map goes on to what is added while it is walked.
      if (fresh.length > 0) waiting.set(other, (waiting.get(other) ?? []).concat(fresh))
    }
  }
  return masks
}

/** For each image the places of those right above and below it: as far away as most are, with as many pixels. */
export function neighboursIn(frames: readonly Frame[]): (place: number) => readonly number[] {
  const gap = (a: number, b: number): number | undefined => {
    const [one, other] = [frames[a], frames[b]]
    const [from, to] = [one && gridOf(one), other && gridOf(other)]
    if (!from || from.columns !== to?.columns || from.rows !== to.rows || !isParallel(from, to)) return undefined
    return Math.abs(heightOf(from, to.origin))
  }
  const gaps = frames.flatMap((_, place) => gap(place, place + 1) ?? []).filter((each) => each > 0.001).sort((a, b) => a - b)
  // Where an image is missing nothing tells what lies between.
  const most = 1.5 * (gaps[gaps.length >> 1] ?? 0)
  return (place) =>
    [place - 1, place + 1].filter((other) => {
      const away = gap(place, other)
      return away !== undefined && away > 0.001 && away <= most
    })
}
