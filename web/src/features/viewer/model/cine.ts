// Frame rate of a cine loop, from what the object says.
import { type Dataset, number, numbers } from './dataset'
import { Tag } from './tags'

export const DEFAULT_RATE = 15
export const RATES = { least: 1, most: 60 } as const

export const clampRate = (rate: number): number => Math.min(RATES.most, Math.max(RATES.least, Math.round(rate * 10) / 10))

/** Recommended rate first, then Cine Rate, then Frame Time (vector); undefined when the object is silent. */
export function rateOf(dataset: Dataset): number | undefined {
  const stated = number(dataset, Tag.RecommendedDisplayFrameRate) ?? number(dataset, Tag.CineRate)
  if (stated !== undefined && stated > 0) return clampRate(stated)
  const time = number(dataset, Tag.FrameTime)
  if (time !== undefined && time > 0) return clampRate(1000 / time)
  // The first value of a Frame Time Vector is always 0 (PS3.3 C.7.6.5.1.2).
  const steps = numbers(dataset, Tag.FrameTimeVector).filter((step) => step > 0)
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
  return steps.length > 0 && mean > 0 ? clampRate(1000 / mean) : undefined
}

/**
 * How long a frame (0-based) stays on the screen, ms: as long as the object's Frame Time Vector says, quicker or slower as a whole by the rate that
 * is chosen; all the same without one. Turning back, a frame keeps its time.
 */
export function stay(dataset: Dataset, index: number, rate: number): number {
  const even = 1000 / rate
  const vector = numbers(dataset, Tag.FrameTimeVector)
  const steps = vector.slice(1).filter((each) => each > 0)
  if (steps.length === 0 || steps.length !== vector.length - 1) return even
  const mean = steps.reduce((sum, each) => sum + each, 0) / steps.length
  // The vector has the time before each frame; after the last one there is none: it stays for the mean.
  return ((steps[index] ?? mean) / mean) * even
}

export type Loop = 'loop' | 'bounce'

/** Next index of a running loop and the direction it goes on with. */
export function step(index: number, count: number, loop: Loop, direction: 1 | -1): { index: number; direction: 1 | -1 } {
  if (count < 2) return { index, direction }
  const next = index + direction
  if (next >= 0 && next < count) return { index: next, direction }
  if (loop === 'loop') return { index: direction === 1 ? 0 : count - 1, direction }
  return { index: index - direction, direction: direction === 1 ? -1 : 1 }
}
