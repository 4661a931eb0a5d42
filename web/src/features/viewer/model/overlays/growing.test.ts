import { describe, expect, it } from 'vitest'
import type { Frame } from '../frame'
import { GrewTooFar, type Slices, grown, neighboursIn } from './growing'

const SIDE = 20

/** A stack of values by a rule; what was asked for is noted. */
function stack(depth: number, value: (x: number, y: number, z: number) => number, low: number, high = Infinity) {
  const asked = new Set<number>()
  const slices: Slices = (z) => {
    asked.add(z)
    const holds = (index: number): boolean => {
      const found = value(index % SIDE, Math.floor(index / SIDE), z)
      return found >= low && found <= high
    }
    return Promise.resolve(z >= 0 && z < depth ? { columns: SIDE, rows: SIDE, holds } : undefined)
  }
  const next = (z: number) => [z - 1, z + 1].filter((each) => each >= 0 && each < depth)
  return { asked, slices, next }
}

const at = (x: number, y: number): number => y * SIDE + x
const count = (masks: ReadonlyMap<number, Uint8Array>): number => [...masks.values()].reduce((sum, mask) => sum + mask.filter((value) => value === 255).length, 0)
const ball = (x: number, y: number, z: number, mx: number, my: number, mz: number, radius: number): boolean => Math.hypot(x - mx, y - my, z - mz) <= radius

describe('growing', () => {
  it('takes the ball that was clicked, all of it, and not the one beside it; only images that it reaches are loaded', async () => {
    const two = (x: number, y: number, z: number): number => (ball(x, y, z, 5, 5, 8, 4) || ball(x, y, z, 15, 14, 8, 3) ? 10 : 1)
    const { asked, slices, next } = stack(30, two, 4)
    const masks = await grown(slices, next, { place: 8, index: at(5, 5) })
    let expected = 0
    for (let z = 0; z < 30; z++) for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) if (ball(x, y, z, 5, 5, 8, 4)) expected++
    expect(count(masks)).toBe(expected)
    expect([...masks.keys()].sort((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(Math.max(...asked)).toBe(13)
  })

  it('finds its way back to an image: a horseshoe over three images is one', async () => {
    // Two legs on image 0, joined on image 2.
    const shoe = (x: number, y: number, z: number): number => (y === 3 && (z === 2 ? x >= 3 && x <= 9 : x === 3 || x === 9) ? 5 : 0)
    const { slices, next } = stack(3, shoe, 5)
    const masks = await grown(slices, next, { place: 0, index: at(3, 3) })
    expect(count(masks)).toBe(2 + 2 + 7)
    expect(masks.get(0)![at(9, 3)]).toBe(255)
  })

  it('does not go around the end of a row, over corners, or beyond the range', async () => {
    const { slices, next } = stack(1, (x, y) => (y === 4 && x === 19) || (y === 5 && x === 0) || (y === 3 && x === 18) ? 7 : 0, 7, 7)
    expect(count(await grown(slices, next, { place: 0, index: at(19, 4) }))).toBe(1)
    expect(count(await grown(slices, next, { place: 0, index: at(1, 1) }))).toBe(0)
  })

  it('stops where it would take everything', async () => {
    const { slices, next } = stack(40, () => 1, 0)
    await expect(grown(slices, next, { place: 0, index: 0 }, 3000)).rejects.toThrow(GrewTooFar)
  })
})

describe('neighbours', () => {
  const frame = (z: number, rows = 4): Frame => {
    const ds = (...Value: number[]) => ({ vr: 'DS', Value })
    const dataset = { '00200032': ds(0, 0, z), '00200037': ds(1, 0, 0, 0, 1, 0), '00280030': ds(1, 1), '00280010': { vr: 'US', Value: [rows] }, '00280011': { vr: 'US', Value: [4] } }
    return { number: 1, instance: { dataset, frames: 1 } } as unknown as Frame
  }

  it('are the images right above and below, not over a gap, nor another moment at the same place, nor other pixels', () => {
    const next = neighboursIn([0, 3, 6, 12, 15, 18, 18].map((z) => frame(z)))
    expect([0, 1, 2, 3, 5, 6].map((place) => next(place))).toEqual([[1], [0, 2], [1], [4], [4], []])
    expect(neighboursIn([frame(0), frame(3, 5), frame(6)])(0)).toEqual([])
  })
})
