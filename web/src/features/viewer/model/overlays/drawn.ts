// Small things of drawing segments: which picture a layer is of, what is left of one, how far pictures are apart.
import type { Frame } from '../frame'
import { colorFor } from './colors'
import { gridOf, heightOf, isParallel } from './grid'
import { isEmpty } from './masks'
import type { Layer, Segment } from './segmentation'

export const nameOf = (frame: Frame): string => `${frame.instance.sopInstanceUID}/${frame.number}`
export const placeOf = (layer: Layer): string => `${layer.sources[0]?.sopInstanceUID ?? ''}/${layer.sources[0]?.frame ?? 1}`

/** What another segment's mask leaves of a layer: itself when they do not overlap, undefined for nothing. */
export function without(layer: Layer, mask: Uint8Array): Layer | undefined {
  if (!layer.mask.some((value, index) => value > 0 && (mask[index] ?? 0) > 0)) return layer
  const left = layer.mask.map((value, index) => ((mask[index] ?? 0) > 0 ? 0 : value))
  return isEmpty(left) ? undefined : { ...layer, mask: left }
}

/** Half and more is inside. */
export const whole = (layer: Layer): Layer => ({ ...layer, mask: layer.mask.map((value) => (value >= 128 ? 255 : 0)) })

export const segmentNamed = (number: number, label: string): Segment => ({ number, label, color: colorFor(number - 1) })

/** Millimetres between the images of a stack, where they are the same everywhere (within a hundredth). */
export function stepOf(frames: readonly Frame[]): number | undefined {
  const grids = frames.map((frame) => gridOf(frame))
  const first = grids[0]
  if (!first || grids.length < 2) return frames[0]?.thickness
  const heights = grids.map((grid) => (grid && isParallel(first, grid) ? heightOf(first, grid.origin) : Number.NaN))
  const gaps = heights.slice(1).map((height, index) => Math.abs(height - (heights[index] ?? 0)))
  const [least, most] = [Math.min(...gaps), Math.max(...gaps)]
  return most - least < 0.01 && least > 0 ? Math.round(least * 10_000) / 10_000 : undefined
}
