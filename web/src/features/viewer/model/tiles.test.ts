import { describe, expect, it } from 'vitest'
import { pageAfter, pageAt } from './tiles'

describe('pages of tiles', () => {
  it('never begin before the first image, and the last one is full', () => {
    expect(pageAt(-4, 10, 4)).toBe(0)
    expect(pageAt(8, 10, 4)).toBe(6)
    expect(pageAt(4, 3, 4)).toBe(0)
  })

  it('turn by one wherever the wheel is turned by one', () => {
    expect(pageAfter(0, 20, 4, 0, 1)).toBe(4)
    expect(pageAfter(4, 20, 4, 3, 8)).toBe(8)
    expect(pageAfter(8, 20, 4, 2, 9)).toBe(4)
    expect(pageAfter(0, 20, 4, 2, 1)).toBe(0)
    expect(pageAfter(16, 20, 4, 0, 17)).toBe(16)
  })

  it('hold the image that was jumped to', () => {
    expect(pageAfter(0, 20, 4, 0, 13)).toBe(12)
    expect(pageAfter(12, 20, 4, 1, 0)).toBe(0)
    expect(pageAfter(0, 20, 4, 1, 19)).toBe(16)
  })

  it('turn also when the jump stays within the page', () => {
    expect(pageAfter(0, 60, 25, 0, 10)).toBe(25)
    expect(pageAfter(25, 60, 25, 20, 35)).toBe(0)
  })
})
