// Mouse, wheel, keys and fingers in the viewer with real input events: each cell of FIELD 5.1 that the product has.
import { type CDPSession, type Page, expect, test } from '@playwright/test'
import { keepScreenshot } from './support'
import { CT_SLICES, CT_STUDY, affineOf, csrf, ctFiles, drawn, middleOf, open, pane, upload, windowOf } from './viewing'

const LAST = CT_SLICES - 1

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const token = await csrf(request)
  for (const file of ctFiles()) await upload(request, token, file)
  await request.dispose()
})

async function drag(page: Page, button: 'left' | 'middle' | 'right', by: readonly [number, number]): Promise<void> {
  const [x, y] = await middleOf(page)
  await page.mouse.move(x, y)
  await page.mouse.down({ button })
  await page.mouse.move(x + by[0], y + by[1], { steps: 4 })
  await page.mouse.up({ button })
}

async function held(page: Page, keys: readonly string[], action: () => Promise<unknown>): Promise<void> {
  for (const key of keys) await page.keyboard.down(key)
  await action()
  for (const key of keys) await page.keyboard.up(key)
}

test('each button of the mouse has its work: left the window, middle pan, right zoom and menu, double click one viewport alone', async ({ page }) => {
  const first = await open(page, CT_STUDY)
  const start = await affineOf(page)
  await drawn(page, () => drag(page, 'middle', [30, -20]))
  const panned = await affineOf(page)
  expect(panned.scale).toBeCloseTo(start.scale)
  expect([panned.x - start.x, panned.y - start.y].map(Math.round)).toEqual([30, -20])

  await drawn(page, () => drag(page, 'right', [0, -50]))
  expect((await affineOf(page)).scale / panned.scale).toBeCloseTo(1.008 ** 50, 3)
  await expect(page.getByRole('menu')).toHaveCount(0)

  await first.click({ button: 'right' })
  const menu = page.getByRole('menu', { name: 'Picture' })
  await expect(menu).toBeVisible()
  await menu.getByRole('menuitem', { name: 'Lung' }).click()
  await expect(menu).toHaveCount(0)
  await expect.poll(() => windowOf(page)).toEqual({ width: 1500, center: -600 })

  await page.keyboard.press('Alt+4')
  await expect(pane(page, 3)).toBeVisible()
  await pane(page, 0).dblclick()
  await expect(pane(page, 3)).toHaveCount(0)
  await pane(page, 0).dblclick()
  await expect(pane(page, 3)).toBeVisible()
})

test('left and right together scroll fast, and neither window nor zoom nor menu follows', async ({ page }) => {
  const first = await open(page, CT_STUDY)
  const [x, y] = await middleOf(page)
  const [before, lying] = [await windowOf(page), await affineOf(page)]
  await page.mouse.move(x, y)
  await page.mouse.down({ button: 'left' })
  await page.mouse.down({ button: 'right' })
  await page.mouse.move(x, y + 20, { steps: 2 })
  await page.mouse.move(x, y + 41, { steps: 2 })
  await expect(first).toHaveAttribute('data-index', '5') // eight pixels an image in a short series
  await page.mouse.move(x, y + 300, { steps: 3 })
  await expect(first).toHaveAttribute('data-index', String(LAST))
  await page.mouse.up({ button: 'right' })
  await page.mouse.move(x + 60, y + 200, { steps: 3 })
  await page.mouse.up({ button: 'left' })
  await expect(first).toHaveAttribute('data-shown', String(LAST))
  expect(await windowOf(page)).toEqual(before)
  expect(await affineOf(page)).toEqual(lying)
  await expect(page.getByRole('menu')).toHaveCount(0)
  // The next press is a plain one again.
  await drawn(page, () => drag(page, 'left', [20, 0]))
  expect((await windowOf(page)).width).toBeGreaterThan(before.width)
})

test('a measurement that both buttons interrupt is not left behind', async ({ page }) => {
  await open(page, CT_STUDY)
  await page.keyboard.press('d')
  const [x, y] = await middleOf(page)
  await page.mouse.move(x, y)
  await page.mouse.down({ button: 'left' })
  await page.mouse.move(x + 50, y, { steps: 3 })
  await expect(page.getByTestId('measurement')).toHaveCount(1)
  await page.mouse.down({ button: 'right' })
  await page.mouse.move(x + 50, y + 40, { steps: 3 })
  await page.mouse.up({ button: 'left' })
  await page.mouse.up({ button: 'right' })
  await expect(page.getByTestId('measurement')).toHaveCount(0)
  await expect(pane(page)).toHaveAttribute('data-index', '5')
})

test('Shift and Ctrl make wheel, keys and drags faster; Ctrl and wheel zoom', async ({ page }) => {
  const first = await open(page, CT_STUDY)
  const [x, y] = await middleOf(page)
  await page.mouse.move(x, y)
  const at = (index: number) => expect(first).toHaveAttribute('data-index', String(index))
  await page.mouse.wheel(0, 120)
  await at(1)
  await held(page, ['Shift'], () => page.mouse.wheel(0, 120))
  await at(11)
  await held(page, ['Shift'], () => page.mouse.wheel(0, -120))
  await at(1)
  await held(page, ['Control', 'Shift'], () => page.mouse.wheel(0, 120))
  await at(LAST)
  await page.keyboard.press('Control+Shift+ArrowUp')
  await at(0)
  await page.keyboard.press('Shift+ArrowDown')
  await at(10)
  await page.keyboard.press('ArrowUp')
  await at(9)
  await page.keyboard.press('Control+Shift+ArrowDown')
  await at(LAST)
  await page.keyboard.press('Shift+ArrowUp')
  await at(1)
  await expect(first).toHaveAttribute('data-shown', '1')

  const { scale } = await affineOf(page)
  await drawn(page, () => held(page, ['Control'], () => page.mouse.wheel(0, -100)))
  expect((await affineOf(page)).scale / scale).toBeCloseTo(Math.exp(0.5), 3)
  await at(1)

  const widths: number[] = [(await windowOf(page)).width]
  for (const keys of [[], ['Shift'], ['Control', 'Shift']]) {
    await drawn(page, () => held(page, keys, () => drag(page, 'left', [10, 0])))
    widths.push((await windowOf(page)).width)
  }
  const steps = widths.slice(1).map((width, index) => width - widths[index]!)
  expect(steps[1]! / steps[0]!).toBeCloseTo(4)
  expect(steps[2]! / steps[0]!).toBeCloseTo(16)
})

test('who learnt that dragging up is darker says so once', async ({ page }) => {
  await open(page, CT_STUDY)
  const before = (await windowOf(page)).center
  await drawn(page, () => drag(page, 'left', [0, -10]))
  const brighter = (await windowOf(page)).center
  expect(brighter).toBeLessThan(before)
  await page.getByTestId('presets').click()
  await page.getByRole('menuitemcheckbox', { name: /Dragging up is darker/ }).click()
  await drawn(page, () => drag(page, 'left', [0, -10]))
  expect((await windowOf(page)).center).toBe(before)
  await page.reload()
  await expect(pane(page)).toHaveAttribute('data-status', 'shown')
  const again = (await windowOf(page)).center
  await drawn(page, () => drag(page, 'left', [0, -10]))
  expect((await windowOf(page)).center).toBeGreaterThan(again)
})

test('the sheet of keys lists what the table says', async ({ page }) => {
  await open(page, CT_STUDY)
  await page.keyboard.press('?')
  const sheet = page.getByRole('dialog', { name: 'Keys and gestures' })
  await expect(sheet.getByText('Left and right drag')).toBeVisible()
  await expect(sheet.getByText('Fifty images on')).toBeVisible()
  await keepScreenshot(page, 'viewer-keys')
  await page.keyboard.press('Escape')
  await expect(sheet).toHaveCount(0)
  await expect(page.getByTestId('viewer')).toBeVisible()
})

test.describe('fingers', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 })

  type Place = readonly [number, number]
  const send = (client: CDPSession, type: 'touchStart' | 'touchMove' | 'touchEnd', places: readonly Place[]) =>
    client.send('Input.dispatchTouchEvent', { type, touchPoints: places.map(([x, y], id) => ({ x, y, id })) })

  /** All fingers down one after the other, along the way in eight steps, and up. */
  async function swipe(page: Page, from: readonly Place[], to: readonly Place[]): Promise<void> {
    const client = await page.context().newCDPSession(page)
    for (let count = 1; count <= from.length; count++) await send(client, 'touchStart', from.slice(0, count))
    for (let step = 1; step <= 8; step++) {
      await send(client, 'touchMove', from.map(([x, y], index): Place => [x + ((to[index]![0] - x) * step) / 8, y + ((to[index]![1] - y) * step) / 8]))
    }
    for (let count = from.length - 1; count >= 0; count--) await send(client, 'touchEnd', to.slice(0, count))
    await client.detach()
  }

  test('one scrolls, two zoom and pan, three scroll', async ({ page }) => {
    const first = await open(page, CT_STUDY)
    const [x, y] = await middleOf(page)
    await swipe(page, [[x, y]], [[x, y + 75]])
    await expect(first).toHaveAttribute('data-index', '3') // 24 pixels an image in a short series

    const before = await affineOf(page)
    await drawn(page, () => swipe(page, [[x - 40, y], [x + 40, y]], [[x - 80, y], [x + 80, y]]))
    const zoomed = await affineOf(page)
    expect(zoomed.scale / before.scale).toBeCloseTo(2, 1)
    await drawn(page, () => swipe(page, [[x - 40, y], [x + 40, y]], [[x - 10, y + 40], [x + 70, y + 40]]))
    const panned = await affineOf(page)
    expect(panned.scale / zoomed.scale).toBeCloseTo(1, 1)
    expect(Math.abs(panned.x - zoomed.x - 30)).toBeLessThan(8)
    await expect(first).toHaveAttribute('data-index', '3')

    await swipe(page, [[x - 60, y], [x, y], [x + 60, y]], [[x - 60, y + 75], [x, y + 75], [x + 60, y + 75]])
    await expect(first).toHaveAttribute('data-index', '6')
    expect((await affineOf(page)).scale).toBeCloseTo(panned.scale, 1)
  })
})
