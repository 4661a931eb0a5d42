// One frame from the server to a picture: fetch, decode, apply what the header says.
import { createImage } from '@cornerstonejs/dicom-image-loader'
import { HttpError, send } from '../../../lib/http'
import type { Binary } from '../model/dataset'
import { type Frame, type Palette, SCHEME, type Table } from '../model/frame'
import { BadPixels, type ColorPixels, type GreyPixels, type Resolved, expanded, nativeColor, nativeSamples, settled, tableValues, throughPalette, toModality, trimmed } from '../model/pixels'
import { isDecodable, undecodable } from '../model/reasons'
import { describe, forget } from './core'
import { type Picture, usable } from './picture'

/** A failure in words for the viewport. `again` says whether trying again can help. */
export class NotShown extends Error {
  readonly again: boolean

  constructor(message: string, again: boolean) {
    super(message)
    this.again = again
  }
}

const NATIVE = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.1.99'])
// Any stored form of exactly one frame, without a multipart wrapper (PS3.18 8.7.3.3.2).
const ONE_FRAME = { Accept: 'application/octet-stream; transfer-syntax=*' }

async function bytesAt(address: string, signal: AbortSignal): Promise<{ bytes: Uint8Array<ArrayBuffer>; contentType: string }> {
  const response = await send(address, { headers: ONE_FRAME, signal })
  return { bytes: new Uint8Array(await response.arrayBuffer()), contentType: response.headers.get('Content-Type') ?? '' }
}

const syntaxOf = (contentType: string): string => /transfer-syntax="?([0-9.]+)"?/i.exec(contentType)?.[1] ?? '1.2.840.10008.1.2.1'

/** Loads the frame's pixels. Throws NotShown, or AbortError when the signal says so. */
export async function loadPicture(frame: Frame, signal: AbortSignal): Promise<Picture> {
  if (frame.reason) throw new NotShown(frame.reason, false)
  try {
    const { bytes, contentType } = await bytesAt(frame.id.slice(SCHEME.length + 1), signal)
    const pixels = await decode(frame, bytes, syntaxOf(contentType), signal)
    const tables = await Promise.all(frame.voiTables.map((table) => resolved(table, signal)))
    const windows = usable([...frame.windows, ...tables.map((table) => voiWindow(table))], frame, pixels)
    return { frame, pixels, windows, bytes: pixels.data.byteLength }
  } catch (error) {
    throw inWords(error)
  }
}

function voiWindow(table: Resolved): Picture['windows'][number] {
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

async function decode(frame: Frame, bytes: Uint8Array<ArrayBuffer>, syntax: string, signal: AbortSignal): Promise<GreyPixels | ColorPixels> {
  const { palette } = frame.instance
  const count = frame.extent.columns * frame.extent.rows
  const format = settled(frame.instance.format, bytes.byteLength, count)
  if (!isDecodable(syntax)) throw new NotShown(undecodable(syntax), false)
  if (bytes.byteLength === 0) throw new NotShown('The server sent no pixels for this image.', true)
  if (format.samples >= 3) return NATIVE.has(syntax) ? nativeColor(bytes, format, count) : compressedColor(frame, bytes, syntax, count)
  const native = NATIVE.has(syntax)
  const samples = native ? nativeSamples(bytes, format, count) : trimmed(await decompressed(frame, bytes, syntax), format)
  if (samples.length < count) throw new BadPixels(`The pixel data is too short: ${samples.length} of ${count} pixels.`)
  if (format.photometric === 'PALETTE COLOR' && palette) {
    const [red, green, blue] = await Promise.all(channels(palette).map((table) => resolved(table, signal, palette.segmented)))
    if (red && green && blue) return throughPalette(samples, red, green, blue)
  }
  const table = frame.modality.table && (await resolved(frame.modality.table, signal))
  // A codestream may say that its samples are signed where the header denies it; the codestream is nearer to the truth.
  const signed = format.signed || (!native && samples.some((value) => value < 0))
  return toModality(samples, signed === format.signed ? format : { ...format, signed }, frame.modality, table)
}

const channels = (palette: Palette): readonly Table[] => [palette.red, palette.green, palette.blue]

type Decoded = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array

/** Stored samples of a compressed frame, decoded in Cornerstone's workers. */
async function decompressed(frame: Frame, bytes: Uint8Array, syntax: string): Promise<Decoded> {
  describe(frame)
  try {
    const options = { useRGBA: false, preScale: { enabled: false } } as Parameters<typeof createImage>[3]
    const image = await createImage(frame.id, bytes, syntax, options)
    return (image as { getPixelData: () => Decoded }).getPixelData()
  } finally {
    forget(frame.id)
  }
}

async function compressedColor(frame: Frame, bytes: Uint8Array, syntax: string, count: number): Promise<ColorPixels> {
  const samples = await decompressed(frame, bytes, syntax)
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

async function resolved(table: Table, signal: AbortSignal, segmented = false): Promise<Resolved> {
  const { name, first, bits, entries, data } = table
  if (data.kind === 'numbers') return { name, first, bits, values: Uint16Array.from(data.values.slice(0, entries)) }
  let bytes: Uint8Array
  if (data.kind === 'bytes') bytes = data.bytes
  else {
    const address = data.address
    const request = fetched.get(data) ?? bytesAt(address.startsWith('http') ? new URL(address).pathname : address, signal).then((answer) => answer.bytes)
    fetched.set(data, request)
    // A failed or aborted fetch must not be remembered for ever.
    request.catch(() => fetched.delete(data))
    bytes = await request
  }
  if (segmented) return { name, first, bits, values: expanded(tableValues(bytes, bytes.byteLength >> 1, 16), entries) }
  return { name, first, bits, values: tableValues(bytes, entries, bits) }
}
