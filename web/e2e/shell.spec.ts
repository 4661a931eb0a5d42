import { type Page, expect, test } from '@playwright/test'
import { answered, expectAccessible, expectKeyboard, expectReadable, family, rows, storeStudies } from './list'
import { PASSWORD, keepScreenshot, signIn } from './support'

test('a wrong password is told, a right one leads to where one wanted to go', async ({ page }) => {
  await page.goto('/exceptions')
  await expect(page).toHaveURL(/\/login\?to=%2Fexceptions/)
  await keepScreenshot(page, 'login')
  await expectAccessible(page)
  await page.getByLabel('Name').fill('admin')
  await page.getByLabel('Password').fill('not the password')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('do not match')
  await expect(page.getByLabel('Password')).toBeFocused()
  await keepScreenshot(page, 'login-wrong')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/exceptions$/)
  await expect(page.getByRole('heading', { name: 'Exceptions', exact: true })).toBeVisible()
})

test('too many attempts pause the form with a countdown', async ({ page }) => {
  await page.route('**/api/v1/session', (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({ status: 429, headers: { 'Retry-After': '75' }, json: { error: { kind: 'busy', message: 'too many logins failed' } } })
      : route.continue(),
  )
  await page.goto('/login')
  await page.getByLabel('Name').fill('admin')
  await page.getByLabel('Password').fill('guess')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('Too many attempts.')
  const button = page.getByRole('button', { name: /Try again in \d:\d\d/ })
  await expect(button).toBeDisabled()
  const left = async () => {
    const [, minutes, seconds] = /(\d):(\d\d)/.exec((await button.textContent()) ?? '') ?? []
    return Number(minutes) * 60 + Number(seconds)
  }
  const before = await left()
  expect(before).toBeLessThanOrEqual(75)
  await expect.poll(left).toBeLessThan(before)
  await keepScreenshot(page, 'login-throttled')
})

test('a page nobody uses asks, and then signs out', async ({ page }) => {
  await page.clock.install()
  await signIn(page)
  await answered(page)
  await page.clock.fastForward('14:10')
  const question = page.getByRole('dialog', { name: 'Are you still there?' })
  await expect(question).toBeVisible()
  await keepScreenshot(page, 'idle')
  await question.getByRole('button', { name: 'Stay signed in' }).click()
  await expect(question).toHaveCount(0)
  await page.clock.fastForward('14:30')
  await expect(question).toBeVisible()
  await page.clock.fastForward('01:00')
  await expect(page.getByText('You were signed out because nothing happened for a while.')).toBeVisible()
})

test('signing out ends the session', async ({ page }) => {
  await signIn(page)
  await page.getByRole('button', { name: 'Account admin' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByText('You are signed out.')).toBeVisible()
  await page.goto('/')
  await expect(page.getByLabel('Password')).toBeVisible()
})

test('the list loads no viewer code before it is asked to', async ({ page }) => {
  const scripts: Promise<string>[] = []
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response.text())
  })
  await page.goto('/login')
  await expect(page.getByLabel('Password')).toBeVisible()
  const code = (await Promise.all(scripts)).join('\n')
  expect(code).toContain('Sign in')
  expect(code).not.toMatch(/cornerstone/i)
  expect(code.length).toBeLessThan(600_000) // the viewer alone is several times that
})

test('an administrator adds a user, a token and a peer', async ({ page, browser, baseURL }) => {
  const name = family('user')
  await signIn(page, '/admin')
  await page.getByRole('button', { name: 'Add a user' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Role').selectOption('technologist')
  await page.getByRole('button', { name: 'Add user', exact: true }).click()
  await expect(page.getByRole('dialog', { name: `Password of ${name}` })).toBeVisible()
  const secret = await page.locator('.secret code').textContent()
  expect(secret?.length).toBeGreaterThan(11)
  await page.getByRole('button', { name: 'I have kept it' }).click()
  await expect(page.getByRole('row').filter({ hasText: name })).toContainText('technologist')
  await keepScreenshot(page, 'admin-users')
  await expectAccessible(page)

  // Signed in elsewhere as that user: the administrator ends it, and it is over there.
  const elsewhere = await browser.newContext({ baseURL })
  await elsewhere.request.post('/api/v1/session', { data: { username: name, password: secret } })
  expect((await elsewhere.request.get('/api/v1/session')).status()).toBe(200)
  await page.getByRole('tab', { name: 'Signed in' }).click()
  await expect(page.getByText('(this browser)')).toBeVisible()
  const session = page.getByRole('row').filter({ hasText: name })
  await keepScreenshot(page, 'admin-sessions')
  await expectAccessible(page)
  await session.getByRole('button', { name: `Sign out ${name}` }).click()
  await expect(session).toHaveCount(0)
  await expect.poll(async () => (await elsewhere.request.get('/api/v1/session')).status()).toBe(401)
  await elsewhere.close()
  await page.getByRole('button', { name: /^Account / }).click()
  await page.getByRole('button', { name: 'Where I am signed in' }).click()
  await expect(page.getByRole('dialog').getByText('(this browser)')).toBeVisible()
  await keepScreenshot(page, 'own-sessions')
  await page.getByRole('button', { name: 'Done' }).click()

  await page.getByRole('tab', { name: 'Access tokens' }).click()
  await page.getByRole('button', { name: 'Make a token' }).first().click()
  await page.getByLabel('What it is for').fill(`backup ${name}`)
  await page.getByRole('button', { name: 'Make token', exact: true }).click()
  await expect(page.locator('.secret code')).not.toBeEmpty()
  await page.getByRole('button', { name: 'I have kept it' }).click()
  const token = page.getByRole('row').filter({ hasText: `backup ${name}` })
  await token.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await expect(token).toHaveCount(0)

  const aet = name.toUpperCase().slice(0, 16)
  await page.getByRole('tab', { name: 'DICOM peers' }).click()
  await page.getByRole('button', { name: 'Add a peer' }).first().click()
  await page.getByLabel('AE title').fill(aet)
  await page.getByLabel('Host name or address').fill('127.0.0.1')
  await page.getByRole('button', { name: 'Add peer', exact: true }).click()
  const peer = page.getByRole('row').filter({ hasText: aet })
  await expect(peer).toContainText('127.0.0.1:104')
  await peer.getByRole('button', { name: `Actions for ${aet}` }).click()
  await page.getByRole('button', { name: 'Forget' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Forget it' }).click()
  await expect(peer).toHaveCount(0)

  await page.getByRole('tab', { name: 'System' }).click()
  await expect(page.getByText('AE title')).toBeVisible()
  await expect(page.getByRole('link', { name: 'DICOM conformance statement' })).toHaveAttribute('href', '/api/v1/conformance')
  await keepScreenshot(page, 'admin-system')
  await expectAccessible(page)
})

test('an unknown address says so', async ({ page }) => {
  await signIn(page, '/nowhere/at/all')
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible()
})

const waiting = (page: Page) => page.locator('.spinner, .skeleton, [aria-busy="true"]')

/** Whatever the bar and the tabs lead to, so that a new page is looked at, too. */
async function everyPage(page: Page, ...looks: ((page: Page) => Promise<void>)[]): Promise<void> {
  const found: string[] = []
  const look = async (where: string) => {
    for (const each of looks) await each(page).catch((error: unknown) => found.push(`${where}: ${String(error)}`))
  }
  for (const place of await page.getByRole('navigation', { name: 'Main' }).getByRole('link').all()) {
    await place.click()
    const where = (await place.textContent()) ?? ''
    await expect(place).toHaveAttribute('aria-current', 'page')
    await expect(waiting(page)).toHaveCount(0)
    await look(where)
    for (const tab of (await page.getByRole('tab').all()).slice(1)) {
      await tab.click()
      await expect(tab).toHaveAttribute('aria-selected', 'true')
      await expect(waiting(page)).toHaveCount(0)
      await look(`${where} ${await tab.textContent()}`)
    }
  }
  expect(found).toEqual([])
}

test('light is chosen once, holds here and elsewhere; every page can be read in both themes and used by keyboard', async ({ page, browser }) => {
  test.setTimeout(400_000) // every page, twice
  await signIn(page)
  await storeStudies(page, family('Light'))
  await page.reload()
  await answered(page)
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const dark = await ground()
  await everyPage(page, expectAccessible, expectKeyboard)
  await page.getByRole('button', { name: 'Account admin' }).click()
  await page.getByRole('button', { name: 'Light', exact: true }).click()
  await expect.poll(ground).not.toBe(dark)
  await everyPage(page, expectReadable)
  await keepScreenshot(page, 'light-admin')
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link').first().click()
  await answered(page)
  await keepScreenshot(page, 'light-studies')
  const elsewhere = await browser.newPage()
  await signIn(elsewhere)
  await expect(elsewhere.locator('html')).toHaveAttribute('data-theme', 'light')
  await elsewhere.close()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Account admin' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByText('You are signed out.')).toBeVisible()
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light')
  await expectAccessible(page)
  await keepScreenshot(page, 'light-login')
  await signIn(page)
  await page.getByRole('button', { name: 'Account admin' }).click()
  await page.getByRole('button', { name: 'Dark', exact: true }).click()
  await expect.poll(ground).toBe(dark)
})

test('a server that goes away is told, and comes back by itself', async ({ page, context }) => {
  const name = family('Away')
  await signIn(page)
  await storeStudies(page, name)
  await answered(page)
  await context.setOffline(true)
  await page.getByRole('searchbox').fill(name)
  await expect(page.getByRole('alert')).toContainText('The server cannot be reached.')
  await keepScreenshot(page, 'studies-offline')
  await context.setOffline(false)
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(rows(page)).toHaveCount(3)
})
