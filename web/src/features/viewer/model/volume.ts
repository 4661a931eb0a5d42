// From the frames of a series to one regular grid of voxels in the patient (PS3.3 C.7.6.2.1.1): how it lies, what it costs, what is odd.
import { number, numbers, text } from './dataset'
import type { Frame } from './frame'
import { type Vector, cross, depth, dot, normalOf, parallel } from './geometry'
import { Tag } from './tags'

/** Voxel (i, j, k) has its centre at origin + i across + j down + k through, mm in the patient. The three need not be at right angles. */
export interface Grid {
  readonly size: readonly [number, number, number]
  readonly origin: Vector
  readonly across: Vector
  readonly down: Vector
  readonly through: Vector
}

export type Values = Int16Array | Float32Array

/** A grid whose voxels arrive one slice after the other. */
export interface Volume {
  readonly grid: Grid
  readonly values: Values
  /** Slices of the grid that hold values so far: 0 none, 1 taken from a neighbour for now, 2 their own. */
  readonly filled: Uint8Array
  /** What stands for no value (pixel padding, PS3.3 C.7.5.1.1.2); undefined when all voxels have one. */
  readonly padding?: number | undefined
}

/** The least that the voxels can be, so that bodies and greatest values have nothing there: of whole numbers, of real ones. */
const NOTHING = { short: -32768, real: -(2 ** 127) } as const

/** The pixels of one frame that go into a slice, with their share of it. */
export interface Part {
  readonly pixels: ArrayLike<number>
  readonly share: number
  readonly padding?: { readonly from: number; readonly to: number } | undefined
}

/** What a slice of the grid is made of: frame `a`, and a share `t` of frame `b` where it lies between two. */
export interface Source {
  readonly a: number
  readonly b: number
  readonly t: number
}

export interface Plan {
  readonly grid: Grid
  /** By phase: the frames in the order of their places. One phase unless the series has a time. */
  readonly phases: readonly (readonly Frame[])[]
  /** What tells one phase from the next, in words ("Trigger time 40 ms"). */
  readonly phaseNames: readonly string[]
  readonly sources: readonly Source[]
  /** Pixels and slices that make one voxel, along columns, rows and slices. */
  readonly reduction: readonly [number, number, number]
  readonly whole: boolean
  /** Some frames name values that are padding. */
  readonly padded: boolean
  readonly bytes: number
  readonly frameOfReference: string
  /** What a reader must know: sentences. */
  readonly notes: readonly string[]
}

export class NoVolume extends Error {}

const TAG = { FrameOfReferenceUID: '00200052', TemporalPositionIdentifier: '00200100', TriggerTime: '00181060', AcquisitionTime: '00080032', GantryTilt: '00181120', FrameReferenceTime: '00541300' } as const
/** Smallest distance, mm, at which two slices count as different places. */
const DISTINCT = 0.01
/** Share of the spacing by which slices may miss their place before the series counts as irregular. */
const REGULAR = 0.02

const scaled = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by]
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
const mm = (value: number): string => `${Math.round(value * 100) / 100} mm`

interface Place {
  readonly at: number
  readonly frames: Frame[]
}

/** The largest set of parallel frames of one size; localizers and reformats within a series stay out. */
function largestStack(frames: readonly Frame[]): Frame[] {
  const stacks: Frame[][] = []
  for (const frame of frames) {
    if (frame.reason || !frame.plane?.position || frame.instance.format.samples !== 1 || frame.instance.palette) continue
    const { plane, extent } = frame
    const home = stacks.find(([first]) => first?.plane && parallel(first.plane, plane) && first.extent.columns === extent.columns && first.extent.rows === extent.rows)
    if (home) home.push(frame)
    else stacks.push([frame])
  }
  return stacks.sort((a, b) => b.length - a.length)[0] ?? []
}

function placesOf(frames: readonly Frame[], normal: Vector): Place[] {
  const places: Place[] = []
  const sorted = frames.map((frame) => ({ frame, at: depth(frame.plane, normal) ?? 0 })).sort((a, b) => a.at - b.at)
  for (const { frame, at } of sorted) {
    const last = places.at(-1)
    if (last && at - last.at < DISTINCT) last.frames.push(frame)
    else places.push({ at, frames: [frame] })
  }
  return places
}

const TIMES: readonly { readonly tag: string; readonly word: string; readonly unit: string }[] = [
  { tag: TAG.TemporalPositionIdentifier, word: 'Time', unit: '' },
  { tag: TAG.TriggerTime, word: 'Trigger time', unit: ' ms' },
  { tag: TAG.FrameReferenceTime, word: 'Time', unit: ' ms' },
  { tag: TAG.AcquisitionTime, word: 'Acquired at', unit: '' },
]

/** Frames at the same place are moments of a time: ordered by the first attribute that tells them apart, else by their numbers. */
function phasesOf(places: readonly Place[]): { phases: Frame[][]; names: string[]; uneven: boolean } {
  const count = Math.min(...places.map((place) => place.frames.length))
  const most = Math.max(...places.map((place) => place.frames.length))
  const first = places[0]?.frames ?? []
  const told = TIMES.find(({ tag }) => new Set(first.map((frame) => text(frame.instance.dataset, tag))).size === first.length && first.length > 1)
  const order = (frame: Frame): number => (told ? Number(text(frame.instance.dataset, told.tag)) : (frame.instance.number ?? 0) * 1e4 + frame.number)
  const sorted = places.map((place) => [...place.frames].sort((a, b) => order(a) - order(b)))
  const phases = Array.from({ length: count }, (_, phase) => sorted.flatMap((frames) => frames[phase] ?? []))
  const names = phases.map(([frame], phase) => (told && frame ? `${told.word} ${text(frame.instance.dataset, told.tag)}${told.unit}` : `Phase ${phase + 1}`))
  return { phases, names, uneven: most !== count }
}

/** Places of regular slices, and what each is made of. */
function regular(places: readonly Place[]): { sources: Source[]; step: number; irregular: string } {
  const gaps = places.slice(1).map((place, index) => place.at - (places[index]?.at ?? 0))
  const least = Math.min(...gaps)
  const most = Math.max(...gaps)
  const length = (places.at(-1)?.at ?? 0) - (places[0]?.at ?? 0)
  const mean = length / gaps.length
  const drift = Math.max(...places.map((place, index) => Math.abs(place.at - (places[0]?.at ?? 0) - index * mean)))
  if (drift <= REGULAR * mean) return { sources: places.map((_, index) => ({ a: index, b: index, t: 0 })), step: mean, irregular: '' }
  // The finest gap gives the grid, but no more than four slices for each that was taken.
  const count = Math.min(4 * places.length, Math.round(length / least) + 1)
  const step = length / (count - 1)
  const sources: Source[] = []
  let a = 0
  for (let k = 0; k < count; k++) {
    const at = (places[0]?.at ?? 0) + k * step
    while (a < places.length - 2 && (places[a + 1]?.at ?? 0) <= at) a++
    const from = places[a]?.at ?? 0
    const t = Math.min(1, Math.max(0, (at - from) / ((places[a + 1]?.at ?? from + 1) - from)))
    sources.push(t < 1e-6 ? { a, b: a, t: 0 } : { a, b: a + 1, t })
  }
  return { sources, step, irregular: `Slice spacing is irregular (${mm(least)} to ${mm(most)}): values in between are interpolated.` }
}

/** Whole numbers that fit 16 bits with their sign, by what the header allows. */
function fitsShort(frames: readonly Frame[]): boolean {
  return frames.every(({ instance: { format }, modality }) => {
    if (format.number !== 'integer' || modality.table || !Number.isInteger(modality.slope) || !Number.isInteger(modality.intercept)) return false
    const ends = (format.signed ? [-(2 ** (format.stored - 1)), 2 ** (format.stored - 1) - 1] : [0, 2 ** format.stored - 1]).map((end) => end * modality.slope + modality.intercept)
    return Math.min(...ends) >= -32768 && Math.max(...ends) <= 32767
  })
}

/** In-plane first, since slices are mostly thicker than pixels are wide; then slices, by turns. */
function reductionFor(size: readonly [number, number, number], voxel: number, phases: number, budget: number): [number, number, number] {
  const reduction: [number, number, number] = [1, 1, 1]
  const bytes = (): number => size.reduce((product, count, axis) => product * Math.ceil(count / (reduction[axis] ?? 1)), voxel * phases)
  while (bytes() > budget) {
    if (reduction[0] <= reduction[2]) {
      reduction[0] *= 2
      reduction[1] *= 2
    } else reduction[2] *= 2
    if (reduction[0] > 64) break
  }
  return reduction
}

function tiltOf(through: Vector, normal: Vector): number {
  const cosine = Math.abs(dot(through, normal)) / Math.hypot(...through)
  return (Math.acos(Math.min(1, cosine)) * 180) / Math.PI
}

/**
 * How a series becomes a volume within so many bytes. Throws NoVolume with a sentence when it cannot.
 * A gantry tilt needs no resampling: the step from slice to slice simply is not at a right angle to them.
 */
export function planVolume(frames: readonly Frame[], budget: number): Plan {
  const stack = largestStack(frames)
  const first = stack[0]
  if (!first?.plane) throw new NoVolume('These images do not say where they lie in the patient, so they make no volume.')
  const spacing = numbersOf(first)
  if (!spacing) throw new NoVolume('These images do not say how large their pixels are, so they make no volume.')
  const normal = normalOf(first.plane)
  const places = placesOf(stack, normal)
  if (places.length < 3) throw new NoVolume('A volume needs at least three parallel slices at different places.')
  const { phases, names, uneven } = phasesOf(places)
  const { sources, step, irregular } = regular(places)
  const lowest = phases[0]?.[0]?.plane?.position
  const highest = phases[0]?.at(-1)?.plane?.position
  if (!lowest || !highest) throw new NoVolume('These images do not say where they lie in the patient, so they make no volume.')
  const span = (places.at(-1)?.at ?? 0) - (places[0]?.at ?? 0)
  const through = scaled(minus(highest, lowest), step / span)
  const whole = fitsShort(stack)
  const reduction = reductionFor([first.extent.columns, first.extent.rows, sources.length], whole ? 2 : 4, phases.length, budget)
  const grid = reducedGrid({ size: [first.extent.columns, first.extent.rows, sources.length], origin: lowest, across: scaled(first.plane.row, spacing[1]), down: scaled(first.plane.column, spacing[0]), through }, reduction)
  const tilt = tiltOf(through, normal)
  const notes = [
    irregular,
    tilt > 0.5 ? `Gantry tilt of ${tilt.toFixed(1)}° is corrected.` : '',
    uneven ? 'Some places have more images than others: not every moment is complete.' : '',
    frames.length > stack.length ? `${frames.length - stack.length} ${frames.length - stack.length === 1 ? 'image' : 'images'} of another orientation or size left out.` : '',
    reduction.some((each) => each > 1) ? `Lower resolution to stay within memory: 1 of ${reduction.join(' × ')} voxels.` : '',
  ].filter(Boolean)
  const bytes = grid.size[0] * grid.size[1] * grid.size[2] * phases.length * (whole ? 2 : 4)
  return { grid, phases, phaseNames: names, sources, reduction, whole, padded: stack.some(({ instance: { format } }) => format.padding !== undefined), bytes, frameOfReference: text(first.instance.dataset, TAG.FrameOfReferenceUID), notes }
}

/** Pixel spacing of a slice through the patient: rows, columns, mm (a projection's imager spacing is none). */
function numbersOf(frame: Frame): readonly [number, number] | undefined {
  const { instance: { dataset } } = frame
  const shared = dataset[Tag.SharedFunctionalGroups]?.Value?.[0] as typeof dataset | undefined
  const own = dataset[Tag.PerFrameFunctionalGroups]?.Value?.[frame.number - 1] as typeof dataset | undefined
  const measures = (own?.[Tag.PixelMeasuresSequence] ?? shared?.[Tag.PixelMeasuresSequence])?.Value?.[0] as typeof dataset | undefined
  const [row, column] = numbers(measures ?? dataset, Tag.PixelSpacing)
  return row && column && row > 0 && column > 0 ? [row, column] : undefined
}

/** The centre of a larger voxel lies between the centres of those it is made of. */
function reducedGrid(full: Grid, reduction: readonly [number, number, number]): Grid {
  const axes = [full.across, full.down, full.through] as const
  const size = full.size.map((count, axis) => Math.ceil(count / (reduction[axis] ?? 1))) as [number, number, number]
  const shift = (axis: 0 | 1 | 2, to: 0 | 1 | 2): number => (axes[axis][to] * (reduction[axis] - 1)) / 2
  const at = (to: 0 | 1 | 2): number => full.origin[to] + shift(0, to) + shift(1, to) + shift(2, to)
  return { size, origin: [at(0), at(1), at(2)], across: scaled(full.across, reduction[0]), down: scaled(full.down, reduction[1]), through: scaled(full.through, reduction[2]) }
}

export function emptyVolume(plan: Plan): Volume {
  const [columns, rows, slices] = plan.grid.size
  const count = columns * rows * slices
  // Shared with the workers that draw bodies, where the page may (it is served cross-origin isolated over TLS or on this machine).
  const room = typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(count * (plan.whole ? 2 : 4)) : new SharedArrayBuffer(count * (plan.whole ? 2 : 4))
  const values = plan.whole ? new Int16Array(room) : new Float32Array(room)
  return { grid: plan.grid, values, filled: new Uint8Array(slices), padding: plan.padded ? (plan.whole ? NOTHING.short : NOTHING.real) : undefined }
}

/** Which frames a slice of the grid is the mean of, with their shares. */
export function sharesOf(plan: Plan, slice: number): readonly { readonly frame: number; readonly share: number }[] {
  const every = plan.reduction[2]
  const members = plan.sources.slice(slice * every, (slice + 1) * every)
  const shares = new Map<number, number>()
  for (const { a, b, t } of members) {
    shares.set(a, (shares.get(a) ?? 0) + (1 - t) / members.length)
    if (t > 0) shares.set(b, (shares.get(b) ?? 0) + t / members.length)
  }
  return [...shares].map(([frame, share]) => ({ frame, share }))
}

/** Writes a slice of the volume from pictures of its frames: the mean of the pixels that make a voxel; nothing where most of them are padding. */
export function writeSlice(volume: Volume, plan: Plan, slice: number, parts: readonly Part[], columns: number, rows: number): void {
  const [width, height] = volume.grid.size
  const [rx, ry] = plan.reduction
  const { values } = volume
  const start = slice * width * height
  const only = parts.length === 1 && rx === 1 && ry === 1 ? parts[0] : undefined
  if (only) {
    values.set(only.pixels, start)
    pad(volume, start, only)
  } else {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0
        let weight = 0
        let lost = 0
        for (const { pixels, share, padding } of parts) {
          for (let v = y * ry; v < Math.min(rows, (y + 1) * ry); v++) {
            for (let u = x * rx; u < Math.min(columns, (x + 1) * rx); u++) {
              const value = pixels[v * columns + u] ?? 0
              if (padding && value >= padding.from && value <= padding.to) {
                lost += share
                continue
              }
              sum += value * share
              weight += share
            }
          }
        }
        const mean = plan.whole ? Math.round(sum / weight) : sum / weight
        values[start + y * width + x] = volume.padding === undefined ? mean : lost > weight ? volume.padding : valued(mean, volume.padding)
      }
    }
  }
  volume.filled[slice] = 2
}

/** A value of the image that happens to be what stands for nothing is one more. */
const valued = (value: number, padding: number): number => (value === padding ? value + 1 : value)

function pad({ values, padding: nothing }: Volume, start: number, { pixels, padding }: Part): void {
  if (nothing === undefined) return
  for (let at = 0; at < pixels.length; at++) {
    const value = pixels[at] ?? 0
    values[start + at] = padding && value >= padding.from && value <= padding.to ? nothing : valued(value, nothing)
  }
}

/** Until its own pixels come a slice shows its nearest neighbour's, so that coarse is there early. */
export function lend(volume: Volume, from: number, to: number): void {
  const room = volume.grid.size[0] * volume.grid.size[1]
  for (let slice = Math.max(0, from - to); slice < Math.min(volume.grid.size[2], from + to); slice++) {
    if (slice === from || volume.filled[slice] !== 0) continue
    volume.values.copyWithin(slice * room, from * room, (from + 1) * room)
    volume.filled[slice] = 1
  }
}

/** Coarse first: every 16th slice, then those between. With each, how far its neighbours may use it. */
export function fillOrder(slices: number): { readonly slice: number; readonly reach: number }[] {
  const order: { slice: number; reach: number }[] = []
  const seen = new Set<number>()
  for (let stride = 16; stride >= 1; stride /= 2) {
    for (let slice = 0; slice < slices; slice += stride) {
      if (seen.has(slice)) continue
      seen.add(slice)
      order.push({ slice, reach: stride })
    }
  }
  return order
}

export type Matrix = readonly [number, number, number, number, number, number, number, number, number]

/** From a difference in the patient (mm) to one in voxels: the inverse of the three steps. */
export function inverseOf({ across, down, through }: Grid): Matrix {
  const determinant = dot(across, cross(down, through))
  const [a, b, c] = [cross(down, through), cross(through, across), cross(across, down)].map((row) => scaled(row, 1 / determinant)) as [Vector, Vector, Vector]
  return [...a, ...b, ...c] as unknown as Matrix
}

export const turnedBy = (m: Matrix, v: Vector): Vector => [m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2], m[6] * v[0] + m[7] * v[1] + m[8] * v[2]]

export const toVoxel = (grid: Grid, point: Vector): Vector => turnedBy(inverseOf(grid), minus(point, grid.origin))

export function toPatient(grid: Grid, [i, j, k]: Vector): Vector {
  const at = (to: 0 | 1 | 2): number => grid.origin[to] + i * grid.across[to] + j * grid.down[to] + k * grid.through[to]
  return [at(0), at(1), at(2)]
}

export const middleOf = (grid: Grid): Vector => toPatient(grid, [(grid.size[0] - 1) / 2, (grid.size[1] - 1) / 2, (grid.size[2] - 1) / 2])

/** The finest step of a grid, mm. */
export const finest = (grid: Grid): number => Math.min(Math.hypot(...grid.across), Math.hypot(...grid.down), Math.hypot(...grid.through))

/** Half the diagonal of the box a grid fills, mm. */
export function radiusOf(grid: Grid): number {
  const middle = middleOf(grid)
  return Math.max(...cornersOf(grid).map((corner) => Math.hypot(...minus(corner, middle))))
}

export function cornersOf(grid: Grid): Vector[] {
  const [x, y, z] = grid.size.map((count) => count - 1) as [number, number, number]
  return [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => toPatient(grid, [corner & 1 ? x : 0, corner & 2 ? y : 0, corner & 4 ? z : 0]))
}

/** Seconds or milliseconds of each phase where the series tells them; else 0, 1, 2... */
export function momentsOf(plan: Plan): { readonly at: readonly number[]; readonly unit: string } {
  const read = (tag: string) => plan.phases.map(([frame]) => (frame ? number(frame.instance.dataset, tag) : undefined))
  for (const tag of [TAG.TriggerTime, TAG.FrameReferenceTime]) {
    const at = read(tag)
    if (at.every((each) => each !== undefined) && new Set(at).size === at.length) return { at, unit: 'ms' }
  }
  return { at: plan.phases.map((_, phase) => phase + 1), unit: '' }
}
