// Lengths, angles and region statistics, in image coordinates (centres of pixels are whole numbers).
import { type Calibration, type Scale, scaleAt } from './calibration'
import type { Point } from './geometry'

export const KINDS = ['length', 'angle', 'ellipse', 'rectangle', 'probe'] as const
export type Kind = (typeof KINDS)[number]

export interface Measurement {
  readonly id: string
  readonly kind: Kind
  readonly frameId: string
  readonly seriesInstanceUID: string
  /** length: two ends; angle: end, vertex, end; ellipse and rectangle: two opposite corners of the box; probe: the point. */
  readonly points: readonly Point[]
  /** What a person wrote: a note, a marker's number, the millimetres of a calibration. */
  readonly text?: string
  /** A name given to any other shape. */
  readonly label?: string
  /** What is written beside it. */
  readonly lines: readonly string[]
}

/** Points a finished measurement has. */
export const pointsOf: Readonly<Record<Kind, number>> = { length: 2, angle: 3, ellipse: 2, rectangle: 2, probe: 1 }

/** The grey (or colour) values under a measurement. */
export interface Values {
  readonly data: ArrayLike<number>
  readonly columns: number
  readonly rows: number
  readonly color: boolean
  readonly unit: string
}

export interface Statistics {
  readonly count: number
  readonly mean: number
  /** Population standard deviation. */
  readonly deviation: number
  readonly min: number
  readonly max: number
}

export function lengthOf(a: Point, b: Point, scale: { readonly x: number; readonly y: number }): number {
  return Math.hypot((b[0] - a[0]) * scale.x, (b[1] - a[1]) * scale.y)
}

/** Degrees at the vertex, measured in real proportions. */
export function angleOf(points: readonly Point[], scale: { readonly x: number; readonly y: number }): number {
  const [a, vertex, b] = points
  if (!a || !vertex || !b) return 0
  const one = Math.atan2((a[1] - vertex[1]) * scale.y, (a[0] - vertex[0]) * scale.x)
  const two = Math.atan2((b[1] - vertex[1]) * scale.y, (b[0] - vertex[0]) * scale.x)
  const degrees = Math.abs(((one - two) * 180) / Math.PI)
  return degrees > 180 ? 360 - degrees : degrees
}

interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export function boxOf(points: readonly Point[]): Box {
  const [a = [0, 0], b = a] = points
  return { left: Math.min(a[0], b[0]), top: Math.min(a[1], b[1]), right: Math.max(a[0], b[0]), bottom: Math.max(a[1], b[1]) }
}

export function areaOf(kind: Kind, points: readonly Point[], scale: { readonly x: number; readonly y: number }): number {
  const box = boxOf(points)
  const rectangle = (box.right - box.left) * scale.x * (box.bottom - box.top) * scale.y
  return kind === 'ellipse' ? (rectangle * Math.PI) / 4 : rectangle
}

/** Statistics of the pixels whose centres lie in the region; undefined when there are none. */
export function statisticsOf(kind: Kind, points: readonly Point[], values: Values): Statistics | undefined {
  const box = boxOf(points)
  const middle: Point = [(box.left + box.right) / 2, (box.top + box.bottom) / 2]
  const radius: Point = [(box.right - box.left) / 2, (box.bottom - box.top) / 2]
  let count = 0
  let mean = 0
  let squares = 0
  let min = Infinity
  let max = -Infinity
  const fromRow = Math.max(0, Math.ceil(box.top))
  const toRow = Math.min(values.rows - 1, Math.floor(box.bottom))
  for (let row = fromRow; row <= toRow; row++) {
    const half = kind === 'ellipse' ? chord(radius, row - middle[1]) : radius[0]
    if (half < 0) continue
    const from = Math.max(0, Math.ceil(middle[0] - half))
    const to = Math.min(values.columns - 1, Math.floor(middle[0] + half))
    for (let column = from; column <= to; column++) {
      const value = values.data[row * values.columns + column] ?? 0
      // Welford: exact enough for Float32 data of any size.
      count++
      const before = value - mean
      mean += before / count
      squares += before * (value - mean)
      if (value < min) min = value
      if (value > max) max = value
    }
  }
  return count === 0 ? undefined : { count, mean, deviation: Math.sqrt(squares / count), min, max }
}

/** Half the width of an ellipse at a height above its middle; negative outside. */
function chord(radius: Point, height: number): number {
  if (radius[1] === 0) return height === 0 ? radius[0] : -1
  const share = 1 - (height / radius[1]) ** 2
  return share < 0 ? -1 : radius[0] * Math.sqrt(share)
}

export const figure = (value: number): string => {
  const size = Math.abs(value)
  if (Number.isInteger(value)) return String(value)
  if (size >= 1000) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return size >= 0.1 || size === 0 ? value.toFixed(2) : value.toPrecision(3)
}

const withUnit = (value: string, unit: string): string => (unit ? `${value} ${unit}` : value)

const noted = (line: string, scale: Scale): string => (scale.note ? `${line} (${scale.note})` : line)

function distance(a: Point, b: Point, scale: Scale): string {
  const value = lengthOf(a, b, scale)
  return scale.unit === 'mm' ? `${value.toFixed(value < 10 ? 2 : 1)} mm` : `${value.toFixed(1)} px`
}

/** The lines written beside a measurement. */
export function describe(kind: Kind, points: readonly Point[], calibration: Calibration, values: Values): string[] {
  const scale = scaleAt(calibration, points)
  const [a, b] = points
  if (!a) return []
  if (kind === 'probe') return probe(a, values)
  if (!b) return []
  if (kind === 'length') return [noted(distance(a, b, scale), scale)]
  if (kind === 'angle') return points.length < 3 ? [] : [`${angleOf(points, scale).toFixed(1)}°`]
  const area = `Area ${figure(areaOf(kind, points, scale))} ${scale.unit}²`
  if (values.color) return [noted(area, scale)]
  const statistics = statisticsOf(kind, points, values)
  if (!statistics) return [noted(area, scale)]
  return [
    withUnit(`Mean ${figure(statistics.mean)}`, values.unit),
    `SD ${figure(statistics.deviation)}`,
    `Min ${figure(statistics.min)}  Max ${figure(statistics.max)}`,
    noted(area, scale),
  ]
}

function probe(at: Point, values: Values): string[] {
  const column = Math.round(at[0])
  const row = Math.round(at[1])
  if (column < 0 || row < 0 || column >= values.columns || row >= values.rows) return []
  const index = row * values.columns + column
  if (values.color) return [`R ${values.data[index * 3] ?? 0}  G ${values.data[index * 3 + 1] ?? 0}  B ${values.data[index * 3 + 2] ?? 0}`]
  return [withUnit(figure(values.data[index] ?? 0), values.unit)]
}
