import { describe, expect, it } from 'vitest'
import { reductionWithin, resolutionsOf } from './codestream'
import { frameOf } from './codestreams'

const whole = frameOf({ columns: 200, rows: 300, parts: [40, 100, 300] })

describe('resolutions of a frame', () => {
  it('are told by its header alone, the last one with what ends the frame', () => {
    const found = resolutionsOf(whole)
    const header = whole.byteLength - 440 - 2
    expect(found).toEqual({ columns: 200, rows: 300, ends: [header + 40, header + 140, whole.byteLength] })
    expect(resolutionsOf(whole.slice(0, header + 4))).toEqual(found)
  })

  it('need more bytes until the header is here', () => {
    for (const length of [0, 3, 40, 60, 75]) expect(resolutionsOf(whole.slice(0, length))).toBe('more')
  })

  it('are not to be had of other frames', () => {
    expect(resolutionsOf(new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 16]))).toBeNull()
    expect(resolutionsOf(frameOf({ columns: 8, rows: 8, parts: [5, 9], order: 0 }))).toBeNull()
    expect(resolutionsOf(frameOf({ columns: 8, rows: 8, parts: [5, 9], tiles: 2 }))).toBeNull()
    expect(resolutionsOf(frameOf({ columns: 8, rows: 8, parts: [5, 9], levels: 4 }))).toBeNull()
  })

  it('never throw, whatever the bytes are', () => {
    for (let at = 2; at < 100; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const damaged = whole.slice()
        damaged[at] = value
        const found = resolutionsOf(damaged)
        if (found !== null && found !== 'more') expect(found.ends.length).toBeGreaterThan(0)
      }
    }
  })
})

describe('what some bytes are good for', () => {
  const resolutions = { columns: 512, rows: 512, ends: [10, 100, 1000] }
  it.each([[9, undefined], [10, 2], [99, 2], [100, 1], [999, 1], [1000, 0]])('%i bytes: %s halvings', (bytes, expected) => {
    expect(reductionWithin(resolutions, bytes)).toBe(expected)
  })
})
