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

export type Loop = 'loop' | 'bounce'

/** Next index of a running loop and the direction it goes on with. */
export function step(index: number, count: number, loop: Loop, direction: 1 | -1): { index: number; direction: 1 | -1 } {
  if (count < 2) return { index, direction }
  const next = index + direction
  if (next >= 0 && next < count) return { index: next, direction }
  if (loop === 'loop') return { index: direction === 1 ? 0 : count - 1, direction }
  return { index: index - direction, direction: direction === 1 ? -1 : 1 }
}
