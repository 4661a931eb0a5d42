// What sets a frame apart from the others of its object: its time, its phase, its place, as functional groups or vectors say. Pure.
import { type Dataset, item, number, numbers, text, texts } from './dataset'
import type { Frame } from './frame'
import { dot, normalOf } from './geometry'
import { Tag } from './tags'

const TAG = {
  FrameIncrementPointer: '00280009', FrameAcquisitionDateTime: '00189074', CardiacSynchronization: '00189118', FrameLabel: '00209453',
  CardiacDelay: '00209153', CardiacPhase: '00209241', RespiratoryPhase: '00209245', RespiratorySynchronization: '00209253', TemporalPosition: '00209310', TimeOffset: '0020930D',
  FrameAnatomy: '00209071', FrameLaterality: '00209072',
} as const

/** Vectors of a classic object that say of each frame what it belongs to (PS3.3 C.8.4.8); told when there is more than one. */
const VECTORS: readonly (readonly [tag: string, word: string])[] = [
  ['00540010', 'Energy'], ['00540020', 'Detector'], ['00540030', 'Phase'], ['00540050', 'Rotation'], ['00540060', 'R-R'], ['00540070', 'Slot'], ['00540090', 'View'], ['00540100', 'Time'],
]

type Numbered = Pick<Frame, 'instance' | 'groups' | 'number'>

const first = ({ groups }: Pick<Frame, 'groups'>, tag: string): Dataset => groups.map((group) => item(group, tag)).find((each) => each !== undefined) ?? {}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

/** Since the first frame, ms: Frame Time, or the sum of the vector's steps, whichever the object points to (PS3.3 C.7.6.5). */
function elapsed(dataset: Dataset, frame: number): number | undefined {
  const pointed = texts(dataset, TAG.FrameIncrementPointer)
  if (pointed.includes(Tag.FrameTimeVector)) {
    const steps = numbers(dataset, Tag.FrameTimeVector).slice(0, frame)
    return steps.length === frame ? steps.reduce((sum, step) => sum + step, 0) : undefined
  }
  const step = number(dataset, Tag.FrameTime)
  return step !== undefined && step > 0 && pointed.includes(Tag.FrameTime) ? step * (frame - 1) : undefined
}

function classicTerms({ dataset }: Frame['instance'], frame: number): string[] {
  const since = elapsed(dataset, frame)
  const places = VECTORS.flatMap(([tag, word]) => {
    const all = numbers(dataset, tag)
    const own = all[frame - 1]
    return own === undefined || new Set(all).size < 2 ? [] : [`${word} ${own}`]
  })
  return [...places, since === undefined ? '' : seconds(since)]
}

function groupTerms(frame: Numbered): string[] {
  const content = first(frame, Tag.FrameContentSequence)
  const heart = first(frame, TAG.CardiacSynchronization)
  const [phase, delay] = [number(heart, TAG.CardiacPhase), number(heart, TAG.CardiacDelay)]
  const breath = number(first(frame, TAG.RespiratorySynchronization), TAG.RespiratoryPhase)
  const offset = number(first(frame, TAG.TemporalPosition), TAG.TimeOffset)
  const at = /^\d{8}(\d{6})/.exec(text(content, TAG.FrameAcquisitionDateTime))?.[1] ?? ''
  return [
    text(content, TAG.FrameLabel),
    phase !== undefined ? `RR ${Math.round(phase)} %` : delay !== undefined ? `Delay ${Math.round(delay)} ms` : '',
    breath === undefined ? '' : `Breath ${Math.round(breath)} %`,
    offset === undefined ? '' : seconds(offset * 1000),
    at.replace(/(..)(..)(..)/, '$1:$2:$3'),
  ]
}

/** One line, '' of an image that is alone. */
export const frameTerms = (frame: Numbered): string => (frame.groups.length > 0 ? groupTerms(frame) : frame.instance.frames > 1 ? classicTerms(frame.instance, frame.number) : []).filter(Boolean).join('  ')

/** R, L or B of a frame of an enhanced object; '' when it has none or does not say. */
export function frameLaterality(frame: Pick<Frame, 'groups'>): string {
  const side = text(first(frame, TAG.FrameAnatomy), TAG.FrameLaterality)
  return side === 'U' ? '' : side
}

/** Slice Location as the object says it, else how far the frame lies along its normal, towards left, back and head; mm. */
export function locationOf({ sliceLocation, plane }: Pick<Frame, 'sliceLocation' | 'plane'>): number | undefined {
  if (sliceLocation !== undefined || !plane?.position) return sliceLocation
  const normal = normalOf(plane)
  const main = normal.reduce((most, each) => (Math.abs(each) > Math.abs(most) ? each : most), 0)
  return dot(normal, plane.position) * Math.sign(main)
}
