import { describe, expect, it } from 'vitest'
import type { AnnotationItem } from '../../../api/annotations'
import { applied, changeBetween, frameIdOf, itemOfMeasurement, measurementOf, merged, placeOf, split } from './annotations'
import { picturesOf } from './series'
import type { Measurement } from './measure'

const frameId = frameIdOf({ study: '1.2', series: '1.2.3', instance: '1.2.3.4', frame: 2 })
const length: Measurement = { id: 'a', kind: 'length', frameId, seriesInstanceUID: '1.2.3', points: [[1.25, -3], [8, 9.5]], lines: ['8.1 mm'] }

describe('what is kept of a drawing', () => {
  it('names a frame as the viewer does', () => {
    const [first, second] = picturesOf([{ '00080018': { vr: 'UI', Value: ['1.2.3.4'] }, '00280008': { vr: 'IS', Value: [2] }, '00280010': { vr: 'US', Value: [4] }, '00280011': { vr: 'US', Value: [4] }, '7FE00010': { vr: 'OW', BulkDataURI: 'x' } }], '1.2', '1.2.3')
    expect([first?.id, second?.id]).toEqual([frameIdOf({ study: '1.2', series: '1.2.3', instance: '1.2.3.4', frame: 1 }), frameId])
    expect(placeOf(frameId)).toEqual({ study: '1.2', series: '1.2.3', instance: '1.2.3.4', frame: 2 })
  })

  it('comes back from JSON as it was, and nothing else comes back', () => {
    expect(measurementOf(JSON.parse(JSON.stringify(itemOfMeasurement(length))) as AnnotationItem)).toEqual(length)
    expect(measurementOf({ ...itemOfMeasurement(length), points: [[1, null]] })).toBeUndefined()
    expect(measurementOf({ ...itemOfMeasurement(length), kind: 'no-such' })).toBeUndefined()
    expect(measurementOf({ ...itemOfMeasurement(length), frameId: 'elsewhere' })).toBeUndefined()
  })

  it('keeps what a report said of it, when that is whole', () => {
    const code = { value: '27925004', scheme: 'SCT', meaning: 'Nodule' }
    const taken: Measurement = { ...length, origin: { tracking: '1.2.3', said: [{ relation: 'CONTAINS', concept: { ...code, meaning: 'Finding' }, code, modifiers: [] }] } }
    expect(measurementOf(JSON.parse(JSON.stringify(itemOfMeasurement(taken))) as AnnotationItem)).toEqual(taken)
    expect(measurementOf({ ...itemOfMeasurement(length), origin: { tracking: '1.2.3', said: [{ relation: 'CONTAINS', code }] } })).toEqual(length)
    expect(measurementOf(itemOfMeasurement({ ...length, wordsAt: [-4.5, 20] }))).toEqual({ ...length, wordsAt: [-4.5, 20] })
    expect(measurementOf({ ...itemOfMeasurement(length), wordsAt: ['a', 2] })).toEqual(length)
  })

  it('tells only what has changed, and later changes count more than earlier ones', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ id, at: 1 })) as [{ id: string; at: number }, { id: string; at: number }, { id: string; at: number }]
    const moved = { ...a, at: 2 }
    const change = changeBetween([a, b], [moved, c])
    expect(change).toEqual({ set: [moved, c], remove: ['b'] })
    expect(applied([a, b], change)).toEqual([moved, c])
    const later = { set: [b], remove: ['a'] }
    expect(merged(change, later)).toEqual({ set: [c, b], remove: ['a'] })
    expect(applied([a, b], merged(change, later))).toEqual(applied(applied([a, b], change), later).toSorted((x, y) => (x.id < y.id ? -1 : 1)))
  })

  it('is sent in messages that the server takes, and nothing is left out', () => {
    const set = Array.from({ length: 10 }, (_, at) => ({ id: String(at), text: 'x'.repeat(at === 3 ? 900 : 90) }))
    let rest = { set, remove: ['z'] } as Parameters<typeof split>[0]
    const sent: string[] = []
    for (let turn = 0; turn < 20 && rest.set.length > 0; turn++) {
      const [head, tail] = split(rest, 300)
      expect(head.set.length).toBeGreaterThan(0)
      sent.push(...head.set.map((item) => item.id), ...head.remove)
      rest = tail
    }
    expect(sent.toSorted()).toEqual([...set.map((item) => item.id), 'z'].toSorted())
  })
})
