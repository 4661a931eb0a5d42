// Overlay planes and display shutters on the screen, pixel by pixel (PS3.3 C.9.2, C.7.6.11).
import { expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { keepScreenshot, store } from './support'
import { canvasAt, open } from './viewing'

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
