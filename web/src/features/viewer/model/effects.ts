// What a reader does to a picture beyond its window: colours for grey, the curve of the window, sharper or smoother. Measurements never see it. Pure.
import type { Scalars } from './pixels'

export type Curve = 'straight' | 'log' | 'antilog'

export interface Effects {
  /** A name of COLOR_MAPS, '' for grey. */
  readonly colors: string
  readonly curve: Curve
  /** -3 (smoothest) to 3 (sharpest). */
  readonly filter: number
}

export const NO_EFFECTS: Effects = { colors: '', curve: 'straight', filter: 0 }

export const isPlain = ({ colors, curve, filter }: Effects): boolean => colors === '' && curve === 'straight' && filter === 0

type Stop = readonly [at: number, red: number, green: number, blue: number]

/** Stops from 0 to 255, colours between them in straight lines. Hot iron is the well-known palette of PS3.6 B.1.1. */
export const COLOR_MAPS: readonly { readonly name: string; readonly stops: readonly Stop[] }[] = [
  { name: 'Hot iron', stops: [[0, 0, 0, 0], [127, 254, 0, 0], [128, 255, 0, 0], [192, 255, 128, 4], [255, 255, 255, 255]] },
  { name: 'Rainbow', stops: [[0, 0, 0, 0], [32, 70, 0, 130], [80, 0, 60, 255], [128, 0, 220, 190], [160, 40, 230, 0], [200, 255, 230, 0], [255, 255, 0, 0]] },
  { name: 'Viridis', stops: [[0, 68, 1, 84], [64, 59, 82, 139], [128, 33, 145, 140], [192, 94, 201, 98], [255, 253, 231, 37]] },
  { name: 'Blue to red', stops: [[0, 30, 60, 200], [128, 240, 240, 240], [255, 200, 20, 30]] },
  { name: 'Cold', stops: [[0, 0, 0, 0], [96, 0, 30, 120], [176, 0, 150, 230], [255, 240, 255, 255]] },
  { name: 'Copper', stops: [[0, 0, 0, 0], [205, 255, 160, 102], [255, 255, 200, 127]] },
]

/** Red, green and blue for each of 256 shades; undefined for grey. */
export function colorTable(name: string): Uint8Array | undefined {
  const stops = COLOR_MAPS.find((map) => map.name === name)?.stops
  if (!stops) return undefined
  const table = new Uint8Array(768)
  for (let shade = 0; shade < 256; shade++) {
    const next = Math.max(1, stops.findIndex(([at]) => at >= shade))
    const [from, to] = [stops[next - 1], stops[next]]
    if (!from || !to) continue
    const share = (shade - from[0]) / (to[0] - from[0])
    for (const channel of [1, 2, 3] as const) table[shade * 3 + channel - 1] = Math.round(from[channel] + (to[channel] - from[channel]) * share)
  }
  return table
}

const STEEP = 10

/** A place between black and white (0 to 1) after the curve. */
export function bent(part: number, curve: Curve): number {
  if (curve === 'log') return Math.log(1 + (STEEP - 1) * part) / Math.log(STEEP)
  return curve === 'antilog' ? (STEEP ** part - 1) / (STEEP - 1) : part
}

/** The binomial kernel of 3 × 3; pixels beyond the edge are as those at the edge. */
export function smoothed(data: ArrayLike<number>, columns: number, rows: number, channels: number): Float32Array {
  const across = new Float32Array(columns * rows * channels)
  const made = new Float32Array(across.length)
  const wide = columns * channels
  for (let y = 0; y < rows; y++) {
    for (let at = 0; at < wide; at++) {
      const here = y * wide + at
      const left = at >= channels ? here - channels : here
      const right = at < wide - channels ? here + channels : here
      across[here] = ((data[left] ?? 0) + 2 * (data[here] ?? 0) + (data[right] ?? 0)) / 4
    }
  }
  for (let y = 0; y < rows; y++) {
    const above = Math.max(0, y - 1) * wide
    const below = Math.min(rows - 1, y + 1) * wide
    for (let at = 0; at < wide; at++) made[y * wide + at] = ((across[above + at] ?? 0) + 2 * (across[y * wide + at] ?? 0) + (across[below + at] ?? 0)) / 4
  }
  return made
}

const SHARPER = 0.8 // of the difference to the smoothed picture, for each step

/** Values smoothed as often as the filter says, or sharpened by what smoothing takes away (unsharp mask). */
export function filtered<T extends Scalars>(data: T, columns: number, rows: number, channels: number, filter: number): T {
  let soft: ArrayLike<number> = data
  for (let round = 0; round < Math.max(1, -filter); round++) soft = smoothed(soft, columns, rows, channels)
  const made = data.slice() as T
  const [least, most] = rangeOf(made)
  for (let at = 0; at < made.length; at++) {
    const before = data[at] ?? 0
    const value = filter < 0 ? (soft[at] ?? 0) : before + filter * SHARPER * (before - (soft[at] ?? 0))
    made[at] = Math.min(most, Math.max(least, made instanceof Float32Array ? value : Math.round(value)))
  }
  return made
}

function rangeOf(data: Scalars): readonly [number, number] {
  if (data instanceof Uint8Array) return [0, 255]
  if (data instanceof Uint16Array) return [0, 65535]
  return data instanceof Int16Array ? [-32768, 32767] : [-Infinity, Infinity]
}
