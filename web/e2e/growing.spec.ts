// Lesions of a PET marked by clicks, and what lies in them: metabolic tumour volume and total lesion glycolysis.
import { type APIRequestContext, type Page, expect, test } from '@playwright/test'
import { newUid } from './dicom'
import { type Json, el, overlayAt, stow } from './overlaying'
import { affineOf, csrf, open, pane } from './viewing'

const SIDE = 24
const DEEP = 7
const STEP = 4 // mm, in all directions: 0.064 ml a voxel
const STORED = 1000 // for SUVbw 1
/** Of 70 kg that took up 370 MBq of F-18, an hour after the injection, where the SUVbw is 1. */
const ACTIVITY = (370e6 * 0.5 ** (3600 / 6586.2)) / 70_000

type Box = readonly [from: readonly [number, number, number], to: readonly [number, number, number]]
const HOT: Box = [[4, 4, 1], [7, 7, 3]] // 48 voxels of SUV 8, one of them 10
const WARM: Box = [[15, 5, 2], [17, 7, 3]] // 18 of SUV 3
const within = ([from, to]: Box, at: readonly number[]): boolean => at.every((value, axis) => value >= from[axis]! && value <= to[axis]!)

/** The body between them is 1 ± 0.1, like a chessboard: the mean of any even region is 1, its deviation 0.1. */
function uptake(x: number, y: number, z: number): number {
  if (within(HOT, [x, y, z])) return x === 5 && y === 6 && z === 2 ? 10 : 8
  return within(WARM, [x, y, z]) ? 3 : (x + y) % 2 ? 1.1 : 0.9
}

async function phantom(request: APIRequestContext): Promise<string> {
  const token = await csrf(request)
  const [study, series, space] = [newUid(), newUid(), newUid()]
  for (let z = 0; z < DEEP; z++) {
    const values = Buffer.alloc(SIDE * SIDE * 2)
    for (let at = 0; at < SIDE * SIDE; at++) values.writeInt16LE(Math.round(uptake(at % SIDE, Math.floor(at / SIDE), z) * STORED), at * 2)
    const dataset: Json = {
      '00080016': el('UI', '1.2.840.10008.5.1.4.1.1.128'), '00080018': el('UI', newUid()), '00080020': el('DA', '20260105'), '00080021': el('DA', '20260105'), '00080022': el('DA', '20260105'),
      '00080030': el('TM', '110000'), '00080031': el('TM', '110000'), '00080032': el('TM', '110000'), '00080060': el('CS', 'PT'), '0008103E': el('LO', 'PET phantom'),
      '00100010': el('PN', { Alphabetic: 'Phantom^Pet' }), '00100020': el('LO', study.slice(-16)), '00101030': el('DS', 70), '00180050': el('DS', STEP),
      '0020000D': el('UI', study), '0020000E': el('UI', series), '00200013': el('IS', z + 1), '00200032': el('DS', 0, 0, z * STEP), '00200037': el('DS', 1, 0, 0, 0, 1, 0), '00200052': el('UI', space),
      '00280002': el('US', 1), '00280004': el('CS', 'MONOCHROME2'), '00280010': el('US', SIDE), '00280011': el('US', SIDE), '00280030': el('DS', STEP, STEP), '00280051': el('CS', 'ATTN', 'DECY'),
      '00280100': el('US', 16), '00280101': el('US', 16), '00280102': el('US', 15), '00280103': el('US', 1), '00281052': el('DS', 0), '00281053': el('DS', Number((ACTIVITY / STORED).toFixed(9))),
      '00540016': el('SQ', { '00181072': el('TM', '100000'), '00181074': el('DS', 370_000_000), '00181075': el('DS', 6586.2) }), '00541001': el('CS', 'BQML'), '00541102': el('CS', 'START'),
    }
    await stow(request, token, dataset, values)
  }
  return study
}

async function click(page: Page, x: number, y: number): Promise<void> {
  const box = (await pane(page).boundingBox())!
  const affine = await affineOf(page)
  await page.mouse.click(box.x + affine.scale * x + affine.x, box.y + affine.scale * y + affine.y)
}

const marked = async (page: Page, points: readonly (readonly [number, number])[]): Promise<boolean[]> => (await overlayAt(page, points)).map((color) => color[3] > 0)
/** Rows of the table: SUVbw, ml, mean, max, TLG. */
const rows = async (page: Page): Promise<string[][]> => page.getByTestId('contents-table').locator('tbody tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)))

test('lesions of a PET are marked by clicks and by thresholds, measured, saved, and measure the same when they are opened again', async ({ page }) => {
  const study = await phantom(page.request)
  const here = await open(page, study)
  await here.press('Home')
  await here.press('ArrowDown')
  await here.press('ArrowDown')
  await expect(here).toHaveAttribute('data-shown', '2')
  await page.getByTestId('panel-overlays').click()
  await page.getByTestId('edit-new').click()
  await page.getByTestId('edit-grow').click()
  await expect(page.getByTestId('edit-pad')).toBeVisible()
  const message = page.getByTestId('edit-message')

  // SUV 4 and more around the hot lesion, on all images at once; the body itself is told to be out of the range.
  await page.getByTestId('grow-rule').selectOption('suv')
  await click(page, 12, 14)
  await expect(message).toContainText('not in the range (4 and more SUVbw)')
  await click(page, 6, 5)
  await expect(message).toContainText('Marked on 3 images: 4 and more SUVbw.')
  await expect(page.getByTestId('overlay-part')).toContainText('3.07 ml')
  expect(await marked(page, [[6, 5], [16, 6], [2, 5]])).toEqual([true, false, false])

  // The other one as a segment of its own: 41 % of the highest value around the click.
  await page.getByTestId('edit-add').click()
  await page.getByTestId('grow-rule').selectOption('share')
  await page.getByTestId('edit-radius').fill('8')
  await click(page, 16, 6)
  await expect(message).toContainText('Marked on 2 images: 1.23 and more SUVbw.')
  await expect(page.getByTestId('overlay-part').nth(1)).toContainText('1.15 ml')
  await page.keyboard.press('Control+z')
  await expect(page.getByTestId('overlay-part').nth(1)).toContainText('0.00 ml')
  await page.keyboard.press('Control+y')
  await expect(page.getByTestId('overlay-part').nth(1)).toContainText('1.15 ml')

  await page.getByTestId('contents-measure').click()
  const volume = STEP ** 3 / 1000
  const hot = (47 * 8 + 10) / 48
  const expected = [
    ['Segment 1', (48 * volume).toFixed(2), hot.toFixed(2), '10.00', (hot * 48 * volume).toFixed(2)],
    ['Segment 2', (18 * volume).toFixed(2), '3.00', '3.00', (3 * 18 * volume).toFixed(2)],
    ['All (TMTV)', (66 * volume).toFixed(2), ((48 * hot + 18 * 3) / 66).toFixed(2), '10.00', ((48 * hot + 18 * 3) * volume).toFixed(2)],
  ]
  await expect.poll(() => rows(page)).toEqual(expected)
  await page.screenshot({ path: 'test-results/screenshots/tumour-volume.png' })

  await page.getByTestId('edit-title').fill('Tumours')
  await page.getByTestId('edit-save').click()
  await expect(message).toContainText('Saved')
  await page.reload()
  await expect(here).toHaveAttribute('data-status', 'shown', { timeout: 45_000 })
  await page.getByTestId('rail-series').filter({ hasText: 'Tumours' }).click()
  await page.getByTestId('contents-measure').click()
  await expect.poll(() => rows(page)).toEqual(expected)
})

test('all above the liver is marked without a click, a part is taken away by one, and a range of values holds at both ends', async ({ page }) => {
  const study = await phantom(page.request)
  const here = await open(page, study)
  await here.press('Home')
  await here.press('ArrowDown')
  await here.press('ArrowDown')
  await expect(here).toHaveAttribute('data-shown', '2')
  await page.getByTestId('panel-overlays').click()
  await page.getByTestId('edit-new').click()
  await page.getByTestId('edit-grow').click()
  await page.getByTestId('grow-rule').selectOption('liver')
  const message = page.getByTestId('edit-message')
  const part = page.getByTestId('overlay-part')
  // Without a region in the liver it says what is missing.
  await page.getByTestId('grow-all').click()
  await expect(message).toContainText('Draw a circle of 3 cm in the healthy liver')
  await here.press('q')
  const box = (await here.boundingBox())!
  const affine = await affineOf(page)
  const at = (x: number, y: number): [number, number] => [box.x + affine.scale * x + affine.x, box.y + affine.scale * y + affine.y]
  await page.mouse.move(...at(7.6, 13.6))
  await page.mouse.down()
  await page.mouse.move(...at(15.4, 21.4))
  await page.mouse.up()
  await expect(here.getByTestId('measurement')).toContainText('SUVbw mean 1.00')
  await page.getByTestId('edit-grow').click()
  await page.getByTestId('grow-all').click()
  // 1.5 x 1 + 2 x 0.1
  await expect(message).toContainText('Marked on 3 images: 1.7 and more SUVbw.')
  await expect(part).toContainText('4.22 ml')

  // One of the two parts goes, from all images.
  await page.getByTestId('edit-drop').click()
  await click(page, 16, 6)
  await expect(part).toContainText('3.07 ml')
  expect(await marked(page, [[6, 5], [16, 6]])).toEqual([true, false])

  // SUV 7 to 9: without the hottest voxel, in the image's own values.
  await page.getByTestId('edit-add').click()
  await page.getByTestId('edit-grow').click()
  await page.getByTestId('grow-rule').selectOption('range')
  await page.getByTestId('edit-low').fill(String(Math.round(7 * ACTIVITY)))
  await page.getByTestId('edit-high').fill(String(Math.round(9 * ACTIVITY)))
  await click(page, 6, 5)
  await expect(message).toContainText('Marked on 3 images: 7 to 9 SUVbw.')
  await expect(part.nth(1)).toContainText('3.01 ml')
})
