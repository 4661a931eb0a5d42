// Which frames were seen, as sets and as the text the server keeps ("1-3,7"). Pure.
import type { SeenNote } from '../../../api/seen'

/** Series -> SOP Instance UID -> frames, from 1. */
export type Frames = Map<string, Map<string, Set<number>>>

export function framesOfText(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number)
    return first > 0 && last >= first ? Array.from({ length: last - first + 1 }, (_, at) => first + at) : []
  })
}

export function textOfFrames(frames: ReadonlySet<number>): string {
  const ranges: [number, number][] = []
  for (const frame of [...frames].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1]
    if (last?.[1] === frame - 1) last[1] = frame
    else ranges.push([frame, frame])
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',')
}

/** Whether the frame is new. */
export function add(to: Frames, series: string, instance: string, frame: number): boolean {
  const images = to.get(series) ?? new Map<string, Set<number>>()
  const frames = images.get(instance) ?? new Set<number>()
  const isNew = !frames.has(frame)
  to.set(series, images.set(instance, frames.add(frame)))
  return isNew
}

export const isEmpty = (frames: Frames): boolean => [...frames.values()].every((images) => images.size === 0)

export function addNote(to: Frames, note: SeenNote): void {
  for (const { SeriesInstanceUID: series, images } of note) {
    for (const [instance, text] of Object.entries(images)) for (const frame of framesOfText(text)) add(to, series, instance, frame)
  }
}

/** Takes away what the server has; what was seen meanwhile stays. */
export function takeNote(from: Frames, note: SeenNote): void {
  for (const { SeriesInstanceUID: series, images } of note) {
    for (const [instance, text] of Object.entries(images)) {
      const frames = from.get(series)?.get(instance)
      for (const frame of framesOfText(text)) frames?.delete(frame)
      if (frames?.size === 0) from.get(series)?.delete(instance)
    }
    if (from.get(series)?.size === 0) from.delete(series)
  }
}

/** @param room how many images at most: the server takes 64 KiB in one message */
export function noteOf(frames: Frames, room = Infinity): SeenNote {
  let left = room
  return [...frames].flatMap(([series, images]) => {
    const some = [...images].slice(0, left)
    left -= some.length
    return some.length > 0 ? [{ SeriesInstanceUID: series, images: Object.fromEntries(some.map(([instance, each]) => [instance, textOfFrames(each)])) }] : []
  })
}

export const unseenWords = (missing: number, number: string | number | null): string =>
  `${missing} image${missing === 1 ? '' : 's'} of ${number === null || number === '' ? 'a series without a number' : `series ${number}`} not seen`
