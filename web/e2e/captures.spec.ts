// Secondary captures of film digitisers and frame grabbers, written as such devices write them, on the screen.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { store } from './support'
import { DATA, canvasAt, csrf, open, pane, upload } from './viewing'

const SIDE = 16
const cs = (element_: number, value: string): Buffer => element(0x0028, element_, 'CS', value)
const us = (element_: number, value: number): Buffer => element(0x0028, element_, 'US', short(value))
const size = [us(0x0010, SIDE), us(0x0011, SIDE)]
const pixels = (bytes: Buffer): Buffer => element(0x7fe0, 0x0010, 'OW', bytes)

/** Four columns of four pixels: [column, row] -> which of the four values. */
const strip = <T>(values: readonly T[]): T[] => Array.from({ length: SIDE * SIDE }, (_, index) => values[Math.floor((index % SIDE) / 4)] as T)
const words = (values: readonly number[]): Buffer => Buffer.concat(values.map(short))
const MIDDLES = [2, 6, 10, 14].map((x) => [x, 8] as const)

type Colour = readonly [number, number, number]
const COLOURS: readonly Colour[] = [[255, 0, 0], [0, 200, 0], [10, 20, 240], [90, 90, 90]]
const planes = [0, 1, 2].map((channel) => Buffer.from(strip(COLOURS.map((colour) => colour[channel] ?? 0))))

const CAPTURES: readonly { readonly device: string; readonly image: readonly Buffer[]; readonly seen: readonly Colour[] }[] = [
  {
    device: 'a film digitiser: MONOCHROME1, 12 bits to the left of their words, no window',
    image: [us(0x0002, 1), cs(0x0004, 'MONOCHROME1'), ...size, us(0x0100, 16), us(0x0101, 12), us(0x0102, 15), us(0x0103, 0), pixels(words(strip([0, 1365, 2730, 4095].map((value) => value << 4))))],
    seen: [[255, 255, 255], [170, 170, 170], [85, 85, 85], [0, 0, 0]],
  },
  {
    device: 'a film digitiser: old overlays in the bits that are not stored',
    image: [us(0x0002, 1), cs(0x0004, 'MONOCHROME2'), ...size, us(0x0100, 16), us(0x0101, 12), us(0x0102, 11), us(0x0103, 0), pixels(words(strip([0xf000, 0x1555, 0xfaaa, 0x0fff])))],
    seen: [[0, 0, 0], [85, 85, 85], [170, 170, 170], [255, 255, 255]],
  },
  {
    device: 'a frame grabber: RGB by planes, without Samples per Pixel',
    image: [cs(0x0004, 'RGB'), us(0x0006, 1), ...size, us(0x0100, 8), us(0x0101, 8), us(0x0102, 7), us(0x0103, 0), pixels(Buffer.concat(planes))],
    seen: COLOURS,
  },
  {
    device: 'a frame grabber: nothing but rows and columns, and a window that nothing lies in',
    image: [...size, element(0x0028, 0x1050, 'DS', '0'), element(0x0028, 0x1051, 'DS', '1'), pixels(Buffer.from(strip([10, 70, 130, 190])))],
    seen: [[0, 0, 0], [85, 85, 85], [170, 170, 170], [255, 255, 255]],
  },
]

for (const { device, image, seen } of CAPTURES) {
  test(device, async ({ page }) => {
    const study = newUid()
    expect(await store(page, 'capture.dcm', object({ patientName: 'Film^Old', patientId: study.slice(-12), study }, image))).toBe('stored')
    await expect(await open(page, study)).toHaveAttribute('data-status', 'shown')
    const furthest = (colors: readonly Colour[]): number => Math.max(...colors.flatMap((color, index) => color.map((value, channel) => Math.abs(value - (seen[index]?.[channel] ?? -999)))))
    await expect.poll(async () => furthest((await canvasAt(page, MIDDLES)).map(({ color }) => color)), { message: `${seen.join(' ')} on the screen` }).toBeLessThanOrEqual(2)
  })
}

test('a document, such as the films of a print job, is saved as a file', async ({ page }) => {
  const study = await upload(page.request, await csrf(page.request), 'pdf/craig-test.dcm')
  await open(page, study)
  await expect(pane(page)).toHaveAttribute('data-status', 'failed')
  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save the document' }).click()
  const download = await saved
  expect(download.suggestedFilename()).toMatch(/\.pdf$/)
  const bytes = readFileSync(await download.path())
  expect(bytes.subarray(0, 5).toString()).toBe('%PDF-')
  expect(readFileSync(path.join(DATA, 'pdf/craig-test.dcm')).includes(bytes)).toBe(true)
})
