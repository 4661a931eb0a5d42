import type { Page } from '@playwright/test'
import { expect, test } from '@playwright/test'
import type { JsonDataset } from '../src/dicomweb/types'
import { framesOf, instanceOf } from '../src/features/viewer/model/frame'
import { gridOf } from '../src/features/viewer/model/overlays/grid'
import type { Layer } from '../src/features/viewer/model/overlays/segmentation'
import { written } from '../src/features/viewer/model/overlays/writing'
import { element, newUid, object, short } from './dicom'
import { type Json, stow } from './overlaying'
import { PASSWORD, keepScreenshot, store } from './support'
import { csrf, upload } from './viewing'

/** The OHIF viewer, as its makers built it, on one address with this archive's DICOMweb (tests/ohif.py). */
const OHIF = process.env.OHIF_URL ?? ''
const SIZE = 64

/** Left half 40, right half 200, window such that 0 is black and 255 is white: what is on the screen is known. */
function halves(rows: number, columns: number): Buffer[] {
  const pixels = Buffer.alloc(rows * columns, 40)
  for (let row = 0; row < rows; row += 1) pixels.fill(200, row * columns + columns / 2, (row + 1) * columns)
  return [
    element(0x0028, 0x0002, 'US', short(1)),
    element(0x0028, 0x0004, 'CS', 'MONOCHROME2'),
    element(0x0028, 0x0010, 'US', short(rows)),
    element(0x0028, 0x0011, 'US', short(columns)),
    element(0x0028, 0x0100, 'US', short(8)),
    element(0x0028, 0x0101, 'US', short(8)),
    element(0x0028, 0x0102, 'US', short(7)),
    element(0x0028, 0x0103, 'US', short(0)),
    element(0x0028, 0x1050, 'DS', '128'),
    element(0x0028, 0x1051, 'DS', '256'),
    element(0x7fe0, 0x0010, 'OW', pixels),
  ]
}

async function signedIn(page: Page): Promise<void> {
  const answer = await page.request.post(`${OHIF}/api/v1/session`, { data: { username: 'admin', password: PASSWORD } })
  expect(answer.status()).toBe(200)
}

/** Grey values on the screen at a quarter and at three quarters of the drawn image. */
async function greys(page: Page): Promise<[number, number]> {
  const viewport = page.locator('.cornerstone-canvas, canvas').first()
  const shot = await viewport.screenshot()
  return page.evaluate(async (data) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob())
    const canvas = new OffscreenCanvas(image.width, image.height)
    const context = canvas.getContext('2d')!
    context.drawImage(image, 0, 0)
    const side = Math.min(image.width, image.height)
    const at = (x: number) => context.getImageData(Math.round(image.width / 2 + x * side), Math.round(image.height / 2), 1, 1).data[0]!
    return [at(-0.2), at(0.2)] as [number, number]
  }, shot.toString('base64'))
}

test.skip(OHIF === '', 'OHIF is not there: scripts/ohif.sh fetches it')

test('OHIF lists the studies, searches, and shows the pixels of one', async ({ page }) => {
  test.setTimeout(300_000)
  const study = newUid()
  const series = newUid()
  for (let number = 1; number <= 3; number += 1) {
    const subject = { patientName: 'Ohif^Olga', patientId: 'OHIF-1', study, series, instanceNumber: number, description: 'Opened by OHIF', modality: 'CR' }
    expect(await store(page, `${number}.dcm`, object(subject, halves(SIZE, SIZE)))).toBe('stored')
  }
  await store(page, 'other.dcm', object({ patientName: 'Someone^Else', patientId: 'OHIF-2', modality: 'MR' }))
  await signedIn(page)

  await page.goto(`${OHIF}/?patientName=ohif`)
  await expect(page.getByText('Ohif', { exact: false }).first()).toBeVisible({ timeout: 120_000 })
  await expect(page.getByText('Opened by OHIF').first()).toBeVisible()
  await expect(page.getByText('Someone')).toHaveCount(0)
  await keepScreenshot(page, 'ohif-list')

  await page.goto(`${OHIF}/viewer?StudyInstanceUIDs=${study}`)
  await expect(page.locator('canvas').first()).toBeVisible({ timeout: 120_000 })
  await page.getByText('Skip all').click({ timeout: 120_000 }) // its tour, which dims the picture
  await expect(async () => {
    const [left, right] = await greys(page)
    expect(Math.abs(left - 40)).toBeLessThanOrEqual(3)
    expect(Math.abs(right - 200)).toBeLessThanOrEqual(3)
  }).toPass({ timeout: 120_000 })
  await keepScreenshot(page, 'ohif-viewer')
})

test('OHIF lays a segmentation that our viewer wrote on its images', async ({ page }) => {
  test.setTimeout(300_000)
  const token = await csrf(page.request)
  let study = ''
  for (const name of ['01', '02', '03']) study = await upload(page.request, token, `seg/study-liver-ct/ct/${name}.dcm`)
  const metadata = (await (await page.request.get(`/dicom-web/studies/${study}/metadata`, { headers: { Accept: 'application/dicom+json' } })).json()) as JsonDataset[]
  const frames = metadata.flatMap((dataset) => framesOf(instanceOf(dataset, study, dataset['0020000E']!.Value![0] as string)))
  const mask = Uint8Array.from({ length: 512 * 512 }, (_, at) => (at % 512 >= 200 && at % 512 < 320 && at >= 200 * 512 && at < 320 * 512 ? 255 : 0))
  const layers = frames.map((frame): Layer => ({ segment: 1, columns: 512, rows: 512, mask, grid: gridOf(frame), sources: [{ sopInstanceUID: frame.instance.sopInstanceUID, frame: 1 }] }))
  const made = written('Ours', [{ number: 1, label: 'Our square', color: [255, 0, 0] }], layers, frames, 1, { uid: newUid, now: new Date(), author: 'me', seriesNumber: 99, version: '1' })
  await stow(page.request, token, made.dataset as unknown as Json, Buffer.from(made.pixels))

  await signedIn(page)
  await page.goto(`${OHIF}/viewer?StudyInstanceUIDs=${study}`)
  await expect(page.locator('canvas').first()).toBeVisible({ timeout: 120_000 })
  await page.getByText('Skip all').click({ timeout: 120_000 })
  await page.getByText('Ours').first().dblclick({ timeout: 120_000 })
  await expect(async () => {
    // 120 of 512 pixels, from the 200th on, on an image that is as high as its viewport.
    const { left, top, wide, high, height } = await red(page)
    const scale = height / 512
    expect(Math.abs(wide - 120 * scale)).toBeLessThan(6)
    expect(Math.abs(high - 120 * scale)).toBeLessThan(6)
    expect(Math.abs(top - 200 * scale)).toBeLessThan(6)
    expect(left).toBeGreaterThan(0)
  }).toPass({ timeout: 120_000 })
  await keepScreenshot(page, 'ohif-segmentation')
})

/** The box around all that is red in the viewport, and how high the viewport is. */
async function red(page: Page) {
  const shot = await page.locator('.cornerstone-canvas, canvas').first().screenshot()
  return page.evaluate(async (data) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob())
    const canvas = new OffscreenCanvas(image.width, image.height)
    const context = canvas.getContext('2d')!
    context.drawImage(image, 0, 0)
    const { data: values } = context.getImageData(0, 0, image.width, image.height)
    let [left, right, top, bottom] = [image.width, -1, image.height, -1]
    for (let at = 0; at < image.width * image.height; at++) {
      if (values[at * 4]! - values[at * 4 + 1]! < 80) continue
      const [x, y] = [at % image.width, Math.floor(at / image.width)]
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
    return { left, top, wide: right - left + 1, high: bottom - top + 1, height: image.height }
  }, shot.toString('base64'))
}
