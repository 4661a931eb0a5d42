import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { qrCode } from './qr'

const digest = (rows: boolean[][]) => createHash('sha256').update(rows.map((row) => row.map((dark) => (dark ? '1' : '0')).join('')).join('\n')).digest('hex')

describe('QR codes', () => {
  // Each was drawn and read back by ZXing 3.1 (zxing-cpp) when this was written: versions 1, 5 and 19, one to eighteen blocks.
  it.each([
    ['A', 21, '177b3a1897a152aee17ab1ee4b667913c6bb873e6ba357debfc5ba243dabff0e'],
    ['https://pacs.example.org/shared#Ab3_-xY0123456789012345678901234567890123456', 37, '7d59fc4165469240725f6abf3304fb8c2c8088e92c3809b9b0e0bb84fc801468'],
    ['y'.repeat(600), 93, '2774d34f1fc35f2595b2fa4a9cadbe57212bcef07e40bdcc594292f9e5edb37f'],
  ])('are those that a reader has read: %s', (text, side, wanted) => {
    const rows = qrCode(text)
    expect(rows.length).toBe(side)
    expect(digest(rows)).toBe(wanted)
  })

  it('has the same three corners whatever it says, and an end to its length', () => {
    const corner = (rows: boolean[][], x: number, y: number) => rows.slice(y, y + 7).map((row) => row.slice(x, x + 7).map(Number).join('')).join(' ')
    for (const text of ['', 'ü', 'x'.repeat(100), 'x'.repeat(663)]) {
      const rows = qrCode(text)
      const far = rows.length - 7
      for (const [x, y] of [[0, 0], [far, 0], [0, far]] as const) expect(corner(rows, x, y)).toBe('1111111 1000001 1011101 1011101 1011101 1000001 1111111')
    }
    expect(() => qrCode('x'.repeat(667))).toThrow(RangeError)
  })
})
