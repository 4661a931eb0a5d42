// What an item of a presentation state is about: Referenced Image Sequence, or all images of the state when there is none (PS3.3 C.10.4, C.10.5, C.11.8).
import { type Dataset, items, numbers, text } from './dataset'

/** Images (SOP Instance UID) and their frames, from 1 (none: all); null: whatever the state is about. */
export type Targets = ReadonlyMap<string, readonly number[]> | null

export function targetsOf(dataset: Dataset): Targets {
  const images = items(dataset, '00081140')
  return images.length === 0 ? null : new Map(images.map((image) => [text(image, '00081155'), numbers(image, '00081160')]))
}

export function isFor(targets: Targets, sopInstanceUID: string, frame: number): boolean {
  if (!targets) return true
  const frames = targets.get(sopInstanceUID)
  return frames !== undefined && (frames.length === 0 || frames.includes(frame))
}
