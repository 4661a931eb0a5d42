// Overlay planes and display shutters on the screen, pixel by pixel (PS3.3 C.9.2, C.7.6.11).
import { expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { keepScreenshot, store } from './support'
import { affineOf, canvasAt, drawn, open } from './viewing'

const SIDE = 16

test('outside of the shutter it is black, overlay planes lie above the picture', async ({ page }) => {
  const us = (number: number, value: number): Buffer => element(0x0028, number, 'US', short(value))
  const plane = Buffer.alloc(2)
  plane.writeUInt16LE(0b1111) // four pixels in a row
  const words = Buffer.alloc(SIDE * SIDE * 2)
  for (let index = 0; index < SIDE * SIDE; index++) words.writeUInt16LE(100, index * 2)
  const image = [
    element(0x0018, 0x1600, 'CS', 'RECTANGULAR'),
    ...([[0x1602, '4'], [0x1604, '13'], [0x1606, '4'], [0x1608, '13']] as const).map(([number, value]) => element(0x0018, number, 'IS', value)),
    us(0x0002, 1), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), us(0x0010, SIDE), us(0x0011, SIDE),
    us(0x0100, 16), us(0x0101, 8), us(0x0102, 7), us(0x0103, 0),
    element(0x0028, 0x1050, 'DS', '128'), element(0x0028, 0x1051, 'DS', '256'),
    element(0x6000, 0x0010, 'US', short(4)), element(0x6000, 0x0011, 'US', short(4)), element(0x6000, 0x0040, 'CS', 'G'),
    element(0x6000, 0x0050, 'SS', Buffer.concat([short(6), short(5)])), element(0x6000, 0x0100, 'US', short(1)), element(0x6000, 0x0102, 'US', short(0)),
    element(0x6000, 0x3000, 'OW', plane),
    element(0x7fe0, 0x0010, 'OW', words),
  ]
  const study = newUid()
  expect(await store(page, 'shutter.dcm', object({ patientName: 'Shutter^Black', patientId: study.slice(-12), study, modality: 'OT' }, image))).toBe('stored')
  await expect(await open(page, study)).toHaveAttribute('data-status', 'shown')
  const at = [[2, 8], [3, 8], [12, 8], [13, 8], [8, 2], [8, 13], [8, 7], [4, 5], [5, 5], [7, 5], [9, 9]] as const
  // Enlarging blends neighbours by a level or two.
  const off = async (expected: readonly number[]) => (await canvasAt(page, at)).reduce((most, { color }, index) => Math.max(most, Math.abs(color[0] - (expected[index] ?? -999))), 0)
  // Open from column and row 4 to 13, counted from 1; the plane begins at row 6, column 5.
  await expect.poll(() => off([0, 100, 100, 0, 0, 0, 100, 255, 255, 255, 100])).toBeLessThanOrEqual(3)
  await keepScreenshot(page, 'shutter-and-planes')
  // Turned round, the picture changes; what covers it and what is drawn on it do not.
  await page.keyboard.press('i')
  await expect.poll(() => off([0, 155, 155, 0, 0, 0, 155, 255, 255, 255, 155])).toBeLessThanOrEqual(3)
})

test('no tool leaves the screen when the window is narrow', async ({ page }) => {
  const study = newUid()
  expect(await store(page, 'bar.dcm', object({ patientName: 'Narrow^Window', patientId: study.slice(-12), study }))).toBe('stored')
  await expect(await open(page, study)).toHaveAttribute('data-status', 'shown')
  const bar = page.getByTestId('toolbar')
  const lost = () =>
    bar.evaluate((root) => {
      const box = root.getBoundingClientRect()
      return [...root.querySelectorAll('button')].flatMap((button) => {
        const { left, right, top, bottom, width } = button.getBoundingClientRect()
        const seen = width === 0 || (left >= box.left - 0.5 && right <= box.right + 0.5 && top >= 0 && bottom <= box.bottom + 0.5)
        return seen ? [] : [button.ariaLabel]
      })
    })
  for (const [width, folds] of [[1920, /[0-2]/], [1280, /[0-3]/], [1024, /[0-5]/], [390, /[45]/]] as const) {
    await page.setViewportSize({ width, height: 800 })
    await expect(bar).toHaveAttribute('data-fold', folds)
    await expect.poll(lost).toEqual([])
  }
  // What has no button there any more is in its menu.
  await page.getByTestId('hand-tools').click()
  await page.getByRole('menuitem', { name: 'Pan' }).click()
  await expect(page.getByTestId('pane-0')).toHaveClass(/pane-tool-pan/)
})

/** A run of 32 × 32: frame 1 is the mask (100 everywhere), frame 2 has a vessel of 60 in columns 8 to 15. 0.5 mm a pixel. */
function run(study: string): Buffer {
  const us = (number: number, value: number): Buffer => element(0x0028, number, 'US', short(value))
  const frames = [0, 1].map((frame) => Buffer.from(Array.from({ length: 32 * 32 }, (_, at) => (frame === 1 && at % 32 >= 8 && at % 32 < 16 ? 60 : 100))))
  return object({ patientName: 'Run^Of Frames', patientId: study.slice(-12), study, modality: 'XA' }, [
    us(0x0002, 1), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), element(0x0028, 0x0008, 'IS', '2'), us(0x0010, 32), us(0x0011, 32),
    element(0x0028, 0x0030, 'DS', '0.5\\0.5'), us(0x0100, 8), us(0x0101, 8), us(0x0102, 7), us(0x0103, 0),
    element(0x0028, 0x1050, 'DS', '128'), element(0x0028, 0x1051, 'DS', '256'), element(0x7fe0, 0x0010, 'OW', Buffer.concat(frames)),
  ])
}

test('colours, filter, angle, true size and subtraction change the picture, and reset takes them back', async ({ page }) => {
  const study = newUid()
  expect(await store(page, 'run.dcm', run(study))).toBe('stored')
  await expect(await open(page, study)).toHaveAttribute('data-status', 'shown')
  await drawn(page, () => page.keyboard.press('ArrowDown'))
  const seen = async (...at: (readonly [number, number])[]) => (await canvasAt(page, at)).map(({ color }) => color)
  const near = async (at: readonly [number, number], wanted: readonly number[]) => expect.poll(async () => Math.max(...((await seen(at))[0] ?? []).map((each, channel) => Math.abs(each - (wanted[channel] ?? -999))))).toBeLessThanOrEqual(3)
  await near([12, 16], [60, 60, 60])
  // Half a millimetre a pixel: the ruler is as long as its words say.
  const { scale } = await affineOf(page)
  await expect(page.getByTestId('ruler')).toContainText('5 mm')
  expect(Number(await page.getByTestId('ruler').getAttribute('data-length'))).toBeCloseTo(10 * scale, 0)

  await page.getByTestId('picture-menu').click()
  await page.getByRole('menuitem', { name: 'Colours, filter, angle, size' }).click()
  const panel = page.getByTestId('picture-panel')
  await panel.getByLabel('Colours').selectOption('Hot iron')
  await near([12, 16], [120, 0, 0])
  await near([24, 16], [200, 0, 0])
  await panel.getByLabel('Curve').selectOption('log')
  await near([24, 16], [Math.min(255, 2 * Math.round((255 * Math.log(1 + (9 * 100) / 255)) / Math.log(10))), 2 * Math.max(0, Math.round((255 * Math.log(1 + (9 * 100) / 255)) / Math.log(10)) - 128), 0])
  await panel.getByLabel('Colours').selectOption('')
  await panel.getByLabel('Curve').selectOption('straight')
  // Sharper: the edge overshoots by what smoothing takes away (a quarter of the step, eight tenths of it for each step of the filter).
  await panel.getByRole('slider', { name: 'Filter' }).fill('1')
  await near([8, 16], [52, 52, 52])
  await keepScreenshot(page, 'picture-panel')
  await panel.getByRole('slider', { name: 'Filter' }).fill('0')

  await panel.getByRole('slider', { name: 'Rotation' }).fill('30')
  await expect.poll(async () => (await page.getByTestId('pane-0').locator('[data-affine]').getAttribute('data-affine'))?.split(',').slice(0, 2).map(Number).map((each, _, [a = 0, b = 0]) => each / Math.hypot(a, b))[1]).toBeCloseTo(0.5)
  await near([12, 16], [60, 60, 60])

  await panel.getByRole('button', { name: 'True size' }).click()
  await expect(panel.getByRole('alert')).toContainText('not measured yet')
  await panel.getByRole('button', { name: 'Measure this screen' }).click()
  await panel.getByRole('slider', { name: 'Size' }).fill('4')
  expect((await page.getByTestId('card').boundingBox())?.width).toBeCloseTo(85.6 * 4 + 4, -1)
  await panel.getByRole('button', { name: 'as large as the card' }).click()
  await drawn(page, () => panel.getByRole('button', { name: 'True size' }).click())
  expect((await affineOf(page)).scale).toBeCloseTo(2, 5) // 0.5 mm a pixel, 4 px a millimetre

  await drawn(page, () => page.keyboard.press('Space'))
  await panel.getByRole('button', { name: 'Subtract' }).click()
  // What did not change is as bright everywhere, the vessel (40 less) is black.
  await expect.poll(async () => (await seen([24, 16], [12, 16], [2, 4])).map(([red]) => red)).toEqual([255, 0, 255])
  await keepScreenshot(page, 'subtraction')
  await panel.getByRole('button', { name: 'Subtract' }).click()
  await near([12, 16], [60, 60, 60])
})
