import { expect, it } from 'vitest'
import { framesOfText, textOfFrames } from './seen'

it('writes frames as the server reads them, and reads what it writes', () => {
  expect(textOfFrames(new Set([7, 1, 3, 2, 30, 31]))).toBe('1-3,7,30-31')
  expect(framesOfText('1-3,7')).toEqual([1, 2, 3, 7])
  expect(framesOfText('')).toEqual([])
})
