// What lies above the pixels of an image: overlay planes (PS3.3 C.9.2) and display shutters (PS3.3 C.7.6.11). Pure.
import { type Binary, type Dataset, binary, number, numbers, texts } from './dataset'
import type { PixelFormat } from './frame'
import type { Point } from './geometry'
import { type Rgb, fromLab } from './overlays/colors'
import { type Region, outlineOf } from './shapes'
import { valuesIn } from './statistics'
import { Tag } from './tags'

export interface Shutter {
  readonly shape: 'RECTANGULAR' | 'CIRCULAR' | 'POLYGONAL'
  /** What is not covered, in image coordinates (centres of pixels are whole numbers). */
  readonly open: Region
}

const S = { shape: '00181600', left: '00181602', right: '00181604', upper: '00181606', lower: '00181608', centre: '00181610', radius: '00181612', vertices: '00181620', value: '00181622', group: '00181623', lab: '00181624' } as const

/** The shutters of a data set, or of an item of its frame display shutters; those whose numbers are missing are left out. */
export function shuttersOf(dataset: Dataset): Shutter[] {
  return texts(dataset, S.shape).flatMap((shape): Shutter[] => {
    if (shape === 'RECTANGULAR') {
      const [left, right, top, bottom] = [S.left, S.right, S.upper, S.lower].map((tag) => number(dataset, tag))
      if (left === undefined || right === undefined || top === undefined || bottom === undefined) return []
      // Rows and columns count from 1; the pixels of the edges are not covered.
      return [{ shape, open: { form: 'box', box: { left: left - 1, right: right - 1, top: top - 1, bottom: bottom - 1 } } }]
    }
    if (shape === 'CIRCULAR') {
      const [row, column] = numbers(dataset, S.centre)
      const radius = number(dataset, S.radius)
      if (row === undefined || column === undefined || radius === undefined) return []
      return [{ shape, open: { form: 'ellipse', box: { left: column - 1 - radius, right: column - 1 + radius, top: row - 1 - radius, bottom: row - 1 + radius } } }]
    }
    const corners = numbers(dataset, S.vertices)
    if (shape !== 'POLYGONAL' || corners.length < 6) return []
    const points = Array.from({ length: corners.length >> 1 }, (_, index): Point => [(corners[2 * index + 1] ?? 1) - 1, (corners[2 * index] ?? 1) - 1])
    return [{ shape, open: { form: 'polygon', points } }]
  })
}

/** Shutter Presentation Color (CIELab), else Shutter Presentation Value (P-Values of 16 bits), in 8 bits; black when the object does not say. */
export function shutterColor(dataset: Dataset): Rgb {
  const shade = Math.round((number(dataset, S.value) ?? 0) / 257)
  return fromLab(numbers(dataset, S.lab)) ?? [shade, shade, shade]
}

/** The overlay group whose bits are a bitmap shutter (PS3.3 C.7.6.15), as in planesOf; '' when there is none. */
export const bitmapShutter = (dataset: Dataset): string =>
  texts(dataset, S.shape).includes('BITMAP') ? (number(dataset, S.group) ?? 0).toString(16).toUpperCase().padStart(4, '0') : ''

export interface Plane {
  /** "6000" and so on. */
  readonly group: string
  readonly rows: number
  readonly columns: number
  /** Image coordinates of its first pixel. */
  readonly at: Point
  /** Its bits; absent when they are in the words of the pixels, in place `bit` (retired, but old objects are full of it). */
  readonly data?: Binary
  readonly bit: number
  /** Frames of its own, the first of which belongs to this frame of the image (from 1); 0: one plane for all frames. */
  readonly frames: number
  readonly first: number
}

/** The overlay planes of an object, at most the 16 groups that there can be. */
export function planesOf(dataset: Dataset): Plane[] {
  return Array.from({ length: 16 }, (_, index) => `60${(2 * index).toString(16).padStart(2, '0').toUpperCase()}`).flatMap((group): Plane[] => {
    const tag = (element: string): string => group + element
    const data = binary(dataset, tag('3000'))
    const bit = data ? 0 : (number(dataset, tag('0102')) ?? 0)
    // A plane in the pixels has their size, whatever else is said, or nothing at all.
    const [rows = 0, columns = 0] = bit > 0 ? [number(dataset, Tag.Rows), number(dataset, Tag.Columns)] : [number(dataset, tag('0010')), number(dataset, tag('0011'))]
    if (rows <= 0 || columns <= 0 || (!data && bit === 0)) return []
    const [row = 1, column = 1] = bit > 0 ? [] : numbers(dataset, tag('0050'))
    const plane = { group, rows, columns, at: [column - 1, row - 1] as const, bit, frames: data ? (number(dataset, tag('0015')) ?? 0) : 0, first: number(dataset, tag('0051')) ?? 1 }
    return [data ? { ...plane, data } : plane]
  })
}

/** The bits of a plane in the words of uncompressed pixels; undefined when the words have no such bit to spare. */
export function bitsInPixels(plane: Plane, bytes: Uint8Array, { allocated, stored, high }: PixelFormat): ((index: number) => boolean) | undefined {
  const size = allocated / 8
  const isValue = plane.bit <= high && plane.bit > high - stored
  if ((size !== 1 && size !== 2) || plane.bit >= allocated || isValue || bytes.byteLength < plane.rows * plane.columns * size) return undefined
  // Little endian words: bit 8 is the first of the second byte.
  return (index) => (((bytes[index * size + (plane.bit >> 3)] ?? 0) >> (plane.bit & 7)) & 1) === 1
}

/** The bits of a plane for a frame of the image (from 1): undefined when it has none for it. */
export function bitsOf(plane: Plane, bytes: Uint8Array, frame: number): ((index: number) => boolean) | undefined {
  const place = plane.frames > 0 ? frame - plane.first : 0
  if (place < 0 || (plane.frames > 0 && place >= plane.frames)) return undefined
  const from = place * plane.rows * plane.columns
  // PS3.5 8.1.2: the first pixel is the least significant bit.
  return (index) => (((bytes[(from + index) >> 3] ?? 0) >> ((from + index) & 7)) & 1) === 1
}

/** What a mask says of a pixel. */
export const PLAIN = 0
export const SHUT = 1
export const DRAWN = 2

export interface Drawing {
  readonly plane: Plane
  readonly bits: (index: number) => boolean
}

/**
 * A mask of the image's size: outside of every shutter it is shut, overlay planes lie above that; undefined when there is neither.
 * @param bitmap the overlay group that is a shutter itself
 */
export function maskOf(size: { readonly columns: number; readonly rows: number }, shutters: readonly Shutter[], drawings: readonly Drawing[], bitmap = ''): Uint8Array | undefined {
  if (shutters.length === 0 && drawings.length === 0) return undefined
  const { columns, rows } = size
  const mask = new Uint8Array(columns * rows)
  for (const { open } of shutters) {
    const inside = new Uint8Array(columns * rows)
    for (const index of indicesIn(open, size)) inside[index] = 1
    for (let index = 0; index < mask.length; index++) if (inside[index] === 0) mask[index] = SHUT
  }
  for (const { plane, bits } of drawings) {
    for (let row = 0; row < plane.rows; row++) {
      const y = row + plane.at[1]
      if (y < 0 || y >= rows) continue
      for (let column = 0; column < plane.columns; column++) {
        const x = column + plane.at[0]
        if (x >= 0 && x < columns && bits(row * plane.columns + column)) mask[y * columns + x] = plane.group === bitmap ? SHUT : DRAWN
      }
    }
  }
  return mask
}

/** Where the pixels of a region are: the values of a picture that counts its own pixels. */
function indicesIn(region: Region, { columns, rows }: { readonly columns: number; readonly rows: number }): Float64Array {
  if (outlineOf(region).length === 0) return new Float64Array()
  const data = Uint32Array.from({ length: columns * rows }, (_, index) => index)
  return valuesIn(region, { data, columns, rows, color: false, unit: '' })
}
