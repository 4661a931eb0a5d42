// What is drawn is kept by itself and comes back where it was; it leaves as SR, GSPS and KO, which the viewer reads again.
import { type Page, expect, test } from '@playwright/test'
import { keepScreenshot } from './support'
import { CT_STUDY, csrf, ctFiles, drawn, eraseDrawings, open, pane, upload } from './viewing'

// Each goes on where the one before ended: a second try begins with the first, without what the first try has drawn.
test.describe.configure({ mode: 'serial' })

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const token = await csrf(request)
  for (const file of ctFiles().slice(0, 4)) await upload(request, token, file)
  await eraseDrawings(request, CT_STUDY)
  await request.dispose()
})

/** Draws a straight line between two points given in parts of the viewport. */
async function draw(page: Page, [x0, y0]: readonly [number, number], [x1, y1]: readonly [number, number]): Promise<void> {
  const box = (await pane(page).boundingBox())!
  await page.mouse.move(box.x + box.width * x0, box.y + box.height * y0)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * x1, box.y + box.height * y1, { steps: 4 })
  await page.mouse.up()
}

const shapes = (page: Page): Promise<(string | null)[]> => page.locator('[data-testid="measurement"] .measure-line').evaluateAll((all) => all.map((each) => each.getAttribute('d')))
const words = (page: Page): Promise<[number, number][]> => page.locator('.measure-text').evaluateAll((all) => all.map((each) => [Number(each.getAttribute('x')), Number(each.getAttribute('y'))]))
const saved = (page: Page) => expect(page.getByTestId('annotations-saving')).toHaveAttribute('data-state', 'saved')

interface Kept {
  version: number
  items: { id: string; type: string; points: [number, number][] }[]
}

const kept = async (page: Page): Promise<Kept> => (await (await page.request.get(`/api/v1/studies/${CT_STUDY}/annotations`)).json()) as Kept

test('what is drawn is there again, exactly where it was, also after a closed tab without a server', async ({ page, context }) => {
  await open(page, CT_STUDY)
  await page.getByTestId('panel-annotations').click()
  await page.keyboard.press('d')
  await draw(page, [0.3, 0.4], [0.6, 0.5])
  await saved(page)
  const before = await shapes(page)
  expect(before).toHaveLength(1)
  const first = await kept(page)
  expect(first.items.map((item) => item.type)).toEqual(['measurement'])

  // Its words are moved away from what they hide; the line stays, and a thin one leads to it.
  const label = (await page.locator('.measure-text').first().boundingBox())!
  const beside = await words(page)
  await page.mouse.move(label.x + label.width / 2, label.y + label.height / 2)
  await page.mouse.down()
  await page.mouse.move(label.x + label.width / 2 - 60, label.y + label.height / 2 + 90, { steps: 4 })
  await page.mouse.up()
  const moved = await words(page)
  expect(moved[0]![0] - beside[0]![0]).toBeCloseTo(-60, 0)
  expect(moved[0]![1] - beside[0]![1]).toBeCloseTo(90, 0)
  expect(await shapes(page)).toEqual(before)
  await expect(page.getByTestId('measure-leader')).toHaveAttribute('d', /^M[\d. ]+L[\d. ]+$/)
  await keepScreenshot(page, 'annotations-words')
  await page.keyboard.press('Control+z')
  await expect.poll(() => words(page)).toEqual(beside)
  await page.keyboard.press('Control+Shift+z')
  await expect.poll(() => words(page)).toEqual(moved)
  await saved(page)
  const labelled = await kept(page)

  await page.reload()
  await expect(page.getByTestId('measurement')).toHaveCount(1)
  await page.getByTestId('panel-annotations').click()
  await expect.poll(() => shapes(page)).toEqual(before)
  for (const axis of [0, 1] as const) await expect.poll(async () => (await words(page))[0]?.[axis]).toBeCloseTo(moved[0]![axis], 6)
  expect((await kept(page)).items).toEqual(labelled.items)

  // The server is away, and the tab is closed before it is back.
  await page.route('**/annotations', (route) => (route.request().method() === 'POST' ? route.abort() : route.continue()))
  await page.keyboard.press('e')
  await draw(page, [0.4, 0.6], [0.5, 0.7])
  await expect(page.getByTestId('annotations-saving')).toHaveAttribute('data-state', 'waiting')
  await keepScreenshot(page, 'annotations-waiting')
  const both = await shapes(page)
  expect(both).toHaveLength(2)
  await page.close()
  const again = await context.newPage()
  await open(again, CT_STUDY)
  await again.getByTestId('panel-annotations').click()
  await saved(again)
  await expect(again.getByTestId('measurement')).toHaveCount(2)
  await expect.poll(() => shapes(again)).toEqual(both)
  expect((await kept(again)).items).toHaveLength(2)
})

test('a deleted one stays away, undo brings it back, an earlier version can be had', async ({ page }) => {
  await open(page, CT_STUDY)
  await page.getByTestId('panel-annotations').click()
  await expect(page.getByTestId('annotation')).toHaveCount(2)
  await page.getByTestId('annotation').first().click()
  await page.keyboard.press('Delete')
  await expect(page.getByTestId('annotation')).toHaveCount(1)
  await expect.poll(async () => (await kept(page)).items.length).toBe(1)
  await page.keyboard.press('Control+z')
  await expect.poll(async () => (await kept(page)).items.length).toBe(2)
  await page.getByText('Earlier versions').click()
  await page.getByRole('button', { name: 'Go back to version 1', exact: true }).click()
  await expect.poll(async () => (await kept(page)).items.length).toBe(1)
  await expect(page.getByTestId('annotation')).toHaveCount(1)
})

test('measurements, key images and the view become objects of the study', async ({ page }) => {
  await open(page, CT_STUDY)
  await page.getByTestId('panel-annotations').click()
  await expect(page.getByTestId('annotation')).toHaveCount(1)
  await drawn(page, () => page.keyboard.press('ArrowDown'))
  await page.keyboard.press('Shift+K')
  await expect(page.getByTestId('key-star')).toBeVisible()
  await expect(page.getByTestId('key-image')).toHaveCount(1)
  await saved(page)
  for (const form of ['SR', 'PR', 'KO'] as const) {
    await page.getByTestId('export-form').selectOption(form)
    await page.getByTestId('export-note').fill(`Noted ${form}`)
    if (form === 'SR') {
      await page.getByTestId('export-unseen').check()
      await expect(page.getByTestId('export-unseen-words')).toHaveText(/^\d+ images of series \S+ not seen\.$/)
    }
    await page.getByTestId('export').click()
    await expect(page.getByTestId('export-told')).toHaveText(/Stored in the archive/)
  }
  await keepScreenshot(page, 'annotations-panel')
  const series = (await (await page.request.get(`/api/v1/studies/${CT_STUDY}`)).json()) as { series: { Modality: string }[] }
  expect([...new Set(series.series.map((each) => each.Modality))].toSorted()).toEqual(['CT', 'KO', 'PR', 'SR'])
})

test('what was written is read again: the report as a page, its measurement where it was drawn, the presentation as a view', async ({ page }) => {
  await open(page, CT_STUDY)
  const drawnBefore = (await kept(page)).items.find((each) => each.type === 'measurement')!
  await page.getByTestId('panel-annotations').click()
  await page.getByTestId('annotation').click()
  await page.keyboard.press('Delete')
  await expect(page.getByTestId('annotation')).toHaveCount(0)

  await page.getByTestId('stored-report').filter({ hasText: 'Report' }).first().click()
  const report = pane(page).getByTestId('report')
  await expect(report.getByRole('heading', { name: 'Imaging Measurement Report' })).toBeVisible()
  await expect(report.getByText(/^1\d\d\.\d+ mm$/)).toBeVisible()
  await expect(report.getByText('Images not seen')).toBeVisible()
  await expect(report.getByText(/^\d+ images of series \S+ not seen$/)).toBeVisible()
  await keepScreenshot(page, 'annotations-report')
  await report.getByTestId('report-adopt').click()
  await expect(page.getByTestId('annotation')).toHaveCount(1)
  await saved(page)
  const again = (await kept(page)).items.find((each) => each.type === 'measurement')!
  for (const [at, point] of again.points.entries()) for (const axis of [0, 1] as const) expect(point[axis]).toBeCloseTo(drawnBefore.points[at]![axis], 4)

  await report.getByTestId('report-image').first().click()
  await expect(pane(page).getByTestId('stored-figure')).toHaveCount(1)
  await page.keyboard.press('2')
  await page.getByTestId('presentation').first().click()
  await expect(pane(page)).toHaveAttribute('data-window', '2000/-450')
  await expect(pane(page).getByTestId('stored-figure').first()).toBeVisible()
  await keepScreenshot(page, 'annotations-presentation')
})
