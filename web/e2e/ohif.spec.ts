import type { Page } from '@playwright/test'
import { expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { PASSWORD, keepScreenshot, store } from './support'

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
