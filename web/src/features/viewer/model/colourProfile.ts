// ICC profiles of colour images (PS3.3 C.11.15): a table from the colours that are stored to those that are shown. No I/O.

/** Steps of a channel from 0 to 255 of a table; the colours between are mixed. */
export const STEPS = 65

export interface ColourTable {
  /** As the profile calls itself; '' when it does not. */
  readonly name: string
  /** Red, green, blue of the screen for each red (slowest), green and blue (fastest), `steps` of each. */
  readonly values: Uint8Array
  readonly steps: number
}

const PROFILE_SIGNATURE = 0x61637370 // "acsp"

/** Whether bytes are an ICC profile of red, green and blue (ISO 15076-1, 7.2). */
export function isOfRgb(profile: Uint8Array): boolean {
  if (profile.byteLength < 132) return false
  const view = viewOn(profile)
  return view.getUint32(36) === PROFILE_SIGNATURE && latin(profile, 16, 4) === 'RGB ' && view.getUint32(0) <= profile.byteLength
}

const viewOn = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const latin = (bytes: Uint8Array, from: number, length: number): string => String.fromCharCode(...bytes.subarray(from, from + length))

/** Its description (ISO 15076-1, 9.2.41): of version 2 in letters, of version 4 in UTF-16. */
export function nameOfProfile(profile: Uint8Array): string {
  const view = viewOn(profile)
  const count = Math.min(view.getUint32(128), 100)
  for (let entry = 132; entry + 12 <= Math.min(profile.byteLength, 132 + 12 * count); entry += 12) {
    if (latin(profile, entry, 4) !== 'desc') continue
    const [from, size] = [view.getUint32(entry + 4), view.getUint32(entry + 8)]
    if (from + Math.max(size, 28) > profile.byteLength) return ''
    if (latin(profile, from, 4) === 'desc') return latin(profile, from + 12, Math.min(view.getUint32(from + 8), size - 12, 80)).replaceAll('\0', '').trim()
    const [length, at] = [view.getUint32(from + 20), view.getUint32(from + 24)]
    if (latin(profile, from, 4) !== 'mluc' || at + length > size) return ''
    return new TextDecoder('utf-16be').decode(profile.subarray(from + at, from + at + Math.min(length, 160))).replaceAll('\0', '').trim()
  }
  return ''
}

/** The colours of a table as they are stored, one after the other: what a profile is tried on. */
export function colours(steps: number): Uint8Array {
  const values = new Uint8Array(steps ** 3 * 3)
  const level = (step: number): number => Math.round((step * 255) / (steps - 1))
  for (let at = 0; at < steps ** 3; at++) {
    values[at * 3] = level(Math.floor(at / steps ** 2))
    values[at * 3 + 1] = level(Math.floor(at / steps) % steps)
    values[at * 3 + 2] = level(at % steps)
  }
  return values
}

/** Whether a table changes nothing that could be seen: the profile is that of the screen (sRGB), or as good as. */
export function isPlain(values: Uint8Array, steps: number): boolean {
  const before = colours(steps)
  return values.every((value, at) => Math.abs(value - (before[at] ?? 0)) <= 2)
}

/** Pixels (red, green, blue, a byte each) as the table shows them: mixed of the eight colours around each. */
export function throughTable(data: Uint8Array, { values, steps }: ColourTable): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(data.length)
  const [below, part] = ladder(steps)
  const [overRed, overGreen, overBlue] = [steps * steps * 3, steps * 3, 3]
  for (let at = 0; at + 2 < data.length; at += 3) {
    const [r, g, b] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0]
    const first = (below[r] ?? 0) * overRed + (below[g] ?? 0) * overGreen + (below[b] ?? 0) * overBlue
    const [x, y, z] = [part[r] ?? 0, part[g] ?? 0, part[b] ?? 0]
    for (let channel = 0; channel < 3; channel++) {
      const place = first + channel
      const near = mix(mix(values[place] ?? 0, values[place + overBlue] ?? 0, z), mix(values[place + overGreen] ?? 0, values[place + overGreen + overBlue] ?? 0, z), y)
      const across = place + overRed
      const far = x === 0 ? near : mix(mix(values[across] ?? 0, values[across + overBlue] ?? 0, z), mix(values[across + overGreen] ?? 0, values[across + overGreen + overBlue] ?? 0, z), y)
      made[at + channel] = Math.round(mix(near, far, x))
    }
  }
  return made
}

const mix = (one: number, other: number, part: number): number => one + (other - one) * part

/** For each level the step below it, and how far it is to the next. */
function ladder(steps: number): readonly [Uint8Array, Float32Array] {
  const below = new Uint8Array(256)
  const part = new Float32Array(256)
  for (let level = 0; level < 256; level++) {
    const place = (level * (steps - 1)) / 255
    // The last level belongs to the last cell, so that all eight corners exist.
    below[level] = Math.min(steps - 2, Math.floor(place))
    part[level] = place - (below[level] ?? 0)
  }
  return [below, part]
}

// --- a picture with a profile, as a file (ISO/IEC 15948): every browser moves such pictures into the colours of the screen

const CRC = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

function chunk(name: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(12 + content.byteLength)
  const view = viewOn(made)
  view.setUint32(0, content.byteLength)
  made.set(Uint8Array.from(name, (letter) => letter.charCodeAt(0)), 4)
  made.set(content, 8)
  let sum = 0xffffffff
  for (let at = 4; at < made.byteLength - 4; at++) sum = (CRC[(sum ^ (made[at] ?? 0)) & 0xff] ?? 0) ^ (sum >>> 8)
  view.setUint32(made.byteLength - 4, ~sum >>> 0)
  return made
}

async function deflated(content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Response(content).body?.pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

/** The file of a PNG of pixels (red, green, blue, a byte each) in the colours of a profile. */
export async function pngWithProfile(pixels: Uint8Array, width: number, profile: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const height = pixels.byteLength / 3 / width
  const rows = new Uint8Array(height * (width * 3 + 1))
  for (let row = 0; row < height; row++) rows.set(pixels.subarray(row * width * 3, (row + 1) * width * 3), row * (width * 3 + 1) + 1)
  const head = new Uint8Array(13)
  viewOn(head).setUint32(0, width)
  viewOn(head).setUint32(4, height)
  head.set([8, 2], 8) // bits of a sample, true colour
  const [packedProfile, packedRows] = await Promise.all([deflated(profile), deflated(rows)])
  const named = new Uint8Array(3 + packedProfile.byteLength)
  named[0] = 0x70 // a name of one letter, its end, and deflate
  named.set(packedProfile, 3)
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
  const parts = [signature, chunk('IHDR', head), chunk('iCCP', named), chunk('IDAT', packedRows), chunk('IEND', new Uint8Array(0))]
  const file = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const part of parts) {
    file.set(part, at)
    at += part.byteLength
  }
  return file
}
