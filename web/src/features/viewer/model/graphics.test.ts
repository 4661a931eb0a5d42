// Expected masks are worked out pixel by pixel from the words of PS3.3 C.7.6.11 and C.9.2.
import { describe, expect, it } from 'vitest'
import { DRAWN, PLAIN, SHUT, bitmapShutter, bitsInPixels, bitsOf, maskOf, planesOf, shutterColor, shuttersOf } from './graphics'

const value = (...Value: (string | number)[]) => ({ vr: 'XX', Value })
const size = { columns: 12, rows: 10 }
/** By row and column from 1, as the standard counts. */
const expected = (open: (row: number, column: number) => boolean): number[] =>
  Array.from({ length: 120 }, (_, index) => (open(Math.floor(index / 12) + 1, (index % 12) + 1) ? PLAIN : SHUT))
const shut = (dataset: Parameters<typeof shuttersOf>[0]): number[] => [...(maskOf(size, shuttersOf(dataset), []) ?? [])]

const RECTANGLE = { '00181602': value(3), '00181604': value(9), '00181606': value(2), '00181608': value(7) }

describe('shutters', () => {
  it('leave the rectangle open, its edges too', () => {
    expect(shut({ '00181600': value('RECTANGULAR'), ...RECTANGLE })).toEqual(expected((row, column) => column >= 3 && column <= 9 && row >= 2 && row <= 7))
  })

  it('leave the circle open', () => {
    expect(shut({ '00181600': value('CIRCULAR'), '00181610': value(5, 6), '00181612': value(3) })).toEqual(expected((row, column) => (row - 5) ** 2 + (column - 6) ** 2 <= 9))
  })

  it('leave the polygon open: rows first', () => {
    const found = shut({ '00181600': value('POLYGONAL'), '00181620': value(1, 1, 1, 12, 10, 1) })
    expect(found[0 * 12 + 5]).toBe(PLAIN)
    expect(found[8 * 12 + 11]).toBe(SHUT)
    expect(found.filter((each) => each === PLAIN).length).toBeGreaterThan(45)
    expect(found.filter((each) => each === SHUT).length).toBeGreaterThan(45)
  })

  it('cover what any of several covers', () => {
    expect(shut({ '00181600': value('RECTANGULAR', 'CIRCULAR'), ...RECTANGLE, '00181610': value(5, 6), '00181612': value(3) })).toEqual(
      expected((row, column) => column >= 3 && column <= 9 && row >= 2 && row <= 7 && (row - 5) ** 2 + (column - 6) ** 2 <= 9),
    )
  })

  it('without their numbers are none, and are black unless they say', () => {
    expect(maskOf(size, shuttersOf({ '00181600': value('RECTANGULAR', 'CIRCULAR', 'POLYGONAL', 'BITMAP') }), [])).toBeUndefined()
    expect(shutterColor({})).toEqual([0, 0, 0])
    expect(shutterColor({ '00181622': value(65535) })).toEqual([255, 255, 255])
  })
})

describe('overlay planes', () => {
  const plane = { '60020010': value(2), '60020011': value(3), '60020050': value(4, 6), '60023000': { vr: 'OW', InlineBinary: btoa(String.fromCharCode(0b101101)) } }

  it('lie where their origin says, least significant bit first', () => {
    const [found] = planesOf(plane)
    expect(found).toMatchObject({ rows: 2, columns: 3, at: [5, 3], frames: 0 })
    const bytes = found?.data?.kind === 'bytes' ? found.data.bytes : new Uint8Array()
    const bits = found && bitsOf(found, bytes, 7)
    const mask = found && bits && maskOf(size, [], [{ plane: found, bits }])
    const drawn = [...(mask ?? [])].flatMap((each, index) => (each === DRAWN ? [[index % 12, Math.floor(index / 12)]] : []))
    expect(drawn).toEqual([[5, 3], [7, 3], [5, 4], [7, 4]])
  })

  it('of several frames belong to the frames of the image from their origin on', () => {
    const [found] = planesOf({ ...plane, '60020015': value(2), '60020051': value(3) })
    const bytes = Uint8Array.from([0b00000001, 0b00001000]) // the second plane begins at bit 6
    expect(found && [1, 2, 5].map((frame) => bitsOf(found, bytes, frame))).toEqual([undefined, undefined, undefined])
    expect(found && [0, 1].map((index) => bitsOf(found, bytes, 3)?.(index))).toEqual([true, false])
    expect(found && [4, 5].map((index) => bitsOf(found, bytes, 4)?.(index))).toEqual([false, true])
  })

  it('reach no further than the image, and without bits are none', () => {
    const [found] = planesOf({ ...plane, '60020050': value(10, 12) })
    expect(found && maskOf(size, [], [{ plane: found, bits: () => true }])?.filter((each) => each === DRAWN)).toHaveLength(1)
    expect(planesOf({ '60000010': value(2), '60000011': value(3) })).toEqual([])
  })

  it('in the bits that pixels do not use are found there', () => {
    const dataset = { '00280010': value(1), '00280011': value(3), '60000102': value(13), '60000100': value(16) }
    const format = { samples: 1, photometric: 'MONOCHROME2', planar: false, allocated: 16, stored: 12, high: 11, signed: false, number: 'integer' } as const
    const [found] = planesOf(dataset)
    expect(found).toMatchObject({ group: '6000', rows: 1, columns: 3, bit: 13 })
    const bytes = Uint8Array.from([0xff, 0x2f, 0xff, 0x1f, 0x00, 0x20])
    expect(found && [0, 1, 2].map((index) => bitsInPixels(found, bytes, format)?.(index))).toEqual([true, false, true])
    // A bit of the value itself is no overlay.
    expect(found && bitsInPixels({ ...found, bit: 11 }, bytes, format)).toBeUndefined()
  })

  it('can be a shutter of their own', () => {
    const [found] = planesOf(plane)
    const dataset = { '00181600': value('BITMAP'), '00181623': value(0x6002) }
    expect(found && [...(maskOf(size, [], [{ plane: found, bits: () => true }], bitmapShutter(dataset)) ?? [])].filter((each) => each === SHUT)).toHaveLength(6)
    expect(bitmapShutter({ '00181623': value(0x6002) })).toBe('')
  })
})
