/**
 * QR codes (ISO/IEC 18004) of text as UTF-8 bytes, error correction M, versions 1 to 20 (666 bytes): enough for an address.
 * Made here, since an address that opens patients' images must not be sent to a service that draws it.
 */

/** [total codewords of error correction per block, blocks of the first kind, their data codewords, blocks of the second kind]; level M. */
const BLOCKS: readonly (readonly [number, number, number, number])[] = [
  [10, 1, 16, 0], [16, 1, 28, 0], [26, 1, 44, 0], [18, 2, 32, 0], [24, 2, 43, 0], [16, 4, 27, 0], [18, 4, 31, 0], [22, 2, 38, 2], [22, 3, 36, 2], [26, 4, 43, 1],
  [30, 1, 50, 4], [22, 6, 36, 2], [22, 8, 37, 1], [24, 4, 40, 5], [24, 5, 41, 5], [28, 7, 45, 3], [28, 10, 46, 1], [26, 9, 43, 4], [26, 3, 44, 11], [26, 3, 41, 13],
]
const LEVEL_M = 0

/** GF(256) over x^8 + x^4 + x^3 + x^2 + 1. */
function times(a: number, b: number): number {
  let product = 0
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >>> 7) * 0x11d)
    product ^= ((b >>> bit) & 1) * a
  }
  return product
}

/** The remainder of Reed-Solomon: `degree` bytes of error correction for data. */
function correction(data: readonly number[], degree: number): number[] {
  const generator: number[] = [...Array<number>(degree - 1).fill(0), 1]
  let root = 1
  for (let step = 0; step < degree; step++) {
    for (let at = 0; at < degree; at++) generator[at] = times(generator[at] ?? 0, root) ^ (generator[at + 1] ?? 0)
    root = times(root, 2)
  }
  const rest = Array<number>(degree).fill(0)
  for (const byte of data) {
    const factor = byte ^ (rest.shift() ?? 0)
    rest.push(0)
    generator.forEach((coefficient, at) => (rest[at] = (rest[at] ?? 0) ^ times(coefficient, factor)))
  }
  return rest
}

const capacity = (version: number): number => {
  const [, first, length, second] = BLOCKS[version - 1] ?? [0, 0, 0, 0]
  return first * length + second * (length + 1)
}

/** The data with their length in front, padded to what the version holds (7.4). */
function encoded(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = []
  const put = (value: number, length: number) => {
    for (let bit = length - 1; bit >= 0; bit--) bits.push((value >>> bit) & 1)
  }
  put(0b0100, 4)
  put(bytes.length, version < 10 ? 8 : 16)
  for (const byte of bytes) put(byte, 8)
  const room = capacity(version) * 8
  put(0, Math.min(4, room - bits.length))
  put(0, (8 - (bits.length % 8)) % 8)
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8)
  return Array.from({ length: bits.length / 8 }, (_, at) => parseInt(bits.slice(at * 8, at * 8 + 8).join(''), 2))
}

/** Data and error correction, block by block, interleaved (7.6). */
function codewords(data: readonly number[], version: number): number[] {
  const [degree, first, length, second] = BLOCKS[version - 1] ?? [0, 0, 0, 0]
  const blocks: number[][] = []
  for (let block = 0, at = 0; block < first + second; block++) {
    const size = length + (block < first ? 0 : 1)
    blocks.push(data.slice(at, at + size))
    at += size
  }
  const checks = blocks.map((block) => correction(block, degree))
  const woven = (rows: readonly (readonly number[])[], longest: number) => Array.from({ length: longest }, (_, at) => rows.flatMap((row) => row[at] ?? [])).flat()
  return [...woven(blocks, length + 1), ...woven(checks, degree)]
}

class Grid {
  readonly side: number
  private readonly dark: boolean[][]
  /** Modules that are part of the pattern, not of the data. */
  private readonly fixed: boolean[][]

  constructor(readonly version: number) {
    this.side = version * 4 + 17
    const rows = () => Array.from({ length: this.side }, () => Array<boolean>(this.side).fill(false))
    this.dark = rows()
    this.fixed = rows()
    this.patterns()
  }

  at(x: number, y: number): boolean {
    return this.dark[y]?.[x] ?? false
  }

  private set(x: number, y: number, dark: boolean): void {
    const row = this.dark[y]
    const fixed = this.fixed[y]
    if (!row || !fixed || x < 0 || x >= this.side) return
    row[x] = dark
    fixed[x] = true
  }

  private patterns(): void {
    for (let at = 0; at < this.side; at++) {
      this.set(6, at, at % 2 === 0)
      this.set(at, 6, at % 2 === 0)
    }
    for (const [x, y] of [[3, 3], [this.side - 4, 3], [3, this.side - 4]] as const) this.rings(x, y, 4, [0, 1, 3])
    const places = this.alignments()
    for (const x of places)
      for (const y of places) {
        const corner = (x === 6 && (y === 6 || y === this.side - 7)) || (y === 6 && x === this.side - 7)
        if (!corner) this.rings(x, y, 2, [0, 2])
      }
    this.format(0)
    if (this.version >= 7) this.versions()
  }

  private rings(x: number, y: number, radius: number, dark: readonly number[]): void {
    for (let dy = -radius; dy <= radius; dy++) for (let dx = -radius; dx <= radius; dx++) this.set(x + dx, y + dy, dark.includes(Math.max(Math.abs(dx), Math.abs(dy))))
  }

  /** Annex E; the distances follow from the version. */
  private alignments(): number[] {
    if (this.version === 1) return []
    const count = Math.floor(this.version / 7) + 2
    const step = Math.ceil((this.version * 4 + 4) / (count * 2 - 2)) * 2
    return [6, ...Array.from({ length: count - 1 }, (_, at) => this.side - 7 - (count - 2 - at) * step)]
  }

  /** 7.9: level and mask, with BCH(15,5), at two places. */
  format(mask: number): void {
    const data = (LEVEL_M << 3) | mask
    let rest = data
    for (let step = 0; step < 10; step++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537)
    const bits = ((data << 10) | rest) ^ 0x5412
    const bit = (at: number) => ((bits >>> at) & 1) === 1
    for (let at = 0; at < 6; at++) this.set(8, at, bit(at))
    this.set(8, 7, bit(6))
    this.set(8, 8, bit(7))
    this.set(7, 8, bit(8))
    for (let at = 9; at < 15; at++) this.set(14 - at, 8, bit(at))
    for (let at = 0; at < 8; at++) this.set(this.side - 1 - at, 8, bit(at))
    for (let at = 8; at < 15; at++) this.set(8, this.side - 15 + at, bit(at))
    this.set(8, this.side - 8, true)
  }

  /** 7.10: from version 7 on, with BCH(18,6). */
  private versions(): void {
    let rest = this.version
    for (let step = 0; step < 12; step++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25)
    const bits = (this.version << 12) | rest
    for (let at = 0; at < 18; at++) {
      const dark = ((bits >>> at) & 1) === 1
      const far = this.side - 11 + (at % 3)
      const near = Math.floor(at / 3)
      this.set(far, near, dark)
      this.set(near, far, dark)
    }
  }

  /** 7.7.3: in columns of two from the right, upwards and downwards in turns. */
  fill(words: readonly number[]): void {
    let bit = 0
    for (let right = this.side - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5
      for (let step = 0; step < this.side; step++)
        for (const x of [right, right - 1]) {
          const y = ((right + 1) & 2) === 0 ? this.side - 1 - step : step
          const row = this.dark[y]
          if (!row || this.fixed[y]?.[x]) continue
          row[x] = (((words[bit >>> 3] ?? 0) >>> (7 - (bit & 7))) & 1) === 1
          bit++
        }
    }
  }

  /** 7.8.2; applied twice it is taken back. */
  mask(mask: number): void {
    const flips = MASKS[mask]
    this.dark.forEach((row, y) => row.forEach((dark, x) => (row[x] = !this.fixed[y]?.[x] && flips?.(x, y) ? !dark : dark)))
  }

  /** 7.8.3: how hard it is to read. */
  penalty(): number {
    const lines = [this.dark, this.dark.map((_, x) => this.dark.map((row) => row[x] ?? false))].flat()
    let points = 0
    for (const line of lines) {
      for (const [run] of line.map((dark) => (dark ? '1' : '0')).join('').matchAll(/0{5,}|1{5,}/g)) points += run.length - 2
      const text = `0000${line.map((dark) => (dark ? '1' : '0')).join('')}0000`
      for (let at = text.indexOf('1011101'); at >= 0; at = text.indexOf('1011101', at + 1)) {
        if (text.slice(at - 4, at) === '0000' || text.slice(at + 7, at + 11) === '0000') points += 40
      }
    }
    let all = 0
    for (let y = 0; y < this.side; y++)
      for (let x = 0; x < this.side; x++) {
        if (this.at(x, y)) all++
        const same = x > 0 && y > 0 && this.at(x, y) === this.at(x - 1, y) && this.at(x, y) === this.at(x, y - 1) && this.at(x, y) === this.at(x - 1, y - 1)
        if (same) points += 3
      }
    return points + Math.floor(Math.abs((all * 20) / this.side ** 2 - 10)) * 10
  }

  rows(): boolean[][] {
    return this.dark.map((row) => [...row])
  }
}

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]

/** The modules of the code, row by row, true is dark; without the quiet zone. Throws RangeError for more than 666 bytes. */
export function qrCode(text: string): boolean[][] {
  const bytes = new TextEncoder().encode(text)
  const version = BLOCKS.findIndex((_, at) => bytes.length + (at + 1 < 10 ? 2 : 3) <= capacity(at + 1)) + 1
  if (version === 0) throw new RangeError('It is too long for a QR code.')
  const grid = new Grid(version)
  grid.fill(codewords(encoded(bytes, version), version))
  const penalties = MASKS.map((_, mask) => {
    grid.mask(mask)
    grid.format(mask)
    const points = grid.penalty()
    grid.mask(mask)
    return points
  })
  const best = penalties.indexOf(Math.min(...penalties))
  grid.mask(best)
  grid.format(best)
  return grid.rows()
}
