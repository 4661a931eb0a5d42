// The order of the pictures of a series.
import type { Dataset } from './dataset'
import { type Frame, type Instance, framesOf, instanceOf } from './frame'
import { depth, normalOf, parallel } from './geometry'

/** Smallest distance, mm, at which two slices count as different places. */
const DISTINCT = 0.01

export function picturesOf(metadata: readonly Dataset[], studyInstanceUID: string, seriesInstanceUID: string): Frame[] {
  const instances = metadata.map((dataset) => instanceOf(dataset, studyInstanceUID, seriesInstanceUID)).filter((instance) => instance.sopInstanceUID !== '')
  const byNumber = instances.sort(compareInstances)
  return bySlice(byNumber.flatMap(framesOf))
}

function compareInstances(a: Instance, b: Instance): number {
  if (a.number !== undefined && b.number !== undefined && a.number !== b.number) return a.number - b.number
  if (a.number === undefined && b.number !== undefined) return 1
  if (a.number !== undefined && b.number === undefined) return -1
  return a.sopInstanceUID < b.sopInstanceUID ? -1 : a.sopInstanceUID > b.sopInstanceUID ? 1 : 0
}

/**
 * Slices of one stack (all parallel, each at its own place) go by their place along the normal, in the direction the
 * instance numbers run; anything else (phases, echoes, localizers, cine) keeps the order of the instance numbers.
 */
export function bySlice(frames: readonly Frame[]): Frame[] {
  const first = frames[0]?.plane
  if (frames.length < 2 || !first?.position) return [...frames]
  const normal = normalOf(first)
  const placed: { frame: Frame; at: number }[] = []
  for (const frame of frames) {
    const at = depth(frame.plane, normal)
    if (!frame.plane || at === undefined || !parallel(frame.plane, first)) return [...frames]
    placed.push({ frame, at })
  }
  const start = placed[0]?.at ?? 0
  const end = placed[placed.length - 1]?.at ?? 0
  const sorted = placed.sort((a, b) => a.at - b.at)
  const distinct = sorted.every((entry, index) => index === 0 || entry.at - (sorted[index - 1]?.at ?? 0) > DISTINCT)
  if (!distinct) return [...frames]
  const ordered = sorted.map((entry) => entry.frame)
  return end < start ? ordered.reverse() : ordered
}

const counted = new WeakMap<readonly Frame[], number>()

/** Gaps that a reader must know of: distance between neighbours that differs from the usual one by more than half. Asked at each step, counted once. */
export function missingSlices(frames: readonly Frame[]): number {
  const known = counted.get(frames)
  if (known !== undefined) return known
  const missing = gapsBetween(frames)
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
