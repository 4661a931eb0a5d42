import { describe, expect, it } from 'vitest'
import { UPRIGHT_PLANES, normalOfPlane, turnedIn } from '../planes'
import { dot } from '../geometry'
import { type Grid, pointOf } from './grid'
import { cutThrough, segmentsOn, structureOn } from './onPlane'
import type { Layer } from './segmentation'
import type { Structure } from './structures'

const SPACE = '1.2.3'
/** A ball of 18 mm radius around (5, -4, 30) on slices of 1 x 1.25 mm, 3 mm apart. */
const middle = [5, -4, 30] as const
const within = (x: number, y: number, z: number): boolean => Math.hypot(x - middle[0], y - middle[1], z - middle[2]) <= 18
const axial = (z: number): Grid => ({ frameOfReference: SPACE, row: [1, 0, 0], column: [0, 1, 0], origin: [-40, -40, z], spacing: [1, 1.25], columns: 80, rows: 64 })
const ball: Layer[] = Array.from({ length: 20 }, (_, slice) => {
  const grid = axial(slice * 3)
  const mask = Uint8Array.from({ length: 80 * 64 }, (_none, at) => {
    const [x, y, z] = pointOf(grid, [at % 80, Math.floor(at / 80)])
    return within(x, y, z) ? 255 : 0
  })
  return { segment: 4, columns: 80, rows: 64, grid, sources: [], mask }
})

const planeOf = (name: 'axial' | 'coronal' | 'sagittal', planes = UPRIGHT_PLANES, through: readonly [number, number, number] = middle): Grid => {
  const { right, below } = planes[name]
  const at = (n: 0 | 1 | 2): number => through[n] - right[n] * 50 - below[n] * 50
  return { frameOfReference: SPACE, row: right, column: below, origin: [at(0), at(1), at(2)], spacing: [0.5, 0.5], columns: 200, rows: 200 }
}
const areaOf = (layer: Layer | undefined): number => (layer ? layer.mask.filter((value) => value > 0).length * 0.25 : 0)

describe('segments cut by a plane', () => {
  it('are a disc of the ball on every plane, oblique ones too', () => {
    const oblique = turnedIn(turnedIn(UPRIGHT_PLANES, 'axial', 0.5), 'coronal', 0.6)
    for (const planes of [UPRIGHT_PLANES, oblique]) {
      for (const name of ['axial', 'coronal', 'sagittal'] as const) {
        const plane = planeOf(name, planes)
        const cut = cutThrough(ball, 3, plane)
        expect(areaOf(cut) / (Math.PI * 18 ** 2)).toBeCloseTo(1, 1)
        // Nothing further than a pixel and half a slice from the ball.
        cut!.mask.forEach((value, at) => {
          const [x, y, z] = pointOf(cut!.grid!, [at % cut!.columns, Math.floor(at / cut!.columns)])
          const away = Math.hypot(x - middle[0], y - middle[1], z - middle[2])
          if (value > 0) expect(away).toBeLessThan(18 + 2.5)
          else expect(away).toBeGreaterThan(18 - 2.5)
        })
      }
    }
  })

  it('on a slice are its own pixels; beyond half a step there is nothing', () => {
    const slice = { ...axial(30), columns: 80, rows: 64 }
    const cut = cutThrough(ball, 3, slice)!
    const full = new Uint8Array(80 * 64)
    const [left, top] = [Math.round(cut.grid!.origin[0] + 40), Math.round((cut.grid!.origin[1] + 40) / 1.25)]
    cut.mask.forEach((value, at) => (full[(top + Math.floor(at / cut.columns)) * 80 + left + (at % cut.columns)] = value))
    expect(full).toEqual(ball[10]!.mask)
    expect(cutThrough(ball, 3, { ...axial(51) })).toBeUndefined()
    expect(cutThrough(ball, 3, { ...axial(30), frameOfReference: '9' })).toBeUndefined()
    expect(segmentsOn({ layers: ball, step: 3 }, slice, new Set([4]))).toEqual([])
    expect(segmentsOn({ layers: ball, step: 3 }, slice, new Set())).toHaveLength(1)
  })

  it('structures are cut across their contours, holes stay holes', () => {
    const ring = (radius: number, z: number): { closed: true; points: (readonly [number, number, number])[] } => ({ closed: true, points: Array.from({ length: 90 }, (_, n) => [radius * Math.cos((n * Math.PI) / 45), radius * Math.sin((n * Math.PI) / 45), z] as const) })
    const tube: Structure = { number: 1, label: 'tube', color: [1, 2, 3], type: '', frameOfReference: SPACE, contours: Array.from({ length: 16 }, (_, n) => [ring(20, n * 2), ring(10, n * 2)]).flat(), step: 2 }
    const plane = planeOf('coronal', UPRIGHT_PLANES, [0, 0, 15])
    const cut = structureOn(tube, plane)!
    // Two walls of 10 mm, 32 mm high.
    expect(areaOf(cut) / (2 * 10 * 32)).toBeCloseTo(1, 1)
    const value = (x: number, z: number): number => {
      const [u, v] = [Math.round(dot([x - cut.grid!.origin[0], 0, z - cut.grid!.origin[2]], plane.row) / 0.5), Math.round(dot([x - cut.grid!.origin[0], 0, z - cut.grid!.origin[2]], plane.column) / 0.5)]
      return cut.mask[v * cut.columns + u] ?? 0
    }
    expect([value(-15, 10), value(0, 10), value(15, 20)]).toEqual([255, 0, 255])
    expect(dot(normalOfPlane(UPRIGHT_PLANES.coronal), [0, 1, 0])).toBe(1)
  })
})
