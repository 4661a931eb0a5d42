// Objects that are no stacks of pictures, as tests/showing.py makes them: each is opened from the rail and looked at.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { type Locator, type Page, expect, test } from '@playwright/test'
import { keepScreenshot, store } from './support'
import { csrf, pane } from './viewing'

const STUDY = '1.2.826.0.1.3680043.10.1234.77'
const FOLDER = process.env.ISOCENTER_OBJECTS ?? ''

test.describe.configure({ mode: 'serial' })

let page: Page
const errors: string[] = []

test.beforeAll(async ({ browser, baseURL }) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, baseURL: baseURL ?? '' })
  page = await context.newPage()
  page.on('pageerror', (error) => errors.push(String(error)))
  await csrf(page.request)
  for (const file of readdirSync(FOLDER)) expect(['stored', 'duplicate']).toContain(await store(page, file, readFileSync(path.join(FOLDER, file))))
  await page.goto(`/viewer/${STUDY}`)
  await expect(page.getByTestId('rail-series').first()).toBeVisible()
})

test.afterAll(() => page.close())

async function show(series: number): Promise<Locator> {
  await page.locator(`[data-series="${STUDY}.${series}"]`).click()
  return pane(page)
}

/** What is on the screen at places of an element, 0 to 1 of its width and height. */
async function pixels(element: Locator, places: readonly (readonly [number, number])[]): Promise<number[][]> {
  const shot = await element.screenshot()
  return page.evaluate(
    async ({ data, places }) => {
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const canvas = new OffscreenCanvas(image.width, image.height)
      const context = canvas.getContext('2d')
      if (!context) throw new Error('no context')
      context.drawImage(image, 0, 0)
      return places.map(([x, y]) => [...context.getImageData(Math.floor(x * image.width), Math.floor(y * image.height), 1, 1).data].slice(0, 3))
    },
    { data: shot.toString('base64'), places },
  )
}

test('a PDF is read in the page, by the browser that keeps it to itself', async () => {
  const at = await show(1)
  await expect(at.getByTestId('document').getByText('Letter to the family doctor')).toBeVisible()
  const frame = at.getByTestId('document-frame')
  await expect(frame).toHaveAttribute('src', /^blob:/)
  // The page of the file: white paper with a red rectangle below its first line.
  await expect.poll(async () => (await pixels(frame, [[0.5, 0.55]]))[0], { timeout: 60_000 }).toEqual([255, 0, 0])
  await keepScreenshot(page, 'object-pdf')
  const [download] = await Promise.all([page.waitForEvent('download'), at.getByTestId('save-document').click()])
  expect(download.suggestedFilename()).toBe('Letter to the family doctor.pdf')
  expect(readFileSync(await download.path()).subarray(0, 5).toString()).toBe('%PDF-')
})

test('a clinical document is read as a page in which nothing is carried out', async () => {
  const at = await show(2)
  const page_ = at.getByTestId('cda')
  await expect(page_.getByRole('heading', { name: 'Findings' })).toBeVisible()
  await expect(page_.getByText('Objekt, Zoë')).toBeVisible()
  await expect(page_.getByRole('row').nth(1)).toHaveText('Aspirin100 mg')
  await expect(page_.locator('strong')).toHaveText('pneumothorax')
  await expect(page_.locator('a, script, iframe, [onclick], img:not([src^="data:image/png"])')).toHaveCount(0)
  expect(await page.evaluate(() => 'hurt' in window)).toBe(false)
  const found = await new AxeBuilder({ page }).include('[data-testid="document"]').analyze()
  expect(found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
})

test('nothing of all this was an error of the page', () => {
  expect(errors).toEqual([])
})
