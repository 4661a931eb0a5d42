// Reports as tests/api/test_annotations.py finds them written, read again: the same shape with the same tool.
import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset'
import { regionOf, splineThrough } from './shapes'
import { figuresOf, measurementsOf } from './reports'

const value = (vr: string, ...Value: unknown[]) => ({ vr, Value }) as Dataset[string]
const concept = (code: string, meaning: string) => value('SQ', { '00080100': value('SH', code), '00080104': value('LO', meaning) })
const image = { '0040A040': value('CS', 'IMAGE'), '00081199': value('SQ', { '00081155': value('UI', '1.2.3') }) }
const scoord = (type: string, data: readonly number[]): Dataset => ({ '0040A040': value('CS', 'SCOORD'), '00700023': value('CS', type), '00700022': value('FL', ...data), '0040A730': value('SQ', image) })

/** A report of one group for each tool. */
function report(...groups: readonly (readonly [tool: string, graphics: readonly (readonly [string, readonly number[]])[]])[]): Dataset {
  const items = groups.map(([tool, graphics], at) => {
    const outlines = graphics.map(([type, data]) => scoord(type, data))
    const number = { '0040A040': value('CS', 'NUM'), '0040A043': concept('1483009', 'Angle'), '0040A730': value('SQ', ...outlines) }
    const name = { '0040A040': value('CS', 'TEXT'), '0040A043': concept('112039', 'Tracking Identifier'), '0040A160': value('UT', `Isocenter:${tool}:No. ${at}`) }
    return { '0040A040': value('CS', 'CONTAINER'), '0040A043': concept('125007', 'Measurement Group'), '0040A730': value('SQ', name, number, number) }
  })
  return { '0020000D': value('UI', '1.2'), '0040A730': value('SQ', ...items) }
}

const read = (dataset: Dataset) => measurementsOf(dataset, () => '1.2.1').map(({ kind, points, label }) => ({ kind, points, label }))
const line = (...data: number[]): readonly [string, readonly number[]] => ['POLYLINE', data]

describe('a report of this viewer, read again', () => {
  it('puts lines of one measurement together, and only those', () => {
    const two = [line(0.5, 0.5, 10.5, 0.5), line(0.5, 20.5, 10.5, 25.5)]
    expect(read(report(['cobb', two], ['cobb', [line(1.5, 1.5, 2.5, 1.5), line(1.5, 3.5, 2.5, 4.5)]], ['perpendicular', [line(0.5, 10.5, 20.5, 10.5), ['POINT', [10.5, 5.5]]]], ['length', [line(3.5, 3.5, 8.5, 3.5)]]))).toEqual([
      { kind: 'cobb', points: [[0, 0], [10, 0], [0, 20], [10, 25]], label: 'No. 0' },
      { kind: 'cobb', points: [[1, 1], [2, 1], [1, 3], [2, 4]], label: 'No. 1' },
      { kind: 'perpendicular', points: [[0, 10], [20, 10], [10, 5]], label: 'No. 2' },
      { kind: 'length', points: [[3, 3], [8, 3]], label: 'No. 3' },
    ])
    // What is drawn of it, as it is stored, are the lines.
    expect(figuresOf(report(['cobb', two])).map(({ points }) => points)).toEqual([[[0, 0], [10, 0]], [[0, 20], [10, 25]]])
    // Reports of before had all points in one line.
    expect(read(report(['cobb', [line(0.5, 0.5, 10.5, 0.5, 0.5, 20.5, 10.5, 25.5)]]))[0]?.points).toEqual([[0, 0], [10, 0], [0, 20], [10, 25]])
  })

  it('has legs and hips again', () => {
    const legs = [line(0.5, 0.5, 0.5, 40.5, 0.5, 78.5), line(90.5, 0.5, 90.5, 39.5, 90.5, 76.5)]
    const graf = [line(0.5, 0.5, 9.5, 0.5), line(0.5, 0.5, 5.5, 5.5), line(1.5, 0.5, 6.5, 5.5)]
    expect(read(report(['legLength', legs], ['graf', graf]))).toEqual([
      { kind: 'legLength', points: [[0, 0], [0, 40], [0, 78], [90, 0], [90, 39], [90, 76]], label: 'No. 0' },
      { kind: 'graf', points: [[0, 0], [9, 0], [0, 0], [5, 5], [1, 0], [6, 5]], label: 'No. 1' },
    ])
  })

  it('has the points again that a curve was drawn through', () => {
    const points = [[10, 20], [20, 10], [30, 20], [20, 30]] as const
    const curve = splineThrough(points)
    const data = [...curve, curve[0]!].flatMap(([x, y]) => [Math.fround(x + 0.5), Math.fround(y + 0.5)])
    const [found] = read(report(['spline', [line(...data)]]))
    expect(found?.kind).toBe('spline')
    expect(found?.points.length).toBe(4)
    for (const [at, [x, y]] of points.entries()) expect([found?.points[at]?.[0], found?.points[at]?.[1]].map((each, axis) => Math.abs((each ?? 0) - [x, y][axis]!) < 1e-4)).toEqual([true, true])
  })

  it('has circles again as they were, round or not', () => {
    const [round, tall, plain] = read(report(['circle3', [['CIRCLE', [50.5, 20.5, 40.5, 20.5]]]], ['circle3', [['ELLIPSE', [50.5, 5.5, 50.5, 35.5, 40.5, 20.5, 60.5, 20.5]]]], ['circle', [['CIRCLE', [50.5, 20.5, 60.5, 20.5]]]]))
    const boxes = [regionOf('circle3', round!.points, { x: 1, y: 1 }), regionOf('circle3', tall!.points, { x: 3, y: 2 }), regionOf('circle', plain!.points, { x: 1, y: 1 })]
    const rounded = boxes.map((each) => each?.form === 'ellipse' && Object.values(each.box).map((side) => Math.round(side * 1e6) / 1e6).sort((a, b) => a - b))
    expect(rounded).toEqual([[10, 30, 40, 60], [5, 35, 40, 60], [10, 30, 40, 60]])
    expect([round, tall, plain].map((each) => each?.kind)).toEqual(['circle3', 'circle3', 'circle'])
  })
})
