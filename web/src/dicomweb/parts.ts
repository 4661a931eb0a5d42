// Answers in several parts (PS3.18 8.6.1.2, RFC 2046): frames, bulk data.
import { send } from '../lib/http'

export interface Part {
  readonly location: string
  readonly body: Uint8Array<ArrayBuffer>
}

const latin = new TextDecoder('latin1')

function find(bytes: Uint8Array, pattern: Uint8Array, from: number): number {
  const first = pattern[0] ?? 0
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let same = 1
    while (same < pattern.length && bytes[at + same] === pattern[same]) same++
    if (same === pattern.length) return at
  }
  return -1
}

/** Takes a multipart body apart. Throws when the media type names no boundary, or the last part is not whole. */
export function partsOf(bytes: Uint8Array<ArrayBuffer>, mediaType: string): Part[] {
  const boundary = /boundary="?([^";]+)"?/i.exec(mediaType)?.[1]
  if (!boundary) throw new Error('The answer of the server has no boundary between its parts.')
  const encode = new TextEncoder()
  const delimiter = encode.encode(`\r\n--${boundary}`)
  const blank = encode.encode('\r\n\r\n')
  const parts: Part[] = []
  // The first delimiter may stand at the very beginning, without the line break.
  let at = find(bytes, delimiter.subarray(2), 0)
  if (at < 0) throw new Error('The answer of the server has no parts.')
  at += delimiter.length - 2
  while (!(bytes[at] === 0x2d && bytes[at + 1] === 0x2d)) {
    const head = find(bytes, blank, at)
    if (head < 0) throw new Error('The answer of the server broke off.')
    const headers = latin.decode(bytes.subarray(at, head))
    const length = Number(/content-length:\s*(\d+)/i.exec(headers)?.[1] ?? 0)
    // A length that is told spares the search through the pixels.
    const end = find(bytes, delimiter, head + 4 + length)
    if (end < 0) throw new Error('The answer of the server broke off.')
    parts.push({ location: /content-location:\s*(\S+)/i.exec(headers)?.[1] ?? '', body: bytes.subarray(head + 4, end) })
    at = end + delimiter.length
  }
  return parts
}

async function asked(address: string, accept: string, signal: AbortSignal): Promise<Part[]> {
  const answer = await send(address, { headers: { Accept: accept }, signal })
  const bytes = new Uint8Array(await answer.arrayBuffer())
  const type = answer.headers.get('Content-Type') ?? ''
  return type.startsWith('multipart/') ? partsOf(bytes, type) : [{ location: '', body: bytes }]
}

const AT_ONCE = 500

/** All frames of an instance, uncompressed little endian, each beginning at a byte. Throws HttpError, OfflineError, AbortError. */
export async function nativeFrames(instance: string, count: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>[]> {
  const frames: Uint8Array<ArrayBuffer>[] = []
  for (let from = 1; from <= count; from += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - from + 1) }, (_, index) => from + index)
    const parts = await asked(`${instance}/frames/${numbers.join(',')}`, 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1', signal)
    frames.push(...parts.map((part) => part.body))
  }
  return frames
}

/** All bulk data of an instance, each with its path as in the metadata ("30060039/0/30060040/2/30060050"). Throws as nativeFrames. */
export async function bulkData(instance: string, signal: AbortSignal): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const parts = await asked(`${instance}/bulkdata`, 'multipart/related; type="application/octet-stream"', signal)
  return new Map(parts.map(({ location, body }) => [/\/bulkdata\/([0-9A-Fa-f/]+)$/.exec(location)?.[1]?.toUpperCase() ?? '', body]))
}
