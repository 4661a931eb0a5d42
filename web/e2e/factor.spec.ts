// Signing in in two steps, as a person with a telephone does it.
import { createHmac } from 'node:crypto'
import { type Page, expect, test } from '@playwright/test'
import { expectAccessible } from './list'
import { keepScreenshot } from './support'
import { csrf } from './viewing'

const NAME = 'second.step'
const SECRET = 'a password of several words'

/** RFC 6238, as the app counts it. */
function codeOf(base32: string, later = 0): string {
  const bits = Array.from(base32.replaceAll(' ', ''), (letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later))
  const digest = createHmac('sha1', key).update(counter).digest()
  return String((digest.readUInt32BE(digest[19]! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

async function signIn(page: Page): Promise<void> {
  await page.goto('/login')
  await page.getByLabel('Name').fill(NAME)
  await page.getByLabel('Password').fill(SECRET)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const account = (page: Page, entry: string) => async () => {
  await page.getByRole('button', { name: /^Account/ }).click()
  await page.getByRole('button', { name: entry }).click()
}

test('a telephone is set up, asked for at the next sign-in, replaced by paper, and taken away', async ({ page, playwright, baseURL }) => {
  const root = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const headers = { 'X-CSRF-Token': await csrf(root) }
  await root.post('/api/v1/users', { headers, data: { name: NAME, role: 'radiologist', password: SECRET } })
  await root.delete(`/api/v1/users/${NAME}/factor`, { headers }) // of an earlier try
  await page.context().clearCookies()

  await signIn(page)
  await account(page, 'Two-step sign-in')()
  await page.getByRole('button', { name: 'Set it up' }).click()
  const secret = await page.getByTestId('factor-secret').innerText()
  await expectAccessible(page)
  await keepScreenshot(page, 'factor-set-up')
  await page.getByLabel('Code of the app').fill('000000')
  await page.getByRole('button', { name: 'Switch on' }).click()
  await expect(page.getByText('The code is wrong')).toBeVisible()
  await page.getByLabel('Code of the app').fill(codeOf(secret))
  await page.getByRole('button', { name: 'Switch on' }).click()
  const lines = page.getByTestId('factor-codes').locator('li')
  await expect(lines).toHaveCount(10)
  const paper = await lines.allInnerTexts()
  await keepScreenshot(page, 'factor-paper')
  await page.getByRole('button', { name: 'I have written them down' }).click()

  await account(page, 'Sign out')()
  await signIn(page)
  await expect(page.getByText('One more step.')).toBeVisible()
  await expect(page.getByLabel('Code')).toBeFocused()
  await expectAccessible(page)
  await keepScreenshot(page, 'factor-login')
  await page.keyboard.type('123456')
  await page.keyboard.press('Enter')
  await expect(page.getByText('The code is wrong, or was used.')).toBeVisible()
  await page.keyboard.type(codeOf(secret, 1)) // the clock of the telephone is ahead: a later code than the one that was used
  await page.keyboard.press('Enter')
  await expect(page.getByRole('link', { name: 'Studies', exact: true })).toBeVisible()

  await account(page, 'Sign out')()
  await signIn(page)
  await page.getByLabel('Code').fill(paper[0]!)
  await page.keyboard.press('Enter')
  await account(page, 'Two-step sign-in')()
  await expect(page.getByText('9 of the codes for paper are left.')).toBeVisible()
  await page.getByLabel('Password').fill(SECRET)
  await page.getByLabel('Code of the app, or from paper').fill(paper[1]!)
  await page.getByRole('button', { name: 'Switch off' }).click()
  await account(page, 'Sign out')()
  await signIn(page)
  await expect(page.getByRole('link', { name: 'Studies', exact: true })).toBeVisible()
  await root.dispose()
})
