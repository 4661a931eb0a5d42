import { describe, expect, it } from 'vitest'
import type { Point } from './geometry'
import { LivePath, Wire, straightened } from './livewire'
import type { Values } from './statistics'

const SIDE = 80
const of = (value: (x: number, y: number) => number, color = false): Values => ({
  data: Float32Array.from({ length: SIDE * SIDE * (color ? 3 : 1) }, (_, index) => {
    const pixel = color ? Math.floor(index / 3) : index
    return value(pixel % SIDE, Math.floor(pixel / SIDE))
  }),
  columns: SIDE,
  rows: SIDE,
  color,
  unit: '',
})
// A disc of radius 20 around 40, 40, its edge blurred over three pixels, with weak stripes all over.
const disc = (x: number, y: number): number => 400 / (1 + Math.exp((Math.hypot(x - 40, y - 40) - 20) / 0.8)) + 6 * Math.sin(x) * Math.cos(y)
const onCircle = (degrees: number): Point => [40 + 20 * Math.cos((degrees * Math.PI) / 180), 40 + 20 * Math.sin((degrees * Math.PI) / 180)]
const fromEdge = ([x, y]: Point): number => Math.abs(Math.hypot(x - 40, y - 40) - 20)

describe('livewire', () => {
  it('goes along the edge, not straight through', () => {
    for (const values of [of(disc), of(disc, true)]) {
      const way = new Wire(values, onCircle(0)).to(onCircle(110))
      expect(way.at(-1)).toEqual(onCircle(110))
      for (const point of way) expect(fromEdge(point)).toBeLessThan(1.6)
      // The chord would pass 8 pixels away from the edge.
      expect(way.length).toBeGreaterThan(8)
    }
  })

  it('leaves the straight way for the strong edge beside it, noise or not', () => {
    const values = of((x, y) => ((x * 7919 + y * 104729) % 101) + (x > 12 ? 300 : 0))
    const wire = new Wire(values, [10, 10])
    const way = wire.to([14, 30])
    expect(way.at(-1)).toEqual([14, 30])
    // The edge lies between columns 12 and 13: most of the way down is there.
    const rows = way.filter(([x]) => x === 12 || x === 13)
    expect(Math.max(...rows.map(([, y]) => y)) - Math.min(...rows.map(([, y]) => y))).toBeGreaterThan(12)
  })

  it('is straight where nothing is to be seen, out of reach, and outside of the picture', () => {
    const flat = of(() => 7)
    expect(new Wire(flat, [10, 10]).to([30, 10])).toEqual([[11, 10], [29, 10], [30, 10]])
    expect(new Wire(flat, [10, 10]).to([90, 10])).toEqual([[90, 10]])
    expect(new Wire(flat, [-5, 10]).to([20, 10]).at(-1)).toEqual([20, 10])
    expect(new Wire({ ...flat, data: new Float32Array(SIDE * SIDE).fill(Number.NaN) }, [10, 10]).to([10, 20]).at(-1)).toEqual([10, 20])
  })

  it('encloses what it was drawn around, and takes points back', () => {
    const path = new LivePath(of(disc), onCircle(0))
    expect(path.drop()).toBe(false)
    expect(path.closed()).toBeUndefined()
    path.settle(onCircle(120))
    path.settle([60, 70])
    expect(path.drop()).toBe(true)
    path.settle(onCircle(240))
    const outline = path.closed() ?? []
    for (const point of outline) expect(fromEdge(point)).toBeLessThan(1.6)
    const twice = outline.reduce((sum, [x, y], at) => {
      const [nextX, nextY] = outline[(at + 1) % outline.length] ?? [x, y]
      return sum + x * nextY - nextX * y
    }, 0)
    expect(Math.abs(twice) / 2 / (Math.PI * 400)).toBeGreaterThan(0.95)
    expect(Math.abs(twice) / 2 / (Math.PI * 400)).toBeLessThan(1.05)
  })

  it('keeps only the bends of a path', () => {
    expect(straightened([[0, 0], [1, 0], [2, 0], [3, 1], [4, 2], [4, 3]])).toEqual([[0, 0], [2, 0], [4, 2], [4, 3]])
  })
})
