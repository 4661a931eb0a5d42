import { describe, expect, it } from 'vitest'
import { MOST_PRESETS, type ToolPreset, nameOfPreset, parsePresets, withPreset } from './toolPresets'

const preset = (name: string): ToolPreset => ({ name, tool: 'length', window: { width: 400, center: 40 }, layout: '2x2' })

describe('tool presets', () => {
  it('are read as they were kept, and what is not understood is left out', () => {
    const kept = { presets: [preset('Chest'), { ...preset('No window'), window: { width: -1, center: 0 } }, { ...preset('x'), tool: 'hammer' }, { ...preset('x'), layout: '9x9' }, { ...preset(' ') }, null, 7] }
    expect(parsePresets(JSON.parse(JSON.stringify(kept)))).toEqual([preset('Chest'), { ...preset('No window'), window: null }])
    for (const nothing of [undefined, null, {}, { presets: 'x' }]) expect(parsePresets(nothing)).toEqual([])
  })

  it('one of the same name takes its place; there is an end to them', () => {
    const two = withPreset(withPreset([], preset('a')), preset('b'))
    const changed = { ...preset('a'), tool: 'zoom' }
    expect(withPreset(two, changed)).toEqual([changed, preset('b')])
    const many = Array.from({ length: MOST_PRESETS }, (_, at) => preset(String(at)))
    expect(withPreset(many, preset('more'))).toHaveLength(MOST_PRESETS)
  })

  it('names are one line', () => {
    expect(nameOfPreset('  Chest \n  lung ')).toBe('Chest lung')
    expect(nameOfPreset('x'.repeat(99))).toHaveLength(40)
  })
})
