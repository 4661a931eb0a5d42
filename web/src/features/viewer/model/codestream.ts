// Where the resolutions of an HTJ2K frame end (ITU-T T.800 Annex A; PS3.5 10.18): its beginning is a smaller picture by itself.

export interface Resolutions {
  readonly columns: number
  readonly rows: number
  /** Bytes from the beginning that each resolution needs, the smallest first; the last is the whole frame. */
  readonly ends: readonly number[]
}

export const RPCL = '1.2.840.10008.1.2.4.202'

const SOC = 0xff4f
const SIZ = 0xff51
const COD = 0xff52
const TLM = 0xff55
const SOT = 0xff90
const RESOLUTION_FIRST = 2 // T.800 Table A.16: RPCL

/**
 * Reads the main header. 'more' when it is not all here yet; null when the frame is not one tile whose parts are its resolutions,
 * in order and listed: then nothing can be said before all of it is here.
 */
export function resolutionsOf(bytes: Uint8Array): Resolutions | 'more' | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.byteLength < 4) return 'more'
  if (view.getUint16(0) !== SOC || view.getUint16(2) !== SIZ) return null
  let at = 2
  let size: readonly [number, number] = [0, 0]
  let levels = -1
  let parts: number[] = []
  while (at + 4 <= bytes.byteLength) {
    const marker = view.getUint16(at)
    const length = view.getUint16(at + 2)
    if (marker === SOT) {
      if (levels < 0 || parts.length !== levels + 1) return null
      let end = at
      const ends = parts.map((part) => (end += part))
      ends[ends.length - 1] = end + 2 // EOC
      return { columns: size[0], rows: size[1], ends }
    }
    if (marker < 0xff00 || length < 2) return null
    if (at + 2 + length > bytes.byteLength) return 'more'
    if (marker === SIZ && length >= 38) size = [view.getUint32(at + 6) - view.getUint32(at + 14), view.getUint32(at + 10) - view.getUint32(at + 18)]
    if (marker === COD && length >= 12) levels = view.getUint8(at + 5) === RESOLUTION_FIRST ? view.getUint8(at + 9) : -1
    if (marker === TLM) parts = [...parts, ...tileParts(view, at + 4, at + 2 + length)]
    at += 2 + length
  }
  return 'more'
}

/** Lengths of the tile-parts in one TLM segment; of more than one tile none. */
function tileParts(view: DataView, from: number, to: number): number[] {
  const style = view.getUint8(from + 1)
  const index = (style >> 4) & 3
  const wide = ((style >> 6) & 1) === 1
  const found: number[] = []
  const step = index + (wide ? 4 : 2)
  if (index > 2) return []
  for (let at = from + 2; at + step <= to; at += step) {
    if ((index === 1 && view.getUint8(at) !== 0) || (index === 2 && view.getUint16(at) !== 0)) return []
    found.push(wide ? view.getUint32(at + index) : view.getUint16(at + index))
  }
  return found
}

/** The best resolution that so many bytes hold, as halvings of the full size: 0 is all of it, undefined not even the smallest. */
export function reductionWithin({ ends }: Resolutions, bytes: number): number | undefined {
  const held = ends.filter((end) => end <= bytes).length
  return held === 0 ? undefined : ends.length - held
}
