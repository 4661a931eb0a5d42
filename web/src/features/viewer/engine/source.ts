// One frame from the server to a picture: fetch, decode, apply what the header says.
import { HttpError, send } from '../../../lib/http'
import { type Binary, type Dataset, text } from '../model/dataset'
import { type Drawing, bitmapShutter, bitsInPixels, bitsOf, maskOf, planesOf, shutterColor, shuttersOf } from '../model/graphics'
import { type Frame, type Palette, type PixelFormat, SCHEME, type Table } from '../model/frame'
import { BadPixels, type ColorPixels, type GreyPixels, type Resolved, enlarged, expanded, nativeColor, nativeSamples, settled, tableValues, throughPalette, toModality, trimmed } from '../model/pixels'
import { Tag } from '../model/tags'
import { isDecodable, undecodable } from '../model/reasons'
import { NATIVE } from './compressed'
import { type Colours, coloursBy, profileOf } from './colours'
import { loadCornerstone } from './cornerstone'
import type { Decoded } from './decoding'
import type { Bytes, FrameSource } from './frames'
import { type Picture, usable } from './picture'

/** A failure in words for the viewport. `again` says whether trying again can help. */
export class NotShown extends Error {
  readonly again: boolean

  constructor(message: string, again: boolean) {
    super(message)
    this.again = again
  }
}

const ANY_FORM = { Accept: 'application/octet-stream; transfer-syntax=*' }

async function tableAt(address: string, signal: AbortSignal): Promise<Uint8Array> {
  const response = await send(address, { headers: ANY_FORM, signal })
  return new Uint8Array(await response.arrayBuffer())
}

export const addressOf = (frame: Frame): string => frame.id.slice(SCHEME.length + 1)

/** Compressed with loss, or as HTJ2K already: a lossless copy of it would be larger, or the same. */
const DENSE = /^1\.2\.840\.10008\.1\.2\.4\.(50|51|81|91|20[123]|11[012])$/

/**
 * A copy holds values and RGB only: not what lies beside the values in their words, nor YBR, which a codestream has its own ways for.
 * Of signed bytes the decoder loses all below zero.
 */
function isCopyable({ instance: { format, dataset } }: Frame): boolean {
  const whole = format.number === 'integer' && (format.allocated === 16 || (format.allocated === 8 && !format.signed)) && format.high === format.stored - 1
  return whole && !format.photometric.startsWith('YBR') && planesOf(dataset).every((plane) => plane.data)
}

const mayBeCopied = (frame: Frame): boolean => !DENSE.test(text(frame.instance.dataset, Tag.AvailableTransferSyntaxUID)) && isCopyable(frame)

/** Whether there may be a small picture of the frame, and it means anything: the mean of two entries of a palette is no colour. */
export const canBeSmaller = (frame: Frame): boolean => frame.reason === '' && isBlendable(frame) && mayBeCopied(frame)

const isBlendable = (frame: Frame): boolean => frame.instance.format.photometric !== 'PALETTE COLOR'

/**
 * Loads the frame's pixels. Throws NotShown, or AbortError when the signal says so.
 * @param meanwhile is given smaller pictures as the frame arrives over a slow line
 */
export async function loadPicture(frame: Frame, source: FrameSource, signal: AbortSignal, meanwhile: (picture: Picture) => void): Promise<Picture> {
  if (frame.reason) throw new NotShown(frame.reason, false)
  const early = (part: Bytes): void => {
    if (!isBlendable(frame)) return
    // A smaller picture that cannot be decoded is no picture less.
    pictureOf(frame, part, signal).then(meanwhile, () => undefined)
  }
  try {
    // Asked for together with the pixels, so that they need not wait for it.
    void coloursOf(frame, signal)
    const picture = await pictureOf(frame, await source.whole(addressOf(frame), mayBeCopied(frame), signal, early), signal)
    source.forget(addressOf(frame))
    return picture
  } catch (error) {
    throw inWords(error)
  }
}

/** A smaller picture, or the full one where the archive has no other. Throws as loadPicture. */
export async function loadSmaller(frame: Frame, source: FrameSource, signal: AbortSignal): Promise<Picture> {
  try {
    return await pictureOf(frame, await source.beginning(addressOf(frame), signal), signal)
  } catch (error) {
    throw inWords(error)
  }
}

async function pictureOf(frame: Frame, { bytes, syntax, reduction }: Bytes, signal: AbortSignal): Promise<Picture> {
  // First the planes in the bits that decoding cuts off.
  const mask = await maskFor(frame, NATIVE.has(syntax) ? bytes : undefined, signal)
  const pixels = await decode(frame, bytes, syntax, reduction, signal)
  const tables = await Promise.all(frame.voiTables.map((table) => resolved(table, signal)))
  const windows = usable([...frame.windows, ...tables.map((table) => voiWindow(table))], frame, pixels)
  const output = frame.outputTable && (await resolved(frame.outputTable, signal))
  const colours = pixels.color ? await coloursOf(frame, signal) : undefined
  return { frame, pixels, windows, bytes: pixels.data.byteLength + (mask?.pixels.byteLength ?? 0), reduction, ...(mask ? { mask } : {}), ...(output ? { output } : {}), ...(colours ? { colours } : {}) }
}

/** What its ICC profile makes of its colours; undefined without one. A profile that cannot be had takes no picture away. */
async function coloursOf({ instance: { dataset, format } }: Frame, signal: AbortSignal): Promise<Colours | undefined> {
  if (format.photometric.startsWith('MONOCHROME')) return undefined
  const known = profiles.get(dataset) ?? { profile: profileOf(dataset) }
  profiles.set(dataset, known)
  if (!known.profile) return undefined
  const bytes = await bytesOf(known.profile, signal).catch(() => null)
  return bytes ? coloursBy(bytes) : 'unknown'
}

/** One object for each data set, by which its bytes are remembered. */
const profiles = new WeakMap<Dataset, { readonly profile: Binary | undefined }>()

/** Overlay planes and shutters of a frame. A plane that cannot be had takes no picture away. */
async function maskFor(frame: Frame, native: Uint8Array | undefined, signal: AbortSignal): Promise<Picture['mask']> {
  const drawings = await Promise.all(
    planesOf(frame.instance.dataset).map(async (plane): Promise<Drawing[]> => {
      const bytes = plane.data && (await bytesOf(plane.data, signal).catch(() => null))
      const bits = bytes ? bitsOf(plane, bytes, frame.number) : native && !plane.data && bitsInPixels(plane, native, frame.instance.format)
      return bits ? [{ plane, bits }] : []
    }),
  )
  const pixels = maskOf(frame.extent, shuttersOf(frame.shutter), drawings.flat(), bitmapShutter(frame.shutter))
  return pixels && { pixels, shutter: shutterColor(frame.shutter), drawings: drawings.flat() }
}

export function voiWindow(table: Resolved): Picture['windows'][number] {
  const { first, values, bits } = table
  return { name: table.name || 'VOI LUT', window: { center: first + values.length / 2, width: values.length, shape: 'LINEAR', table: { first, values, bits } } }
}

function inWords(error: unknown): unknown {
  if (error instanceof NotShown || (error instanceof DOMException && error.name === 'AbortError')) return error
  if (error instanceof BadPixels) return new NotShown(error.message, false)
  if (error instanceof HttpError) {
    const message = error.status === 404 ? 'The archive has no pixels for this image.' : error.message
    return new NotShown([message, error.hint].filter(Boolean).join(' '), error.status >= 500 || error.kind === 'busy')
  }
  if (error instanceof Error && error.name === 'OfflineError') return new NotShown('The server cannot be reached.', true)
  return new NotShown(`The pixels of this image could not be decoded${error instanceof Error && error.message ? `: ${error.message}` : ''}.`, false)
}

async function decode(frame: Frame, bytes: Uint8Array<ArrayBuffer>, syntax: string, reduction: number, signal: AbortSignal): Promise<GreyPixels | ColorPixels> {
  const { palette } = frame.instance
  const count = frame.extent.columns * frame.extent.rows
  const format = settled(frame.instance.format, bytes.byteLength, count)
  if (!isDecodable(syntax)) throw new NotShown(undecodable(syntax), false)
  if (bytes.byteLength === 0) throw new NotShown('The server sent no pixels for this image.', true)
  if (format.samples >= 3) return NATIVE.has(syntax) ? nativeColor(bytes, format, count) : compressedColor(frame, bytes, syntax, reduction, count)
  const native = NATIVE.has(syntax)
  const samples = native ? nativeSamples(bytes, format, count) : await storedSamples(frame, bytes, syntax, reduction, format)
  if (samples.length < count) throw new BadPixels(`The pixel data is too short: ${samples.length} of ${count} pixels.`)
  if (format.photometric === 'PALETTE COLOR' && palette) {
    const [red, green, blue] = await Promise.all(channels(palette).map((table) => resolved(table, signal, palette.segmented)))
    if (red && green && blue) return throughPalette(samples, red, green, blue)
  }
  const table = frame.modality.table && (await resolved(frame.modality.table, signal))
  // A codestream may say that its samples are signed where the header denies it; the codestream is nearer to the truth.
  const signed = format.signed || (!native && samples.some((value) => value < 0))
  return toModality(samples, signed === format.signed ? format : { ...format, signed }, frame.modality, table, true)
}

export const channels = (palette: Palette): readonly Table[] => [palette.red, palette.green, palette.blue]

const decompressed = async (frame: Frame, bytes: Uint8Array, syntax: string, reduction: number): Promise<Decoded> =>
  (await loadCornerstone()).decompressed(frame, bytes, syntax, reduction)

async function storedSamples(frame: Frame, bytes: Uint8Array, syntax: string, reduction: number, format: PixelFormat): Promise<Decoded> {
  const samples = await decompressed(frame, bytes, syntax, reduction)
  return reduction > 0 ? enlarged(samples, frame.extent, reduction, 1, format) : trimmed(samples, format)
}

async function compressedColor(frame: Frame, bytes: Uint8Array, syntax: string, reduction: number, count: number): Promise<ColorPixels> {
  const decoded = await decompressed(frame, bytes, syntax, reduction)
  const samples = reduction > 0 ? enlarged(decoded, frame.extent, reduction, 3, frame.instance.format) : decoded
  if (samples.length < count * 3) throw new BadPixels(`The pixel data is too short: ${samples.length} of ${count * 3} samples.`)
  const stride = Math.floor(samples.length / count)
  const shift = Math.max(0, frame.instance.format.stored - 8)
  if (stride === 3 && shift === 0 && samples instanceof Uint8Array) return { color: true, data: samples }
  const data = new Uint8Array(count * 3)
  for (let pixel = 0; pixel < count; pixel++) {
    for (let channel = 0; channel < 3; channel++) data[pixel * 3 + channel] = (samples[pixel * stride + channel] ?? 0) / 2 ** shift
  }
  return { color: true, data }
}

/** Tables are shared by all frames of an instance; their data is fetched once. */
const fetched = new WeakMap<Binary, Promise<Uint8Array>>()

export async function bytesOf(data: Binary, signal: AbortSignal): Promise<Uint8Array> {
  if (data.kind === 'bytes') return data.bytes
  if (data.kind === 'numbers') return Uint8Array.from(data.values)
  const { address } = data
  const request = fetched.get(data) ?? tableAt(address.startsWith('http') ? new URL(address).pathname : address, signal)
  fetched.set(data, request)
  // A failed or aborted fetch must not be remembered for ever.
  request.catch(() => fetched.delete(data))
  return request
}

export async function resolved(table: Table, signal: AbortSignal, segmented = false): Promise<Resolved> {
  const { name, first, bits, entries, data } = table
  if (data.kind === 'numbers') return { name, first, bits, values: Uint16Array.from(data.values.slice(0, entries)) }
  const bytes = await bytesOf(data, signal)
  if (segmented) return { name, first, bits, values: expanded(bits > 8 ? tableValues(bytes, bytes.byteLength >> 1, 16) : Uint16Array.from(bytes), entries, bits > 8) }
  return { name, first, bits, values: tableValues(bytes, entries, bits) }
}
