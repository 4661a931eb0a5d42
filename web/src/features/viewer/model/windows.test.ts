import { describe, expect, it } from 'vitest'
import { CT_PRESETS, automatic, dragStep, dragged, full, grey, presetsFor, rangeOf } from './windows'

const window = (width: number, center: number, shape: 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID' = 'LINEAR') => ({ width, center, shape })

describe('windows', () => {
  it('maps as PS3.3 C.11.2.1.2 does', () => {
    // The standard's own example: c=2048, w=4096 is the identity of 12 bits.
    expect(rangeOf(window(4096, 2048))).toEqual({ lower: 0, upper: 4095 })
    expect(grey(0, window(4096, 2048))).toBe(0)
    expect(grey(4095, window(4096, 2048))).toBe(255)
    expect(grey(-1000, window(400, 40))).toBe(0)
    expect(grey(1000, window(400, 40))).toBe(255)
    expect(rangeOf(window(100, 50, 'LINEAR_EXACT'))).toEqual({ lower: 0, upper: 100 })
    expect(grey(50, window(100, 50, 'SIGMOID'))).toBeCloseTo(127.5)
    expect(grey(100, window(100, 50, 'SIGMOID'))).toBeCloseTo(255 / (1 + Math.exp(-2)))
  })

  it('uses a table where the image has one', () => {
    const table = { first: 10, values: [0, 128, 255], bits: 8 }
    const lut = { ...window(3, 11), table }
    expect([5, 10, 11, 12, 99].map((value) => Math.round(grey(value, lut)))).toEqual([0, 0, 128, 255, 255])
    expect(rangeOf(lut)).toEqual({ lower: 10, upper: 12 })
  })

  it('offers the image before the modality before the pixels, with distinct keys', () => {
    const presets = presetsFor('CT', [{ name: 'BRAIN', window: window(80, 40) }, { name: '', window: window(2000, 300) }])
    expect(presets.map((preset) => preset.group)).toEqual(['image', 'image', ...CT_PRESETS.map(() => 'modality'), 'pixels', 'pixels'])
    const keys = presets.map((preset) => preset.key).filter(Boolean)
    expect(new Set(keys).size).toBe(keys.length)
    expect(presets[0]).toMatchObject({ name: 'BRAIN', key: '0' })
    expect(presets.find((preset) => preset.key === '2')).toMatchObject({ name: 'Lung', window: { width: 1500, center: -600 } })
    expect(presetsFor('MR', []).find((preset) => preset.key === '0')?.id).toBe('auto')
  })

  it('drags: right is wider, up is a lower centre, never narrower than one', () => {
    expect(dragged(window(400, 40), [10, -20], 2)).toEqual(window(420, 0))
    expect(dragged(window(10, 40), [-100, 0], 1).width).toBe(1)
    expect(dragStep(4096)).toBe(4)
    expect(dragStep(256)).toBe(0.25)
  })

  it('finds a window that leaves out padding and outliers', () => {
    const data = [...Array.from({ length: 1000 }, (_, index) => index), ...Array.from({ length: 500 }, () => -2000), 30000]
    const found = automatic({ data, min: -2000, max: 30000, padding: { from: -2000, to: -2000 } })
    const { lower, upper } = rangeOf(found)
    expect(lower).toBeGreaterThanOrEqual(0)
    expect(lower).toBeLessThan(20)
    expect(upper).toBeGreaterThan(970)
    expect(upper).toBeLessThan(1000)
    expect(full({ data: [5, 5], min: 5, max: 5 }).width).toBe(1)
  })
})
