// Statistics of the pixels whose centres lie in a region, and what lies along a line.
import type { Point } from './geometry'
import type { Box, Region } from './shapes'
import type { OtherUptake } from './suv'

/** The grey (or colour) values under a measurement. */
export interface Values {
  readonly data: ArrayLike<number>
  readonly columns: number
  readonly rows: number
  readonly color: boolean
  readonly unit: string
  /** Width and height of a pixel, the smaller being 1: angles are honest where nothing is known in millimetres. */
  readonly aspect?: Point
  /** Values from and to which there was nothing to measure (PS3.3 C.7.5.1.1.2). */
  readonly padding?: { readonly from: number; readonly to: number } | undefined
  /** SUVbw of one unit of the values (PET in Bq/ml). */
  readonly suv?: number | undefined
  /** By other sizes of the body. */
  readonly uptakes?: readonly OtherUptake[]
  /** Mean of the sphere of 1 cm³ around a pixel; only where there is a volume around it. */
  readonly peakAt?: ((at: Point) => number | undefined) | undefined
}

export interface Statistics {
  readonly count: number
  /** Pixels of the region that are padding: they are in none of the numbers. */
  readonly padded: number
  readonly mean: number
  /** Population standard deviation. */
  readonly deviation: number
  readonly min: number
  readonly max: number
  readonly median: number
  /** Third and fourth standardised moments; kurtosis is that above a normal distribution's. 0 where all values are equal. */
  readonly skewness: number
  readonly kurtosis: number
  /** Bits, of the values in 256 equal bins between the least and the greatest. */
  readonly entropy: number
  /** Highest mean of a sphere of 1 cm³ around any of the pixels. */
  readonly peak?: number | undefined
}

/** Half the width of an ellipse at a height above its middle; negative outside. */
function chord(radius: Point, height: number): number {
  if (radius[1] === 0) return height === 0 ? radius[0] : -1
  const share = 1 - (height / radius[1]) ** 2
  return share < 0 ? -1 : radius[0] * Math.sqrt(share)
}

type Span = readonly [number, number]

function spanOfBox({ left, right, top, bottom }: Box, round: boolean, row: number): Span[] {
  const middle: Point = [(left + right) / 2, (top + bottom) / 2]
  const radius: Point = [(right - left) / 2, (bottom - top) / 2]
  const half = round ? chord(radius, row - middle[1]) : radius[0]
  return half < 0 ? [] : [[middle[0] - half, middle[0] + half]]
}

/** Where a row lies inside a polygon, by the even-odd rule. */
function spansOfPolygon(points: readonly Point[], row: number): Span[] {
  const crossings: number[] = []
  for (let index = 0; index < points.length; index++) {
    const [ax, ay] = points[index] ?? [0, 0]
    const [bx, by] = points[(index + 1) % points.length] ?? [0, 0]
    if (ay <= row !== by <= row) crossings.push(ax + ((row - ay) / (by - ay)) * (bx - ax))
  }
  crossings.sort((a, b) => a - b)
  const spans: Span[] = []
  for (let index = 0; index + 1 < crossings.length; index += 2) spans.push([crossings[index] ?? 0, crossings[index + 1] ?? 0])
  return spans
}

const SLIP = 1e-9 // what arithmetic may lose: a centre on the edge is inside

/** The values of the pixels whose centres lie in the region, padding left out. */
export const valuesIn = (region: Region, values: Values): Float64Array => pickedIn(region, values).found

interface Picked {
  readonly found: Float64Array
  readonly places: readonly Point[]
  readonly padded: number
}

function pickedIn(region: Region, values: Values): Picked {
  const { padding } = values
  let padded = 0
  const places: Point[] = []
  const heights = region.form === 'polygon' ? region.points.map((point) => point[1]) : [region.box.top, region.box.bottom]
  const fromRow = Math.max(0, Math.ceil(heights.reduce((least, each) => Math.min(least, each), Infinity)))
  const toRow = Math.min(values.rows - 1, Math.floor(heights.reduce((most, each) => Math.max(most, each), -Infinity)))
  const found: number[] = []
  for (let row = fromRow; row <= toRow; row++) {
    const spans = region.form === 'polygon' ? spansOfPolygon(region.points, row) : spanOfBox(region.box, region.form === 'ellipse', row)
    for (const [left, right] of spans) {
      const to = Math.min(values.columns - 1, Math.floor(right + SLIP))
      for (let column = Math.max(0, Math.ceil(left - SLIP)); column <= to; column++) {
        const value = values.data[row * values.columns + column] ?? 0
        if (padding && value >= padding.from && value <= padding.to) padded++
        // Outside of a volume there is no value.
        else if (value === value) {
          found.push(value)
          if (values.peakAt) places.push([column, row])
        }
      }
    }
  }
  return { found: Float64Array.from(found), places, padded }
}

function peakOf(places: readonly Point[], { peakAt }: Values): number | undefined {
  const peaks = peakAt ? places.map(peakAt).filter((peak) => peak !== undefined) : []
  return peaks.length > 0 ? peaks.reduce((most, each) => Math.max(most, each)) : undefined
}

/** Undefined when there are none. */
export function statisticsOf(region: Region, values: Values): Statistics | undefined {
  const { found, places, padded } = pickedIn(region, values)
  const count = found.length
  if (count === 0) return undefined
  found.sort()
  const mean = found.reduce((sum, value) => sum + value, 0) / count
  const moment = (power: number): number => found.reduce((sum, value) => sum + (value - mean) ** power, 0) / count
  const variance = moment(2)
  const deviation = Math.sqrt(variance)
  const [min, max] = [found[0] ?? 0, found[count - 1] ?? 0]
  return {
    count,
    padded,
    mean,
    deviation,
    min,
    max,
    median: ((found[(count - 1) >> 1] ?? 0) + (found[count >> 1] ?? 0)) / 2,
    skewness: deviation > 0 ? moment(3) / deviation ** 3 : 0,
    kurtosis: deviation > 0 ? moment(4) / variance ** 2 - 3 : 0,
    peak: peakOf(places, values),
    entropy: histogramOf(found, 256).counts.reduce((bits, bin) => (bin > 0 ? bits - (bin / count) * Math.log2(bin / count) : bits), 0),
  }
}

export interface Histogram {
  readonly min: number
  readonly max: number
  readonly counts: readonly number[]
}

/** Equal bins from the least to the greatest value, which belongs to the last (as numpy has it). */
export function histogramOf(found: ArrayLike<number>, bins: number): Histogram {
  const all = Array.from(found)
  const min = all.reduce((least, each) => Math.min(least, each), Infinity)
  const max = all.reduce((most, each) => Math.max(most, each), -Infinity)
  const counts = new Array<number>(bins).fill(0)
  for (const value of all) {
    const bin = max > min ? Math.min(bins - 1, Math.floor(((value - min) / (max - min)) * bins)) : 0
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return { min, max, counts }
}

/** Values along a line, between pixels by those around them; at most one point for each half pixel. Nothing outside of the picture. */
export function profileOf(points: readonly Point[], values: Values): number[] {
  const found: number[] = []
  for (let index = 0; index + 1 < points.length; index++) {
    const [ax, ay] = points[index] ?? [0, 0]
    const [bx, by] = points[index + 1] ?? [0, 0]
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(bx - ax, by - ay)))
    for (let step = index === 0 ? 0 : 1; step <= steps; step++) {
      const value = between(ax + ((bx - ax) * step) / steps, ay + ((by - ay) * step) / steps, values)
      if (value !== undefined) found.push(value)
    }
  }
  return found
}

function between(x: number, y: number, { data, columns, rows }: Values): number | undefined {
  if (x < 0 || y < 0 || x > columns - 1 || y > rows - 1) return undefined
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const [right, bottom] = [Math.min(columns - 1, left + 1), Math.min(rows - 1, top + 1)]
  const at = (column: number, row: number): number => data[row * columns + column] ?? 0
  const upper = at(left, top) * (1 - (x - left)) + at(right, top) * (x - left)
  const lower = at(left, bottom) * (1 - (x - left)) + at(right, bottom) * (x - left)
  return upper * (1 - (y - top)) + lower * (y - top)
}
