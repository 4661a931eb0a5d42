// A plane through a volume as rows of a picture, with what is laid over it in colours: what workers and the page itself do for MPR. Pure.
import { type Sheet, type Slab, resample } from './resample'
import type { Volume } from './volume'
import { type Window, grey, rangeOf } from './windows'

export interface Grey {
  readonly window: Window
  readonly inverted: boolean
}

/** Colours over grey: values up to `from` are not shown, `top` and what is above it is white. */
export interface Laid {
  readonly from: number
  readonly top: number
  /** 0 to 1 */
  readonly opacity: number
}

export interface Section {
  readonly sheet: Sheet
  readonly slab: Slab
  readonly grey: Grey
  readonly laid: Laid | null
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : Math.round(value))

/** Hot iron, by its corners: black, red, orange, yellow, white (PS3.6 B.1.1 in spirit of its curve). */
export const hotIron = (t: number): readonly [number, number, number] => [clamp(t * 2 * 255), clamp((t - 0.5) * 2 * 255), clamp((t - 0.75) * 4 * 255)]

const HUES = 1024
let hues: Float32Array | undefined

/** Hot iron looked up: three numbers for each of 1025 parts. */
function hueTable(): Float32Array {
  hues ??= Float32Array.from({ length: (HUES + 1) * 3 }, (_, at) => hotIron(Math.floor(at / 3) / HUES)[(at % 3) as 0 | 1 | 2])
  return hues
}

/** Grey 0 to 255 of a value; black where there is none. */
export function levelOf({ window, inverted }: Grey): (value: number) => number {
  if (window.table || window.shape === 'SIGMOID') {
    return (value) => {
      if (value !== value) return 0
      const level = grey(value, window)
      return inverted ? 255 - level : level
    }
  }
  // The straight window is worked out here, once for each pixel of each step.
  const { lower, upper } = rangeOf(window)
  const [black, white] = inverted ? [255, 0] : [0, 255]
  const slope = (white - black) / (upper - lower)
  return (value) => (value <= lower ? black : value >= upper ? white : value === value ? black + (value - lower) * slope : 0)
}

/** Colours of pixels from..to. `into` begins with pixel `from`. */
export function shade(values: Float32Array, above: Float32Array | null, { grey: look, laid }: Pick<Section, 'grey' | 'laid'>, into: Uint8ClampedArray): void {
  const level = levelOf(look)
  const table = laid ? hueTable() : null
  for (let pixel = 0, at = 0; pixel < values.length; pixel++, at += 4) {
    const dark = level(values[pixel] ?? 0)
    const over = above?.[pixel] ?? Number.NaN
    into[at + 3] = 255
    if (laid === null || table === null || !(over > laid.from)) {
      into[at] = into[at + 1] = into[at + 2] = dark
      continue
    }
    const t = Math.min(1, (over - laid.from) / (laid.top - laid.from))
    // Nothing where there is no uptake, so that anatomy stays readable.
    const share = laid.opacity * Math.min(1, t * 5)
    const hue = Math.round(t * HUES) * 3
    into[at] = dark * (1 - share) + (table[hue] ?? 0) * share
    into[at + 1] = dark * (1 - share) + (table[hue + 1] ?? 0) * share
    into[at + 2] = dark * (1 - share) + (table[hue + 2] ?? 0) * share
  }
}

/** Rows from..to, four bytes a pixel. */
export function sectionRows(volume: Volume, over: Volume | undefined, section: Section, from: number, to: number): Uint8ClampedArray<ArrayBuffer> {
  const { sheet, slab, laid } = section
  const band: Sheet = { ...sheet, height: to - from, origin: [0, 1, 2].map((axis) => (sheet.origin[axis] ?? 0) + from * (sheet.below[axis] ?? 0)) as unknown as Sheet['origin'] }
  const values = new Float32Array(band.width * band.height)
  resample(volume, band, slab, values)
  const above = over && laid ? new Float32Array(values.length) : null
  if (over && above) resample(over, band, slab, above)
  const made = new Uint8ClampedArray(values.length * 4)
  shade(values, above, section, made)
  return made
}
