// Work on masks: painting, cutting, filling between slices, borders. 255 is inside, 0 outside; a mask lies row by row.
import type { Point } from '../geometry'

export interface Sheet {
  readonly columns: number
  readonly rows: number
  readonly mask: Uint8Array
}

/** Which pixels may change. */
export type Allowed = (index: number) => boolean
const ALL: Allowed = () => true

/** Sets what lies within `radius` (mm) of the way from `a` to `b` (pixel coordinates; pixels are spacing mm wide and high). */
export function brushed({ columns, rows, mask }: Sheet, a: Point, b: Point, radius: number, spacing: Point, value: number, allowed: Allowed = ALL): void {
  const [sx, sy] = spacing
  const left = Math.max(0, Math.floor(Math.min(a[0], b[0]) - radius / sx))
  const right = Math.min(columns - 1, Math.ceil(Math.max(a[0], b[0]) + radius / sx))
  const top = Math.max(0, Math.floor(Math.min(a[1], b[1]) - radius / sy))
  const bottom = Math.min(rows - 1, Math.ceil(Math.max(a[1], b[1]) + radius / sy))
  const [dx, dy] = [(b[0] - a[0]) * sx, (b[1] - a[1]) * sy]
  const long = dx * dx + dy * dy
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [px, py] = [(x - a[0]) * sx, (y - a[1]) * sy]
      const along = long === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / long))
      const index = y * columns + x
      if (Math.hypot(px - along * dx, py - along * dy) <= radius && allowed(index)) mask[index] = value
    }
  }
}

/** Calls with every pixel whose centre lies inside the closed polygons, by the even-odd rule. */
export function inside(polygons: readonly (readonly Point[])[], columns: number, rows: number, found: (index: number) => void): void {
  const heights = polygons.flatMap((polygon) => polygon.map((point) => point[1]))
  const top = Math.max(0, Math.ceil(heights.reduce((low, y) => Math.min(low, y), Infinity)))
  const bottom = Math.min(rows - 1, Math.floor(heights.reduce((high, y) => Math.max(high, y), -Infinity)))
  for (let y = top; y <= bottom; y++) {
    const crossings: number[] = []
    for (const polygon of polygons) {
      polygon.forEach((from, index) => {
        const to = polygon[(index + 1) % polygon.length] ?? from
        if (from[1] <= y !== to[1] <= y) crossings.push(from[0] + ((y - from[1]) / (to[1] - from[1])) * (to[0] - from[0]))
      })
    }
    crossings.sort((a, b) => a - b)
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const end = Math.min(columns - 1, Math.floor(crossings[pair + 1] ?? -1))
      for (let x = Math.max(0, Math.ceil(crossings[pair] ?? 0)); x <= end; x++) found(y * columns + x)
    }
  }
}

/** Sets what lies inside a drawn line. */
export function cut({ columns, rows, mask }: Sheet, polygon: readonly Point[], value: number, allowed: Allowed = ALL): void {
  inside([polygon], columns, rows, (index) => {
    if (allowed(index)) mask[index] = value
  })
}

export const isEmpty = (mask: Uint8Array): boolean => mask.every((value) => value === 0)

export function area(mask: Uint8Array): number {
  let count = 0
  for (const value of mask) if (value > 0) count++
  return count
}

const FAR = 1e10

/** Squared distances along one line (Felzenszwalb, Huttenlocher: Distance Transforms of Sampled Functions). */
function line(f: Float64Array, count: number, step: number, out: Float64Array): void {
  const places = new Int32Array(count)
  const edges = new Float64Array(count + 1)
  let last = 0
  edges[0] = -FAR
  edges[1] = FAR
  const value = (at: number): number => f[at] ?? FAR
  const meet = (p: number, q: number): number => (value(q) + q * q * step * step - value(p) - p * p * step * step) / (2 * step * step * (q - p))
  for (let q = 1; q < count; q++) {
    let s = meet(places[last] ?? 0, q)
    while (s <= (edges[last] ?? -FAR)) {
      last--
      s = meet(places[last] ?? 0, q)
    }
    last++
    places[last] = q
    edges[last] = s
    edges[last + 1] = FAR
  }
  last = 0
  for (let q = 0; q < count; q++) {
    while ((edges[last + 1] ?? FAR) < q) last++
    const place = places[last] ?? 0
    out[q] = (q - place) ** 2 * step * step + value(place)
  }
}

/** Distance (mm) of each pixel to the nearest that is inside (`within`) or outside. */
function distances({ columns, rows, mask }: Sheet, spacing: Point, within: boolean): Float64Array {
  const field = new Float64Array(columns * rows)
  for (let index = 0; index < field.length; index++) field[index] = (mask[index] ?? 0) > 0 === within ? 0 : FAR
  const column = new Float64Array(rows)
  const made = new Float64Array(Math.max(rows, columns))
  for (let x = 0; x < columns; x++) {
    for (let y = 0; y < rows; y++) column[y] = field[y * columns + x] ?? FAR
    line(column, rows, spacing[1], made)
    for (let y = 0; y < rows; y++) field[y * columns + x] = made[y] ?? FAR
  }
  for (let y = 0; y < rows; y++) {
    line(field.slice(y * columns, (y + 1) * columns), columns, spacing[0], made)
    field.set(made.subarray(0, columns), y * columns)
  }
  return field.map(Math.sqrt)
}

/** Distance to the border: positive inside, negative outside. */
function signed(sheet: Sheet, spacing: Point): Float64Array {
  const away = distances(sheet, spacing, true)
  const deep = distances(sheet, spacing, false)
  return away.map((value, index) => (deep[index] ?? 0) - value)
}

/** The shape between two others, `part` of the way from `a` to `b` (shape-based interpolation, Raya and Udupa 1990). */
export function interpolated(a: Sheet, b: Sheet, part: number, spacing: Point): Uint8Array {
  const from = signed(a, spacing)
  const to = signed(b, spacing)
  return Uint8Array.from(from, (value, index) => (value * (1 - part) + (to[index] ?? 0) * part > 0 ? 255 : 0))
}

/** Edges between pixels inside and outside, as [x1, y1, x2, y2] in pixel coordinates (a pixel reaches half around its centre). */
export function borders({ columns, rows, mask }: Sheet, level = 128): number[] {
  const found: number[] = []
  const at = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < columns && y < rows && (mask[y * columns + x] ?? 0) >= level
  for (let y = 0; y <= rows; y++) {
    let from = -1
    for (let x = 0; x <= columns; x++) {
      const edge = x < columns && at(x, y) !== at(x, y - 1)
      if (edge && from < 0) from = x
      if (!edge && from >= 0) {
        found.push(from - 0.5, y - 0.5, x - 0.5, y - 0.5)
        from = -1
      }
    }
  }
  for (let x = 0; x <= columns; x++) {
    let from = -1
    for (let y = 0; y <= rows; y++) {
      const edge = y < rows && at(x, y) !== at(x - 1, y)
      if (edge && from < 0) from = y
      if (!edge && from >= 0) {
        found.push(x - 0.5, from - 0.5, x - 0.5, y - 0.5)
        from = -1
      }
    }
  }
  return found
}
