// Dose grids (PS3.3 A.18, C.8.8.3): dose at any point of the patient, isodoses on a picture, dose-volume histograms.
import { type Dataset, number, numbers, text } from '../dataset'
import type { Point, Vector } from '../geometry'
import { Tag } from '../tags'
import type { Rgb } from './colors'
import { type Grid, gridOfHeader, heightOf, pixelOf, pointOf, sameSpace } from './grid'
import { inside } from './masks'
import { type Structure, levelsOf } from './structures'
import { T } from './tags'

export interface Dose {
  readonly grid: Grid
  /** Millimetres from the first plane along the grid's normal, ascending. */
  readonly offsets: readonly number[]
  /** Planes one after the other, in `unit`. */
  readonly values: Float32Array
  readonly max: number
  /** 'Gy', or '%' where the object holds doses relative to another. */
  readonly unit: 'Gy' | '%'
  /** PLAN, FRACTION, BEAM ... */
  readonly summation: string
  readonly type: string
}

export class BadDose extends Error {}

/** Reads a dose. Throws BadDose when it cannot be placed in the patient. */
export function doseOf(dataset: Dataset, samples: (frame: number) => ArrayLike<number>): Dose {
  const grid = gridOfHeader(dataset, undefined, undefined)
  if (!grid) throw new BadDose('The dose does not say where in the patient its grid lies.')
  const count = number(dataset, Tag.NumberOfFrames) ?? 1
  const scaling = number(dataset, T.DoseGridScaling)
  if (scaling === undefined) throw new BadDose('The dose does not say what its values are worth (Dose Grid Scaling).')
  const said = numbers(dataset, T.GridFrameOffsetVector)
  if (count > 1 && said.length < count) throw new BadDose('The dose does not say where its planes lie (Grid Frame Offset Vector).')
  const relative = text(dataset, T.DoseUnits) === 'RELATIVE'
  const order = Array.from({ length: count }, (_, index) => ({ index, offset: (said[index] ?? 0) - firstOffset(said, grid) })).sort((a, b) => a.offset - b.offset)
  const size = grid.columns * grid.rows
  const values = new Float32Array(size * count)
  let max = 0
  order.forEach(({ index }, place) => {
    const plane = samples(index)
    for (let at = 0; at < size; at++) {
      const value = (plane[at] ?? 0) * scaling * (relative ? 100 : 1)
      values[place * size + at] = value
      if (value > max) max = value
    }
  })
  return { grid, offsets: order.map(({ offset }) => offset), values, max, unit: relative ? '%' : 'Gy', summation: text(dataset, T.DoseSummationType), type: text(dataset, T.DoseType) }
}

/** Offsets are relative to the first plane (first one 0), or patient z coordinates of an axial grid (PS3.3 C.8.8.3.2). */
function firstOffset(said: readonly number[], grid: Grid): number {
  const first = said[0] ?? 0
  return first !== 0 && Math.abs(first - grid.origin[2]) < 0.01 ? first : 0
}

/** Dose at a point, between the grid's by a straight line in each direction; undefined outside of it. */
export function doseAt({ grid, offsets, values }: Dose, point: Vector): number | undefined {
  const [x, y] = pixelOf(grid, point)
  const z = levelAt(offsets, heightOf(grid, point))
  if (z === undefined || x < -1e-6 || y < -1e-6 || x > grid.columns - 1 + 1e-6 || y > grid.rows - 1 + 1e-6) return undefined
  const x0 = Math.min(Math.max(0, Math.floor(x)), Math.max(0, grid.columns - 2))
  const y0 = Math.min(Math.max(0, Math.floor(y)), Math.max(0, grid.rows - 2))
  const z0 = Math.min(Math.floor(z), Math.max(0, offsets.length - 2))
  const [fx, fy, fz] = [x - x0, y - y0, z - z0]
  const size = grid.columns * grid.rows
  let sum = 0
  for (let corner = 0; corner < 8; corner++) {
    const weight = (corner & 1 ? fx : 1 - fx) * (corner & 2 ? fy : 1 - fy) * (corner & 4 ? fz : 1 - fz)
    if (weight > 0) sum += weight * (values[(z0 + (corner >> 2)) * size + (y0 + ((corner >> 1) & 1)) * grid.columns + x0 + (corner & 1)] ?? 0)
  }
  return sum
}

function levelAt(offsets: readonly number[], height: number): number | undefined {
  const last = offsets.length - 1
  const [first, end] = [offsets[0] ?? 0, offsets[last] ?? 0]
  if (height < first - 0.001 || height > end + 0.001) return undefined
  for (let index = 0; index < last; index++) {
    const [low, high] = [offsets[index] ?? 0, offsets[index + 1] ?? 0]
    if (height <= high + 0.001) return index + Math.min(1, Math.max(0, (height - low) / (high - low)))
  }
  return last
}

export interface Slice {
  /** Every `stride`th pixel of the picture, row by row; NaN outside of the grid. */
  readonly values: Float32Array
  readonly columns: number
  readonly rows: number
  readonly stride: number
}

/** Dose on the plane of a picture. Undefined where the grid does not reach, or lies in another frame of reference. */
export function doseOn(dose: Dose, picture: Grid, most = 256): Slice | undefined {
  if (!sameSpace(dose.grid.frameOfReference, picture.frameOfReference)) return undefined
  const stride = Math.max(1, Math.ceil(Math.max(picture.columns, picture.rows) / most))
  const columns = Math.ceil(picture.columns / stride)
  const rows = Math.ceil(picture.rows / stride)
  const values = new Float32Array(columns * rows)
  let any = false
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const value = doseAt(dose, pointOf(picture, [x * stride, y * stride]))
      any ||= value !== undefined
      values[y * columns + x] = value ?? Number.NaN
    }
  }
  return any ? { values, columns, rows, stride } : undefined
}

/** Lines of equal dose as [x1, y1, x2, y2] in pixels of the picture (marching squares). */
export function isodose({ values, columns, rows, stride }: Slice, level: number): number[] {
  const found: number[] = []
  const corner = [0, 1, columns + 1, columns]
  for (let y = 0; y + 1 < rows; y++) {
    for (let x = 0; x + 1 < columns; x++) {
      const at = y * columns + x
      const v = corner.map((step) => values[at + step] ?? Number.NaN)
      if (v.some(Number.isNaN)) continue
      const cuts: Point[] = []
      for (let side = 0; side < 4; side++) {
        const a = v[side] ?? 0
        const b = v[(side + 1) % 4] ?? 0
        if (a >= level === b >= level) continue
        const t = (level - a) / (b - a)
        cuts.push([[x + t, y], [x + 1, y + t], [x + 1 - t, y + 1], [x, y + 1 - t]][side] as [number, number])
      }
      for (let pair = 0; pair + 1 < cuts.length; pair += 2) {
        const [a, b] = [cuts[pair], cuts[pair + 1]]
        if (a && b) found.push(a[0] * stride, a[1] * stride, b[0] * stride, b[1] * stride)
      }
    }
  }
  return found
}

/** Levels, in percent of the reference dose, and their colours. */
export const ISODOSES: readonly { readonly percent: number; readonly color: Rgb }[] = [
  { percent: 107, color: [255, 80, 200] },
  { percent: 100, color: [255, 70, 60] },
  { percent: 95, color: [255, 150, 50] },
  { percent: 90, color: [255, 225, 60] },
  { percent: 70, color: [120, 220, 80] },
  { percent: 50, color: [70, 210, 230] },
  { percent: 30, color: [80, 130, 255] },
]

/** From blue (a tenth of the reference) over green to red (all of it); nothing below a tenth. */
export function wash(part: number): Rgb | undefined {
  if (!(part >= 0.1)) return undefined
  const t = Math.min(1, (part - 0.1) / 0.9) * 4
  const ramp = (peak: number): number => Math.round(255 * Math.min(1, Math.max(0, 1.5 - Math.abs(t - peak))))
  return [ramp(3.5), ramp(2), ramp(0.5)]
}

export interface Histogram {
  /** Millilitres that were looked at; `outside` of them lie where the grid has no dose. */
  readonly volume: number
  readonly outside: number
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Part of the volume (0 to 1) that gets at least this dose. */
  readonly atLeast: (dose: number) => number
  /** The dose that this part of the volume gets at least. */
  readonly dose: (part: number) => number
}

/** Sides of a sample, mm: small enough that a structure of a centimetre has thousands. */
const SAMPLE = 0.5
const SAMPLES = 200_000

/** The dose-volume histogram of a structure; undefined when it has no volume, or none of it has a dose. */
export function histogramOf(dose: Dose, structure: Structure): Histogram | undefined {
  const levels = levelsOf(structure)
  const step = structure.step
  if (step === undefined || !sameSpace(dose.grid.frameOfReference, structure.frameOfReference)) return undefined
  const box = levels.map((level) => boundsOf(level.rings))
  const across = box.reduce((sum, [left, top, right, bottom]) => sum + (right - left) * (bottom - top), 0)
  const side = Math.max(SAMPLE, Math.sqrt(across / SAMPLES))
  const doses: number[] = []
  let outside = 0
  levels.forEach((level, index) => {
    const [left, top, right, bottom] = box[index] ?? [0, 0, 0, 0]
    const columns = Math.ceil((right - left) / side)
    const sampled = level.rings.map((ring) => ring.map(([x, y]): Point => [(x - left) / side - 0.5, (y - top) / side - 0.5]))
    inside(sampled, columns, Math.ceil((bottom - top) / side), (at) => {
      const value = doseAt(dose, pointOf(level.grid, [left + ((at % columns) + 0.5) * side, top + (Math.floor(at / columns) + 0.5) * side]))
      if (value === undefined) outside++
      else doses.push(value)
    })
  })
  return doses.length > 0 ? summed(Float32Array.from(doses).sort(), outside, (side * side * step) / 1000) : undefined
}

function summed(sorted: Float32Array, outside: number, each: number): Histogram {
  const count = sorted.length
  const below = (dose: number): number => {
    let [low, high] = [0, count]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sorted[middle] ?? 0) < dose) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    volume: (count + outside) * each,
    outside: outside * each,
    min: sorted[0] ?? 0,
    max: sorted[count - 1] ?? 0,
    mean: sorted.reduce((sum, value) => sum + value, 0) / count,
    atLeast: (dose) => (count - below(dose)) / count,
    dose: (part) => sorted[Math.min(count - 1, Math.max(0, Math.round((1 - part) * count)))] ?? 0,
  }
}

function boundsOf(rings: readonly (readonly Point[])[]): [number, number, number, number] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const ring of rings) {
    for (const [x, y] of ring) {
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  }
  return [left, top, right, bottom]
}
