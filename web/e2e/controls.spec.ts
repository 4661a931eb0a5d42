// Keys and mouse as a reader wants them: chosen once, the same at the next workstation (FIELD 5.1, 5.2).
import { type Page, expect, test } from '@playwright/test'
import { expectAccessible } from './list'
import { keepScreenshot } from './support'
import { CT_SLICES, CT_STUDY, affineOf, csrf, ctFiles, drawn, middleOf, open, pane, upload, windowOf } from './viewing'

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const token = await csrf(request)
  for (const file of ctFiles()) await upload(request, token, file)
  await request.dispose()
})

const tool = (page: Page, label: string) => page.locator('.viewer-tools').getByRole('button', { name: label, exact: true })
const row = (page: Page, command: string) => page.locator(`[data-command="${command}"]`)

async function change(page: Page): Promise<void> {
  await page.keyboard.press('?')
  await page.getByRole('button', { name: 'Change keys and mouse…' }).click()
  await expect(page.getByRole('dialog', { name: 'Keys and mouse' })).toBeVisible()
}

async function addKey(page: Page, label: string, key: string): Promise<void> {
  await page.getByRole('button', { name: `Another key for ${label}`, exact: true }).click()
  await page.keyboard.press(key)
}

async function ctrlDrag(page: Page, by: readonly [number, number]): Promise<void> {
  const [x, y] = await middleOf(page)
  await page.keyboard.down('Control')
  await page.mouse.move(x, y)
  await page.mouse.down()
  await page.mouse.move(x + by[0], y + by[1], { steps: 4 })
  await page.mouse.up()
  await page.keyboard.up('Control')
}

test('another map, a key and a drag of one’s own hold at once and at the next workstation', async ({ page, browser }) => {
  await open(page, CT_STUDY)
  await change(page)
  await page.getByRole('combobox', { name: 'Keys', exact: true }).selectOption('weasis')
  await addKey(page, 'Zoom', 'F9')
  await page.getByLabel('Ctrl+left drag').selectOption('pan')
  await expect(row(page, 'tool-zoom')).toContainText('F9')
  await expectAccessible(page)
  await keepScreenshot(page, 'controls')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByRole('dialog', { name: 'Keys and gestures' })).toContainText('Ctrl +')
  await page.getByRole('dialog', { name: 'Keys and gestures' }).getByRole('button', { name: 'Close', exact: true }).click()

  const elsewhere = await browser.newPage()
  await open(elsewhere, CT_STUDY)
  for (const each of [page, elsewhere]) {
    await each.keyboard.press('F9')
    await expect(tool(each, 'Zoom')).toHaveAttribute('aria-pressed', 'true')
    await each.keyboard.press('w')
    await expect(tool(each, 'Window / level')).toHaveAttribute('aria-pressed', 'true')
    const [before, window] = [await affineOf(each), await windowOf(each)]
    await drawn(each, () => ctrlDrag(each, [30, -20]))
    const after = await affineOf(each)
    expect([after.x - before.x, after.y - before.y].map(Math.round)).toEqual([30, -20])
    expect(await windowOf(each)).toEqual(window)
    await each.keyboard.press('End')
    await expect(pane(each)).toHaveAttribute('data-index', `${CT_SLICES - 1}`)
    await drawn(each, () => each.keyboard.press('Escape')) // Weasis: reset
    await expect.poll(() => affineOf(each).then(({ x }) => Math.round(x))).toBe(Math.round(before.x))
  }
  await elsewhere.close()
})

test('a key that would do two things is told, and not kept', async ({ page }) => {
  await open(page, CT_STUDY)
  await change(page)
  await page.getByRole('button', { name: 'As delivered' }).click()
  await addKey(page, 'Zoom', 'w')
  await expect(page.getByRole('alert')).toHaveText('W would do two things: take one away.')
  await expect(row(page, 'tool-zoom')).toContainText('also Window / level')
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeDisabled()
  await page.getByRole('button', { name: 'Take W from Window / level' }).click()
  await expect(page.getByRole('alert')).toHaveCount(0)
  await page.getByRole('button', { name: 'As delivered' }).click()
  await expect(row(page, 'tool-window')).toContainText('W')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('dialog', { name: 'Keys and gestures' }).getByRole('button', { name: 'Close', exact: true }).click()
  await page.keyboard.press('z')
  await expect(tool(page, 'Zoom')).toHaveAttribute('aria-pressed', 'true')
})

test('tool, window and layout under one name are there at the next workstation', async ({ page, browser }) => {
  await open(page, CT_STUDY)
  await page.keyboard.press('z')
  await drawn(page, () => page.keyboard.press('2')) // lung
  const window = await windowOf(page)
  await page.keyboard.press('Alt+2')
  await expect(pane(page, 1)).toBeVisible()
  await page.getByTestId('layout').click()
  await page.getByRole('menuitem', { name: 'Tool presets…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Tool presets' })
  await dialog.getByLabel('Name of what is on the screen now').fill('Lungs beside')
  await expectAccessible(page)
  await keepScreenshot(page, 'tool-presets')
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('list', { name: 'Your presets' })).toContainText('Lungs beside')
  await expect.poll(async () => JSON.stringify(await (await page.request.get('/api/v1/session/preferences')).json())).toContain('Lungs beside')

  const elsewhere = await browser.newPage()
  await open(elsewhere, CT_STUDY)
  await drawn(elsewhere, () => elsewhere.keyboard.press('4')) // bone
  expect(await windowOf(elsewhere)).not.toEqual(window)
  await elsewhere.getByTestId('layout').click()
  await elsewhere.getByRole('menuitem', { name: 'Lungs beside' }).click()
  await expect(tool(elsewhere, 'Zoom')).toHaveAttribute('aria-pressed', 'true')
  await expect(pane(elsewhere, 1)).toBeVisible()
  await expect.poll(() => windowOf(elsewhere)).toEqual(window)
  await elsewhere.close()
  await dialog.getByRole('button', { name: 'Remove Lungs beside' }).click()
  await expect.poll(async () => JSON.stringify(await (await page.request.get('/api/v1/session/preferences')).json())).not.toContain('Lungs beside')
})
