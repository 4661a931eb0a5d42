// Viewports that go together, and an earlier study beside: what they show is compared with where the generated slices lie.
import { type APIRequestContext, type Locator, type Page, expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { expectAccessible } from './list'
import { PASSWORD, keepScreenshot } from './support'
import { affineOf, canvasAt, csrf, open, pane, twoScreens } from './viewing'

const SIDE = 64
const WAIT = { timeout: 30_000 }

interface Stack {
  study: string
  number: number
  reference: string
  description: string
  date: string
  /** Of each slice, mm. */
  positions: readonly (readonly [number, number, number])[]
  orientation?: string
  /** Millimetres from pixel to pixel. */
  spacing?: number
  /** Of the images in turn: as an MR of somebody else. */
  echoTimes?: readonly string[]
}

const patient = { patientName: 'Together^Tina', patientId: `LINK-${Date.now()}` }
const now = newUid()
const prior = newUid()
const steps = (count: number, from: number, by: number): [number, number, number][] => Array.from({ length: count }, (_, at) => [0, 0, from + at * by])

/** Slices whose brightness is their number: 40 and 8 for each, below a black row. */
async function put(request: APIRequestContext, { study, number, reference, description, date, positions, orientation = '1\\0\\0\\0\\1\\0', spacing = 1, echoTimes }: Stack): Promise<void> {
  const series = newUid()
  for (const [at, position] of positions.entries()) {
    const grey = Math.min(255, 40 + 8 * at)
    const echo = echoTimes && { patientName: 'Echo^Eve', patientId: study.slice(-12), modality: 'MR', equipment: element(0x0018, 0x0081, 'DS', echoTimes[at % echoTimes.length] ?? '') }
    const bytes = object({ ...patient, study, series, seriesNumber: number, instanceNumber: at + 1, modality: 'CT', description, studyDate: date, ...echo }, [
      element(0x0020, 0x0032, 'DS', position.join('\\')), element(0x0020, 0x0037, 'DS', orientation), element(0x0020, 0x0052, 'UI', reference),
      element(0x0028, 0x0002, 'US', short(1)), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), element(0x0028, 0x0010, 'US', short(SIDE)), element(0x0028, 0x0011, 'US', short(SIDE)),
      element(0x0028, 0x0030, 'DS', `${spacing}\\${spacing}`), element(0x0028, 0x0100, 'US', short(8)), element(0x0028, 0x0101, 'US', short(8)), element(0x0028, 0x0102, 'US', short(7)), element(0x0028, 0x0103, 'US', short(0)),
      element(0x0028, 0x1050, 'DS', '127.5'), element(0x0028, 0x1051, 'DS', '256'),
      element(0x7fe0, 0x0010, 'OW', Buffer.alloc(SIDE * SIDE, grey).fill(0, 0, SIDE)),
    ])
    const answer = await request.post(`/api/v1/upload?name=${number}-${at}`, { data: bytes, headers: { Authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`, 'Content-Type': 'application/dicom' } })
    expect(answer.ok()).toBe(true)
  }
}

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const reference = newUid()
  const chest = { study: now, reference, description: 'CT chest', date: '20260105' }
  await put(request, { ...chest, number: 1, positions: steps(22, 0, 1) })
  await put(request, { ...chest, number: 2, positions: steps(8, 21, -3) })
  // From right to left, seen from the left.
  await put(request, { ...chest, number: 3, positions: Array.from({ length: 9 }, (_, at) => [8 * at, 0, 63]), orientation: '0\\1\\0\\0\\0\\-1' })
  await put(request, { study: prior, number: 1, reference: newUid(), description: 'CT chest', date: '20250310', positions: steps(12, 500, 2) })
  await request.dispose()
})

const index = async (page: Page, at: number): Promise<number> => Number(await pane(page, at).getAttribute('data-shown'))
const sign = (page: Page, at: number): Locator => pane(page, at).getByTestId('link-sign')

/** Back to how links are delivered. */
async function fresh(page: Page): Promise<void> {
  const token = await csrf(page.request)
  for (const part of ['links', 'link-offsets']) await page.request.put(`/api/v1/session/preferences/${part}`, { headers: { 'X-CSRF-Token': token }, data: {} })
}

test('One frame of reference: images of the same place, lines where planes cut, and one point in all', async ({ page }) => {
  await fresh(page)
  await open(page, now)
  await page.keyboard.press('Alt+4')
  for (const at of [0, 1, 2]) await expect(pane(page, at)).toHaveAttribute('data-status', 'shown', WAIT)

  // The 3 mm stack runs down from 21: 1 mm image 15 (at 15) is its image 2.
  await page.keyboard.press('Home')
  for (let step = 0; step < 15; step++) await page.keyboard.press('ArrowDown')
  await expect(pane(page, 0)).toHaveAttribute('data-shown', '15')
  await expect(pane(page, 1)).toHaveAttribute('data-shown', '2')
  await expect.poll(async () => (await canvasAt(page, [[32, 32]], 1))[0]!.color[0], WAIT).toBe(40 + 8 * 2)
  await expect(sign(page, 0)).toHaveText('A')
  await expect(sign(page, 1)).toHaveText('A')
  await expect(sign(page, 2)).toHaveCount(0)

  // On the sagittal picture (upper edge at 63) the axial one at 15 is the row 48, as wide as the axial picture.
  const line = pane(page, 2).getByTestId('reference-line')
  await expect(line).toHaveAttribute('data-of', '1')
  const { scale, x, y } = await affineOf(page, 2)
  const drawn = ((await line.locator('path').first().getAttribute('d')) ?? '').match(/-?[\d.]+/g)!.map(Number)
  const expected = [[-0.5, 48], [63.5, 48]].map(([column = 0, row = 0]) => [x + column * scale, y + row * scale])
  const ends = [drawn.slice(0, 2), drawn.slice(2)].sort((a, b) => a[0]! - b[0]!)
  ends.forEach((end, at) => end.forEach((value, axis) => expect(value).toBeCloseTo(expected[at]![axis]!, 1)))
  await keepScreenshot(page, 'linking-lines')

  // A click at column 24, row 40 of the axial picture is x = 24: the sagittal image 3, at row 48 and column 40.
  await page.keyboard.press('j')
  const axial = await affineOf(page, 0)
  const box = (await pane(page, 0).boundingBox())!
  await page.mouse.click(box.x + axial.x + 24 * axial.scale, box.y + axial.y + 40 * axial.scale)
  await expect(pane(page, 2)).toHaveAttribute('data-shown', '3')
  const [column = 0, row = 0] = ((await pane(page, 2).getByTestId('cursor-3d').getAttribute('data-at')) ?? '').split(',').map(Number)
  expect(Math.abs(column - 40)).toBeLessThan(0.5)
  expect(row).toBe(48)
  // The other way: a click on the sagittal picture scrolls both axial stacks.
  const side = (await pane(page, 2).boundingBox())!
  await page.mouse.click(side.x + x + 10 * scale, side.y + y + 57 * scale)
  await expect(pane(page, 0)).toHaveAttribute('data-shown', '6')
  await expect(pane(page, 1)).toHaveAttribute('data-shown', '5')
  await keepScreenshot(page, 'linking-cursor')
  await page.keyboard.press('Escape')
  await expect(page.getByTestId('cursor-3d')).toHaveCount(0)

  // Zoom and pan, rotation and window on demand; another group goes by itself.
  await page.getByTestId('link-menu').click()
  await expectAccessible(page)
  await keepScreenshot(page, 'linking-menu')
  await page.getByRole('menuitem', { name: 'Zoom and pan' }).click()
  for (const name of ['Window (of one modality)', 'Rotation and flips']) {
    await page.getByTestId('link-menu').click()
    await page.getByRole('menuitem', { name }).click()
  }
  await pane(page, 0).click({ position: { x: 20, y: 100 } })
  await page.keyboard.press('+')
  await page.keyboard.press('2')
  await expect.poll(async () => (await affineOf(page, 1)).scale / axial.scale).toBeCloseTo(1.2, 2)
  await expect(pane(page, 1)).toHaveAttribute('data-window', '1500/-600')
  await sign(page, 1).click()
  await expect(sign(page, 1)).toHaveText('B')
  const before = await index(page, 1)
  await pane(page, 0).click({ position: { x: 20, y: 100 } })
  await page.keyboard.press('End')
  await expect(pane(page, 0)).toHaveAttribute('data-shown', '21')
  expect(await index(page, 1)).toBe(before)
})

test('Echoes of one series: each along the body, the same place in the other by a click, and side by side they stay apart', async ({ page }) => {
  await fresh(page)
  const study = newUid()
  // Numbered place by place: the images of the first echo are the odd ones.
  const positions = Array.from({ length: 12 }, (_, at): [number, number, number] => [0, 0, Math.floor(at / 2) * 4])
  await put(page.request, { study, number: 1, reference: newUid(), description: 'MR Knee', date: '20260105', positions, echoTimes: ['12', '98.5'] })
  /** The number of the image that a viewport shows, by its grey. */
  const image = (at: number) => expect.poll(async () => Math.round(((await canvasAt(page, [[32, 32]], at))[0]!.color[0] - 40) / 8) + 1, WAIT)
  const part = (at: number) => pane(page, at).getByTestId('part-sign')
  await open(page, study)
  await expect(part(0)).toHaveText('TE 12 ms1 of 2')
  for (const number of [1, 3, 5]) {
    await image(0).toBe(number)
    await page.keyboard.press('ArrowDown')
  }
  await page.keyboard.press('ArrowUp')
  await part(0).click()
  await expect(part(0)).toHaveText('TE 98.5 ms2 of 2')
  await image(0).toBe(6) // at the place of the image 5
  await page.keyboard.press('Shift+PageDown')
  await image(0).toBe(5)

  await page.keyboard.press('Alt+2')
  await page.keyboard.press('ArrowRight')
  await page.getByTestId('rail-series').first().click()
  if ((await pane(page, 1).getAttribute('data-status')) !== 'shown') await page.getByTestId('rail-series').first().dragTo(pane(page, 1))
  await expect(pane(page, 1)).toHaveAttribute('data-status', 'shown', WAIT)
  await page.keyboard.press('Shift+PageDown')
  await expect(part(1)).toHaveText('TE 98.5 ms2 of 2')
  await expect(part(0)).toHaveText('TE 12 ms1 of 2')
  await page.keyboard.press('End') // the last of the second echo: the first one goes to its own last
  await image(1).toBe(12)
  await image(0).toBe(11)
  await page.keyboard.press('ArrowUp')
  await image(1).toBe(10)
  await image(0).toBe(9)
  await expectAccessible(page)
  await keepScreenshot(page, 'linking-echoes')
})

test('An earlier study beside: found with its reason, fetched ahead, scrolled by an offset that stays', async ({ page }) => {
  await fresh(page)
  // Before anybody asks for the earlier study its images come.
  const ahead = page.waitForResponse((answer) => answer.url().includes(prior) && answer.url().includes('/frames/'), WAIT)
  await open(page, now)
  await expect(page.getByTestId('prior-words')).toContainText('same region (chest), also CT, described alike (chest), 10 months earlier')
  await ahead
  await page.keyboard.press('Shift+V')
  await expect(pane(page, 1)).toHaveAttribute('data-status', 'shown', WAIT)
  await expect(pane(page, 1).locator('.corner-relation')).toHaveText(/prior/i)
  await expect(sign(page, 0)).toContainText('A')
  // Nothing says how they lie to one another: the end of one is the end of the other.
  await page.keyboard.press('End')
  await expect(pane(page, 1)).toHaveAttribute('data-shown', '11')
  await expect(sign(page, 1)).toContainText('by number')
  await keepScreenshot(page, 'linking-prior')

  // By hand: image 10 (10 mm) of this study is image 3 (506 mm) of the earlier one.
  await page.getByTestId('link-menu').click()
  await page.getByRole('menuitem', { name: 'Each by itself' }).click()
  await page.keyboard.press('Home')
  for (let step = 0; step < 10; step++) await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Home')
  for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowDown')
  await expect(pane(page, 1)).toHaveAttribute('data-shown', '3')
  const kept = page.waitForResponse((answer) => answer.url().endsWith('/preferences/link-offsets') && answer.ok())
  await page.keyboard.press('Shift+U')
  await kept
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('End')
  await expect(pane(page, 0)).toHaveAttribute('data-shown', '21')
  // 21 mm are 11 more: 517 mm lies between 516 (image 8) and 518.
  await expect(pane(page, 1)).toHaveAttribute('data-shown', /^[89]$/)
  await expect(sign(page, 1)).toContainText('offset')

  // On another day it is still so.
  await open(page, now)
  await page.keyboard.press('Shift+V')
  await expect(pane(page, 1)).toHaveAttribute('data-status', 'shown', WAIT)
  for (let step = 0; step < 14; step++) await page.keyboard.press('ArrowDown')
  await expect(pane(page, 0)).toHaveAttribute('data-shown', '14')
  await expect(pane(page, 1)).toHaveAttribute('data-shown', '5')
})

const LONG = { timeout: 90_000 } // three windows draw in software at once

const arrange = async (page: Page) => {
  await page.getByTestId('layout').click()
  await page.getByRole('menuitem', { name: 'Windows on other screens…' }).click()
}

/** Opens a further window by a click on what opens it. */
async function further(page: Page, act: () => Promise<unknown>): Promise<Page> {
  const [opened] = await Promise.all([page.context().waitForEvent('page', LONG), act()])
  await expect(pane(opened)).toHaveAttribute('data-status', 'shown', LONG)
  return opened
}

const kept = async (page: Page) => ((await (await page.request.get('/api/v1/session/preferences')).json()) as { windows?: { sets: { screens: string; windows: { box: { left: number }; shows: string }[] }[] } }).windows

test('Several screens: windows that follow, go together, come back where they were, and close with the session', async ({ baseURL, launchOptions }) => {
  test.setTimeout(400_000)
  const { browser, page } = await twoScreens(launchOptions, baseURL ?? '')
  try {
    await fresh(page)
    const token = await csrf(page.request)
    await page.request.put('/api/v1/session/preferences/windows', { headers: { 'X-CSRF-Token': token }, data: {} })
    await open(page, now)
    await arrange(page)
    await page.getByLabel('A new window shows').selectOption('prior')
    await expectAccessible(page)
    await keepScreenshot(page, 'windows-dialog')
    const second = await further(page, () => page.getByRole('button', { name: 'Open a window: Screen 2' }).click())
    expect(await second.evaluate(() => window.screenX)).toBeGreaterThanOrEqual(1280)
    await expect(pane(second).locator('.corner-relation')).toHaveText(/prior/i)
    await page.getByLabel('A new window shows').selectOption('series')
    const third = await further(page, () => page.getByRole('button', { name: 'Open a window: Beside this window' }).click())
    // The first series is in the first window; here it is the next, at the same place: 21 mm is where it begins.
    await expect(pane(third)).toHaveAttribute('aria-label', /of 8/)
    await expect(page.getByTestId('window-open')).toHaveCount(2)

    await page.getByRole('button', { name: 'Remember these windows' }).click()
    await expect.poll(async () => (await kept(page))?.sets.map((set) => [set.screens, set.windows.map((each) => [each.shows, each.box.left >= 1280])])).toEqual([['1280x800@0,0 1600x1200@1280,0', [['prior', true], ['series', false]]]])
    await page.keyboard.press('Escape')

    // Scrolled together over the windows: by place in one frame of reference, by number to the other study.
    await page.bringToFront()
    await page.getByTestId('link-menu').click()
    await page.getByRole('menuitem', { name: 'Also other series and studies' }).click()
    await expect(sign(third, 0)).toHaveText('A')
    await page.keyboard.press('Home')
    for (let step = 0; step < 15; step++) await page.keyboard.press('ArrowDown')
    await expect(pane(third)).toHaveAttribute('data-shown', '2')
    await page.keyboard.press('End')
    await expect(pane(second)).toHaveAttribute('data-shown', '11')
    // And back from another window; its sagittal series has the line of the first window's picture.
    await third.bringToFront()
    await third.keyboard.press('End')
    await expect(pane(page)).toHaveAttribute('data-shown', '0')
    await third.getByTestId('rail-series').nth(2).click()
    await expect(pane(third).getByTestId('reference-line')).toHaveAttribute('data-of', '1·1')
    await keepScreenshot(third, 'windows-third')

    // What is marked in one window is there in the other.
    await page.bringToFront()
    await page.keyboard.press('Shift+K')
    await third.getByTestId('panel-annotations').click()
    await expect(third.getByTestId('key-image')).toHaveCount(1, WAIT)

    // Closed, and brought back by a key where it was.
    await Promise.all([second.waitForEvent('close'), second.close()])
    await page.bringToFront()
    const again = await further(page, () => page.keyboard.press('Shift+N'))
    await expect(pane(again).locator('.corner-relation')).toHaveText(/prior/i)
    expect(await again.evaluate(() => window.screenX)).toBeGreaterThanOrEqual(1280)

    // From a further window to the next study of the list: the first one goes there, and all with it.
    await page.keyboard.press('Escape')
    await page.getByRole('row').filter({ hasText: '2026-01-05' }).filter({ hasText: patient.patientId }).dblclick()
    await expect(pane(page)).toHaveAttribute('data-status', 'shown', WAIT)
    await again.bringToFront()
    await again.keyboard.press('Control+ArrowDown')
    await expect(page).not.toHaveURL(new RegExp(now), WAIT)
    const next = new URL(page.url()).pathname
    for (const each of [again, third]) await expect.poll(() => new URL(each.url()).pathname, WAIT).toBe(next)

    // Who signs out leaves no window behind.
    await page.bringToFront()
    await expect(pane(page)).toHaveAttribute('data-status', 'shown', WAIT)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Account admin' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect.poll(() => again.isClosed() && third.isClosed(), WAIT).toBe(true)
  } finally {
    await browser.close()
  }
})
