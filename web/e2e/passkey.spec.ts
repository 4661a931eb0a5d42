// Signing in with a passkey, by an authenticator that Chromium plays (WebAuthn domain of the DevTools protocol).
import { type CDPSession, type Page, expect, test } from '@playwright/test'
import { expectAccessible } from './list'
import { keepScreenshot } from './support'
import { csrf } from './viewing'

const NAME = 'passkey.person'
const SECRET = 'a password of several words'

/** A telephone with this browser's keys; its owner proves themselves or does not. */
async function telephone(page: Page): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } as const
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options })
  return { cdp, authenticatorId }
}

async function signIn(page: Page): Promise<void> {
  await page.goto('/login')
  await page.getByLabel('Name').fill(NAME)
  await page.getByLabel('Password').fill(SECRET)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('button', { name: `Account ${NAME}` })).toBeVisible()
}

async function menu(page: Page, entry: string): Promise<void> {
  await page.getByRole('button', { name: `Account ${NAME}` }).click()
  await page.getByRole('button', { name: entry }).click()
}

test('a passkey is added, opens the account without the password, and opens nothing once it is removed', async ({ page, playwright, baseURL }) => {
  const root = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  await root.post('/api/v1/users', { headers: { 'X-CSRF-Token': await csrf(root) }, data: { name: NAME, role: 'radiologist', password: SECRET } })
  await root.delete(`/api/v1/users/${NAME}/passkeys`, { headers: { 'X-CSRF-Token': await csrf(root) } }) // of an earlier try
  await page.context().clearCookies()
  const { cdp, authenticatorId } = await telephone(page)

  await signIn(page)
  await menu(page, 'Passkeys')
  await page.getByRole('button', { name: 'Add a passkey' }).first().click()
  await page.getByLabel('Which device it is').fill('Telephone')
  await page.getByLabel('Your password').fill('another password')
  await page.getByRole('button', { name: 'Go on' }).click()
  await expect(page.getByText('the current password is wrong')).toBeVisible()
  await page.getByLabel('Your password').fill(SECRET)
  await page.getByRole('button', { name: 'Go on' }).click()
  await expect(page.getByRole('row', { name: /Telephone/ })).toContainText('not yet')
  await expectAccessible(page)
  await keepScreenshot(page, 'passkeys')
  await page.getByRole('button', { name: 'Done' }).click()

  await menu(page, 'Sign out')
  await keepScreenshot(page, 'passkey-login')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await expect(page.getByRole('button', { name: `Account ${NAME}` })).toBeVisible()
  expect((await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials[0]!.signCount).toBeGreaterThan(1)

  // A person who does not prove themselves to the device is not let in, and stays at the form.
  await menu(page, 'Sign out')
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await expect(page.getByLabel('Password')).toBeVisible()
  expect((await page.request.get('/api/v1/session')).status()).toBe(401)
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })

  await signIn(page)
  await menu(page, 'Passkeys')
  await page.getByRole('button', { name: 'Remove Telephone' }).click()
  await expect(page.getByText('No passkeys')).toBeVisible()
  await page.getByRole('button', { name: 'Done' }).click()
  await menu(page, 'Sign out')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await expect(page.getByText('This passkey opens nothing here.')).toBeVisible()
})
