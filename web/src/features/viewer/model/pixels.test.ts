import { describe, expect, it } from 'vitest'
import type { PixelFormat } from './frame'
import { BadPixels, enlarged, expanded, nativeColor, nativeSamples, tableValues, throughPalette, toModality } from './pixels'

const format = (change: Partial<PixelFormat> = {}): PixelFormat => ({ samples: 1, photometric: 'MONOCHROME2', planar: false, allocated: 16, stored: 16, high: (change.stored ?? 16) - 1, signed: false, number: 'integer', ...change })
const identity = { slope: 1, intercept: 0, unit: '' }
const words = (...values: number[]) => new Uint8Array(Int16Array.from(values).buffer)

describe('stored pixels', () => {
  it('reads signed, unsigned and cut-off bits', () => {
    expect([...nativeSamples(words(-5, 7), format({ signed: true }), 2)]).toEqual([-5, 7])
    expect([...nativeSamples(words(-1), format(), 1)]).toEqual([65535])
    // 12 bits stored with an old overlay in the upper four
    expect([...nativeSamples(words(0x1fff), format({ stored: 12 }), 1)]).toEqual([0x0fff])
    expect([...nativeSamples(words(0x0fff), format({ stored: 12, signed: true }), 1)]).toEqual([-1])
    expect([...nativeSamples(new Uint8Array([0b00000101]), format({ allocated: 1, stored: 1 }), 4)]).toEqual([1, 0, 1, 0])
    expect([...nativeSamples(new Uint8Array(Float32Array.from([0.25]).buffer), format({ allocated: 32, number: 'float' }), 1)]).toEqual([0.25])
  })

  it('refuses pixel data that is too short', () => {
    expect(() => nativeSamples(words(1), format(), 2)).toThrow(BadPixels)
    expect(() => nativeColor(new Uint8Array(5), format({ samples: 3, allocated: 8, stored: 8, photometric: 'RGB' }), 2)).toThrow(BadPixels)
  })

  it('enlarges a halved picture: its own values stay in place, between them lie values between theirs', () => {
    const made = enlarged([0, 8, 16, 24], { columns: 4, rows: 3 }, 1, 1, format({ stored: 12 }))
    expect([...made]).toEqual([0, 4, 8, 8, 8, 12, 16, 16, 16, 20, 24, 24])
    const colour = enlarged([0, 100, 200, 10, 110, 210], { columns: 3, rows: 1 }, 1, 3, format({ samples: 3, allocated: 8, stored: 8 }))
    expect([...colour]).toEqual([0, 100, 200, 5, 105, 205, 10, 110, 210])
    expect(() => enlarged([1], { columns: 4, rows: 4 }, 1, 1, format())).toThrow(BadPixels)
  })

  it('cuts off what a wavelet overshoots, below zero too', () => {
    expect([...enlarged([0xfff0, 5000], { columns: 2, rows: 1 }, 0, 1, format({ stored: 12 }))]).toEqual([0, 4095])
    expect([...enlarged([-3000, 5000], { columns: 2, rows: 1 }, 0, 1, format({ stored: 12, signed: true }))]).toEqual([-2048, 2047])
    expect([...enlarged([0xfff0, 5], { columns: 2, rows: 1 }, 0, 1, format())]).toEqual([0xfff0, 5])
  })

  it('applies slope and intercept in one array type for the whole series', () => {
    const ct = toModality([0, 1000, 4095], format({ stored: 12 }), { slope: 1, intercept: -1024, unit: 'HU' })
    expect(ct.data).toBeInstanceOf(Int16Array)
    expect([...ct.data]).toEqual([-1024, -24, 3071])
    expect([ct.min, ct.max]).toEqual([-1024, 3071])
    expect(toModality([1], format(), { slope: 0.5, intercept: 0, unit: '' }).data).toBeInstanceOf(Float32Array)
    expect(toModality([1], format({ allocated: 8, stored: 8 }), identity).data).toBeInstanceOf(Uint8Array)
    expect(toModality([1], format(), { slope: 1, intercept: -1024, unit: '' }).data).toBeInstanceOf(Float32Array) // -1024 to 64511
  })

  it('makes values out of samples in their own memory where both are words and nobody else has them', () => {
    const [slope, format12] = [{ slope: 1, intercept: -1024, unit: 'HU' }, format({ stored: 12 })]
    const samples = () => new Uint16Array(new Uint8Array(Uint16Array.from([0, 1000, 4095, 0]).buffer).buffer, 0, 3)
    const given = samples()
    const made = toModality(given, format12, slope, undefined, true)
    expect([...made.data]).toEqual([-1024, -24, 3071])
    expect([made.min, made.max, made.data.buffer === given.buffer]).toEqual([-1024, 3071, true])
    const kept = samples()
    expect(toModality(kept, format12, slope).data.buffer === kept.buffer).toBe(false)
    expect([...kept]).toEqual([0, 1000, 4095])
    // Fractions, and a few samples of something large, get memory of their own.
    expect(toModality(samples(), format12, { ...slope, slope: 0.5 }, undefined, true).data).toBeInstanceOf(Float32Array)
    const part = new Uint16Array(new ArrayBuffer(1000), 0, 3)
    expect(toModality(part, format12, slope, undefined, true).data.buffer === part.buffer).toBe(false)
  })

  it('carries padding through the modality transformation, also when it was written unsigned', () => {
    const padded = toModality([0], format({ signed: true, padding: { from: 63536, to: 63536 } }), { slope: 1, intercept: -1000, unit: '' })
    expect(padded.padding).toEqual({ from: -3000, to: -3000 })
  })

  it('uses a modality table with its first value, and its ends beyond', () => {
    const table = { name: '', first: 10, bits: 16, values: Uint16Array.from([100, 200, 300]) }
    expect([...toModality([0, 10, 11, 12, 50], format(), identity, table).data]).toEqual([100, 100, 200, 300, 300])
  })
})

describe('colour', () => {
  const rgb = format({ samples: 3, allocated: 8, stored: 8, photometric: 'RGB' })

  it('reads by pixel and by plane', () => {
    expect([...nativeColor(new Uint8Array([1, 2, 3, 4, 5, 6]), rgb, 2).data]).toEqual([1, 2, 3, 4, 5, 6])
    expect([...nativeColor(new Uint8Array([1, 4, 2, 5, 3, 6]), { ...rgb, planar: true }, 2).data]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('brings 16 bits down to 8', () => {
    expect([...nativeColor(words(0x7f00, 0x0100, 0x00ff), { ...rgb, allocated: 16, stored: 16 }, 1).data]).toEqual([0x7f, 1, 0])
  })

  it('converts YBR_FULL and YBR_FULL_422', () => {
    expect([...nativeColor(new Uint8Array([100, 128, 128]), { ...rgb, photometric: 'YBR_FULL' }, 1).data]).toEqual([100, 100, 100])
    expect([...nativeColor(new Uint8Array([76, 85, 255]), { ...rgb, photometric: 'YBR_FULL' }, 1).data]).toEqual([254, 0, 0])
    expect([...nativeColor(new Uint8Array([10, 20, 128, 128]), { ...rgb, photometric: 'YBR_FULL_422' }, 2).data]).toEqual([10, 10, 10, 20, 20, 20])
  })

  it('looks palettes up, of 8 and 16 bits, plain and segmented', () => {
    const table = (bits: number, ...values: number[]) => ({ name: '', first: 0, bits, values: Uint16Array.from(values) })
    expect([...throughPalette([1, 0, 9], table(8, 1, 2), table(16, 0x0300, 0x0400), table(16, 5, 6)).data]).toEqual([2, 4, 6, 1, 3, 5, 2, 4, 6])
    expect([...tableValues(new Uint8Array([1, 2, 3]), 3, 8)]).toEqual([1, 2, 3])
    expect([...tableValues(new Uint8Array([1, 2, 3, 4]), 2, 16)]).toEqual([0x0201, 0x0403])
    // discrete 2 values, then a line of 4 steps up to 100, then the first segment again
    expect([...expanded(Uint16Array.from([0, 2, 10, 20, 1, 4, 100, 2, 1, 0, 0]), 8)]).toEqual([10, 20, 40, 60, 80, 100, 10, 20])
  })
})
