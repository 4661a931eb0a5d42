import { expect, it } from 'vitest'
import { rulerOf } from './ruler'

it('a ruler is as long as the longest round length that fits', () => {
  expect(rulerOf(2, 320)).toEqual({ length: 200, divisions: 10, text: '10 cm' })
  expect(rulerOf(2, 199)).toEqual({ length: 100, divisions: 10, text: '5 cm' })
  expect(rulerOf(2, 60)).toEqual({ length: 40, divisions: 4, text: '2 cm' })
  expect(rulerOf(100, 300)).toEqual({ length: 200, divisions: 4, text: '2 mm' })
  expect(rulerOf(1000, 300)).toEqual({ length: 200, divisions: 4, text: '0.2 mm' })
})
