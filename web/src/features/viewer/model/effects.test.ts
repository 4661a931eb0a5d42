import { describe, expect, it } from 'vitest'
import { COLOR_MAPS, bent, colorTable, filtered } from './effects'

describe('effects', () => {
  it('hot iron is the palette of PS3.6 B.1.1', () => {
    const table = colorTable('Hot iron')
    const at = (shade: number) => [...(table?.subarray(shade * 3, shade * 3 + 3) ?? [])]
    expect([at(0), at(1), at(127), at(128), at(192), at(255)]).toEqual([[0, 0, 0], [2, 0, 0], [254, 0, 0], [255, 0, 0], [255, 128, 4], [255, 255, 255]])
    expect(colorTable('')).toBeUndefined()
    for (const { name } of COLOR_MAPS) expect(colorTable(name)).toHaveLength(768)
  })

  it('curves keep black and white, and are each other backwards', () => {
    for (const curve of ['straight', 'log', 'antilog'] as const) expect([bent(0, curve), bent(1, curve)]).toEqual([0, 1])
    expect(bent(0.5, 'log')).toBeCloseTo(Math.log(5.5) / Math.log(10))
    for (const part of [0.1, 0.5, 0.9]) expect(bent(bent(part, 'log'), 'antilog')).toBeCloseTo(part)
  })

  it('smoothing is the binomial kernel, sharpening what it takes away', () => {
    const dot = Int16Array.of(0, 0, 0, 0, 160, 0, 0, 0, 0)
    expect([...filtered(dot, 3, 3, 1, -1)]).toEqual([10, 20, 10, 20, 40, 20, 10, 20, 10])
    expect([...filtered(dot, 3, 3, 1, 1)]).toEqual([-8, -16, -8, -16, 256, -16, -8, -16, -8])
    // What an unsigned byte cannot hold is cut off.
    expect([...filtered(Uint8Array.of(0, 0, 0, 0, 200, 0, 0, 0, 0), 3, 3, 1, 2)].slice(3, 6)).toEqual([0, 255, 0])
    expect([...filtered(Uint8Array.of(7, 7, 7, 7), 2, 2, 1, -3)]).toEqual([7, 7, 7, 7])
  })
})
