// Secondary captures as film digitisers and frame grabbers write them: attributes that are missing, odd or at odds with each other.
import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset'
import { instanceOf } from './frame'
import { nativeColor, nativeSamples, settled } from './pixels'
import { Tag } from './tags'

const capture = (values: Partial<Record<keyof typeof Tag, string | number>>): Dataset =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [Tag[name as keyof typeof Tag], { vr: 'UN', Value: [value] }]))

const formatOf = (values: Parameters<typeof capture>[0]) => instanceOf(capture(values), '1.2', '1.3').format
const words = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer)

describe('a film digitiser', () => {
  it('puts 12 bits to the left of their words', () => {
    const format = formatOf({ BitsAllocated: 16, BitsStored: 12, HighBit: 15 })
    expect([...nativeSamples(words(0xfff3, 0x0010, 0x8000), format, 3)]).toEqual([4095, 1, 2048])
  })

  it('signs what lies to the left as well', () => {
    const format = formatOf({ BitsAllocated: 16, BitsStored: 12, HighBit: 15, PixelRepresentation: 1 })
    expect([...nativeSamples(words(0xffff, 0x7ff0), format, 2)]).toEqual([-1, 2047])
  })

  it('names a high bit that its words do not have', () => {
    const format = formatOf({ BitsAllocated: 16, BitsStored: 12, HighBit: 40 })
    expect([...nativeSamples(words(0x0fff), format, 1)]).toEqual([4095])
  })

  it('stores more bits than it allocates, or none', () => {
    expect(formatOf({ BitsAllocated: 8, BitsStored: 12 }).stored).toBe(8)
    expect(formatOf({ BitsAllocated: 16, BitsStored: 0 }).stored).toBe(16)
  })

  it('leaves out how many bits there are: the length of the frame tells', () => {
    const format = formatOf({})
    expect([...nativeSamples(new Uint8Array([1, 2]), settled(format, 2, 2), 2)]).toEqual([1, 2])
    expect([...nativeSamples(words(1, 300), settled(format, 4, 2), 2)]).toEqual([1, 300])
    expect(settled(formatOf({ BitsStored: 12 }), 4, 2)).toMatchObject({ allocated: 16, stored: 12, high: 11 })
  })

  it('writes MONOCHROME1 its own way', () => {
    expect(formatOf({ PhotometricInterpretation: 'MONOCHROME 1 ' }).photometric).toBe('MONOCHROME1')
    expect(formatOf({ PhotometricInterpretation: 'monochrome1' }).photometric).toBe('MONOCHROME1')
    expect(formatOf({ PhotometricInterpretation: 'palette  color' }).photometric).toBe('PALETTE COLOR')
  })
})

describe('a frame grabber', () => {
  it('leaves out that colours have three samples', () => {
    const format = formatOf({ PhotometricInterpretation: 'rgb', BitsAllocated: 8, PlanarConfiguration: 1 })
    expect(format.samples).toBe(3)
    expect([...nativeColor(new Uint8Array([1, 4, 2, 5, 3, 6]), format, 2).data]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('leaves out everything but rows and columns', () => {
    expect(formatOf({})).toMatchObject({ samples: 1, photometric: 'MONOCHROME2', planar: false, signed: false })
  })
})
