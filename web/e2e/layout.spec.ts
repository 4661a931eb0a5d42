// Many viewports, and what goes on together in them.
import { type Page, expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { expectAccessible } from './list'
import { canvasAt, csrf, open, pane } from './viewing'
import { keepScreenshot, store } from './support'

const SIDE = 32

const AXIAL = '1\\0\\0\\0\\1\\0'

/** A slice of one grey value, 1 mm a pixel, somewhere in a frame of reference. */
function slice(grey: number, plane: string, position: string, frameOfReference: string): Buffer[] {
  return [
    element(0x0020, 0x0032, 'DS', position),
    element(0x0020, 0x0037, 'DS', plane),
    element(0x0020, 0x0052, 'UI', frameOfReference),
    element(0x0028, 0x0002, 'US', short(1)),
    element(0x0028, 0x0004, 'CS', 'MONOCHROME2'),
    element(0x0028, 0x0010, 'US', short(SIDE)),
    element(0x0028, 0x0011, 'US', short(SIDE)),
    element(0x0028, 0x0030, 'DS', '1\\1'),
    element(0x0028, 0x0100, 'US', short(8)),
    element(0x0028, 0x0101, 'US', short(8)),
    element(0x0028, 0x0102, 'US', short(7)),
    element(0x0028, 0x0103, 'US', short(0)),
    element(0x0028, 0x1050, 'DS', '128'),
    element(0x0028, 0x1051, 'DS', '256'),
    element(0x7fe0, 0x0010, 'OW', Buffer.alloc(SIDE * SIDE, grey)),
  ]
}

interface Made {
  readonly grey: number
  readonly plane: string
  readonly positions: readonly string[]
  /** How much brighter each image is than the one before. */
  readonly step?: number
}

async function study(page: Page, series: readonly Made[], { frameOfReference = newUid(), patientId = newUid(), patientName = 'Lay^Out' } = {}): Promise<string> {
  const uid = newUid()
  for (const [at, { grey, plane, positions, step = 0 }] of series.entries()) {
    const own = newUid()
    for (const [number, position] of positions.entries()) {
      const subject = { patientName, patientId, study: uid, series: own, modality: 'MR', description: 'Spine', seriesNumber: at + 1, instanceNumber: number + 1 }
      expect(await store(page, `${at}-${number}`, object(subject, slice(grey + number * step, plane, position, frameOfReference)))).toBe('stored')
    }
  }
  return uid
}

const shown = async (page: Page, count: number) => {
  for (let at = 0; at < count; at++) await expect(pane(page, at)).toHaveAttribute('data-status', 'shown', { timeout: 45_000 })
}

const choose = async (page: Page, name: string) => {
  await page.getByTestId('layout').click()
  await page.getByTestId('layout-grid').getByRole('menuitem', { name }).click()
}

/** As delivered, also when an earlier try ended in the middle. */
async function noLayoutKept(page: Page): Promise<void> {
  const token = await csrf(page.request)
  const reset = await page.request.put('/api/v1/session/preferences/layout', { headers: { 'X-CSRF-Token': token }, data: {} })
  expect(reset.ok(), await reset.text()).toBe(true)
}

test('any grid up to five by five, and the one that studies open in', async ({ page }) => {
  await noLayoutKept(page)
  const greys = Array.from({ length: 25 }, (_, at) => 20 + at * 9)
  const uid = await study(page, greys.map((grey) => ({ grey, plane: AXIAL, positions: ['0\\0\\0'] })))
  await open(page, uid)
  await choose(page, '5 by 5 viewports')
  await shown(page, 25)
  // Each viewport its own series, on the screen and not only in the page: a window of 256 shows values as they are.
  for (const [at, grey] of greys.entries()) {
    await expect.poll(async () => Math.abs((await canvasAt(page, [[16, 16]], at))[0]!.color[0] - grey), `viewport ${at}`).toBeLessThan(3)
  }
  await keepScreenshot(page, 'layout-5x5')
  await page.getByTestId('pane-7').dblclick()
  await expect(page.getByTestId('pane-6')).toHaveCount(0)
  await shown(page, 0)
  await page.getByTestId('pane-7').dblclick()
  await expect(page.getByTestId('pane-24')).toBeVisible()

  // By keyboard: into the grid and one to the right of 1 by 1.
  await page.getByTestId('layout').click()
  await page.getByTestId('layout-grid').getByRole('menuitem', { name: '1 by 1 viewports' }).focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await expect(page.locator('.layout-size')).toHaveText('2 × 3')
  await expectAccessible(page)
  await keepScreenshot(page, 'layout-chooser')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('pane-5')).toBeVisible()
  await expect(page.getByTestId('pane-6')).toHaveCount(0)

  await page.getByTestId('layout').click()
  await page.getByRole('menuitem', { name: 'Open studies in this layout' }).click()
  await expect.poll(async () => ((await (await page.request.get('/api/v1/session/preferences')).json()) as { layout?: { opens?: string } }).layout?.opens).toBe('2x3')
  await open(page, uid)
  await shown(page, 6)

  // Any series dragged out of the rail into any viewport.
  await page.getByTestId('rail-series').nth(10).dragTo(pane(page, 4))
  await expect(page.getByTestId('rail-series').nth(10).locator('.rail-where')).toHaveText('5')
  await expect(pane(page, 4)).toHaveAttribute('data-status', 'shown')
  await expect.poll(async () => Math.abs((await canvasAt(page, [[16, 16]], 4))[0]!.color[0] - greys[10]!)).toBeLessThan(3)
  await noLayoutKept(page)
})

test('one series over all viewports: pages by the wheel, one image alone, and the screen as it was', async ({ page }) => {
  await csrf(page.request)
  const positions = Array.from({ length: 12 }, (_, at) => `0\\0\\${at}`)
  const uid = await study(page, [{ grey: 20, step: 15, plane: AXIAL, positions }, { grey: 250, plane: AXIAL, positions: ['0\\0\\0'] }])
  await open(page, uid)
  await expect(page.getByTestId('rail-fill').first()).toHaveAccessibleName('12 of 12 loaded', { timeout: 45_000 })
  const entry = page.getByRole('menuitem', { name: 'One series over all viewports' })
  await page.getByTestId('layout').click()
  await entry.click()
  await shown(page, 9)
  /** The image in each viewport, by what is on the screen. */
  const pageIs = async (first: number, of: number) => {
    for (let at = 0; at < of; at++) {
      await expect.poll(async () => Math.round(((await canvasAt(page, [[16, 16]], at))[0]!.color[0] - 20) / 15), `viewport ${at} of the page from ${first}`).toBe(first + at)
    }
  }
  await pageIs(0, 9)
  await keepScreenshot(page, 'layout-tiles')
  await pane(page, 4).hover()
  await page.mouse.wheel(0, 120)
  await pageIs(3, 9)
  await page.mouse.wheel(0, -120)
  await pageIs(0, 9)
  await page.getByTestId('pane-4').dblclick()
  await expect(page.getByTestId('pane-3')).toHaveCount(0)
  await page.keyboard.press('ArrowDown')
  await expect(pane(page, 4)).toHaveAttribute('data-shown', '5')
  await page.getByTestId('pane-4').dblclick()
  await pageIs(1, 9)
  await page.getByTestId('layout').click()
  await entry.click()
  await expect(page.getByTestId('pane-1')).toHaveCount(0)
  await pageIs(0, 1)
})

test("another patient's study beside: found, named on every viewport, told in the title, and gone again", async ({ page }) => {
  await csrf(page.request)
  const one = { plane: AXIAL, positions: ['0\\0\\0'] }
  const id = newUid()
  const opened = await study(page, [{ ...one, grey: 60 }], { patientId: id })
  const own = await study(page, [{ ...one, grey: 90 }], { patientId: id })
  const name = `Be^Side${id.slice(-8)}`
  const other = await study(page, [{ ...one, grey: 180 }], { patientName: name })
  await open(page, opened)
  await expect(page.getByTestId('rail-study')).toHaveCount(2) // the patient's own other study is there by itself

  await page.getByRole('button', { name: 'Open a study beside…' }).click()
  await page.getByLabel('Name, patient ID or accession number').fill(name.split('^')[0]!)
  const found = page.getByTestId('beside-study').filter({ hasText: `Be, Side${id.slice(-8)}` })
  await expect(found).toContainText('another patient')
  await expectAccessible(page)
  await keepScreenshot(page, 'beside-dialog')
  await found.focus()
  await page.keyboard.press('Enter')
  await shown(page, 2)
  await expect.poll(async () => (await canvasAt(page, [[16, 16]], 1))[0]!.color[0]).toBe(180)

  // Both are named, and the one of the title no more than the other; also without the text.
  await expect(pane(page, 0).getByTestId('patient-sign')).toContainText('Lay, Out')
  await expect(pane(page, 1).getByTestId('patient-sign')).toContainText(`Be, Side${id.slice(-8)}`)
  await expect(pane(page, 1).locator('.corner-relation')).toHaveText('Other patient')
  await expect(page.getByTestId('patients-warning')).toContainText(`Also on the screen: Be, Side${id.slice(-8)}`)
  await expectAccessible(page)
  await keepScreenshot(page, 'beside-patients')
  await page.keyboard.press('o')
  await expect(pane(page, 1).getByTestId('patient-sign')).toHaveText('Patient 2')
  await page.keyboard.press('o')
  await expect(pane(page, 0).getByTestId('patient-sign')).toHaveText('Patient 1')
  await page.keyboard.press('o')

  // The address knows it; a reload has it in the rail again.
  expect(new URL(page.url()).searchParams.get('beside')).toBe(other)
  await page.reload()
  await expect(page.getByTestId('rail-study')).toHaveCount(3)
  await expect(page.getByTestId('patient-sign')).toHaveCount(0) // one patient on the screen: nothing to warn of
  await page.getByTestId('rail-series').last().click()
  await expect(page.getByTestId('patients-warning')).toContainText('On the screen: Be, Side')
  await page.getByRole('button', { name: 'out of the rail' }).click()
  await expect(page.getByTestId('rail-study')).toHaveCount(2)
  await expect(pane(page)).toHaveAttribute('data-status', 'empty')
  await expect(page.getByTestId('patients-warning')).toHaveCount(0)
  expect(new URL(page.url()).searchParams.has('beside')).toBe(false)
  expect(own).not.toBe(opened)
})
