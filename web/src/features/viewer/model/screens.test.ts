import { describe, expect, it } from 'vitest'
import { type KeptWindow, featuresOf, freePlaces, missing, nameOfScreens, parsePlace, parseSets, placeText, restFor, withSet } from './screens'

const left = { left: 0, top: 0, width: 1920, height: 1080 }
const right = { left: 1920, top: -120, width: 1200, height: 1600 }
const beside: KeptWindow = { box: right, layout: '2x1', shows: 'prior' }

describe('windows on several screens', () => {
  it('are kept by the set of screens, in whatever order those are told', () => {
    expect(nameOfScreens([right, left])).toBe(nameOfScreens([left, right]))
    expect(nameOfScreens([left])).not.toBe(nameOfScreens([left, right]))
    const office = withSet(withSet([], 'home', [beside]), 'office', [{ ...beside, layout: '1x1' }])
    expect(parseSets(JSON.parse(JSON.stringify({ sets: office })))).toEqual(office)
    expect(withSet(office, 'home', [{ ...beside, shows: 'series' }]).map((each) => [each.screens, each.windows[0]?.shows])).toEqual([['office', 'prior'], ['home', 'series']])
    expect(withSet(office, 'home', []).map((each) => each.screens)).toEqual(['office'])
    expect(Array.from({ length: 20 }, (_, at) => String(at)).reduce((sets, name) => withSet(sets, name, [beside]), withSet([], 'x', [beside]))).toHaveLength(8)
  })
  it('that cannot be understood are left out', () => {
    expect(parseSets(undefined)).toEqual([])
    expect(parseSets({ sets: [{ screens: 'a', windows: [beside, { ...beside, layout: '9x9' }, { ...beside, shows: 'toString' }, { ...beside, box: { ...right, width: 0 } }, null] }, 5] })).toEqual([{ screens: 'a', windows: [beside] }])
  })
  it('are opened once: what is open already, also where it was dragged to, is not opened again', () => {
    const [a, b, c] = [beside, { ...beside, box: left }, { ...beside, box: left, shows: 'series' as const }]
    expect(missing([a, b, c], [])).toEqual([a, b, c])
    expect(missing([a, b, c], [{ box: { ...right, top: 40 }, shows: 'prior' }])).toEqual([b, c])
    expect(missing([a, b, c], [c, a, b])).toEqual([])
    expect(missing([a], [c])).toEqual([a])
  })
  it('have a place of their own in their address', () => {
    const place = { family: 'k3j9x2', number: 3, layout: '2x2', shows: 'series' } as const
    expect(parsePlace(placeText(place))).toEqual(place)
    for (const text of [null, '', 'k3j9x2.1.2x2.series', 'k3j9x2.2.6x2.series', 'k3j9x2.2.2x2.constructor', '../x.2.1x1.prior']) expect(parsePlace(text)).toBeNull()
    expect(featuresOf(right)).toBe('popup,left=1920,top=-120,width=1200,height=1600')
  })
  it('go to screens on which none lies yet, from left to right', () => {
    const far = { left: 3120, top: 0, width: 1200, height: 1600 }
    const [a, b, c] = [{ ...left, label: 'A', current: true }, { ...right, label: 'B', current: false }, { ...far, label: 'C', current: false }]
    expect(freePlaces([c, b, a], []).map((each) => each.label)).toEqual(['B', 'C'])
    expect(freePlaces([a, b, c], [{ left: 2000, top: 0, width: 600, height: 600 }]).map((each) => each.label)).toEqual(['C'])
  })
  it('show what those before them do not', () => {
    const series = ['a', 'b', 'c', 'd', 'e'].map((SeriesInstanceUID) => ({ SeriesInstanceUID }))
    expect(restFor(series, ['b'], 0).map((each) => each.SeriesInstanceUID)).toEqual(['a', 'c', 'd', 'e'])
    expect(restFor(series, ['b'], 2).map((each) => each.SeriesInstanceUID)).toEqual(['d', 'e'])
  })
})
