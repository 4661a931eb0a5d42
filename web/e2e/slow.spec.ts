// A slow line: a small picture quickly, said to be one, and then the image's own pixels, exactly.
import { type APIRequestContext, type CDPSession, type Page, expect, test } from '@playwright/test'
import { PROBES, expectGreys, linear, slices } from './greys'
import { CT_STUDY, canvasAt, csrf, ctFiles, drawn, middleOf, pane, upload, windowOf } from './viewing'

const COPY = 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202'
const SLOW = 40 * 1024 // bytes a second: a small picture takes half a second, a slice five, as it is stored thirteen

let warm = ''

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const token = await csrf(request)
  for (const file of ctFiles()) await upload(request, token, file)
  warm = await upload(request, token, 'transfer-syntaxes/MR_small.dcm')
  await copied(request, CT_STUDY, ctFiles().length)
  await copied(request, warm, 1)
  await request.dispose()
})

/** Waits until the worker has made the copies for viewing. */
async function copied(request: APIRequestContext, study: string, count: number): Promise<void> {
  type Json = Record<string, { Value: string[] }>
  const instances = (await (await request.get(`/dicom-web/studies/${study}/instances`, { headers: { Accept: 'application/dicom+json' } })).json()) as Json[]
  expect(instances.length).toBe(count)
  for (const instance of instances) {
    const frame = `/dicom-web/studies/${study}/series/${instance['0020000E']?.Value[0]}/instances/${instance['00080018']?.Value[0]}/frames/1?fsiz=32,32`
    await expect.poll(async () => (await request.get(frame, { headers: { Accept: `${COPY}, */*; q=0.1` } })).headers()['jpip-fsiz'], { timeout: 60_000 }).toBeDefined()
  }
}

/** Within the page, as from the list: what is loaded of the program stays loaded. */
const goTo = (page: Page, study: string) =>
  page.evaluate((uid) => {
    history.pushState(null, '', `/viewer/${uid}`)
    dispatchEvent(new PopStateEvent('popstate'))
  }, study)

const throttle = (cdp: CDPSession, downloadThroughput: number) =>
  cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 20, downloadThroughput, uploadThroughput: SLOW })

/** Chooses in the menu of a viewport until it says so. */
async function choose(page: Page, words: string): Promise<void> {
  const [x, y] = await middleOf(page)
  await expect(async () => {
    await page.mouse.click(x, y, { button: 'right' })
    const entry = page.getByRole('menuitem', { name: 'Small pictures first' })
    const before = await entry.textContent()
    await entry.click()
    await page.mouse.click(x, y, { button: 'right' })
    await expect(entry).not.toHaveText(before ?? '')
    const now = await entry.textContent()
    await page.keyboard.press('Escape')
    expect(now).toContain(words)
  }).toPass({ intervals: [100] })
}

/** A viewer that has decoded a copy already: on a slow line its decoder would have to come first, once a device. */
async function warmedUp(page: Page): Promise<void> {
  await csrf(page.request)
  await page.goto(`/viewer/${warm}`)
  await expect(pane(page)).toHaveAttribute('data-status', 'shown')
  await choose(page, 'always')
  await page.evaluate(() => {
    history.pushState(null, '', '/')
    dispatchEvent(new PopStateEvent('popstate'))
  })
  await expect(pane(page)).toHaveCount(0)
  const asked = page.waitForRequest((request) => request.url().includes('/frames/') && (request.headers().accept ?? '').includes('4.202'))
  await goTo(page, warm)
  await asked
  await expect(pane(page)).toHaveAttribute('data-reduction', '0')
}

test('on a slow line a small picture comes first, nothing is measured on it, and then the pixels are exact', async ({ page }) => {
  test.setTimeout(240_000)
  await warmedUp(page)
  await choose(page, 'on slow lines')
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Network.enable')
  await throttle(cdp, SLOW)
  const frames: { url: string; range: string }[] = []
  page.on('request', (request) => {
    if (request.url().includes('/frames/')) frames.push({ url: request.url(), range: request.headers().range ?? '' })
  })
  const begun = Date.now()
  await goTo(page, CT_STUDY)
  const badge = page.getByTestId('pane-resolution')
  await expect(badge).toContainText('full resolution is loading')
  const first = Date.now() - begun
  expect(Number(await pane(page).getAttribute('data-reduction'))).toBeGreaterThan(0)

  const [x, y] = await middleOf(page)
  const line = async () => {
    await page.mouse.move(x - 60, y - 40)
    await page.mouse.down()
    await page.mouse.move(x + 40, y + 30, { steps: 4 })
    await page.mouse.up()
  }
  await page.getByTestId('tool-length').click()
  await line()
  await expect(badge).toContainText('measuring waits for full resolution')
  await expect(page.locator('[data-measurement]')).toHaveCount(0)

  await drawn(page, () => page.keyboard.press('1'))
  const slice = (await slices(page.request))[0]!
  const { width, center } = await windowOf(page)
  const seen = await canvasAt(page, PROBES)
  const off = PROBES.map(([column, row], index) => Math.abs((seen[index]?.color[0] ?? 0) - linear(slice.values[row * slice.columns + column] ?? 0, width, center)))
  // The same picture, though not its pixels.
  expect(off.reduce((sum, each) => sum + each, 0) / off.length).toBeLessThan(90)
  expect(Math.max(...off)).toBeGreaterThan(2)

  await expect(badge).toBeHidden({ timeout: 100_000 })
  const full = Date.now() - begun
  expect(full - first).toBeGreaterThan(2_000) // of the five seconds or more that the rest takes
  await expect(pane(page)).toHaveAttribute('data-reduction', '0')
  await drawn(page, () => page.keyboard.press('x'))
  await expectGreys(page, slice)
  await line()
  await expect(page.locator('[data-measurement]').first()).toBeVisible()
  test.info().annotations.push({ type: 'ms', description: `first picture ${first}, full resolution ${full}` })

  // The others are there small before they are there in full, and nothing comes twice.
  await expect.poll(() => frames.filter(({ url }) => url.includes('fsiz=')).length).toBeGreaterThan(3)
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 })
  await expect.poll(() => frames.filter(({ range }) => range.startsWith('bytes=')).length).toBeGreaterThan(3)
  await page.keyboard.press('End')
  await expect(pane(page)).toHaveAttribute('data-reduction', '0')
  await expect(pane(page)).toHaveAttribute('data-shown', String(ctFiles().length - 1))
  await drawn(page, () => page.keyboard.press('2'))
  await expectGreys(page, (await slices(page.request)).at(-1)!)
})

test('the reader decides: always small first, or never', async ({ page }) => {
  await warmedUp(page)
  const seen: number[] = []
  await page.exposeFunction('noteReduction', (reduction: number) => seen.push(reduction))
  await page.evaluate(() => {
    new MutationObserver(() => {
      const reduction = document.querySelector<HTMLElement>('[data-testid="pane-0"]')?.dataset.reduction
      if (reduction !== undefined) (window as unknown as { noteReduction: (value: number) => void }).noteReduction(Number(reduction))
    }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-reduction'] })
  })
  const answers: string[] = []
  page.on('response', (response) => {
    if (response.url().includes('/frames/')) answers.push(response.headers()['content-type'] ?? '')
  })
  await goTo(page, CT_STUDY)
  await expect(pane(page)).toHaveAttribute('data-reduction', '0')
  await expect.poll(() => answers.length).toBeGreaterThan(0)
  expect(answers.every((type) => type.includes('4.202'))).toBe(true)
  await drawn(page, () => page.keyboard.press('x'))
  await expectGreys(page, (await slices(page.request))[0]!)

  await choose(page, 'never')
  await goTo(page, warm)
  await expect(pane(page)).toHaveAttribute('data-shown', '0')
  answers.length = 0
  await goTo(page, CT_STUDY)
  await expect.poll(() => answers.length).toBeGreaterThan(3)
  expect(answers.some((type) => type.includes('4.202'))).toBe(false)
  await choose(page, 'on slow lines') // as it was
})
