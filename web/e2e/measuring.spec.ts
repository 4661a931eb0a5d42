// Every measuring tool used as a person would, on an object whose values and size are known.
import { type Page, expect, test } from '@playwright/test'
import { element, newUid, object, sequence, short } from './dicom'
import { keepScreenshot, store } from './support'
import { affineOf, drawn, open, pane, windowOf } from './viewing'

const SIDE = 200
/** Value of a pixel: a ramp from left to right, with a bright square. */
const valueAt = (x: number, y: number): number => (x >= 60 && x < 100 && y >= 60 && y < 100 ? 1000 : x)

/** @param more elements of group 0028 above its window, ascending */
function picture(spacing?: string, more: readonly Buffer[] = []): Buffer[] {
  const us = (number: number, value: number): Buffer => element(0x0028, number, 'US', short(value))
  const words = Buffer.alloc(SIDE * SIDE * 2)
  for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) words.writeUInt16LE(valueAt(x, y), (y * SIDE + x) * 2)
  return [
    us(0x0002, 1), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), us(0x0010, SIDE), us(0x0011, SIDE),
    ...(spacing ? [element(0x0028, 0x0030, 'DS', spacing)] : []),
    us(0x0100, 16), us(0x0101, 12), us(0x0102, 11), us(0x0103, 0),
    element(0x0028, 0x1050, 'DS', '512'), element(0x0028, 0x1051, 'DS', '1024'), ...more,
    element(0x7fe0, 0x0010, 'OW', words),
  ]
}

async function opened(page: Page, spacing?: string, equipment?: Buffer, modality = equipment ? 'US' : 'MR', more: readonly Buffer[] = []): Promise<void> {
  const study = newUid()
  const subject = { patientName: 'Measure^Me', patientId: study.slice(-12), study, modality, ...(equipment ? { equipment } : {}) }
  expect(await store(page, 'ramp.dcm', object(subject, picture(spacing, more)))).toBe('stored')
  await open(page, study)
}

/** A tissue picture above (0.2 mm a pixel), a spectrum below: 10 ms to the right, 2 cm/s upwards from a baseline in row 150. */
const regions = (): Buffer => {
  const us = (number: number, value: number): Buffer => element(0x0018, number, 'US', short(value))
  const ul = (number: number, value: number): Buffer => element(0x0018, number, 'UL', Buffer.from(Uint32Array.of(value).buffer))
  const sl = (number: number, value: number): Buffer => element(0x0018, number, 'SL', Buffer.from(Int32Array.of(value).buffer))
  const fd = (number: number, value: number): Buffer => element(0x0018, number, 'FD', Buffer.from(Float64Array.of(value).buffer))
  const region = (format: number, top: number, bottom: number, units: At, delta: At): Buffer => Buffer.concat([
    us(0x6012, format), us(0x6014, format), ul(0x6016, 0), ul(0x6018, 0), ul(0x601a, top), ul(0x601c, SIDE - 1), ul(0x601e, bottom),
    sl(0x6020, 0), sl(0x6022, 50), us(0x6024, units[0]), us(0x6026, units[1]), fd(0x6028, 0), fd(0x602a, 0), fd(0x602c, delta[0]), fd(0x602e, delta[1]),
  ])
  return sequence(0x0018, 0x6011, region(1, 0, 99, [3, 3], [0.02, 0.02]), region(3, 100, SIDE - 1, [4, 7], [0.01, -2]))
}

type At = readonly [number, number]

async function onScreen(page: Page, [x, y]: At): Promise<At> {
  const box = (await pane(page).boundingBox())!
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = ((await pane(page).locator('[data-affine]').getAttribute('data-affine')) ?? '').split(',').map(Number)
  return [box.x + a * x + c * y + e, box.y + b * x + d * y + f]
}

async function drag(page: Page, ...path: At[]): Promise<void> {
  const [first, ...others] = await Promise.all(path.map((point) => onScreen(page, point)))
  await page.mouse.move(...first!)
  await page.mouse.down()
  for (const point of others) await page.mouse.move(...point, { steps: 4 })
  await page.mouse.up()
}

async function click(page: Page, ...points: At[]): Promise<void> {
  for (const point of points) await page.mouse.click(...(await onScreen(page, point)))
}

const shape = (page: Page, kind: string) => page.locator(`[data-testid=measurement][data-kind=${kind}]`)
const figure = async (page: Page, quantity: string): Promise<number> => Number.parseFloat(await page.locator(`[data-quantity="${quantity}"]`).innerText())

async function choose(page: Page, name: string): Promise<void> {
  await page.getByTestId('more-tools').click()
  await page.getByRole('menuitem', { name }).first().click()
}

test.beforeEach(({ page }) => page.setDefaultTimeout(20_000))

test('distances and angles, drawn by drags and clicks', async ({ page }) => {
  await opened(page, '0.5\\0.5')
  await page.getByTestId('panel-statistics').click()

  await choose(page, 'Long and short axis')
  await drag(page, [20, 120], [100, 120])
  await expect(shape(page, 'bidirectional').locator('text').first()).toHaveText(/^L (39\.\d|40\.\d) mm \(secondary capture\)$/)
  await expect(shape(page, 'bidirectional').locator('text').nth(1)).toHaveText(/^S (23\.\d|24\.\d) mm \(secondary capture\)$/)

  await choose(page, 'Length along a path')
  await click(page, [20, 20], [60, 20], [60, 50])
  await page.mouse.dblclick(...(await onScreen(page, [60, 80])))
  await expect(shape(page, 'polyline')).toHaveCount(1)
  expect(await figure(page, 'length')).toBeCloseTo(50, 0) // (40 + 60) pixels of 0.5 mm

  await choose(page, 'Distance from a line')
  await drag(page, [120, 20], [180, 20])
  await click(page, [150, 60])
  expect(await figure(page, 'distance')).toBeCloseTo(20, 0)

  await choose(page, 'Cobb angle')
  await drag(page, [110, 160], [170, 160])
  await drag(page, [110, 195], [170, 160.5])
  expect(await figure(page, 'angle')).toBeCloseTo((Math.atan(34.5 / 60) * 180) / Math.PI, 0)

  await choose(page, 'Angle between two lines')
  await click(page, [20, 150], [60, 150], [60, 190], [20, 190])
  expect(await figure(page, 'angle')).toBeCloseTo(180, 0)
  await keepScreenshot(page, 'measuring-lines')

  // Undo takes one shape at a time; Escape a line that is being drawn.
  await page.keyboard.press('Control+z')
  await expect(shape(page, 'openAngle')).toHaveCount(0)
  await page.keyboard.press('Shift+D')
  await click(page, [20, 20], [60, 20])
  await page.keyboard.press('Escape')
  await expect(shape(page, 'polyline')).toHaveCount(1)
})

test('regions: numbers of the stored values, histogram and profile', async ({ page }) => {
  await opened(page, '0.5\\0.5')
  await page.getByTestId('panel-statistics').click()

  await choose(page, 'Circle')
  await drag(page, [80, 80], [95, 80])
  await expect(page.locator('[data-quantity=mean]')).toHaveText('1000')
  await expect(page.locator('[data-quantity=SD]')).toHaveText('0')
  expect(await figure(page, 'radius')).toBeCloseTo(7.5, 0)

  await choose(page, 'Freehand region')
  await drag(page, [120, 20], [160, 20], [160, 60], [120, 60], [120, 22])
  expect(await figure(page, 'mean')).toBeCloseTo(140, 0)
  expect(await figure(page, 'area')).toBeCloseTo(400, -1)
  const counts = ((await page.getByTestId('histogram').getAttribute('data-counts')) ?? '').split(' ').map(Number)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(await figure(page, 'pixels'))

  await choose(page, 'Curved region')
  await click(page, [130, 100], [170, 100], [170, 140], [130, 140])
  await page.keyboard.press('Enter')
  await expect(shape(page, 'spline')).toHaveCount(1)
  expect(await figure(page, 'median')).toBeCloseTo(150, -0.5)

  // A point taken back, three points roughly on the edge of the bright square: the outline is the square.
  await choose(page, 'Region along edges')
  await click(page, [60, 61], [99, 60], [150, 90])
  await page.keyboard.press('Delete')
  await click(page, [98, 99], [60, 98])
  await page.mouse.dblclick(...(await onScreen(page, [60, 80])))
  await expect(shape(page, 'livewire')).toHaveCount(1)
  expect(await figure(page, 'area')).toBeGreaterThan(360) // 40 x 40 pixels of a quarter square millimetre: 400
  expect(await figure(page, 'area')).toBeLessThan(430)
  expect(await figure(page, 'max')).toBe(1000)

  await choose(page, 'Circle through three points')
  await click(page, [30, 130], [50, 150], [30, 170])
  expect(await figure(page, 'radius')).toBeCloseTo(10, 0)

  await page.getByTestId('tool-length').click()
  await drag(page, [20, 80], [140, 80])
  const along = ((await page.getByTestId('profile').getAttribute('data-values')) ?? '').split(' ').map(Number)
  expect(Math.max(...along)).toBe(1000)
  expect(along[0]).toBeCloseTo(20, 0)
  await keepScreenshot(page, 'measuring-regions')
})

test('notes, arrows, markers and names are written on the picture', async ({ page }) => {
  await opened(page, '0.5\\0.5')
  await page.keyboard.press('n')
  await click(page, [30, 30])
  await page.getByRole('textbox', { name: 'Note' }).fill('Compare with 2024')
  await page.keyboard.press('Enter')
  await expect(shape(page, 'text').locator('text')).toHaveText('Compare with 2024')

  await page.keyboard.press('y')
  await drag(page, [80, 80], [120, 130])
  await page.getByRole('textbox', { name: 'Note, if any' }).fill('Nodule')
  await page.keyboard.press('Enter')
  await expect(shape(page, 'arrow').locator('text')).toHaveText('Nodule')

  await page.keyboard.press('m')
  await click(page, [150, 40], [170, 40])
  await expect(shape(page, 'marker').locator('text')).toHaveText(['1', '2'])

  // A note without words is none.
  await page.keyboard.press('n')
  await click(page, [30, 150])
  await page.keyboard.press('Escape')
  await expect(shape(page, 'text')).toHaveCount(1)

  await page.getByTestId('tool-length').click()
  await drag(page, [30, 170], [90, 170])
  await page.mouse.dblclick(...(await onScreen(page, [60, 170])))
  await page.getByRole('textbox', { name: 'Name' }).fill('Lesion A')
  await page.keyboard.press('Enter')
  await expect(shape(page, 'length').locator('text').first()).toHaveText('Lesion A')
  await keepScreenshot(page, 'measuring-notes')
})

test('ratios, parallels, angles of middles, rectangles at an angle, spines and the ETDRS grid', async ({ page }) => {
  await opened(page, '0.05\\0.05')
  await page.getByTestId('panel-statistics').click()
  await choose(page, 'Distance of two parallels')
  await drag(page, [120, 20], [180, 20])
  await click(page, [150, 60])
  expect(await figure(page, 'distance')).toBeCloseTo(2, 1)
  await choose(page, 'Ratio of two lengths')
  await drag(page, [20, 100], [70, 100])
  await drag(page, [20, 110], [120, 110])
  expect(await figure(page, 'ratio')).toBeCloseTo(0.5, 1)
  await page.keyboard.press('Shift+H')
  await drag(page, [20, 20], [50, 60])
  expect(await figure(page, 'height')).toBeCloseTo(2, 1)
  await choose(page, 'Angle between middles of lines')
  await drag(page, [20, 130], [20, 150])
  await drag(page, [60, 130], [60, 150])
  await drag(page, [30, 160], [30, 180])
  await drag(page, [60, 190], [60, 198])
  expect(await figure(page, 'angle')).toBeCloseTo((Math.atan(24 / 30) * 180) / Math.PI, -0.5)
  await choose(page, 'Rectangle at an angle')
  await drag(page, [100, 150], [130, 180])
  await click(page, [145, 165])
  expect(await figure(page, 'area')).toBeCloseTo(Math.hypot(30, 30) * Math.hypot(15, 15) * 0.0025, 1)
  await choose(page, 'ETDRS grid')
  await click(page, [150, 110])
  await expect(shape(page, 'etdrs')).toHaveCount(1)
  await choose(page, 'Labels of a spine')
  await click(page, [180, 130])
  await page.getByRole('textbox', { name: 'Level' }).fill('L4')
  await page.keyboard.press('Enter')
  await click(page, [180, 150], [180, 170])
  await expect(shape(page, 'vertebra').locator('text')).toHaveText(['L4', 'L5', 'S1'])
  await keepScreenshot(page, 'measuring-further')
})

test('without a calibration pixels are measured, and a line of known length calibrates', async ({ page }) => {
  await opened(page)
  await expect(pane(page).locator('.corner-bottom-right')).toContainText('px: not calibrated')
  await page.getByTestId('tool-length').click()
  await drag(page, [20, 20], [120, 20])
  await expect(shape(page, 'length').locator('text')).toHaveText(/^(99|100)\.\d px$/)

  await page.keyboard.press('Shift+C')
  await drag(page, [20, 150], [120, 150])
  await page.getByRole('textbox', { name: /Length/ }).fill('5 cm')
  await page.keyboard.press('Enter')
  await expect(shape(page, 'length').locator('text')).toHaveText(/^(49\.\d|50\.\d) mm \(calibrated by line\)$/)
  await expect(pane(page).locator('.corner-bottom-right')).toContainText('mm calibrated by line')
  await keepScreenshot(page, 'measuring-calibrated')

  await page.keyboard.press('Delete')
  await expect(shape(page, 'length').locator('text')).toHaveText(/ px$/)
})

test('an ultrasound measures in what each region says, and says why it does not', async ({ page }) => {
  await opened(page, undefined, regions())
  await page.getByTestId('panel-statistics').click()
  await page.getByTestId('tool-length').click()
  await drag(page, [20, 20], [120, 20])
  await expect(shape(page, 'length').first().locator('text')).toHaveText(/^(19\.\d|20\.\d) mm$/)
  await drag(page, [20, 150], [70, 130])
  await expect(shape(page, 'length').nth(1).locator('text')).toHaveText([/^Across 0\.(49|50) s$/, /^Along (39\.\d|40(\.\d)?) cm\/s$/, /^Slope \d+(\.\d)? cm\/s²$/])
  await drag(page, [150, 60], [150, 160])
  await expect(shape(page, 'length').nth(2).locator('text')).toHaveText(/^(99|100)\.\d px \(across two regions\)$/)
  await expect(page.getByTestId('statistics')).toContainText('No millimetres: across two regions.')
  await page.keyboard.press('p')
  await click(page, [100, 120])
  await expect(shape(page, 'probe').locator('text').nth(2)).toHaveText(/^(59(\.\d)?|60(\.\d)?|61(\.\d)?) cm\/s$/)
  await keepScreenshot(page, 'measuring-ultrasound')
})

test('legs and hips on a digitised film: millimetres of the scanner, degrees, and what was lost in compression', async ({ page }) => {
  const scanner = element(0x0018, 0x2010, 'DS', '0.5\\0.5')
  const lossy = [element(0x0028, 0x2110, 'CS', '01'), element(0x0028, 0x2112, 'DS', '10'), element(0x0028, 0x2114, 'CS', 'ISO_10918_1')]
  await opened(page, undefined, scanner, 'OT', lossy)
  await page.getByTestId('panel-statistics').click()
  const corner = pane(page).locator('.corner-bottom-right')
  await expect(corner).toContainText('LOSSY 10:1 JPEG')
  await expect(corner).toContainText('mm at scanner')

  await choose(page, 'Length of the legs')
  await click(page, [40, 20], [40, 80], [40, 140], [150, 20], [150, 78], [150, 130])
  await expect(shape(page, 'legLength')).toHaveCount(1)
  expect(await figure(page, 'leg 1')).toBeCloseTo(60, 0)
  expect(await figure(page, 'femur 2')).toBeCloseTo(29, 0)
  expect(await figure(page, 'tibia 2')).toBeCloseTo(26, 0)
  expect(Math.abs((await figure(page, 'difference of legs')) - 5)).toBeLessThan(0.6)
  expect(await figure(page, 'knee 1')).toBeGreaterThan(179)
  await expect(shape(page, 'legLength')).toContainText(/Leg 1 (59\.\d|60\.\d) mm \(at scanner\)/)

  await choose(page, 'Centre-edge angle')
  await drag(page, [60, 100], [130, 100])
  await drag(page, [130, 95], [150, 60.36])
  expect(Math.abs((await figure(page, 'centre-edge angle')) - 30)).toBeLessThan(1.5)
  await choose(page, 'Acetabular index')
  await drag(page, [60, 160], [130, 160])
  await drag(page, [70, 155], [40, 145])
  await drag(page, [120, 155], [150, 125])
  expect(Math.abs((await figure(page, 'acetabular index 1')) - 18.4)).toBeLessThan(1.5)
  expect(Math.abs((await figure(page, 'acetabular index 2')) - 45)).toBeLessThan(1.5)
  await choose(page, 'Ultrasound of a hip')
  await drag(page, [60, 190], [130, 190])
  await drag(page, [100, 185], [120, 165])
  await drag(page, [95, 185], [75, 150.36])
  expect(Math.abs((await figure(page, 'alpha')) - 45)).toBeLessThan(1.5)
  expect(Math.abs((await figure(page, 'beta')) - 60)).toBeLessThan(1.5)
  await keepScreenshot(page, 'measuring-bones')
})

test('the value under the hand follows the drag and leaves nothing behind', async ({ page }) => {
  await opened(page, '0.5\\0.5')
  await page.keyboard.press('k')
  await page.mouse.move(...(await onScreen(page, [150, 30])))
  await page.mouse.down()
  await expect(shape(page, 'probe').locator('text')).toHaveText(/^(149|150|151)$/)
  await page.mouse.move(...(await onScreen(page, [80, 80])), { steps: 5 })
  await expect(shape(page, 'probe').locator('text')).toHaveText('1000')
  await keepScreenshot(page, 'measuring-hand')
  await page.mouse.up()
  await expect(page.getByTestId('measurement')).toHaveCount(0)
})

test('turned and mirrored, regions have the same stored values and lengths the same millimetres', async ({ page }) => {
  await opened(page, '0.5\\0.25')
  await page.getByTestId('panel-statistics').click()
  await drawn(page, () => page.keyboard.press('r'))
  await drawn(page, () => page.keyboard.press('h'))
  await page.keyboard.press('q')
  await drag(page, [119.6, 19.6], [160.4, 59.4])
  const mean = await figure(page, 'mean') // of 120 to 160, each as often
  expect(Math.abs(mean - 140)).toBeLessThan(0.6)
  const [pixels, min, max] = [await figure(page, 'pixels'), await figure(page, 'min'), await figure(page, 'max')]
  expect(Math.abs((min + max) / 2 - mean)).toBeLessThan(0.01)
  expect(pixels % (max - min + 1)).toBe(0)
  await page.keyboard.press('g')
  await drag(page, [62, 62], [97, 62], [97, 97], [62, 97], [62, 63])
  await expect(page.locator('[data-quantity=mean]')).toHaveText('1000')
  await expect(page.locator('[data-quantity=SD]')).toHaveText('0')
  await page.getByTestId('tool-length').click()
  await drag(page, [20, 120], [120, 120])
  expect(Math.abs((await figure(page, 'length')) - 25)).toBeLessThan(0.3) // 100 columns of a quarter
  await drag(page, [20, 20], [20, 120])
  expect(Math.abs((await figure(page, 'length')) - 50)).toBeLessThan(0.5) // 100 rows of a half
  await keepScreenshot(page, 'measuring-turned')
})

test('a region sets the window, and the glass shows what is below it larger', async ({ page }) => {
  await opened(page, '0.5\\0.5')
  await page.keyboard.press('Shift+W')
  await drawn(page, () => drag(page, [110, 110], [150, 150]))
  const { width, center } = await windowOf(page)
  expect(center).toBeCloseTo(130, -0.5)
  expect(width).toBeGreaterThan(34)
  expect(width).toBeLessThan(44)
  await expect(page.getByTestId('measurement')).toHaveCount(0)

  await page.keyboard.press('Shift+Z')
  const [x, y] = await onScreen(page, [80, 80])
  await page.mouse.move(x, y)
  await page.mouse.down()
  await page.mouse.move(x + 2, y)
  // The white square has 40 pixels: three times as large it fills more than the glass.
  const { scale } = await affineOf(page)
  await expect
    .poll(() => page.getByTestId('lens').locator('canvas').evaluate((canvas: HTMLCanvasElement) => [...canvas.getContext('2d')!.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data.slice(0, 3)]))
    .toEqual([255, 255, 255])
  expect(scale).toBeGreaterThan(1)
  await keepScreenshot(page, 'measuring-glass')
  await page.mouse.up()
  await expect(page.getByTestId('lens')).toHaveCount(0)
})
