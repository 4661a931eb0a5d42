// Hanging protocols over several screens: a window of the viewer on each, opened where a browser tells of screens, and in words where it does not.
import { type Page, expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { expectAccessible } from './list'
import { keepScreenshot, store } from './support'
import { affineOf, csrf, open, pane, twoScreens } from './viewing'

const LONG = { timeout: 90_000 } // windows draw in software at once
const SLICES = { sagittal: 5, axial: 3 } as const
const PLANES = { sagittal: '0\\1\\0\\0\\0\\-1', axial: '1\\0\\0\\0\\1\\0' } as const
const SPACINGS = { sagittal: 0.5, axial: 1 } as const // mm
const word = `Ankle${newUid().slice(-6)}` // no protocol of another test knows it

async function ankle(page: Page, order: readonly (keyof typeof PLANES)[]): Promise<string> {
  await csrf(page.request)
  const [study, patientId] = [newUid(), newUid().slice(-12)]
  for (const [at, plane] of order.entries()) {
    const series = newUid()
    for (let slice = 1; slice <= SLICES[plane]; slice++) {
      const subject = { patientName: 'Wide^Ankle', patientId, study, series, modality: 'MR', description: word, seriesNumber: at + 1, instanceNumber: slice }
      const position = plane === 'axial' ? `0\\0\\${slice * 4}` : `${slice * 4}\\0\\0`
      const image = [
        element(0x0020, 0x0032, 'DS', position), element(0x0020, 0x0037, 'DS', PLANES[plane]), element(0x0028, 0x0002, 'US', short(1)), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'),
        element(0x0028, 0x0010, 'US', short(32)), element(0x0028, 0x0011, 'US', short(32)), element(0x0028, 0x0030, 'DS', `${SPACINGS[plane]}\\${SPACINGS[plane]}`), element(0x0028, 0x0100, 'US', short(8)),
        element(0x0028, 0x0101, 'US', short(8)), element(0x0028, 0x0102, 'US', short(7)), element(0x0028, 0x0103, 'US', short(0)), element(0x0028, 0x1050, 'DS', '128'),
        element(0x0028, 0x1051, 'DS', '256'), element(0x7fe0, 0x0010, 'OW', Buffer.alloc(32 * 32, plane === 'axial' ? 80 : 200)),
      ]
      expect(await store(page, plane, object(subject, image))).toBe('stored')
    }
  }
  return study
}

const shows = (page: Page, plane: keyof typeof PLANES) => expect(pane(page)).toHaveAttribute('aria-label', new RegExp(`of ${SLICES[plane]}\\b`), LONG)

async function further(page: Page, act: () => Promise<unknown>): Promise<Page> {
  const [opened] = await Promise.all([page.context().waitForEvent('page', LONG), act()])
  await expect(pane(opened)).toHaveAttribute('data-status', 'shown', LONG)
  return opened
}

test('what lies on two screens becomes a protocol, opens its windows by a click, and goes on with the next study', async ({ baseURL, launchOptions }) => {
  test.setTimeout(400_000)
  const { browser, page } = await twoScreens(launchOptions, baseURL ?? '')
  try {
    const [one, other, next] = [await ankle(page, ['sagittal', 'axial']), await ankle(page, ['axial', 'sagittal']), await ankle(page, ['axial', 'sagittal'])]
    await open(page, one)
    await page.getByTestId('layout').click()
    await page.getByRole('menuitem', { name: 'Windows on other screens…' }).click()
    const second = await further(page, () => page.getByRole('button', { name: 'Open a window: Screen 2' }).click())
    await shows(second, 'axial')
    await page.keyboard.press('Escape')

    await page.bringToFront()
    await page.getByTestId('hanging').click()
    await page.getByRole('menuitem', { name: 'Save the screen as a protocol…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Save the screen as a protocol' })
    await dialog.getByLabel('Name', { exact: true }).fill('Two screens')
    await dialog.getByLabel(/body part or description/).fill(word)
    await expect(dialog.getByRole('checkbox', { name: 'With the other window, on its screen' })).toBeChecked()
    await expect(dialog.getByTestId('hanging-cell-1')).toContainText('Screen 2, row 1, column 1')
    await dialog.getByRole('button', { name: 'Try on past studies' }).click()
    await expect(dialog.getByRole('cell', { name: /sagittal; screen 2: .* axial/ })).toHaveCount(3, LONG)
    await expectAccessible(page)
    await keepScreenshot(page, 'hanging-screens-save')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await expect(dialog).toBeHidden()

    // Without a window for it nothing opens by itself: the first screen hangs, and words say what to do.
    await Promise.all([second.waitForEvent('close'), second.close()])
    await open(page, other, true)
    await expect(page.getByTestId('hanging')).toContainText('Two screens', LONG)
    await shows(page, 'sagittal')
    await expect(page.getByText(/has 1 more screen: choose it in the list of protocols/)).toBeVisible(LONG)
    await page.getByTestId('hanging').click()
    const opened = await further(page, () => page.getByTestId('hanging-menu').getByRole('menuitem', { name: /^Two screens/ }).click())
    expect(await opened.evaluate(() => window.screenX)).toBeGreaterThanOrEqual(1280)
    await shows(opened, 'axial')
    await shows(page, 'sagittal')
    await keepScreenshot(opened, 'hanging-screens-second')

    // The reader goes on: both windows hang the next study, and what was moved meanwhile was not disturbed.
    await page.goto(`/viewer/${next}`)
    await expect.poll(() => new URL(opened.url()).pathname, LONG).toBe(`/viewer/${next}`)
    await shows(opened, 'axial')
    await shows(page, 'sagittal')
    await expect(page.getByText(/has 1 more screen/)).toHaveCount(0)
  } finally {
    await browser.close()
  }
})

test('where the browser tells nothing of screens the window opens beside, and is said to be dragged', async ({ page }) => {
  test.setTimeout(200_000)
  await page.addInitScript(() => Reflect.deleteProperty(Window.prototype, 'getScreenDetails'))
  const study = await ankle(page, ['axial', 'sagittal'])
  const must = (fact: string, value: string) => ({ fact, is: 'any', values: [value], weight: 1, required: true })
  const set = (plane: string) => ({ label: plane, prior: 0, shared: false, rules: [must('modality', 'MR'), must('orientation', plane)] })
  const cell = (at: number) => ({ set: at, window: '', orientation: [], justify: '', equalScale: true })
  const stages = [{ name: 'Wide', layout: '1x1', cells: [cell(0)], screens: [{ layout: '1x1', cells: [cell(1)] }] }, { name: 'Narrow', layout: '1x2', cells: [cell(0), cell(1)] }]
  const protocol = { name: `Planes of ${word}`, applies: [{ ...must('study', word), weight: 90 }], sets: [set('AXIAL'), set('SAGITTAL')], stages }
  const answer = await page.request.post('/api/v1/hanging-protocols', { headers: { 'X-CSRF-Token': await csrf(page.request) }, data: { protocol, shared: false } })
  expect(answer.ok(), await answer.text()).toBe(true)
  await open(page, study, true)
  // The stage for one screen goes first as long as there is but one.
  await expect(page.getByTestId('hanging')).toContainText(word, LONG)
  await expect(pane(page, 1)).toHaveAttribute('data-status', 'shown', LONG)
  await page.getByTestId('hanging').click()
  const opened = await further(page, () => page.getByTestId('hanging-menu').getByRole('menuitem', { name: 'Wide · 2 screens' }).click())
  await shows(opened, 'sagittal')
  await shows(page, 'axial')
  await expect(page.getByTestId('pane-1')).toHaveCount(0)
  // Equal scale goes over windows: pixels of half a millimetre are half as large.
  await expect.poll(async () => ((await affineOf(opened, 0)).scale * 2) / (await affineOf(page, 0)).scale, LONG).toBeCloseTo(1, 3)
  await expect(page.getByText(/drag each new window to its screen/)).toBeVisible(LONG)
})
