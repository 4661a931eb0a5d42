// Target lesions measured in two studies of a patient: sums, changes and the response by RECIST 1.1, kept and found again.
import { type APIRequestContext, type Page, expect, test } from '@playwright/test'
import { newUid } from './dicom'
import { type Json, el, stow } from './overlaying'
import { affineOf, csrf, eraseDrawings, open, pane } from './viewing'

const SIDE = 64
const STEP = 2 // mm

async function image(request: APIRequestContext, patient: string, date: string): Promise<string> {
  const token = await csrf(request)
  const study = newUid()
  const dataset: Json = {
    '00080016': el('UI', '1.2.840.10008.5.1.4.1.1.2'), '00080018': el('UI', newUid()), '00080020': el('DA', date), '00080030': el('TM', '101500'), '00080060': el('CS', 'CT'),
    '00100010': el('PN', { Alphabetic: 'Lesion^Target' }), '00100020': el('LO', patient), '0020000D': el('UI', study), '0020000E': el('UI', newUid()), '00200013': el('IS', 1),
    '00200032': el('DS', 0, 0, 0), '00200037': el('DS', 1, 0, 0, 0, 1, 0), '00200052': el('UI', newUid()),
    '00280002': el('US', 1), '00280004': el('CS', 'MONOCHROME2'), '00280010': el('US', SIDE), '00280011': el('US', SIDE), '00280030': el('DS', STEP, STEP),
    '00280100': el('US', 16), '00280101': el('US', 16), '00280102': el('US', 15), '00280103': el('US', 0), '00281052': el('DS', -1024), '00281053': el('DS', 1),
  }
  await stow(request, token, dataset, Buffer.alloc(SIDE * SIDE * 2, 4))
  return study
}

/** Draws a line of so many millimetres and says which lesion it is of. */
async function measure(page: Page, row: number, length: number, lesion: string): Promise<void> {
  const box = (await pane(page).boundingBox())!
  const affine = await affineOf(page)
  const at = (x: number): [number, number] => [box.x + affine.scale * x + affine.x, box.y + affine.scale * row + affine.y]
  await pane(page).press('d')
  await page.mouse.move(...at(15))
  await page.mouse.down()
  await page.mouse.move(...at(20))
  await page.mouse.move(...at(15 + length / STEP))
  await page.mouse.up()
  await page.getByTestId('lesion').selectOption(lesion)
  await expect(page.getByTestId('lesions').locator(`[data-row="${lesion}"]`)).toBeVisible()
}

interface Item { kind: string; points: [number, number][]; label?: string; origin?: { tracking: string } }
/** What is drawn, in the order of its names; coordinates to a thousandth of a pixel, as a report holds them (FL). */
const drawings = async (page: Page, study: string): Promise<unknown[]> => {
  const { items } = (await (await page.request.get(`/api/v1/studies/${study}/annotations`)).json()) as { items: Item[] }
  const said = items.map(({ kind, label = '', origin, points }) => ({ kind, label, tracking: origin?.tracking, points: points.map((point) => point.map((each) => each.toFixed(3))) }))
  return said.sort((a, b) => a.label.localeCompare(b.label))
}
const kept = async (page: Page, study: string): Promise<Map<string, string>> => {
  const { items } = (await (await page.request.get(`/api/v1/studies/${study}/annotations`)).json()) as { items: Item[] }
  return new Map(items.flatMap(({ label, origin }) => (label && origin ? [[label, origin.tracking] as const] : [])))
}

/** The colours of a column of pixels of the screen, one of them on what is drawn there. */
async function colours(page: Page, [x, y]: readonly [number, number]): Promise<number[][]> {
  const png = (await page.screenshot({ clip: { x: Math.floor(x), y: Math.floor(y) - 3, width: 1, height: 7 } })).toString('base64')
  return page.evaluate(async (data) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], { type: 'image/png' }))
    const context = new OffscreenCanvas(1, 7).getContext('2d')!
    context.drawImage(image, 0, 0)
    return Array.from({ length: 7 }, (_, at) => [...context.getImageData(0, at, 1, 1).data.slice(0, 3)])
  }, png)
}

/** The cells of a row, without its name. */
const row = (page: Page, name: string): Promise<string[]> => page.getByTestId('lesions').locator(`[data-row="${name}"] td`).allTextContents()
const numbers = async (page: Page, name: string): Promise<number[]> => (await row(page, name)).map((text) => Math.round(Number.parseFloat(text)))

test('target lesions of two studies have their sums, what changed, and the response; opened again all of it is there', async ({ page }) => {
  const patient = newUid().slice(-16)
  const [baseline, later] = [await image(page.request, patient, '20260105'), await image(page.request, patient, '20260305')]
  await open(page, baseline)
  await page.getByTestId('panel-statistics').click()
  await measure(page, 12, 40, 'Target 1')
  await measure(page, 28, 20, 'Node 2')
  await expect.poll(async () => [...(await kept(page, baseline)).keys()].sort()).toEqual(['Node 2', 'Target 1'])
  expect(await numbers(page, 'sum')).toEqual([60])
  expect(await row(page, 'response')).toEqual(['Baseline'])

  // Two months later: 22 and 12 mm, 43 % less. One target is not enough to judge by.
  const here = await open(page, later)
  await page.getByTestId('panel-statistics').click()
  await measure(page, 12, 22, 'Target 1')
  await expect(page.getByTestId('lesion-rule')).toContainText('Not evaluable (2026-03-05): Not measured: 2.')
  await measure(page, 28, 12, 'Node 2')
  await expect(page.getByTestId('lesion-rule')).toContainText('Partial response (2026-03-05): The sum is 30 % or more below the baseline.')
  expect([await numbers(page, 'Target 1'), await numbers(page, 'Node 2'), await numbers(page, 'sum')]).toEqual([[40, 22], [20, 12], [60, 34]])
  expect([await row(page, 'baseline'), await row(page, 'response')]).toEqual([['–', '-43 %'], ['Baseline', 'PR']])
  await expect(page.getByTestId('lesion-trend')).toBeVisible()
  await expect(here.getByTestId('measurement')).toHaveCount(2)
  await expect(here.getByTestId('measurement').last()).toContainText('12.0 mm')
  await page.screenshot({ path: 'test-results/screenshots/lesions.png' })
  // A picture of one value is drawn without the GPU: the shapes are seen above it all the same.
  const [box, affine] = [(await here.boundingBox())!, await affineOf(page)]
  const onLine = await colours(page, [box.x + affine.scale * 18 + affine.x, box.y + affine.scale * 28 + affine.y])
  expect(onLine.some(([red = 0, green = 0]) => green - red > 60), JSON.stringify(onLine)).toBe(true)

  // One lesion has one tracking UID in both studies, and another than its neighbour.
  await expect.poll(async () => (await kept(page, later)).size).toBe(2)
  const [first, second] = [await kept(page, baseline), await kept(page, later)]
  expect(second).toEqual(first)
  expect(new Set(first.values()).size).toBe(2)
  expect(first.get('Target 1')).toMatch(/^2\.25\.\d+$/)

  // A new lesion is progress; undone it is none.
  await measure(page, 44, 14, 'New 3')
  await expect(page.getByTestId('lesion-rule')).toContainText('Progressive disease (2026-03-05): There is a new lesion.')
  await here.press('Control+z')
  await expect(page.getByTestId('lesion-rule')).toContainText('Partial response')
  await here.press('Control+y')
  await expect(page.getByTestId('lesion-rule')).toContainText('Progressive disease')
  await expect.poll(async () => (await kept(page, later)).size).toBe(3)

  await page.reload()
  await expect(here).toHaveAttribute('data-status', 'shown', { timeout: 45_000 })
  if (!(await page.getByTestId('lesions').isVisible())) await page.getByTestId('panel-statistics').click()
  await expect(page.getByTestId('lesion-rule')).toContainText('Progressive disease (2026-03-05): There is a new lesion.')
  expect([await numbers(page, 'sum'), await row(page, 'response')]).toEqual([[60, 34], ['Baseline', 'PD']])
  // By the table to the picture, with the shape chosen.
  await page.getByRole('button', { name: /^Show Node 2, 12/ }).click()
  await expect(page.getByTestId('lesion')).toHaveValue('Node 2')

  // As a report in the archive, read by somebody who has drawn nothing: the same lesions under the same tracking UIDs, as long as they were, and the response.
  const lines = await drawings(page, later)
  await page.getByTestId('panel-annotations').click()
  await page.getByTestId('export-form').selectOption('SR')
  await page.getByTestId('export').click()
  await expect(page.getByTestId('export-told')).toHaveText(/Stored in the archive/)
  await eraseDrawings(page.request, later)
  await open(page, later)
  if (!(await page.getByTestId('stored-report').first().isVisible())) await page.getByTestId('panel-annotations').click()
  expect(await drawings(page, later)).toEqual([])
  await page.getByTestId('stored-report').first().click()
  await pane(page).getByTestId('report').getByTestId('report-adopt').click()
  await expect.poll(() => drawings(page, later)).toEqual(lines)
  await open(page, later)
  if (!(await page.getByTestId('lesions').isVisible())) await page.getByTestId('panel-statistics').click()
  await expect(page.getByTestId('lesion-rule')).toContainText('Progressive disease (2026-03-05): There is a new lesion.')
  expect([await numbers(page, 'sum'), await row(page, 'response')]).toEqual([[60, 34], ['Baseline', 'PD']])
})
