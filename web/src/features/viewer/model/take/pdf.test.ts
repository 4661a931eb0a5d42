// @vitest-environment node
import { inflateSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { Pdf, rasterOf, winAnsi } from './pdf'

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** The objects of a file, found by its own cross-reference table as a reader finds them. */
function objectsOf(bytes: Uint8Array): string[] {
  const text = latin(bytes)
  const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1])
  const [, count = ''] = /^xref\n0 (\d+)\n/.exec(text.slice(start)) ?? []
  const rows = text.slice(start).split('\n').slice(3, 2 + Number(count))
  return rows.map((row, at) => {
    expect(row).toMatch(/^\d{10} 00000 n $/)
    const offset = Number(row.slice(0, 10))
    expect(text.slice(offset)).toMatch(new RegExp(`^${at + 1} 0 obj\n`))
    return text.slice(offset, text.indexOf('endobj', offset))
  })
}

const streamOf = (object: string): Buffer => {
  const length = Number(/\/Length (\d+)/.exec(object)?.[1])
  const from = object.indexOf('stream\n') + 7
  expect(object.slice(from + length)).toBe('\nendstream\n')
  return inflateSync(Buffer.from(object.slice(from, from + length), 'latin1'))
}

it('is a file whose objects are where its table says, with pixels as they were and words where they belong', async () => {
  const pdf = new Pdf()
  const data = Uint8Array.from({ length: 6 }, (_, at) => at * 40)
  await pdf.page(210, 297, [{ rect: { x: 10, y: 20, width: 190, height: 100 }, raster: { width: 3, height: 2, samples: 1, data } }], [{ x: 10, y: 15, size: 11, text: 'Müller (Ä)', bold: true }])
  await pdf.page(297, 210, [{ rect: { x: 0, y: 0, width: 10, height: 10 }, raster: { width: 1, height: 2, samples: 3, data } }], [])
  const bytes = new Uint8Array(await pdf.close('Prüfung 山', new Date('2026-11-23T01:02:03Z')).arrayBuffer())
  expect(latin(bytes)).toMatch(/^%PDF-1\.4\n/)
  const objects = objectsOf(bytes)
  const pictures = objects.filter((object) => object.includes('/Subtype /Image'))
  expect(pictures.map((object) => [.../\/Width (\d+) \/Height (\d+) \/ColorSpace \/(\w+)/.exec(object)!].slice(1))).toEqual([['3', '2', 'DeviceGray'], ['1', '2', 'DeviceRGB']])
  expect(pictures.map((object) => [...streamOf(object)])).toEqual([[...data], [...data]])
  const pages = objects.filter((object) => object.includes('/Type /Page '))
  expect(pages.map((page) => /MediaBox \[(.*?)\]/.exec(page)?.[1])).toEqual(['0 0 595.28 841.89', '0 0 841.89 595.28'])
  const contents = pages.map((page) => streamOf(objects[Number(/\/Contents (\d+)/.exec(page)?.[1]) - 1] ?? '').toString('latin1'))
  // 190 mm wide, its lower edge 297 - 120 mm above the bottom; letters in cp1252.
  expect(contents[0]).toContain('q 538.583 0.000 0.000 283.465 28.346 501.732 cm /P0 Do Q')
  expect(contents[0]).toContain(`BT /B 11 Tf 28.35 799.37 Td <${Buffer.from('Müller (Ä)', 'latin1').toString('hex')}> Tj ET`)
  expect(objects[1]).toContain('/Count 2')
  expect(objects[4]).toContain(`<feff${Buffer.from('Prüfung 山', 'utf16le').swap16().toString('hex')}>`)
  expect(objects[4]).toContain('D:20261123010203Z')
})

it('knows which letters every reader can show', () => {
  expect(winAnsi('Aé€–')).toEqual([0x41, 0xe9, 0x80, 0x96])
  expect(winAnsi('山田')).toBeNull()
  expect(winAnsi('Łódź')).toBeNull()
})

it('keeps colour, and only where there is some', () => {
  const grey = rasterOf({ width: 2, height: 1, data: Uint8ClampedArray.from([7, 7, 7, 255, 9, 9, 9, 255]) })
  expect([grey.samples, [...grey.data]]).toEqual([1, [7, 9]])
  const colour = rasterOf({ width: 2, height: 1, data: Uint8ClampedArray.from([7, 7, 7, 255, 9, 8, 9, 255]) })
  expect([colour.samples, [...colour.data]]).toEqual([3, [7, 7, 7, 9, 8, 9]])
})
