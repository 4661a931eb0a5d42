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

/** Brightest of a small square of a canvas around a place on the paper, mm. */
async function inkAt(paper: Locator, x: number, y: number): Promise<number> {
  await expect(paper.locator('canvas')).toHaveAttribute('data-drawn', /[1-9]/)
  return paper.evaluate((element, [x, y]) => {
    const canvas = element.querySelector('canvas')
    const context = canvas?.getContext('2d')
    if (!canvas || !context) throw new Error('no canvas')
    const mm = Number(element.dataset.mm) * (canvas.width / canvas.clientWidth)
    const { data } = context.getImageData(Math.round(x * mm) - 1, Math.round(y * mm) - 1, 3, 3)
    return Math.max(...data.filter((_, index) => index % 4 === 1))
  }, [x, y] as const)
}

test('an ECG lies on its paper in millimetres, and a caliper measures it', async () => {
  const at = await show(4)
  const paper = at.getByTestId('ecg-paper')
  await expect(paper.locator('canvas')).toHaveAttribute('data-drawn', /[1-9]/)
  // Lead I begins 12 mm from the left, its zero line is 19 mm below the top: a square of 1 mV and 200 ms is 10 mm high and 5 mm wide.
  const TRACE = 120 // of green: the grid is at most 60, half a line on a boundary of pixels 130
  await expect.poll(() => inkAt(paper, 14.5, 9)).toBeGreaterThan(TRACE)
  expect(await inkAt(paper, 14.5, 19)).toBeLessThan(TRACE)
  expect(await inkAt(paper, 20, 19)).toBeGreaterThan(TRACE)
  // V4 lies 90 µV higher by its baseline.
  expect(await inkAt(paper, 202, 19 - 0.9 - 10)).toBeGreaterThan(TRACE)
  await expect(at.getByRole('complementary', { name: 'What the recorder says' })).toContainText('RR Interval1000 ms')
  await expect(at.getByTestId('ecg-filters')).toHaveText('No filter on this screen')

  const mm = Number(await paper.getAttribute('data-mm'))
  const box = (await paper.boundingBox())!
  await page.mouse.move(box.x + 12 * mm, box.y + 19 * mm)
  await page.mouse.down()
  await page.mouse.move(box.x + 37 * mm, box.y + 9 * mm, { steps: 4 })
  await page.mouse.up()
  await expect(at.getByTestId('ecg-caliper')).toHaveText('I: 1000 ms (60/min) · 1.00 mV')
  await keepScreenshot(page, 'object-ecg')
  await page.keyboard.press('ArrowRight')
  await expect(at.getByTestId('ecg-caliper')).toHaveText('I: 1020 ms (59/min) · 1.00 mV')
  await page.keyboard.press('Delete')
  await expect(at.getByTestId('ecg-caliper')).toHaveCount(0)

  await at.getByLabel('Gain').selectOption('20 mm/mV')
  await at.getByLabel('Layout').selectOption('12 × 1')
  // Twice the gain takes twice the room between leads: the zero line of I is 4 + 15 mm down, its square 20 mm high.
  await expect.poll(() => inkAt(paper, 13.5, 19 + 30)).toBeLessThan(TRACE)
  await at.getByRole('button', { name: 'Muscle' }).click()
  await expect(at.getByTestId('ecg-filters')).toHaveText('Filtered on this screen: below 40 Hz')
  const found = await new AxeBuilder({ page }).include('[data-testid="waveform"]').analyze()
  expect(found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
})

test('pressures have one scale with its unit, sound is listened to', async () => {
  const pressures = (await show(5)).getByTestId('ecg-paper')
  await expect(pressures.getByRole('img')).toHaveAccessibleName(/Aortic pressure, Mean aortic pressure/)
  // The mean, 100 mmHg, lies in the middle of the second row of 30 mm.
  await expect.poll(() => inkAt(pressures, 100, 4 + 45)).toBeGreaterThan(120)
  await keepScreenshot(page, 'object-pressures')
  const sound = (await show(6)).getByTestId('sound')
  await expect(sound).toContainText('1.0 seconds, 8000 samples a second')
  await expect.poll(() => sound.locator('audio').evaluate((audio: HTMLAudioElement) => audio.duration)).toBeCloseTo(1, 1)
})

test('a video plays, seeks and steps; one that the browser cannot play is shown picture by picture', async () => {
  const at = await show(7)
  const video = at.getByTestId('video')
  await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.readyState), { timeout: 60_000 }).toBeGreaterThanOrEqual(2)
  // The left half is red for a second, then blue.
  const left = async (): Promise<string> => {
    const [red = 0, , blue = 0] = (await pixels(video, [[0.3, 0.5]]))[0] ?? []
    return red > 150 && blue < 100 ? 'red' : blue > 150 && red < 100 ? 'blue' : 'neither'
  }
  await expect.poll(left).toBe('red')
  await video.evaluate((element: HTMLVideoElement) => (element.currentTime = 1.5))
  await expect(at.getByTestId('video-frame')).toHaveText('Picture 38 of 50')
  await expect.poll(left).toBe('blue')
  await keepScreenshot(page, 'object-video')
  await at.getByRole('button', { name: 'Previous picture' }).click()
  await expect(at.getByTestId('video-frame')).toHaveText('Picture 37 of 50')
  const ranged = await page.request.get((await video.getAttribute('src')) ?? '', { headers: { Range: 'bytes=4-7' } })
  expect([ranged.status(), await ranged.text()]).toEqual([206, 'ftyp'])

  const other = await show(8)
  const still = other.getByTestId('video-still')
  await expect(still).toBeVisible({ timeout: 60_000 })
  await expect(other.getByRole('note')).toContainText('does not play this kind of video')
  await other.getByRole('slider', { name: 'Picture' }).fill('40')
  await expect(other.getByTestId('video-frame')).toHaveText('Picture 40 of 50')
  await expect.poll(async () => (await pixels(still, [[0.3, 0.5]]))[0]?.[2] ?? 0, { timeout: 60_000 }).toBeGreaterThan(150)
})

test('a 3D model is turned and zoomed, and says how large it is', async () => {
  const at = await show(3)
  const canvas = at.getByTestId('mesh-canvas')
  await expect(canvas).toHaveAttribute('data-drawn', /[1-9]/)
  await expect(at.getByTestId('mesh-facts')).toHaveText('20.0 × 20.0 × 20.0 mm · 12 triangles')
  const seen = async (): Promise<boolean[]> => (await pixels(canvas, [[0.5, 0.5], [0.5, 0.22], [0.5, 0.1], [0.02, 0.5]])).map((color) => Math.max(...color) > 60)
  // A cube from the front: its half side is 1/sqrt 3 of the sphere that just fits.
  expect(await seen()).toEqual([true, false, false, false])
  await at.getByRole('application').focus()
  for (let press = 0; press < 8; press++) await page.keyboard.press('ArrowDown')
  // Turned by 45 degrees it stands on an edge: higher by sqrt 2.
  await expect.poll(seen).toEqual([true, true, false, false])
  await keepScreenshot(page, 'object-model')
  await canvas.hover()
  await page.mouse.wheel(0, -400)
  await expect.poll(async () => (await seen())[2]).toBe(true)
  await page.keyboard.press('Home')
  await expect.poll(seen).toEqual([true, false, false, false])
})

test('what has no picture says in words what it is and what can be done', async () => {
  const plan = (await show(10)).getByTestId('words')
  await expect(plan).toContainText('This is a radiotherapy plan')
  await expect(plan).toContainText('PTV: 60 Gy prescribed')
  await expect(plan.getByTestId('plan-beams').getByRole('row').nth(1)).toHaveText('1 · Arc CWdynamicphotonLINAC16 MV181°212.5 ')
  await keepScreenshot(page, 'object-plan')
  const raw = (await show(11)).getByTestId('words')
  await expect(raw).toContainText('Raw data')
  const [download] = await Promise.all([page.waitForEvent('download'), raw.getByTestId('object-download').click()])
  expect(readFileSync(await download.path()).equals(readFileSync(path.join(FOLDER, 'raw.dcm')))).toBe(true)
  await expect(page.locator(`[data-series="${STUDY}.4"]`)).toContainText('12-lead ECG')
})

test('a slide is moved and zoomed through its levels, with a map and a scale', async () => {
  const at = await show(9)
  const stage = at.getByTestId('slide-stage')
  const canvas = at.getByTestId('slide-canvas')
  const settled = () => expect(canvas).toHaveAttribute('data-waiting', '0', { timeout: 60_000 })
  const [RED, GREEN, BLUE, YELLOW] = [[220, 40, 40], [40, 180, 60], [40, 60, 200], [220, 200, 40]] as const
  /** Colours around the middle of the screen, 100 pixels away. */
  const around = async (): Promise<number[][]> => {
    const box = (await canvas.boundingBox())!
    const [x, y] = [100 / box.width, 100 / box.height]
    return pixels(canvas, [[0.5 - x, 0.5 - y], [0.5 + x, 0.5 - y], [0.5 - x, 0.5 + y], [0.5 + x, 0.5 + y], [0.5, 0.5]])
  }
  const are = (found: number[][], wanted: readonly (readonly number[])[]): boolean => found.every((color, index) => color.every((part, channel) => Math.abs(part - (wanted[index]?.[channel] ?? -99)) < 25))
  await settled()
  await expect(stage).toHaveAttribute('data-level', '1')
  expect(are(await around(), [RED, GREEN, BLUE, YELLOW, [0, 0, 0]])).toBe(true)
  await keepScreenshot(page, 'object-slide')

  // One to one: the finest level; a pixel is half a micrometre, so the round length up to 140 of them is 50 µm.
  await at.getByRole('button', { name: '1:1' }).click()
  await expect(stage).toHaveAttribute('data-level', '0')
  await settled()
  expect(are(await around(), [RED, GREEN, BLUE, YELLOW, [0, 0, 0]])).toBe(true)
  await expect(at.getByTestId('slide-scale')).toHaveText('50 µm20 ×')
  expect((await at.locator('.slide-bar').boundingBox())!.width).toBeCloseTo(100, 0)

  // Dragged 300 to the right, the middle of the screen lies 300 pixels further left on the slide.
  const box = (await canvas.boundingBox())!
  await page.mouse.move(box.x + 300, box.y + 150)
  await page.mouse.down()
  await page.mouse.move(box.x + 600, box.y + 150, { steps: 5 })
  await page.mouse.up()
  await expect(stage).toHaveAttribute('data-x', '700')
  await settled()
  expect(are((await around()).slice(0, 4), [RED, RED, BLUE, BLUE])).toBe(true)

  // The map leads to the lower right corner, the keys zoom out and back to all of it.
  const map = (await at.getByTestId('slide-map').boundingBox())!
  await page.mouse.click(map.x + map.width * 0.9, map.y + map.height * 0.9)
  await settled()
  expect(are((await around()).slice(0, 1), [YELLOW])).toBe(true)
  await stage.focus()
  await page.keyboard.press('Home')
  await expect(stage).toHaveAttribute('data-x', '1000')
  await at.getByRole('button', { name: 'Label' }).click()
  await expect(at.getByTestId('slide-label')).toBeVisible()
  const found = await new AxeBuilder({ page }).include('[data-testid="slide"]').analyze()
  expect(found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
})

test('nothing of all this was an error of the page', () => {
  expect(errors).toEqual([])
})
