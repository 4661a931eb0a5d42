import { expect, it } from 'vitest'
import { rateOf, stay } from './cine'

const value = (...Value: number[]) => ({ vr: 'DS', Value })

it('each frame stays as long as the Frame Time Vector says, the whole as quick as is chosen', () => {
  const vector = { '00181065': value(0, 100, 300, 50) } // the mean step is 150 ms
  expect(rateOf(vector)).toBeCloseTo(1000 / 150, 1)
  expect([0, 1, 2].map((index) => stay(vector, index, 1000 / 150))).toEqual([100, 300, 50].map((each): unknown => expect.closeTo(each)))
  expect(stay(vector, 3, 1000 / 150)).toBeCloseTo(150) // the last
  expect(stay(vector, 1, 2000 / 150)).toBeCloseTo(150) // twice as quick
})

it('without a vector that can be believed all frames stay as long', () => {
  expect(stay({}, 5, 25)).toBe(40)
  expect(stay({ '00181065': value(0, 100, -3) }, 0, 25)).toBe(40)
  expect(stay({ '00181065': value(0) }, 0, 25)).toBe(40)
})
