// From stored pixels to what is measured and drawn: PS3.3 C.7.6.3 (pixels), C.11.1 (modality), C.7.9 (palettes). No I/O.
import type { Modality, PixelFormat } from './frame'

export type Scalars = Uint8Array | Int16Array | Uint16Array | Float32Array
type ScalarType = typeof Uint8Array | typeof Int16Array | typeof Uint16Array | typeof Float32Array
type Stored = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array

/** A resolved table: `values[i]` is the output for input `first + i`. */
export interface Resolved {
  readonly name: string
  readonly first: number
  readonly bits: number
  readonly values: Uint16Array
}

export interface GreyPixels {
  readonly color: false
  readonly data: Scalars
  readonly min: number
  readonly max: number
  readonly padding?: { readonly from: number; readonly to: number }
}

export interface ColorPixels {
  readonly color: true
  /** Red, green, blue; one byte each. */
  readonly data: Uint8Array
}

export class BadPixels extends Error {}

function expect(bytes: Uint8Array, needed: number): void {
  if (bytes.byteLength < needed) throw new BadPixels(`The pixel data is too short: ${bytes.byteLength} of ${needed} bytes.`)
}

function aligned(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice()
}

/** The format with its bits: where the header does not tell, the length of an uncompressed frame does. */
export function settled(format: PixelFormat, bytes: number, count: number): PixelFormat {
  if (format.allocated !== 0) return format
  const allocated = bytes >= count * format.samples * 2 ? 16 : 8
  const stored = format.stored > 0 && format.stored <= allocated ? format.stored : allocated
  return { ...format, allocated, stored, high: format.high >= stored - 1 ? format.high : stored - 1 }
}

/** Uncompressed little endian samples of one frame as numbers; bits above and below those stored (old overlays) are cut off. */
export function nativeSamples(bytes: Uint8Array<ArrayBuffer>, format: PixelFormat, count: number): Stored {
  if (format.number === 'double' || format.number === 'float') {
    const size = format.number === 'double' ? 8 : 4
    expect(bytes, count * size)
    const at = aligned(bytes, size)
    return size === 8 ? new Float64Array(at.buffer, at.byteOffset, count) : new Float32Array(at.buffer, at.byteOffset, count)
  }
  if (format.allocated === 1) return bitSamples(bytes, count)
  const size = format.allocated / 8
  if (size !== 1 && size !== 2 && size !== 4) throw new BadPixels(`Pixels of ${format.allocated} bits cannot be shown.`)
  expect(bytes, count * size)
  const at = aligned(bytes, size)
  const signed = format.signed
  const samples =
    size === 1
      ? new (signed ? Int8Array : Uint8Array)(at.buffer, at.byteOffset, count)
      : size === 2
        ? new (signed ? Int16Array : Uint16Array)(at.buffer, at.byteOffset, count)
        : new (signed ? Int32Array : Uint32Array)(at.buffer, at.byteOffset, count)
  return trimmed(samples, format, Math.max(0, format.high + 1 - format.stored))
}

function bitSamples(bytes: Uint8Array, count: number): Uint8Array {
  expect(bytes, Math.ceil(count / 8))
  const samples = new Uint8Array(count)
  // PS3.5 8.1.1: the first pixel is the least significant bit.
  for (let index = 0; index < count; index++) samples[index] = ((bytes[index >> 3] ?? 0) >> (index & 7)) & 1
  return samples
}

/** Cuts or sign-extends to BitsStored, in place. `below`: bits to the right of them. */
export function trimmed<T extends Stored>(samples: T, format: PixelFormat, below = 0): T {
  const spare = format.allocated - format.stored
  if (spare <= 0 || format.stored <= 0 || format.number !== 'integer') return samples
  // A High Bit beyond the word is a fault of the header, not a place of bits.
  const low = below <= spare ? below : 0
  if (format.signed) {
    const shift = 32 - format.stored
    for (let index = 0; index < samples.length; index++) samples[index] = ((samples[index] ?? 0) << (shift - low)) >> shift
  } else if (format.stored < 32) {
    const mask = 2 ** format.stored - 1
    for (let index = 0; index < samples.length; index++) samples[index] = ((samples[index] ?? 0) >>> low) & mask
  }
  return samples
}

/**
 * Samples of a picture that was halved so often, in its full size: between neighbours lie the values between theirs.
 * Wavelets overshoot at edges; what no pixel of the format can be is cut off.
 */
export function enlarged(samples: ArrayLike<number>, extent: { columns: number; rows: number }, reduction: number, channels: number, format: PixelFormat): Int16Array | Uint16Array | Uint8Array {
  const { columns, rows } = extent
  const scale = 2 ** reduction
  const width = Math.ceil(columns / scale)
  const height = Math.ceil(rows / scale)
  if (samples.length < width * height * channels) throw new BadPixels(`The pixel data is too short: ${samples.length} of ${width * height * channels} samples.`)
  const [least, most] = possible(format)
  // Unsigned values below zero come as the top of their words when there are bits to spare.
  const wraps = !format.signed && format.stored < 16 && format.allocated > 8
  const source = new Float32Array(width * height * channels)
  for (let at = 0; at < source.length; at++) {
    const value = samples[at] ?? 0
    source[at] = Math.min(most, Math.max(least, wraps && value > 0xbfff ? value - 0x10000 : value))
  }
  const size = columns * rows * channels
  const made = format.signed ? new Int16Array(size) : format.allocated > 8 ? new Uint16Array(size) : new Uint8Array(size)
  const row = new Float32Array(width * channels)
  for (let y = 0; y < rows; y++) {
    const top = Math.floor(y / scale)
    const down = y / scale - top
    const upper = top * row.length
    const lower = Math.min(height - 1, top + 1) * row.length
    for (let at = 0; at < row.length; at++) row[at] = (source[upper + at] ?? 0) * (1 - down) + (source[lower + at] ?? 0) * down
    for (let x = 0; x < columns; x++) {
      const left = Math.floor(x / scale)
      const across = x / scale - left
      const right = Math.min(width - 1, left + 1)
      for (let channel = 0; channel < channels; channel++) {
        const value = (row[left * channels + channel] ?? 0) * (1 - across) + (row[right * channels + channel] ?? 0) * across
        made[(y * columns + x) * channels + channel] = Math.round(value)
      }
    }
  }
  return made
}

/** Array type that holds every value a format can produce, so that all slices of a series share one type. */
function roomFor(low: number, high: number, whole: boolean): ScalarType {
  if (!whole || low < -32768 || high > 65535 || (low < 0 && high > 32767)) return Float32Array
  if (low < 0) return Int16Array
  return high > 255 ? Uint16Array : Uint8Array
}

function possible(format: PixelFormat): [number, number] {
  return format.signed ? [-(2 ** (format.stored - 1)), 2 ** (format.stored - 1) - 1] : [0, 2 ** format.stored - 1]
}

/** The room of the samples themselves, when they are nobody else's and the results are words of 16 bits as they are. */
function sameRoom(samples: ArrayLike<number>, wanted: ScalarType): Scalars | undefined {
  if (!(samples instanceof Uint16Array || samples instanceof Int16Array) || wanted.BYTES_PER_ELEMENT !== 2) return undefined
  const { buffer, byteOffset, byteLength, length } = samples
  // What is part of something larger would keep all of that.
  return buffer.byteLength > byteLength + 64 ? undefined : new wanted(buffer as ArrayBuffer, byteOffset, length)
}

/**
 * Modality transformation: table, or slope and intercept. Keeps stored values' type where nothing changes.
 * @param own nobody else uses the samples: their memory may become the result's
 */
export function toModality(samples: ArrayLike<number>, format: PixelFormat, modality: Modality, table?: Resolved, own = false): GreyPixels {
  const { slope, intercept } = modality
  const real = format.number !== 'integer'
  const map = (value: number): number => (table ? lookedUp(table, value) : value * slope + intercept)
  const [least, most] = possible(format)
  const ends = table ? [0, 2 ** table.bits - 1] : [map(least), map(most)]
  const whole = !real && (table !== undefined || (Number.isInteger(slope) && Number.isInteger(intercept)))
  const type = roomFor(Math.min(...ends), Math.max(...ends), whole)
  const data = (own ? sameRoom(samples, type) : undefined) ?? new type(samples.length)
  let min = Infinity
  let max = -Infinity
  for (let index = 0; index < samples.length; index++) {
    const value = table ? lookedUp(table, samples[index] ?? 0) : (samples[index] ?? 0) * slope + intercept
    data[index] = value
    if (value < min) min = value
    if (value > max) max = value
  }
  const pixels: GreyPixels = { color: false, data, min: Number.isFinite(min) ? min : 0, max: Number.isFinite(max) ? max : 0 }
  if (!format.padding) return pixels
  const padding = [map(signedLike(format.padding.from, format)), map(signedLike(format.padding.to, format))]
  return { ...pixels, padding: { from: Math.min(...padding), to: Math.max(...padding) } }
}

/** PixelPaddingValue is sometimes written unsigned beside signed pixels. */
function signedLike(value: number, format: PixelFormat): number {
  const limit = 2 ** (format.allocated - 1)
  return format.signed && value >= limit ? value - 2 * limit : value
}

export function lookedUp(table: Resolved, value: number): number {
  const index = Math.min(table.values.length - 1, Math.max(0, Math.round(value) - table.first))
  return table.values[index] ?? 0
}

/** LUT data bytes as numbers: one byte each when the length says so, else little endian words (PS3.3 C.11.1.1.1). */
export function tableValues(bytes: Uint8Array, entries: number, bits: number): Uint16Array {
  if (bits <= 8 && bytes.byteLength < entries * 2) return Uint16Array.from(bytes.subarray(0, entries))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values = new Uint16Array(Math.min(entries, bytes.byteLength >> 1))
  for (let index = 0; index < values.length; index++) values[index] = view.getUint16(index * 2, true)
  return values
}

/**
 * Segmented palette (PS3.3 C.7.9.2): discrete, linear and indirect segments.
 * @param wide entries of 16 bits; with 8 the offset of an indirect segment takes four places. Offsets are in bytes.
 */
export function expanded(words: Uint16Array, entries: number, wide = true): Uint16Array {
  const values = new Uint16Array(entries)
  let filled = 0
  let depth = 0
  const put = (value: number): void => {
    if (filled < entries) values[filled++] = value
  }
  const walk = (from: number, segments: number): void => {
    let at = from
    for (let segment = 0; segment < segments && at + 1 < words.length && filled < entries; segment++) {
      const kind = words[at] ?? 0
      const length = words[at + 1] ?? 0
      if (kind === 0) {
        for (let index = 0; index < length; index++) put(words[at + 2 + index] ?? 0)
        at += 2 + length
      } else if (kind === 1) {
        const start = filled > 0 ? (values[filled - 1] ?? 0) : 0
        const end = words[at + 2] ?? 0
        for (let index = 1; index <= length; index++) put(Math.round(start + ((end - start) * index) / length))
        at += 3
      } else if (kind === 2 && depth < 1) {
        // Indirect segments do not nest.
        depth++
        const places = wide ? 2 : 4
        const offset = Array.from({ length: places }, (_, place) => (words[at + 2 + place] ?? 0) * 2 ** ((wide ? 16 : 8) * place)).reduce((sum, part) => sum + part, 0)
        walk(wide ? offset / 2 : offset, length)
        depth--
        at += 2 + places
      } else return
    }
  }
  walk(0, Number.MAX_SAFE_INTEGER)
  return values
}

export function throughPalette(samples: ArrayLike<number>, red: Resolved, green: Resolved, blue: Resolved): ColorPixels {
  const data = new Uint8Array(samples.length * 3)
  const tables = [red, green, blue].map(eightBit)
  for (let index = 0; index < samples.length; index++) {
    const value = samples[index] ?? 0
    for (let channel = 0; channel < 3; channel++) {
      const table = tables[channel]
      if (table) data[index * 3 + channel] = table.values[Math.min(table.values.length - 1, Math.max(0, value - table.first))] ?? 0
    }
  }
  return { color: true, data }
}

/** Some writers say 16 bits and fill only 8: scale by what is there. */
function eightBit(table: Resolved): Resolved {
  const top = table.values.reduce((most, value) => Math.max(most, value), 0)
  const shift = table.bits > 8 && top > 255 ? 8 : 0
  return { ...table, values: table.values.map((value) => value >> shift) }
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : Math.round(value))

function writeYbr(data: Uint8Array, at: number, y: number, cb: number, cr: number): void {
  // PS3.3 C.7.6.3.1.2, full range
  data[at] = clamp(y + 1.402 * (cr - 128))
  data[at + 1] = clamp(y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128))
  data[at + 2] = clamp(y + 1.772 * (cb - 128))
}

/** Uncompressed colour of one frame as RGB bytes. */
export function nativeColor(bytes: Uint8Array<ArrayBuffer>, format: PixelFormat, count: number): ColorPixels {
  if (format.photometric.endsWith('_422')) return halved(bytes, count, format.photometric.startsWith('YBR_PARTIAL'))
  const samples = nativeSamples(bytes, { ...format, signed: false }, count * format.samples)
  const shift = Math.max(0, format.stored - 8)
  const pick = (pixel: number, channel: number): number => {
    const value = samples[format.planar ? channel * count + pixel : pixel * format.samples + channel] ?? 0
    return shift > 0 ? Math.floor(value / 2 ** shift) : value
  }
  const data = new Uint8Array(count * 3)
  const ybr = format.photometric.startsWith('YBR')
  for (let pixel = 0; pixel < count; pixel++) {
    if (ybr) writeYbr(data, pixel * 3, pick(pixel, 0), pick(pixel, 1), pick(pixel, 2))
    else for (let channel = 0; channel < 3; channel++) data[pixel * 3 + channel] = pick(pixel, channel)
  }
  return { color: true, data }
}

/** Retired YBR_PARTIAL_422: black is 16 and white 235, colour differences reach from 16 to 240 (PS3.3-2017 C.7.6.3.1.2). */
const unpartial = (y: number, cb: number, cr: number): readonly [number, number, number] => [((y - 16) * 255) / 219, ((cb - 128) * 255) / 224 + 128, ((cr - 128) * 255) / 224 + 128]

/** YBR_FULL_422, YBR_PARTIAL_422: two luminances share one pair of colour differences. */
function halved(bytes: Uint8Array, count: number, partial: boolean): ColorPixels {
  expect(bytes, count * 2)
  const data = new Uint8Array(count * 3)
  const put = (pixel: number, y: number, cb: number, cr: number): void => {
    const [full, blue, red] = partial ? unpartial(y, cb, cr) : [y, cb, cr]
    writeYbr(data, pixel * 3, full, blue, red)
  }
  for (let pixel = 0; pixel + 1 < count; pixel += 2) {
    const at = pixel * 2
    const cb = bytes[at + 2] ?? 128
    const cr = bytes[at + 3] ?? 128
    put(pixel, bytes[at] ?? 0, cb, cr)
    put(pixel + 1, bytes[at + 1] ?? 0, cb, cr)
  }
  return { color: true, data }
}
