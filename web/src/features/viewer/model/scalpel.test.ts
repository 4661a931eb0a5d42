// What the scalpel takes away, against a body whose every part is known.
import { describe, expect, it } from 'vitest'
import { type Point, type Vector, dot } from './geometry'
import { UPRIGHT_PLANES, rotated } from './planes'
import { RENDER_PRESETS, WHOLE } from './raycast'
import { type Body, bodyRows, prepared } from './rendering'
import { type Cut, cutAlong, isCut, stencilOf } from './scalpel'
import { type Volume, toPatient } from './volume'

// Two balls of bone side by side, 20 mm apart, in a grid of 1 x 1 x 1.5 mm.
const size = [48, 40, 30] as const
const grid: Volume['grid'] = { size, origin: [0, 0, 0], across: [1, 0, 0], down: [0, 1, 0], through: [0, 0, 1.5] }
const [left, right]: [Vector, Vector] = [[12, 20, 22], [34, 20, 22]]
const values = Int16Array.from({ length: size[0] * size[1] * size[2] }, (_, at) => {
  const place = toPatient(grid, [at % size[0], Math.floor(at / size[0]) % size[1], Math.floor(at / size[0] / size[1])])
  return [left, right].some((ball) => Math.hypot(place[0] - ball[0], place[1] - ball[1], place[2] - ball[2]) < 8) ? 1000 : -1000
})
const volume: Volume = { grid, values, filled: new Uint8Array(size[2]).fill(2) }
const target: Vector = [23, 20, 22]
const front = UPRIGHT_PLANES.coronal
const screen = { width: 60, height: 50 }
/** Around the ball on the left of the screen. */
const around: Point[] = [[8, 12], [30, 12], [30, 38], [8, 38]]

function lit(cuts: readonly Cut[], preset: string, orientation = front): { readonly left: number; readonly right: number } {
  const body: Body = { camera: { orientation, target, step: 1, ...screen }, preset: RENDER_PRESETS.find(({ id }) => id === preset)!, shift: 0, crop: WHOLE, cuts, window: { center: 0, width: 2000, shape: 'LINEAR_EXACT' }, inverted: false, fine: 1 }
  const made = bodyRows(volume, body, prepared(body, undefined), undefined, 0, screen.height)
  const count = (from: number, to: number): number => Array.from({ length: screen.width * screen.height }, (_, at) => at).filter((at) => at % screen.width >= from && at % screen.width < to && made[at * 4]! > 100).length
  return { left: count(0, 30), right: count(30, 60) }
}

describe('the scalpel', () => {
  it.each(['bone', 'mip'])('cuts away what is drawn around, or all the rest, and only that (%s)', (preset) => {
    const whole = lit([], preset)
    expect(whole.left).toBeGreaterThan(150)
    expect(Math.abs(whole.left - whole.right)).toBeLessThan(whole.left * 0.1)
    const away = cutAlong(around, screen, { orientation: front, target, scale: 1 }, 'outside')!
    expect(lit([away], preset)).toEqual({ left: 0, right: whole.right })
    const only = cutAlong(around, screen, { orientation: front, target, scale: 1 }, 'inside')!
    expect(lit([only], preset)).toEqual({ left: whole.left, right: 0 })
    expect(lit([away, only], preset)).toEqual({ left: 0, right: 0 })
  })

  it('stays in the patient when the body is turned: seen from behind it is the other side', () => {
    const back = { right: rotated(front.right, [0, 0, 1], Math.PI), below: front.below }
    const away = cutAlong(around, screen, { orientation: front, target, scale: 1 }, 'outside')!
    const seen = lit([away], 'bone', back)
    expect(seen.right).toBe(0)
    expect(seen.left).toBeGreaterThan(150)
  })

  it('cuts voxels by where their middles are seen, to half a voxel, along an oblique line of sight', () => {
    const orientation = { right: rotated(front.right, [0, 0, 1], 0.6), below: front.below }
    const [x0, y0, r] = [10, 6, 9]
    // Coordinates of the screen in the patient: a circle around a point.
    const circle = Array.from({ length: 180 }, (_, n): Point => [x0 + r * Math.cos((n * Math.PI) / 90), y0 - 28 + r * Math.sin((n * Math.PI) / 90)])
    const stencil = stencilOf({ orientation, points: circle, keep: 'outside' }, grid)
    let wrong = 0
    let cut = 0
    for (let at = 0; at < values.length; at++) {
      const voxel: Vector = [at % size[0], Math.floor(at / size[0]) % size[1], Math.floor(at / size[0] / size[1])]
      const place = toPatient(grid, voxel)
      const away = Math.hypot(dot(place, orientation.right) - x0, dot(place, orientation.below) - (y0 - 28)) - r
      const gone = isCut([stencil], ...voxel)
      if (gone) cut++
      if (Math.abs(away) > 0.5 && gone !== away < 0) wrong++
    }
    expect(wrong).toBe(0)
    expect(cut).toBeGreaterThan(1000)
  })

  it('a click, or a line there and back, cuts nothing', () => {
    expect(cutAlong([[10, 10]], screen, { orientation: front, target, scale: 1 }, 'outside')).toBeUndefined()
    expect(cutAlong([[10, 10], [30, 30], [10, 10]], screen, { orientation: front, target, scale: 1 }, 'inside')).toBeUndefined()
  })
})
