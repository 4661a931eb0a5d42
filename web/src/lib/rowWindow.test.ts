import { describe, expect, it } from 'vitest'
import { LIMIT, RowWindow } from './rowWindow'

const viewport = 700
const rowHeight = 34

function list(count: number): RowWindow {
  const rows = new RowWindow()
  rows.resize({ count, rowHeight, viewport })
  return rows
}

describe('a list that fits the browser', () => {
  it('draws what is in view plus the overscan', () => {
    const rows = list(1000)
    rows.scrolled(340)
    expect(rows.range(2)).toEqual({ first: 8, last: 33 })
    expect(rows.offsetOf(10)).toBe(340)
  })

  it('draws nothing of an empty list', () => {
    expect(list(0).range(5)).toEqual({ first: 0, last: 0 })
  })

  it('reveals a row by the shortest way', () => {
    const rows = list(1000)
    expect(rows.reveal(5)).toBeNull()
    expect(rows.reveal(40)).toBe(41 * rowHeight - viewport)
    expect(rows.reveal(3)).toBe(3 * rowHeight)
  })
})

describe('a list taller than browsers can scroll', () => {
  const million = 1_000_000

  it('is no taller than the limit', () => {
    expect(list(million).physicalHeight).toBe(LIMIT)
  })

  it('reaches both ends with the scroll bar', () => {
    const rows = list(million)
    rows.scrolled(LIMIT - viewport)
    expect(rows.range(0).last).toBe(million)
    rows.scrolled(0)
    expect(rows.range(0).first).toBe(0)
  })

  it('moves pixel by pixel with the wheel', () => {
    const rows = list(million)
    rows.scrolled(4_000_000)
    const before = rows.top
    rows.scrolled(4_000_100)
    expect(rows.top - before).toBeCloseTo(100)
  })

  it('reaches the first row with the wheel from anywhere, without skipping one', () => {
    const rows = list(million)
    let physical = rows.moveTo(5_000 * rowHeight)
    let steps = 0
    while (rows.top > 0 && steps < 10_000) {
      const before = rows.top
      physical = Math.max(0, physical - 100)
      physical = rows.scrolled(physical) ?? physical
      expect(before - rows.top).toBeLessThanOrEqual(101)
      steps += 1
    }
    expect(rows.range(0).first).toBe(0)
    expect(steps).toBeLessThan(1_800)
  })

  it('reveals any row exactly', () => {
    const rows = list(million)
    const top = rows.reveal(777_777)
    expect(top).not.toBeNull()
    const { first, last } = rows.range(0)
    expect(first).toBeLessThanOrEqual(777_777)
    expect(last).toBeGreaterThan(777_777)
    const offset = rows.offsetOf(777_777) - (top ?? 0)
    expect(offset).toBeGreaterThanOrEqual(-1)
    expect(offset + rowHeight).toBeLessThanOrEqual(viewport + 1)
  })
})
