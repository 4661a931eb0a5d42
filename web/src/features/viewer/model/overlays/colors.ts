// Colours of segments: CIELab as PS3.3 C.10.7.1.1 encodes it (16 bits each, D50), and what segments get that bring none.
export type Rgb = readonly [number, number, number]

const PALETTE: readonly Rgb[] = [
  [230, 90, 80], [90, 180, 240], [120, 205, 110], [245, 190, 70], [190, 130, 235], [80, 210, 200], [240, 140, 190], [200, 160, 110], [150, 170, 255], [205, 220, 90],
]

export const colorFor = (index: number): Rgb => PALETTE[((index % PALETTE.length) + PALETTE.length) % PALETTE.length] ?? [230, 90, 80]

const WHITE = [0.9642, 1, 0.8249] as const
const EDGE = 6 / 29

/** Three unsigned words (0 to 65535 for L* 0 to 100, a* and b* -128 to 127) as sRGB; undefined when these are not three. */
export function fromLab(words: readonly number[]): Rgb | undefined {
  const [first, second, third] = words
  if (first === undefined || second === undefined || third === undefined) return undefined
  const l = ((first / 65535) * 100 + 16) / 116
  const back = (t: number): number => (t > EDGE ? t ** 3 : 3 * EDGE * EDGE * (t - 4 / 29))
  const x = WHITE[0] * back(l + ((second / 65535) * 255 - 128) / 500)
  const y = back(l)
  const z = WHITE[2] * back(l - ((third / 65535) * 255 - 128) / 200)
  // D50 to sRGB (Bradford).
  return [channel(3.1338561 * x - 1.6168667 * y - 0.4906146 * z), channel(-0.9787684 * x + 1.9161415 * y + 0.033454 * z), channel(0.0719453 * x - 0.2289914 * y + 1.4052427 * z)]
}

function channel(linear: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055
  return Math.round(Math.min(1, Math.max(0, value)) * 255)
}

export function toLab(color: Rgb): [number, number, number] {
  const [r, g, b] = color.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number]
  const forth = (t: number): number => (t > EDGE ** 3 ? Math.cbrt(t) : t / (3 * EDGE * EDGE) + 4 / 29)
  const x = forth((0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / WHITE[0])
  const y = forth(0.2225045 * r + 0.7168786 * g + 0.0606169 * b)
  const z = forth((0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / WHITE[2])
  const word = (value: number, low: number, size: number): number => Math.round(Math.min(1, Math.max(0, (value - low) / size)) * 65535)
  return [word(116 * y - 16, 0, 100), word(500 * (x - y), -128, 255), word(200 * (y - z), -128, 255)]
}
