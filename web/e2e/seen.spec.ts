// Seen or not: what was really on the screen, kept for the account, and the way to what was not.
import { type Page, expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { expectAccessible, expectKeyboard } from './list'
import { keepScreenshot, store } from './support'
import { csrf, open, pane } from './viewing'

const SIDE = 32
const IMAGES = 6

/** Series 4 of six images, and series 5 of one. */
async function study(page: Page): Promise<{ uid: string; series: string }> {
  const [uid, series, other] = [newUid(), newUid(), newUid()]
  const pixels = [
    element(0x0028, 0x0002, 'US', short(1)),
    element(0x0028, 0x0004, 'CS', 'MONOCHROME2'),
    element(0x0028, 0x0010, 'US', short(SIDE)),
    element(0x0028, 0x0011, 'US', short(SIDE)),
    element(0x0028, 0x0100, 'US', short(8)),
    element(0x0028, 0x0101, 'US', short(8)),
    element(0x0028, 0x0102, 'US', short(7)),
    element(0x0028, 0x0103, 'US', short(0)),
  ]
  const subject = { patientName: 'Seen^Or', patientId: newUid(), study: uid, studyDate: '20260105', modality: 'MR', description: 'Knee' }
  for (let number = 1; number <= IMAGES + 1; number++) {
    const own = number > IMAGES ? { series: other, seriesNumber: 5 } : { series, seriesNumber: 4 }
    const body = [...pixels, element(0x7fe0, 0x0010, 'OW', Buffer.from(Array.from({ length: SIDE * SIDE }, (_, at) => (at * number) % 251)))]
    expect(await store(page, `${number}`, object({ ...subject, ...own, instanceNumber: number }, body))).toBe('stored')
  }
  return { uid, series }
}

interface Kept {
  SeriesInstanceUID: string
  frames: number
  seen: number
  words: string
}

async function kept(page: Page, uid: string, series: string): Promise<[number, string]> {
  const answer = (await (await page.request.get(`/api/v1/studies/${uid}/seen`)).json()) as { series: Kept[] }
  const own = answer.series.find((each) => each.SeriesInstanceUID === series)
  return [own?.seen ?? -1, own?.words ?? '']
}

const seen = (page: Page) => page.getByTestId('seen').first()

test('what stayed on the screen counts, what was flown over does not; a killed tab loses nothing, and a hint leads back', async ({ page, context }) => {
  await csrf(page.request)
  const { uid, series } = await study(page)
  await open(page, uid)
  await expect(seen(page)).toHaveText('1 of 6 seen')
  await page.keyboard.press('ArrowDown')
  await expect(seen(page)).toHaveText('2 of 6 seen')
  // Three keys before the screen can draw once: only the last image is there to be seen.
  await page.evaluate(() => {
    for (let times = 0; times < 3; times++) window.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }))
  })
  await expect(pane(page)).toHaveAttribute('data-index', '4')
  await expect(seen(page)).toHaveText('3 of 6 seen')
  await expect.poll(() => kept(page, uid, series)).toEqual([3, '3 images of series 4 not seen'])

  // Nobody answers, and the tab is killed: the browser has it, and the next page of this person brings it.
  await context.route(`**/studies/${uid}/seen`, (route) => (route.request().method() === 'POST' ? route.abort() : route.continue()))
  await page.keyboard.press('ArrowDown')
  await expect(seen(page)).toHaveText('4 of 6 seen')
  const crashed = page.waitForEvent('crash')
  void (await context.newCDPSession(page)).send('Page.crash').catch(() => undefined)
  await crashed
  await page.close()
  await context.unrouteAll()
  const next = await context.newPage()
  expect((await kept(next, uid, series))[0]).toBe(3)
  await open(next, uid)
  await expect.poll(() => kept(next, uid, series)).toEqual([4, '2 images of series 4 not seen'])
  await expect(seen(next)).toHaveText('4 of 6 seen')
  await expect(next.getByTestId('not-seen')).toHaveText('2 images of series 4 not seen')
  await expectAccessible(next)
  await keepScreenshot(next, 'seen-rail')

  await next.keyboard.press('Escape')
  await expect(next.getByTestId('left-unseen')).toContainText('2 images of series 4 not seen')
  await expectAccessible(next)
  await keepScreenshot(next, 'seen-left')
  await next.getByTestId('left-unseen').getByRole('link', { name: 'Show' }).click()
  await expect(pane(next)).toHaveAttribute('data-index', '2')
  await expect(next.getByTestId('left-unseen')).toHaveCount(0)
  await expect(seen(next)).toHaveText('5 of 6 seen')
  await next.keyboard.press('Home')
  await next.getByTestId('not-seen').click()
  await expect(pane(next)).toHaveAttribute('data-index', '3')
  await expect(seen(next)).toHaveText('All seen')
  await expect.poll(() => kept(next, uid, series)).toEqual([6, ''])
  await next.keyboard.press('Escape')
  await expect(next.getByRole('searchbox')).toBeVisible()
  await expect(next.getByTestId('left-unseen')).toHaveCount(0)

  // In the light theme, too, all around the picture can be read and reached, and the picture lies on black.
  const token = await csrf(next.request)
  const theme = (name: string) => next.request.put('/api/v1/session/preferences/theme', { headers: { 'X-CSRF-Token': token }, data: { name } })
  await theme('light')
  await open(next, uid)
  await expect(next.locator('html')).toHaveAttribute('data-theme', 'light')
  await expectAccessible(next)
  await expectKeyboard(next)
  expect(await pane(next).evaluate((each) => getComputedStyle(each).backgroundColor)).toBe('rgb(0, 0, 0)')
  await keepScreenshot(next, 'light-viewer')
  for (const panel of ['Annotations', 'Measurements']) {
    await next.getByRole('button', { name: panel, exact: true }).click()
    await expectAccessible(next)
  }
  await keepScreenshot(next, 'light-panel')
  await next.keyboard.press('?')
  await expect(next.getByRole('dialog', { name: 'Keys and gestures' })).toBeVisible()
  await expectAccessible(next)
  await keepScreenshot(next, 'light-keys')
  await theme('dark')

  // A stamp of a picture is an overview.
  await open(next, uid)
  await next.getByTestId('layout').click()
  await next.getByTestId('layout-grid').getByRole('menuitem', { name: '5 by 5 viewports' }).click()
  await expect(pane(next, 1)).toHaveAttribute('data-status', 'shown')
  await next.waitForTimeout(500)
  await expect(seen(next)).toHaveText('All seen')
  await expect(next.getByTestId('seen')).toHaveCount(1)
  await pane(next, 1).dblclick()
  await expect(next.getByTestId('seen')).toHaveCount(2)
})
