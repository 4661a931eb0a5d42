import { describe, expect, it } from 'vitest'
import { type Lesion, type Seen, assessed, diameterOf, lesionName, lesionNamed } from './recist'

const points = ['20260101', '20260301', '20260501', '20260701'].map((date) => ({ study: `1.${date}`, date }))
type Row = Readonly<Record<number, number | undefined>>

/** Diameters by lesion for each of the studies; lesion 3 is a node, lesions from 9 on are new. */
function rows(...all: readonly Row[]): Seen[] {
  const roleOf = (number: number): Lesion['role'] => (number === 3 ? 'node' : number >= 9 ? 'new' : 'target')
  return all.flatMap((row, at) => Object.entries(row).map(([number, diameter]): Seen => ({ study: points[at]!.study, number: Number(number), role: roleOf(Number(number)), diameter })))
}
const told = (...all: readonly Row[]): string[] => assessed(points, rows(...all)).map(({ response }) => response)

describe('RECIST 1.1', () => {
  it('knows a lesion by the name of its measurement', () => {
    for (const lesion of [{ role: 'target', number: 1 }, { role: 'node', number: 12 }, { role: 'new', number: 3 }] as const) expect(lesionNamed(lesionName(lesion))).toEqual(lesion)
    for (const name of ['', 'Target', 'Target one', 'On target 1', 'Target 1 of 2', undefined]) expect(lesionNamed(name)).toBeUndefined()
  })

  it('adds the diameters, against baseline and nadir', () => {
    const found = assessed([...points].reverse(), rows({ 1: 40, 2: 60 }, { 1: 20, 2: 40 }, { 1: 30, 2: 45 }))
    expect(found.map(({ sum }) => sum)).toEqual([100, 60, 75])
    expect(found.map(({ fromBaseline }) => fromBaseline)).toEqual([undefined, -40, -25])
    expect(found[2]!.fromNadir).toBeCloseTo(25, 9)
    expect(found.map(({ response }) => response)).toEqual(['baseline', 'PR', 'PD'])
  })

  it('partial response begins at 30 %, progress at 20 % of the nadir and 5 mm', () => {
    expect(told({ 1: 100 }, { 1: 70 })).toEqual(['baseline', 'PR'])
    expect(told({ 1: 100 }, { 1: 70.1 })).toEqual(['baseline', 'SD'])
    expect(told({ 1: 100 }, { 1: 120 })).toEqual(['baseline', 'PD'])
    expect(told({ 1: 100 }, { 1: 119.9 })).toEqual(['baseline', 'SD'])
    // A third more, but 4 mm only: against the baseline it is a partial response still.
    expect(told({ 1: 20 }, { 1: 12 }, { 1: 16 })).toEqual(['baseline', 'PR', 'SD'])
    expect(told({ 1: 20 }, { 1: 12 }, { 1: 14 })).toEqual(['baseline', 'PR', 'PR'])
    expect(told({ 1: 20 }, { 1: 10 }, { 1: 15 })).toEqual(['baseline', 'PR', 'PD'])
  })

  it('is complete when all are gone and nodes are below 10 mm, whatever they add to the sum', () => {
    expect(told({ 1: 30, 3: 20 }, { 1: 0, 3: 9.9 })).toEqual(['baseline', 'CR'])
    expect(told({ 1: 30, 3: 20 }, { 1: 0, 3: 10 })).toEqual(['baseline', 'PR'])
    expect(told({ 1: 30 }, { 1: 0 }, { 1: 6 })).toEqual(['baseline', 'CR', 'PD'])
  })

  it('a new lesion is progress, whatever became of the others; a target that is not measured cannot be judged', () => {
    expect(told({ 1: 30 }, { 1: 5, 9: 12 })).toEqual(['baseline', 'PD'])
    expect(told({ 1: 30 }, { 1: 5, 2: 12 })).toEqual(['baseline', 'PD'])
    const [, second] = assessed(points, rows({ 1: 30, 2: 20 }, { 1: 15 }))
    expect([second!.response, second!.sum, second!.rule]).toEqual(['NE', undefined, 'Not measured: 2.'])
    expect(told({ 1: 30 }, { 1: undefined })).toEqual(['baseline', 'NE'])
    expect(told({ 1: 30, 2: undefined }, { 1: 5, 2: 5 })).toEqual(['baseline', 'NE'])
    expect(assessed(points, [])).toEqual([])
  })

  it('takes the long axis of a lesion, the short one of a node, a line as it is, and nothing at a mere place', () => {
    const both = new Map([['long axis', 31], ['short axis', 12]])
    expect([diameterOf('target', 'bidirectional', both), diameterOf('node', 'bidirectional', both), diameterOf('node', 'length', new Map([['length', 14]])), diameterOf('target', 'probe', new Map()), diameterOf('target', 'ellipse', new Map([['area', 9]]))]).toEqual([31, 12, 14, 0, undefined])
  })
})
