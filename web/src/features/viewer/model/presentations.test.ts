// Expected views and figures are worked out from the words of PS3.3 C.10.4 to C.10.7.
import { describe, expect, it } from 'vitest'
import { boxOnScreen, shapedAs, viewOfArea } from './displayedArea'
import { type Area, isMeant, isPresentation, presentationOf, unappliedOf } from './presentations'
import { UPRIGHT, affineOf, apply, rotateRight } from './view'

const value = (vr: string, ...Value: (string | number)[]) => ({ vr, Value })
const sequence = (...items: object[]) => ({ vr: 'SQ', Value: items })
const images = (...uids: string[]) => sequence(...uids.map((uid) => ({ '00081155': value('UI', uid) })))
const STATE = { '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.11.1'), '00081115': sequence({ '0020000E': value('UI', 's'), '00081140': images('a', 'b') }) }

const extent = { columns: 100, rows: 50, aspect: [1, 1] as const }
const size = { width: 400, height: 300 }
const area = (change: Partial<Area>): Area => ({ for: null, box: [11, 6, 30, 15], mode: 'SCALE TO FIT', ratio: undefined, spacing: undefined, magnification: 1, ...change })

describe('displayed areas', () => {
  it('fit the viewport, the edges of the corner pixels at its edge', () => {
    const view = viewOfArea(area({}), extent, size, UPRIGHT)
    expect(view.scale).toBe(20) // 20 columns in 400 pixels
    const affine = affineOf(view, extent, size)
    expect(apply(affine, [9.5, 4.5])).toEqual([0, 50])
    expect(apply(affine, [29.5, 14.5])).toEqual([400, 250])
  })

  it('fit turned', () => {
    expect(viewOfArea(area({}), extent, size, rotateRight(UPRIGHT)).scale).toBe(15) // 20 columns stand in 300 pixels
  })

  it('reach beyond the image', () => {
    expect(viewOfArea(area({ box: [-99, -49, 200, 100] }), extent, size, UPRIGHT).scale).toBeCloseTo(400 / 300, 6)
  })

  it('are magnified in pixels of the screen, from their top left corner when there is no room', () => {
    const screen = { ratio: 2, millimetres: 0.25 }
    const small = viewOfArea(area({ mode: 'MAGNIFY', magnification: 4 }), extent, size, UPRIGHT, screen)
    expect(small.scale).toBe(2)
    expect(small.centre).toEqual([19.5, 9.5])
    const large = viewOfArea(area({ mode: 'MAGNIFY', magnification: 80 }), extent, size, UPRIGHT, screen)
    const [x, y] = apply(affineOf(large, extent, size), [9.5, 4.5])
    expect(x).toBeCloseTo(0, 6)
    expect(y).toBeCloseTo(0, 6)
  })

  it('have the true size of the patient on a screen that is measured', () => {
    const view = viewOfArea(area({ mode: 'TRUE SIZE', spacing: [0.5, 0.5], ratio: 1 }), extent, size, UPRIGHT, { ratio: 1, millimetres: 0.25 })
    expect(view.scale).toBe(2) // a pixel of 0.5 mm is two of the screen
  })

  it('have pixels as high as the state says', () => {
    expect(shapedAs(extent, area({ ratio: 2 })).aspect).toEqual([1, 2])
    expect(shapedAs(extent, area({ ratio: 0.5 })).aspect).toEqual([2, 1])
    expect(shapedAs(extent, area({ ratio: 1 }))).toBe(extent)
  })

  it('are what texts in DISPLAY units are parts of', () => {
    expect(boxOnScreen(area({}), viewOfArea(area({}), extent, size, UPRIGHT), extent, size)).toEqual({ left: 0, top: 50, width: 400, height: 200 })
  })
})

describe('what a state draws', () => {
  const figure = (change: object) => ({ '00700005': value('CS', 'PIXEL'), '00700022': value('FL', 10.5, 20.5, 30.5, 20.5), '00700023': value('CS', 'POLYLINE'), ...change })
  const drawn = (annotation: object, more: object = {}) => presentationOf({ ...STATE, ...more, '00700001': sequence(annotation) }).drawn

  it('lies where its units say', () => {
    expect(drawn({ '00700009': sequence(figure({})) })[0]).toMatchObject({ points: [[10, 20], [30, 20]], display: false })
    expect(drawn({ '00700009': sequence(figure({ '00700005': value('CS', 'DISPLAY'), '00700022': value('FL', 0, 0.5, 1, 0.5) })) })[0]).toMatchObject({ points: [[0, 0.5], [1, 0.5]], display: true })
    // On the whole of a slide: not drawn, and counted so that the reader is told.
    const matrix = sequence({ '00700009': sequence(figure({ '00700005': value('CS', 'MATRIX') }), figure({})), '00700008': sequence({ '00700004': value('CS', 'MATRIX'), '00700006': value('ST', 'x') }) })
    expect(presentationOf({ ...STATE, '00700001': matrix })).toMatchObject({ elsewhere: 2, drawn: [{ points: [[10, 20], [30, 20]] }] })
    expect(presentationOf({ ...STATE, '00700001': sequence({ '00700009': sequence(figure({})) }) }).elsewhere).toBe(0)
  })

  it('comes in the order of its layers, with their colours', () => {
    const layers = sequence({ '00700002': value('CS', 'TOP'), '00700062': value('IS', 2), '00700066': value('US', 65535) }, { '00700002': value('CS', 'LOW'), '00700062': value('IS', 1), '00700401': value('US', 65535, 32896, 32896) })
    const state = presentationOf({ ...STATE, '00700060': layers, '00700001': sequence({ '00700002': value('CS', 'TOP'), '00700009': sequence(figure({})) }, { '00700002': value('CS', 'LOW'), '00700009': sequence(figure({})) }) })
    expect(state.drawn.map((each) => each.layer)).toEqual(['LOW', 'TOP'])
    expect(state.layers.map((each) => each.color)).toEqual([[255, 255, 255], [255, 255, 255]])
  })

  it('is a compound graphic only where no plain figures stand for it', () => {
    const compound = { '00700226': value('UL', 3), '00700282': value('CS', 'PIXEL'), '00700022': value('FL', 0.5, 0.5, 10.5, 5.5), '00700294': value('CS', 'RECTANGLE') }
    expect(drawn({ '00700209': sequence(compound) })[0]?.points).toEqual([[0, 0], [10, 0], [10, 5], [0, 5], [0, 0]])
    expect(drawn({ '00700209': sequence(compound), '00700009': sequence(figure({ '00700226': value('UL', 3) })) }).map((each) => each.points)).toEqual([[[10, 20], [30, 20]]])
    const axis = drawn({ '00700209': sequence({ ...compound, '00700294': value('CS', 'AXIS'), '00700287': sequence({ '00700288': value('FL', 0.5), '00700289': value('SH', '40') }) }) })
    expect(axis.map((each) => each.type)).toEqual(['SEGMENTS', 'TEXT'])
    expect(axis[1]).toMatchObject({ points: [[5, 2.5]], lines: ['40'] })
  })

  it('has texts in boxes, and lines to their anchors where these are to be seen', () => {
    const text = { '00700003': value('CS', 'DISPLAY'), '00700006': value('ST', 'one\r\ntwo'), '00700010': value('FL', 0, 0), '00700011': value('FL', 0.5, 0.1), '00700012': value('CS', 'CENTER'), '00700004': value('CS', 'PIXEL'), '00700014': value('FL', 5.5, 6.5) }
    expect(drawn({ '00700008': sequence({ ...text, '00700015': value('CS', 'Y') }) })[0]).toMatchObject({ lines: ['one', 'two'], display: true, justify: 'CENTER', anchor: { points: [[5, 6]], display: false } })
    expect(drawn({ '00700008': sequence({ ...text, '00700015': value('CS', 'N') }) })[0]?.anchor).toBeUndefined()
  })
})

describe('whom a state is for', () => {
  it('is said by its references, which may name frames', () => {
    const state = presentationOf({ ...STATE, '00081115': sequence({ '0020000E': value('UI', 's'), '00081140': sequence({ '00081155': value('UI', 'a'), '00081160': value('IS', 2, 3) }) }) })
    expect([1, 2, 3].map((frame) => isMeant(state, 's', 'a', frame))).toEqual([false, true, true])
    expect(isMeant(state, 's', 'b', 2)).toBe(false)
    expect(isMeant(state, 't', 'a', 2)).toBe(false)
  })

  it('only those of grey, colour and pseudo-colour are shown here', () => {
    expect(isPresentation(STATE)).toBe(true)
    expect(isPresentation({ ...STATE, '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.11.4') })).toBe(false)
  })

  it('those of other kinds have a word for what they are and what shows the same here', () => {
    const kinds = Array.from({ length: 9 }, (_, at) => ({ ...STATE, '00080016': value('UI', `1.2.840.10008.5.1.4.1.1.11.${at + 4}`), '00700080': value('CS', 'LAID OVER') }))
    const words = kinds.map((each) => unappliedOf(each))
    expect(words.every((each) => each?.title === 'LAID OVER' && each.word.includes('not applied here'))).toBe(true)
    expect(words[0]?.word).toMatch(/^This is a blending presentation: .* Fusion/)
    expect(words[6]?.word).toContain('rendered volume with segments')
    expect(unappliedOf(STATE)).toBeUndefined()
    expect(unappliedOf({ '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.2') })).toBeUndefined()
  })

  it('a presentation LUT decides instead of a shape', () => {
    const lut = sequence({ '00283002': value('US', 2, 0, 8), '00283006': value('US', 255, 0) })
    expect(presentationOf({ ...STATE, '20500020': value('CS', 'INVERSE') }).inverted).toBe(true)
    const state = presentationOf({ ...STATE, '20500020': value('CS', 'INVERSE'), '20500010': lut })
    expect(state.inverted).toBe(false)
    expect(state.gray?.lut).toMatchObject({ entries: 2, bits: 8 })
  })
})
