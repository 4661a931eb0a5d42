// Digital subtraction angiography (PS3.3 C.7.6.10): frames less a mask that can be moved by parts of a pixel. Pure.
import { type Dataset, item, number, numbers, text } from './dataset'
import type { Point } from './geometry'
import { Tag } from './tags'

export interface Mask {
  /** Frames whose mean is the mask, from 1. */
  readonly frames: readonly number[]
  /** Pixels that the mask is moved to the right and downwards. */
  readonly shift: Point
}

/** The mask that an object asks for; its first frame when it asks for none. */
export function maskAskedFor(dataset: Dataset): Mask {
  const asked = item(dataset, Tag.MaskSubtractionSequence)
  const frames = asked && text(asked, Tag.MaskOperation) === 'AVG_SUB' ? numbers(asked, Tag.MaskFrameNumbers) : []
  // Mask Sub-pixel Shift: rows first.
  const [down = 0, right = 0] = asked ? numbers(asked, Tag.MaskSubPixelShift) : []
  return { frames: frames.length > 0 ? frames : [1], shift: [right, down] }
}

/** Whether subtraction means anything here: several frames of an X-ray run. */
export const canSubtract = (dataset: Dataset): boolean => ['XA', 'RF', 'DX', 'OT'].includes(text(dataset, Tag.Modality)) && (number(dataset, Tag.NumberOfFrames) ?? 1) > 1

/** The mean of pictures of one size; undefined when there are none or their sizes differ. */
export function mean(pictures: readonly ArrayLike<number>[]): Float32Array | undefined {
  const length = pictures[0]?.length
  if (length === undefined || pictures.some((each) => each.length !== length)) return undefined
  const made = new Float32Array(length)
  for (const picture of pictures) for (let at = 0; at < length; at++) made[at] = (made[at] ?? 0) + (picture[at] ?? 0) / pictures.length
  return made
}

const logarithm = (value: number): number => 1000 * Math.log(Math.max(1, value))

/** Values less those of the mask where it lies after its shift; between pixels of the mask by those around. */
export function difference(values: ArrayLike<number>, mask: Float32Array, { columns, rows }: { readonly columns: number; readonly rows: number }, [right, down]: Point, linear: boolean): Float32Array {
  const made = new Float32Array(values.length)
  const [left, top] = [Math.floor(-right), Math.floor(-down)]
  const [across, along] = [-right - left, -down - top]
  const column = (x: number): number => Math.min(columns - 1, Math.max(0, x))
  const row = (y: number): number => Math.min(rows - 1, Math.max(0, y)) * columns
  const scale = linear ? logarithm : (value: number): number => value
  for (let y = 0; y < rows; y++) {
    const [upper, lower] = [row(y + top), row(y + top + 1)]
    for (let x = 0; x < columns; x++) {
      const [one, other] = [column(x + left), column(x + left + 1)]
      const above = (mask[upper + one] ?? 0) * (1 - across) + (mask[upper + other] ?? 0) * across
      const below = (mask[lower + one] ?? 0) * (1 - across) + (mask[lower + other] ?? 0) * across
      made[y * columns + x] = scale(values[y * columns + x] ?? 0) - scale(above * (1 - along) + below * along)
    }
  }
  return made
}
