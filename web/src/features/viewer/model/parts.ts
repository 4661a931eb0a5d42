// A series of several stacks (echoes, b values, phases, orientations): each stack together, along the body, with the name of what sets it apart. Pure.
import { type Dataset, item, number, texts } from './dataset'
import type { Frame } from './frame'
import { type Plane, depth, normalOf, parallel } from './geometry'

/** Smallest distance, mm, at which two slices count as different places. */
export const DISTINCT = 0.01
const MOST = 64 // stacks; with more it is a run in time, and goes by its numbers

export interface Part {
  readonly name: string
  /** Of its frames in the series: from the first to before the last. */
  readonly from: number
  readonly to: number
}

/** An attribute of the frame's functional group, else of the object. */
function said({ instance, groups }: Frame, tag: string, macro: string, within = tag): number | undefined {
  const own = groups.map((group) => item(group, macro)).find((each) => each !== undefined)
  return (own && number(own, within)) ?? number(instance.dataset, tag)
}

function typeOf({ instance, groups }: Frame): string {
  const own: Dataset | undefined = groups.map((group) => item(group, '00189226')).find((each) => each !== undefined) // MR Image Frame Type
  return (own ? texts(own, '00089007') : texts(instance.dataset, '00080008')).slice(2).join(' ')
}

const named = (before: string, value: number | undefined, after = ''): string => (value === undefined ? '' : `${before}${Number(value.toPrecision(4))}${after}`)

/** What may set stacks apart, in this order. */
const ATTRIBUTES: readonly ((frame: Frame) => string)[] = [
  (frame) => named('TE ', said(frame, '00180081', '00189114', '00189082'), ' ms'),
  (frame) => named('b ', said(frame, '00189087', '00189117')),
  typeOf,
  (frame) => named('Phase ', said(frame, '00200100', '00209111', '00209128')), // Temporal Position
  (frame) => named('Acquisition ', said(frame, '00200012', '00209111', '00209156')),
]

const PLANES = ['Sagittal', 'Coronal', 'Axial'] as const

function planeName(plane: Plane): string {
  const normal = normalOf(plane).map(Math.abs)
  return PLANES[normal.indexOf(Math.max(...normal))] ?? ''
}

interface Stack {
  readonly names: readonly string[]
  readonly frames: readonly Frame[]
}

/** Stacks apart by a name of each frame, in the order in which they begin. */
function apart(stacks: readonly Stack[], nameOf: (frame: Frame) => string): Stack[] {
  return stacks.flatMap(({ names, frames }) => {
    const found = new Map<string, Frame[]>()
    for (const frame of frames) {
      const name = nameOf(frame)
      const own = found.get(name)
      if (own) own.push(frame)
      else found.set(name, [frame])
    }
    return found.size < 2 ? [{ names, frames }] : [...found].map(([name, own]) => ({ names: [...names, name === '' ? 'others' : name], frames: own }))
  })
}

/** Slices along their normal, in the direction the instance numbers run; undefined when two are at one place. */
export function alongBody(frames: readonly Frame[]): Frame[] | undefined {
  const first = frames[0]?.plane
  if (!first?.position) return undefined
  const normal = normalOf(first)
  const placed = frames.map((frame) => ({ frame, at: depth(frame.plane, normal) ?? Number.NaN }))
  const [start = 0, end = 0] = [placed[0]?.at, placed.at(-1)?.at]
  const sorted = placed.sort((a, b) => a.at - b.at)
  if (!sorted.every(({ at }, index) => at === at && (index === 0 || at - (sorted[index - 1]?.at ?? 0) > DISTINCT))) return undefined
  const ordered = sorted.map(({ frame }) => frame)
  return end < start ? ordered.reverse() : ordered
}

/** The orientations of a series: parallel frames have one name. */
function byOrientation(frames: readonly Frame[]): Stack[] {
  const known: { plane: Plane; name: string }[] = []
  const nameOf = ({ plane }: Frame): string => {
    if (!plane) return ''
    const same = known.find((each) => parallel(each.plane, plane))
    if (same) return same.name
    const name = planeName(plane)
    const times = known.filter((each) => each.name.startsWith(name)).length
    known.push({ plane, name: times === 0 ? name : `${name} ${times + 1}` })
    return known.at(-1)?.name ?? ''
  }
  return apart([{ names: [], frames }], nameOf)
}

/** The stacks of a series; one without a name when it is one, undefined when places repeat and nothing says why. */
function stacksOf(frames: readonly Frame[]): { name: string; frames: Frame[] }[] | undefined {
  if (!frames.every(({ plane }) => plane?.position)) return undefined
  let stacks = byOrientation(frames)
  for (const nameOf of ATTRIBUTES) {
    if (stacks.every((stack) => alongBody(stack.frames))) break
    const finer = stacks.flatMap((stack) => (alongBody(stack.frames) ? [stack] : apart([stack], nameOf)))
    // A name for each image, such as the number of an acquisition, makes no stacks.
    if (finer.length <= MOST && finer.every((stack) => stack.frames.length > 1)) stacks = finer
  }
  const found = stacks.flatMap(({ names, frames: own }) => {
    const ordered = alongBody(own)
    return ordered ? [{ name: names.join(' · '), frames: ordered }] : []
  })
  return found.length === stacks.length && (found.length === 1 || found.every((stack) => stack.frames.length > 1)) ? found : undefined
}

const parts = new WeakMap<readonly Frame[], readonly Part[]>()

/** Frames with each stack together; as they come when they make none. `frames`: by their instance numbers. */
export function inParts(frames: readonly Frame[]): Frame[] {
  const stacks = frames.length < 2 ? undefined : stacksOf(frames)
  const ordered = stacks?.flatMap((stack) => stack.frames) ?? [...frames]
  let from = 0
  const told = (stacks ?? []).map(({ name, frames: own }) => ({ name, from, to: (from += own.length) }))
  parts.set(ordered, told.length > 1 ? told : [])
  return ordered
}

/** The stacks of a series as `inParts` ordered it; none when it is one. */
export const partsOf = (frames: readonly Frame[]): readonly Part[] => parts.get(frames) ?? []

export const partAt = (frames: readonly Frame[], index: number): Part | undefined => partsOf(frames).find(({ from, to }) => index >= from && index < to)

/** The image at the same place in the next stack (or the one before, after the last the first); where none is, as far through it. */
export function besideIn(frames: readonly Frame[], index: number, by: 1 | -1): number {
  const all = partsOf(frames)
  const now = partAt(frames, index)
  const next = now && all[(all.indexOf(now) + by + all.length) % all.length]
  const here = frames[index]?.plane
  if (!now || !next || !here) return index
  const first = frames[next.from]?.plane
  if (!first || !parallel(first, here)) return Math.min(next.to - 1, next.from + Math.round(((index - now.from) / Math.max(1, now.to - now.from - 1)) * (next.to - next.from - 1)))
  const normal = normalOf(here)
  const far = (at: number): number => Math.abs((depth(frames[at]?.plane, normal) ?? Infinity) - (depth(here, normal) ?? 0))
  let best = next.from
  for (let at = next.from; at < next.to; at++) if (far(at) < far(best)) best = at
  return best
}
