// The viewer in a real browser against a running Isocenter: what is on the canvas is compared with the stored values.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import { expectGreys, slices } from './greys'
import { keepScreenshot } from './support'
import { CT_SLICES, CT_STUDY, DATA, canvasAt, ctFiles, csrf, drawn, open, pane, upload, windowOf } from './viewing'

const SHOTS = path.resolve(import.meta.dirname, '../test-results/screenshots')

const uploaded = new Map<string, string>()

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const token = await csrf(request)
  for (const file of ctFiles()) await upload(request, token, file)
  for (const file of ['us/examples_rgb_color.dcm', 'us/US-PAL-8-10x-echo.dcm', 'xa/cath-75frames', 'sr/test-SR.dcm', 'cr-dx/RG1_J2KI.dcm', 'pdf/craig-test.dcm', 'nm/NM-MONO2-16-13x-heart.dcm']) {
    const files = statSync(path.join(DATA, file)).isDirectory() ? readdirSync(path.join(DATA, file)).map((name) => path.join(file, name)) : [file]
    for (const each of files) uploaded.set(file, await upload(request, token, each))
  }
  await request.dispose()
})

test('a CT volume: the window maps stored values to greys exactly, presets and drags move it, invert turns it round', async ({ page }) => {
  const first = await open(page, CT_STUDY)
  await expect(page.getByTestId('rail-series')).toHaveCount(1)
  await expect(page.getByTestId('rail-series').locator('img')).toBeVisible()
  // The server drew it, after the first image was on the screen.
  const [thumbnail, shown] = await page.evaluate(() => [
    performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/thumbnail?viewport=')).map((entry) => entry.startTime),
    performance.getEntriesByName('isocenter:first-image').map((entry) => entry.startTime),
  ])
  expect(thumbnail).toHaveLength(1)
  expect(thumbnail[0]!).toBeGreaterThanOrEqual(shown[0]!)
  const slice = (await slices(page.request))[0]!
  await page.screenshot({ path: path.join(SHOTS, 'viewer-ct-1280.png') })

  await drawn(page, () => page.keyboard.press('x'))
  // What came first was drawn without the GPU, which has taken over since.
  await expect(page.locator('.pane-host').first()).toHaveAttribute('data-surface', 'gpu')
  await expectGreys(page, slice)

  await drawn(page, () => page.keyboard.press('1'))
  expect(await windowOf(page)).toEqual({ width: 400, center: 40 })
  await expectGreys(page, slice)

  await drawn(page, () => page.keyboard.press('2'))
  expect(await windowOf(page)).toEqual({ width: 1500, center: -600 })
  await expectGreys(page, slice)

  const box = (await first.boundingBox())!
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await drawn(page, async () => {
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 40, y - 25, { steps: 5 })
    await page.mouse.up()
  })
  const spread = slice.values.reduce((most, value) => Math.max(most, value), -Infinity) - slice.values.reduce((least, value) => Math.min(least, value), Infinity)
  const step = Math.max(1, Math.round(spread / 1024))
  // Right is wider, up is a lower centre.
  expect(await windowOf(page)).toEqual({ width: 1500 + 40 * step, center: -600 - 25 * step })
  await expectGreys(page, slice)

  await drawn(page, () => page.keyboard.press('i'))
  await expect(first).toHaveAttribute('data-inverted', 'true')
  await expectGreys(page, slice, true)

  await drawn(page, () => page.keyboard.press('Space'))
  await expect(first).toHaveAttribute('data-inverted', 'false')
  await drawn(page, () => page.keyboard.press('x'))
  await expectGreys(page, slice)
})

test('scrolling shows the next slices in their order, by wheel and by keys', async ({ page }) => {
  const first = await open(page, CT_STUDY)
  const all = await slices(page.request)
  await drawn(page, () => page.keyboard.press('x'))
  const box = (await first.boundingBox())!
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)

  await drawn(page, () => page.mouse.wheel(0, 120))
  await expect(first).toHaveAttribute('data-shown', '1')
  await expectGreys(page, all[1]!)

  await drawn(page, () => page.keyboard.press('ArrowDown'))
  await expect(first).toHaveAttribute('data-shown', '2')
  await expectGreys(page, all[2]!)

  await drawn(page, () => page.keyboard.press('End'))
  const last = Number(await first.getAttribute('data-shown'))
  expect(last).toBeGreaterThanOrEqual(CT_SLICES - 1)
  if (last === all.length - 1) await expectGreys(page, all[last]!)

  await drawn(page, () => page.keyboard.press('Home'))
  await expect(first).toHaveAttribute('data-shown', '0')
  await drawn(page, () => page.keyboard.press('Shift+ArrowDown'))
  await expect(first).toHaveAttribute('data-shown', '10')
})

test('rotating and flipping turn the picture and its orientation letters together', async ({ page }) => {
  const first = await open(page, CT_STUDY)
  const slice = (await slices(page.request))[0]!
  const letters = async () => Promise.all(['top', 'right', 'bottom', 'left'].map((edge) => first.locator(`.marker-${edge}`).innerText()))
  expect(await letters()).toEqual(['A', 'L', 'P', 'R'])
  await drawn(page, () => page.keyboard.press('x'))
  await drawn(page, () => page.keyboard.press('r'))
  expect(await letters()).toEqual(['R', 'A', 'L', 'P'])
  await drawn(page, () => page.keyboard.press('x'))
  await expectGreys(page, slice)
  await drawn(page, () => page.keyboard.press('h'))
  expect(await letters()).toEqual(['R', 'P', 'L', 'A'])
  await drawn(page, () => page.keyboard.press('x'))
  await expectGreys(page, slice)
  await drawn(page, () => page.keyboard.press('Space'))
  expect(await letters()).toEqual(['A', 'L', 'P', 'R'])
})

/** Screen position of an image point. */
async function screenOf(page: Page, [x, y]: readonly [number, number]): Promise<[number, number]> {
  return pane(page).evaluate((root, point): [number, number] => {
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = (root.querySelector('[data-affine]')?.getAttribute('data-affine') ?? '').split(',').map(Number)
    const box = root.getBoundingClientRect()
    return [box.left + a * point[0] + c * point[1] + e, box.top + b * point[0] + d * point[1] + f]
  }, [x, y] as const)
}

async function dragBetween(page: Page, from: readonly [number, number], to: readonly [number, number]): Promise<void> {
  const [start, end] = [await screenOf(page, from), await screenOf(page, to)]
  await page.mouse.move(...start)
  await page.mouse.down()
  await page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
  await page.mouse.move(...end)
  await page.mouse.up()
}

test('a length is right in millimetres, and a region has the mean of its stored values', async ({ page }) => {
  const first = await open(page, CT_STUDY)
  const slice = (await slices(page.request))[0]!
  await drawn(page, () => page.keyboard.press('x'))

  await page.keyboard.press('d')
  await dragBetween(page, [150, 200], [350, 200])
  const length = page.getByTestId('measurement').first()
  await expect(length).toBeVisible()
  const millimetres = Number(/([\d.]+) mm/.exec((await length.textContent()) ?? '')?.[1])
  expect(Math.abs(millimetres - 200 * slice.spacing[0])).toBeLessThan(slice.spacing[0])

  await page.keyboard.press('q')
  await dragBetween(page, [240, 240], [280, 300])
  const region = first.locator('[data-kind=rectangle]')
  await expect(region).toBeVisible()
  const text = (await region.textContent()) ?? ''
  const mean = Number(/Mean (-?[\d.]+) HU/.exec(text)?.[1])
  const inside: number[] = []
  for (let y = 240; y <= 300; y++) for (let x = 240; x <= 280; x++) inside.push(slice.values[y * slice.columns + x] ?? 0)
  const expected = inside.reduce((sum, value) => sum + value, 0) / inside.length
  // The drag ends on the half-open edge of one row or column at most.
  expect(Math.abs(mean - expected)).toBeLessThan(Math.max(3, Math.abs(expected) * 0.05))
  expect(text).toMatch(/SD [\d.]+/)
  expect(text).toMatch(/Area [\d.]+ mm²/)
  await page.screenshot({ path: path.join(SHOTS, 'viewer-measurements.png') })

  await page.keyboard.press('Delete')
  await expect(region).toHaveCount(0)
  await page.keyboard.press('Control+z')
  await expect(region).toHaveCount(1)
})

test('layouts: four viewports, each with its own place; dropping a series and going one-up', async ({ page }) => {
  await open(page, CT_STUDY)
  await page.keyboard.press('Alt+4')
  for (const index of [0, 1, 2, 3]) await expect(pane(page, index)).toBeVisible()
  await page.getByTestId('rail-series').first().dragTo(pane(page, 3))
  await expect(pane(page, 3)).toHaveAttribute('data-status', 'shown')
  await page.screenshot({ path: path.join(SHOTS, 'viewer-layout-2x2.png') })
  await page.keyboard.press('Enter')
  await expect(pane(page, 0)).toHaveCount(0)
  await expect(pane(page, 3)).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(pane(page, 0)).toBeVisible()
  await page.keyboard.press('Alt+1')
  await expect(pane(page, 1)).toHaveCount(0)
})

test('a multi-frame object plays at its own rate and stops', async ({ page }) => {
  const first = await open(page, uploaded.get('xa/cath-75frames') ?? '')
  const multiframe = page.getByTestId('cine-play')
  if (!(await multiframe.isVisible())) await page.getByTestId('rail-series').first().click()
  await expect(multiframe).toBeVisible()
  await expect(first).toHaveAttribute('data-status', 'shown')
  const before = Number(await first.getAttribute('data-shown'))
  await multiframe.click()
  await expect.poll(async () => Number(await first.getAttribute('data-shown'))).not.toBe(before)
  await page.screenshot({ path: path.join(SHOTS, 'viewer-cine.png') })
  await page.keyboard.press('c')
  await page.waitForTimeout(300)
  // Turned round at the end, the frame after the last is the one before it; else it would be the first.
  await page.keyboard.press('End')
  await page.getByRole('button', { name: 'Starts over at the end' }).click()
  await expect(page.getByRole('button', { name: 'Turns back at the end' })).toBeVisible()
  const way = await first.evaluateHandle((pane) => {
    const frames: number[] = []
    new MutationObserver(() => frames.push(Number(pane.getAttribute('data-shown')))).observe(pane, { attributeFilter: ['data-shown'] })
    return frames
  })
  await expect(first).toHaveAttribute('data-shown', '74')
  await multiframe.click()
  await expect.poll(() => way.evaluate((frames) => frames.filter((frame) => frame < 74).length)).toBeGreaterThan(3)
  await page.keyboard.press('c')
  const back = (await way.jsonValue()).filter((frame) => frame < 74)
  expect(back).toEqual(back.toSorted((a, b) => b - a))
  expect(back[0]).toBeGreaterThan(60)
  const rest = await first.getAttribute('data-index')
  await page.waitForTimeout(500)
  expect(await first.getAttribute('data-index')).toBe(rest)
})

test('an enhanced object says in the corner how each of its frames was made and where', async ({ page }) => {
  const token = await csrf(page.request)
  const viewport = await open(page, await upload(page.request, token, 'enhanced/mr_brucker.dcm'))
  const corner = viewport.locator('.corner-bottom-left')
  const made = ['TR 362  TE 2.37  FA 15°', '16.4 T  FLASH (pvm)']
  for (const line of [...made, 'Im 1/4', 'Loc -6.2 mm  Thick 1 mm']) await expect(corner.getByText(line, { exact: true })).toBeVisible()
  await keepScreenshot(page, 'enhanced-corner')
  await page.keyboard.press('ArrowDown')
  for (const line of [...made, 'Im 2/4', 'Loc -5.2 mm  Thick 1 mm']) await expect(corner.getByText(line, { exact: true })).toBeVisible()
})

test('colour is shown as stored', async ({ page }) => {
  const study = uploaded.get('us/examples_rgb_color.dcm') ?? ''
  const first = await open(page, study)
  await expect(first).toHaveAttribute('data-status', 'shown')
  await drawn(page, () => page.keyboard.press('x'))
  const bytes = readFileSync(path.join(DATA, 'us/examples_rgb_color.dcm'))
  const [columns, rows] = await first.locator('.corner-bottom-right').innerText().then((text) => /(\d+) × (\d+)/.exec(text)!.slice(1).map(Number) as [number, number])
  const start = bytes.lastIndexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00])) + 12 // tag, VR, two reserved bytes, length
  const points: [number, number][] = [[Math.floor(columns / 2), Math.floor(rows / 2)], [Math.floor(columns / 3), Math.floor(rows / 3)], [Math.floor(columns / 2), Math.floor(rows * 0.6)]]
  const seen = await canvasAt(page, points)
  points.forEach(([x, y], index) => {
    const at = start + (y * columns + x) * 3
    const expected = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0]
    seen[index]?.color.forEach((value, channel) => expect(Math.abs(value - (expected[channel] ?? 0)), `channel ${channel} at ${x},${y}`).toBeLessThanOrEqual(2))
  })
  await page.screenshot({ path: path.join(SHOTS, 'viewer-colour.png') })
})

test('a report of others is a page to read', async ({ page }) => {
  await open(page, uploaded.get('sr/test-SR.dcm') ?? '')
  const report = page.getByTestId('report')
  await expect(report.getByRole('heading').first()).toHaveText('Diagnosis')
  await expect(report).toContainText('A mass of')
  await expect(report).toContainText('Inferred Sample Text')
  await page.screenshot({ path: path.join(SHOTS, 'viewer-report-test-SR.png') })
})

test('an encapsulated PDF is shown as a document', async ({ page }) => {
  await open(page, uploaded.get('pdf/craig-test.dcm') ?? '')
  await expect(page.getByTestId('document').getByTestId('document-frame')).toHaveAttribute('src', /^blob:/)
})

test('compressed radiograph: inches of film are pixels or millimetres at the detector, never silent millimetres', async ({ page }) => {
  const first = await open(page, uploaded.get('cr-dx/RG1_J2KI.dcm') ?? '')
  await expect(first).toHaveAttribute('data-status', 'shown')
  await page.keyboard.press('d')
  const box = (await first.boundingBox())!
  await page.mouse.move(box.x + 400, box.y + 300)
  await page.mouse.down()
  await page.mouse.move(box.x + 500, box.y + 300, { steps: 4 })
  await page.mouse.up()
  await expect(page.getByTestId('measurement')).toHaveText(/px|mm \(/)
})

test('a phone: the rail is a strip, the tools scroll, a finger scrolls the series', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, baseURL: baseURL ?? '' })
  const page = await context.newPage()
  const first = await open(page, CT_STUDY)
  await page.screenshot({ path: path.join(SHOTS, 'viewer-phone.png') })
  const rail = (await page.locator('.rail').boundingBox())!
  expect(rail.y).toBeGreaterThan(600)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
  const box = (await first.boundingBox())!
  const client = await context.newCDPSession(page)
  const touch = async (type: string, y?: number) =>
    client.send('Input.dispatchTouchEvent', { type: type as 'touchStart', touchPoints: y === undefined ? [] : [{ x: box.x + 150, y }] })
  await touch('touchStart', box.y + 150)
  for (let step = 1; step <= 8; step++) await touch('touchMove', box.y + 150 + step * 15)
  await touch('touchEnd')
  await expect.poll(async () => Number(await first.getAttribute('data-index'))).toBeGreaterThan(0)
  await context.close()
})

test('many studies one after the other leave no viewport, canvas or picture address behind', async ({ page }) => {
  test.setTimeout(300_000)
  await open(page, CT_STUDY)
  await page.evaluate(() => {
    const made = URL.createObjectURL.bind(URL)
    const revoked = URL.revokeObjectURL.bind(URL)
    const held = new Set<string>()
    Object.assign(window, { heldAddresses: held })
    URL.createObjectURL = (source: Blob | MediaSource) => {
      const address = made(source)
      held.add(address)
      return address
    }
    URL.revokeObjectURL = (address: string) => {
      held.delete(address)
      revoked(address)
    }
  })
  const studies = [CT_STUDY, uploaded.get('us/examples_rgb_color.dcm') ?? '', uploaded.get('nm/NM-MONO2-16-13x-heart.dcm') ?? '']
  for (let round = 0; round < 20; round++) {
    await page.keyboard.press('Escape')
    await expect(page.getByTestId('viewer')).toHaveCount(0)
    await page.evaluate((to) => {
      window.history.pushState(null, '', to)
      window.dispatchEvent(new PopStateEvent('popstate'))
    }, `/viewer/${studies[round % studies.length] ?? ''}`)
    await expect(pane(page)).toHaveAttribute('data-status', 'shown', { timeout: 30_000 })
  }
  await page.keyboard.press('Escape')
  await expect(page.getByTestId('viewer')).toHaveCount(0)
  expect(await page.locator('canvas').count()).toBe(0)
  await expect.poll(() => page.evaluate(() => (window as unknown as { heldAddresses: Set<string> }).heldAddresses.size)).toBe(0)
})

test('the first image of a large series is there before the list of its images, and who goes on is followed', async ({ page }) => {
  const token = await csrf(page.request)
  for (const file of ctFiles(20).slice(CT_SLICES)) await upload(page.request, token, file)
  const all = await slices(page.request)
  expect(all).toHaveLength(20)
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  await page.route('**/series/*/metadata', async (route) => {
    await held
    await route.continue()
  })
  const first = await open(page, CT_STUDY)
  await expect(first).toContainText('Im 1/20')
  await drawn(page, () => page.keyboard.press('x'))
  await drawn(page, () => page.keyboard.press('1'))
  await expectGreys(page, all[0]!)

  await page.keyboard.press('End')
  await expect(first).toHaveAttribute('data-status', 'loading')
  await expect(first).toHaveAttribute('data-shown', '0')
  release()
  await expect(first).toHaveAttribute('data-shown', '19')
  await expect(first).toHaveAttribute('data-status', 'shown')
  expect(await windowOf(page)).toEqual({ width: 400, center: 40 })
  await drawn(page, () => page.keyboard.press('2'))
  await expectGreys(page, all[19]!)

  // Who stays keeps the picture, and can scroll once the list is there.
  const list = page.waitForResponse(/\/series\/[^/]+\/metadata$/)
  await page.reload()
  await list
  await expect(first).toHaveAttribute('data-status', 'shown')
  await expect(first).toHaveAttribute('data-shown', '0')
  await page.keyboard.press('ArrowDown')
  await expect(first).toHaveAttribute('data-shown', '1')
  await drawn(page, () => page.keyboard.press('x'))
  await expectGreys(page, all[1]!)
})
