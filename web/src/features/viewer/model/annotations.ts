// What is kept of a drawing: a plain item that any later viewer can put back where it was.
import type { AnnotationChange, AnnotationItem } from '../../../api/annotations'
import { instanceUrl } from '../../../dicomweb/urls'
import { SCHEME } from './frame'
import { KINDS, type Measurement, type Origin } from './measure'

/** Where a frame is in the archive; frame counts from 1. */
export interface Place {
  readonly study: string
  readonly series: string
  readonly instance: string
  readonly frame: number
}

const ADDRESS = /studies\/([^/]+)\/series\/([^/]+)\/instances\/([^/]+)\/frames\/(\d+)$/

export function placeOf(frameId: string): Place | undefined {
  const found = ADDRESS.exec(frameId)
  return found ? { study: found[1] ?? '', series: found[2] ?? '', instance: found[3] ?? '', frame: Number(found[4]) } : undefined
}

export const frameIdOf = ({ study, series, instance, frame }: Place): string => `${SCHEME}:${instanceUrl(study, series, instance)}/frames/${frame}`

/** An image that somebody marked as one of the important ones. */
export interface KeyImage {
  readonly id: string
  readonly frameId: string
  readonly title: string
}

/** 128 random bits; crypto.randomUUID needs a secure context, which a workstation in the house may not have. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export const itemOfMeasurement = (measurement: Measurement): AnnotationItem => ({ ...measurement, type: 'measurement' })
export const itemOfKey = (key: KeyImage): AnnotationItem => ({ ...key, type: 'key' })

const isText = (value: unknown): value is string => typeof value === 'string'
const isPoint = (value: unknown): value is readonly [number, number] => Array.isArray(value) && value.length === 2 && value.every((number) => Number.isFinite(number))

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null
const isCode = (value: unknown): boolean => isObject(value) && isText(value.value) && isText(value.scheme) && isText(value.meaning)
const isCoded = (value: unknown): value is Readonly<Record<string, unknown>> => isObject(value) && isCode(value.concept) && isCode(value.code)
const isOrigin = (value: unknown): value is Origin =>
  isObject(value) && isText(value.tracking) && Array.isArray(value.said) && value.said.every((each: unknown) => isCoded(each) && isText(each.relation) && Array.isArray(each.modifiers) && each.modifiers.every(isCoded))

/** The measurement of an item; undefined for what this viewer cannot draw (which it then leaves as it is). */
export function measurementOf(item: AnnotationItem): Measurement | undefined {
  const { id, kind, frameId, points, lines, text, label, wordsAt, origin } = item
  const place = isText(frameId) ? placeOf(frameId) : undefined
  const known = KINDS.find((each) => each === kind)
  if (item.type !== 'measurement' || !known || !place || !Array.isArray(points) || points.length === 0 || !points.every(isPoint)) return undefined
  return {
    id,
    kind: known,
    frameId: frameIdOf(place),
    seriesInstanceUID: place.series,
    points,
    lines: Array.isArray(lines) ? lines.filter(isText) : [],
    ...(isText(text) ? { text } : {}),
    ...(isText(label) ? { label } : {}),
    ...(isPoint(wordsAt) ? { wordsAt } : {}),
    ...(isOrigin(origin) ? { origin } : {}),
  }
}

export function keyOf(item: AnnotationItem): KeyImage | undefined {
  const { id, frameId, title } = item
  const place = isText(frameId) ? placeOf(frameId) : undefined
  return item.type === 'key' && place ? { id, frameId: frameIdOf(place), title: isText(title) ? title : '' } : undefined
}

/** What has to be told of a step from one state to the next. */
export function changeBetween(before: readonly AnnotationItem[], after: readonly AnnotationItem[]): AnnotationChange {
  const had = new Map(before.map((item) => [item.id, JSON.stringify(item)]))
  const has = new Set(after.map((item) => item.id))
  return { set: after.filter((item) => had.get(item.id) !== JSON.stringify(item)), remove: before.filter((item) => !has.has(item.id)).map((item) => item.id) }
}

/** A later change on top of an earlier one. */
export function merged(earlier: AnnotationChange, later: AnnotationChange): AnnotationChange {
  const touched = new Set([...later.set.map((item) => item.id), ...later.remove])
  return { set: [...earlier.set.filter((item) => !touched.has(item.id)), ...later.set], remove: [...earlier.remove.filter((id) => !touched.has(id)), ...later.remove] }
}

export function applied(items: readonly AnnotationItem[], change: AnnotationChange): AnnotationItem[] {
  const set = new Map(change.set.map((item) => [item.id, item]))
  const kept = items.filter((item) => !change.remove.includes(item.id)).map((item) => set.get(item.id) ?? item)
  const known = new Set(kept.map((item) => item.id))
  return [...kept, ...change.set.filter((item) => !known.has(item.id))]
}

export const isEmpty = (change: AnnotationChange): boolean => change.set.length === 0 && change.remove.length === 0

/** The first part of a change that fits into one message, and the rest. */
export function split(change: AnnotationChange, room: number): readonly [AnnotationChange, AnnotationChange] {
  let used = 0
  let count = 0
  for (const item of change.set) {
    used += JSON.stringify(item).length
    if (count > 0 && used > room) break
    count++
  }
  const removed = change.remove.slice(0, 200)
  return [
    { set: change.set.slice(0, count), remove: removed },
    { set: change.set.slice(count), remove: change.remove.slice(removed.length) },
  ]
}
