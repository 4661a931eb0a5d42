import { describe, expect, it } from 'vitest'
import { AS_DELIVERED, MAPS, type MapName, bindingsOf, dragOf, parseControls, withKeys } from './controls'
import { BINDINGS, commandFor, conflicts } from './keys'

const NAMES = Object.keys(MAPS) as MapName[]
const press = (key: string, more = {}) => ({ key, ctrlKey: false, altKey: false, metaKey: false, shiftKey: false, ...more })
const NOTHING = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false }

describe('maps', () => {
  it.each(NAMES)('%s gives no key to two commands and leaves none without', (map) => {
    const bindings = bindingsOf({ map, keys: {} })
    expect(conflicts(bindings)).toEqual([])
    expect(bindings.filter((binding) => binding.keys.length === 0)).toEqual([])
    expect(bindings.map((binding) => binding.command)).toEqual(BINDINGS.map((binding) => binding.command))
  })

  it('means by a key what the map says', () => {
    const weasis = bindingsOf({ map: 'weasis', keys: {} })
    expect(commandFor(press('ArrowRight'), weasis)).toBe('next-series')
    expect(commandFor(press('f', { altKey: true }), weasis)).toBe('flip-horizontal')
    expect(commandFor(press('+', { ctrlKey: true }), weasis)).toBe('zoom-in')
    expect(commandFor(press('w'), weasis)).toBe('tool-window')
    expect(commandFor(press(' ', { shiftKey: true }), bindingsOf({ map: 'functionKeys', keys: {} }))).toBe('previous-series')
  })
})

describe('own keys', () => {
  it('replace those of the map, and are no difference when they are the same', () => {
    const own = withKeys(AS_DELIVERED, 'tool-zoom', ['ü'])
    expect(commandFor(press('ü'), bindingsOf(own))).toBe('tool-zoom')
    expect(commandFor(press('z'), bindingsOf(own))).toBeUndefined()
    expect(conflicts(bindingsOf(withKeys(own, 'tool-pan', ['w'])))).toEqual([{ key: 'w', commands: ['tool-window', 'tool-pan'] }])
    expect(withKeys(own, 'tool-zoom', ['z']).keys).toEqual({})
  })

  it('survive being kept, and what another version wrote is left out', () => {
    const controls = { ...withKeys(AS_DELIVERED, 'cine', ['Ctrl+Space', 'k']), map: 'weasis' as const, hand: { 'Ctrl+left': 'pan' as const }, upIsDarker: true }
    expect(parseControls(JSON.parse(JSON.stringify(controls)))).toEqual(controls)
    expect(parseControls({ map: 'toString', keys: { cine: 'k', fly: ['x'], fit: [] }, hand: { 'Hyper+left': 'pan', left: 'constructor' }, upIsDarker: 1 })).toEqual({ ...AS_DELIVERED, keys: { fit: [] } })
    for (const rubbish of [null, 3, 'x', []]) expect(parseControls(rubbish)).toEqual(AS_DELIVERED)
  })
})

describe('mouse', () => {
  it('drags as delivered, and as chosen for a button alone or with a key', () => {
    const hand = { right: 'pan', 'Ctrl+left': 'zoom' } as const
    expect(dragOf('middle', NOTHING, {})).toEqual({ drag: 'pan', held: false })
    expect(dragOf('right', NOTHING, hand)).toEqual({ drag: 'pan', held: false })
    expect(dragOf('right', { ...NOTHING, shiftKey: true }, hand)).toEqual({ drag: 'pan', held: false })
    expect(dragOf('left', { ...NOTHING, metaKey: true }, hand)).toEqual({ drag: 'zoom', held: true })
    expect(dragOf('left', NOTHING, hand)).toEqual({ drag: 'tool', held: false })
  })
})
