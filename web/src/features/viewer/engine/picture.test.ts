import { describe, expect, it } from 'vitest'
import { instanceOf, framesOf } from '../model/frame'
import type { Window } from '../model/windows'
import { type Picture, PictureStore, bornInverted, ownWindow, usable } from './picture'

const CAPTURE = '1.2.840.10008.5.1.4.1.1.7'
const CT = '1.2.840.10008.5.1.4.1.1.2'

function picture(sopClass: string, values: number[], windows: Window[], photometric = 'MONOCHROME2'): Picture {
  const dataset = {
    '00080016': { vr: 'UI', Value: [sopClass] }, '00280004': { vr: 'CS', Value: [photometric] },
    '00280010': { vr: 'US', Value: [1] }, '00280011': { vr: 'US', Value: [values.length] }, '00280100': { vr: 'US', Value: [16] },
    '7FE00010': { vr: 'OW', BulkDataURI: '/x' },
  }
  const [frame] = framesOf(instanceOf(dataset, '1.2', '1.3'))
  const data = Uint16Array.from(values)
  const pixels = { color: false as const, data, min: Math.min(...values), max: Math.max(...values) }
  return { frame: frame!, pixels, windows: usable(windows.map((window) => ({ name: '', window })), frame!, pixels), bytes: data.byteLength, reduction: 0 }
}

const window = (center: number, width: number): Window => ({ center, width, shape: 'LINEAR' })

describe('the first window of a picture', () => {
  it('is its own, also when only some values lie in it', () => {
    expect(ownWindow(picture(CAPTURE, [0, 100, 4000], [window(2048, 4096)]))).toEqual(window(2048, 4096))
    expect(ownWindow(picture(CAPTURE, [0, 100, 4000], [window(50, 20)]))).toEqual(window(50, 20))
  })

  it('is the values\' where there is none, and where a frame grabber wrote one that shows nothing', () => {
    expect(ownWindow(picture(CAPTURE, [100, 300], []))).toMatchObject({ center: 200, width: 200 })
    expect(ownWindow(picture(CAPTURE, [100, 300], [window(0, 1)]))).toMatchObject({ center: 200, width: 200 })
    expect(ownWindow(picture(CAPTURE, [100, 300], [window(30000, 100)]))).toMatchObject({ center: 200, width: 200 })
  })

  it('is never put aside for a modality that measures: a slice of air is black', () => {
    expect(ownWindow(picture(CT, [100, 300], [window(3000, 100)]))).toEqual(window(3000, 100))
  })

  it('shows low values of MONOCHROME1 white', () => {
    expect(bornInverted(picture(CAPTURE, [1, 2], [], 'MONOCHROME1'))).toBe(true)
    expect(bornInverted(picture(CAPTURE, [1, 2], []))).toBe(false)
  })
})

describe('pictures in memory', () => {
  const full = picture(CT, [1, 2, 3, 4], [])
  const small: Picture = { ...full, reduction: 2 }
  const smaller: Picture = { ...full, reduction: 3 }

  it('become finer, never coarser, and count once', () => {
    const store = new PictureStore(1000, () => new Set(), () => undefined)
    expect([store.add(small), store.add(smaller), store.get(full.frame.id), store.has(full.frame.id)]).toEqual([true, false, small, false])
    expect([store.add(full), store.add(small), store.get(full.frame.id), store.has(full.frame.id)]).toEqual([true, false, full, true])
    expect(store.bytes).toBe(full.bytes)
  })
})
