import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { colours, isOfRgb, isPlain, nameOfProfile, pngWithProfile, throughTable } from './colourProfile'

/** An ICC profile with nothing in it but its description. */
function profile(description: Uint8Array, space = 'RGB '): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(144 + description.length)
  const view = new DataView(made.buffer)
  const write = (at: number, letters: string): void => made.set(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)), at)
  view.setUint32(0, made.length)
  write(16, space)
  write(36, 'acsp')
  view.setUint32(128, 1)
  write(132, 'desc')
  view.setUint32(136, 144)
  view.setUint32(140, description.length)
  made.set(description, 144)
  return made
}

const letters = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0))
const VERSION_2 = Uint8Array.from([...letters('desc'), 0, 0, 0, 0, 0, 0, 0, 9, ...letters('Scanner 7'), ...Array<number>(20).fill(0)])
const VERSION_4 = Uint8Array.from([...letters('mluc'), 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 12, ...letters('enUS'), 0, 0, 0, 4, 0, 0, 0, 28, 0, 0x53, 0, 0xe9])

describe('an ICC profile', () => {
  it('is known by its signature and colour space, and says its name', () => {
    expect(isOfRgb(profile(VERSION_2))).toBe(true)
    expect(isOfRgb(profile(VERSION_2, 'GRAY'))).toBe(false)
    expect(isOfRgb(profile(VERSION_2).subarray(0, 150))).toBe(false)
    expect(isOfRgb(new Uint8Array(10))).toBe(false)
    expect(nameOfProfile(profile(VERSION_2))).toBe('Scanner 7')
    expect(nameOfProfile(profile(VERSION_4))).toBe('Sé')
    expect(nameOfProfile(profile(Uint8Array.from([1, 2, 3])))).toBe('')
  })

  it('goes with its pixels into a PNG whose parts another program unpacks', async () => {
    const own = profile(VERSION_2)
    const pixels = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    const file = await pngWithProfile(pixels, 2, own)
    const view = new DataView(file.buffer)
    const parts = new Map<string, Uint8Array>()
    for (let at = 8; at < file.length; at += 12 + view.getUint32(at)) parts.set(String.fromCharCode(...file.subarray(at + 4, at + 8)), file.subarray(at + 8, at + 8 + view.getUint32(at)))
    expect([...parts.keys()]).toEqual(['IHDR', 'iCCP', 'IDAT', 'IEND'])
    expect([...inflateSync(parts.get('IDAT') ?? new Uint8Array())]).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12])
    expect([...inflateSync((parts.get('iCCP') ?? new Uint8Array()).subarray(3))]).toEqual([...own])
    // The check of an empty IEND is the same in every PNG.
    expect([...file.subarray(-4)]).toEqual([0xae, 0x42, 0x60, 0x82])
  })
})

describe('a table of colours', () => {
  it('that repeats the colours is plain, and leaves each as it is', () => {
    const table = { name: '', values: colours(17), steps: 17 }
    expect(isPlain(table.values, 17)).toBe(true)
    const pixels = Uint8Array.from({ length: 3000 }, (_, at) => (at * 7919) % 256)
    expect(Math.max(...throughTable(pixels, table).map((value, at) => Math.abs(value - (pixels[at] ?? 0))))).toBeLessThanOrEqual(1)
  })

  it('is mixed between its steps, each channel by itself', () => {
    // Channels change places, and green is half as bright.
    const before = colours(9)
    const values = before.map((_, at) => [before[at + 2] ?? 0, before[at - 1] ?? 0, (before[at - 1] ?? 0) / 2][at % 3] ?? 0)
    expect(isPlain(values, 9)).toBe(false)
    const shown = throughTable(Uint8Array.from([200, 100, 50, 0, 255, 3, 255, 255, 255]), { name: '', values, steps: 9 })
    const expected = [50, 200, 50, 3, 0, 127, 255, 255, 127]
    expect(Math.max(...shown.map((value, at) => Math.abs(value - (expected[at] ?? 0))))).toBeLessThanOrEqual(1)
  })
})
