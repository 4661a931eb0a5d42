import { describe, expect, it } from 'vitest'
import { rateOf, step } from './cine'
import { BINDINGS, type KeyPress, commandFor, conflicts } from './keys'
import { nearestFirst, plan, withinBudget } from './prefetch'
import { Tag } from './tags'

describe('prefetch', () => {
  it('asks for everything else once, nearest first, more ahead than behind', () => {
    expect(nearestFirst(5, 10)).toEqual([6, 7, 4, 8, 9, 3, 2, 1, 0])
    expect(nearestFirst(5, 10, -1)).toEqual([4, 3, 6, 2, 1, 7, 0, 8, 9])
    expect(nearestFirst(0, 1)).toEqual([])
    for (const [index, count] of [[0, 50], [49, 50], [20, 50]] as const) {
      const order = nearestFirst(index, count)
      expect(order).toHaveLength(count - 1)
      expect(new Set(order).size).toBe(count - 1)
      expect(order).not.toContain(index)
    }
  })

  it('stops at the budget, because more would push out what is near', () => {
    expect(withinBudget([1, 2, 3, 4, 5], 100, 350)).toEqual([1, 2])
    expect(withinBudget([1, 2, 3], 0, 0)).toEqual([1, 2, 3])
    expect(plan(20, 100, 1).filter((wanted) => wanted.near)).toHaveLength(24)
  })
})

describe('cine', () => {
  const value = (...Value: (string | number)[]) => ({ vr: 'XX', Value })

  it('takes the rate from what the object says', () => {
    expect(rateOf({ [Tag.RecommendedDisplayFrameRate]: value(25), [Tag.FrameTime]: value(100) })).toBe(25)
    expect(rateOf({ [Tag.CineRate]: value('30') })).toBe(30)
    expect(rateOf({ [Tag.FrameTime]: value('66.6') })).toBe(15)
    expect(rateOf({ [Tag.FrameTimeVector]: value(0, 40, 40, 40) })).toBe(25)
    expect(rateOf({ [Tag.CineRate]: value(500) })).toBe(60)
    expect(rateOf({})).toBeUndefined()
  })

  it('starts over or turns back at the ends', () => {
    expect(step(9, 10, 'loop', 1)).toEqual({ index: 0, direction: 1 })
    expect(step(9, 10, 'bounce', 1)).toEqual({ index: 8, direction: -1 })
    expect(step(0, 10, 'bounce', -1)).toEqual({ index: 1, direction: 1 })
    expect(step(0, 1, 'loop', 1)).toEqual({ index: 0, direction: 1 })
  })
})

describe('keys', () => {
  const press = (key: string, more: Partial<KeyPress> = {}) => ({ key, ctrlKey: false, altKey: false, metaKey: false, shiftKey: false, ...more })

  it('gives no key to two commands', () => {
    expect(conflicts(BINDINGS)).toEqual([])
    expect(conflicts([...BINDINGS, { command: 'help', keys: ['w'], label: '', group: 'Screen' }])).toEqual([{ key: 'w', commands: ['tool-window', 'help'] }])
  })

  it('understands layouts on which characters need Shift or Alt types others', () => {
    expect(commandFor(press('?', { shiftKey: true }))).toBe('help')
    expect(commandFor(press('+', { shiftKey: true }))).toBe('zoom-in')
    expect(commandFor(press('+'))).toBe('zoom-in')
    expect(commandFor(press('¡', { altKey: true, code: 'Digit1' }))).toBe('layout-1x1')
    expect(commandFor(press('W'))).toBe('tool-window') // caps lock
    expect(commandFor(press('V', { shiftKey: true }))).toBe('compare') // and not what V does
    expect(commandFor(press('z', { metaKey: true }))).toBe('undo')
    expect(commandFor(press('ArrowDown', { shiftKey: true }))).toBe('forward-10')
    expect(commandFor(press('ArrowUp', { shiftKey: true, ctrlKey: true }))).toBe('back-50')
    expect(commandFor(press('ArrowRight', { ctrlKey: true }))).toBe('next-study')
    expect(commandFor(press(' '))).toBe('reset')
    expect(commandFor(press('r', { ctrlKey: true }))).toBeUndefined() // the browser's reload
  })
})
