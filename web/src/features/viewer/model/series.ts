// The order of the pictures of a series.
import type { Dataset } from './dataset'
import { type Frame, type Instance, framesOf, instanceOf } from './frame'
import { depth, normalOf } from './geometry'
import { DISTINCT, inParts, partsOf } from './parts'

/** Stacks of slices each together and along the body; anything else (localizers, cine) keeps the order of the instance numbers. */
export function picturesOf(metadata: readonly Dataset[], studyInstanceUID: string, seriesInstanceUID: string): Frame[] {
  const instances = metadata.map((dataset) => instanceOf(dataset, studyInstanceUID, seriesInstanceUID)).filter((instance) => instance.sopInstanceUID !== '')
  const byNumber = instances.sort(compareInstances)
  return inParts(byNumber.flatMap(framesOf))
}

function compareInstances(a: Instance, b: Instance): number {
  if (a.number !== undefined && b.number !== undefined && a.number !== b.number) return a.number - b.number
  if (a.number === undefined && b.number !== undefined) return 1
  if (a.number !== undefined && b.number === undefined) return -1
  return a.sopInstanceUID < b.sopInstanceUID ? -1 : a.sopInstanceUID > b.sopInstanceUID ? 1 : 0
}

const counted = new WeakMap<readonly Frame[], number>()

/** Gaps that a reader must know of: distance between neighbours that differs from the usual one by more than half. Asked at each step, counted once. */
export function missingSlices(frames: readonly Frame[]): number {
  const known = counted.get(frames)
  if (known !== undefined) return known
  const parts = partsOf(frames)
  // From the end of one stack to the beginning of the next is no gap.
  const missing = parts.length > 0 ? parts.reduce((sum, { from, to }) => sum + gapsBetween(frames.slice(from, to)), 0) : gapsBetween(frames)
  counted.set(frames, missing)
  return missing
}

function gapsBetween(frames: readonly Frame[]): number {
  const first = frames[0]?.plane
  if (!first?.position || frames.length < 4) return 0
  const normal = normalOf(first)
  const places = frames.map((frame) => depth(frame.plane, normal))
  const gaps: number[] = []
  for (let index = 1; index < places.length; index++) {
    const a = places[index - 1]
    const b = places[index]
    if (a === undefined || b === undefined) return 0
    gaps.push(Math.abs(b - a))
  }
  const usual = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0
  return usual > DISTINCT ? gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / usual) - 1), 0) : 0
}
