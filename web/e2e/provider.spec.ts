// Signing in with an account of the institution, at a real provider's own page.
import { type Page, expect, test } from '@playwright/test'
import { expectAccessible } from './list'
import { keepScreenshot } from './support'
import { csrf } from './viewing'

const BUTTON = 'Sign in with the hospital account'

async function come(page: Page, who: string, path = '/'): Promise<void> {
  await page.goto(path)
  await page.getByRole('link', { name: BUTTON }).click()
  await expect(page.getByText('Authorize Client')).toBeVisible()
  await page.getByRole('button', { name: who, exact: true }).click()
}

test.beforeEach(async ({ page }) => await page.context().clearCookies())

test('one comes back signed in to where one was going, and signs out there, too', async ({ page }) => {
  await page.goto('/admin/system')
  await expect(page.getByRole('link', { name: BUTTON })).toBeVisible()
  await expectAccessible(page)
  await keepScreenshot(page, 'provider-login')
  await come(page, 's-nora', '/exports?who=me')
  await expect(page).toHaveURL(/\/exports\?who=me$/)
  await page.getByRole('button', { name: 'Account nora.ray' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('link', { name: 'Sign out there, too' }).click()
  await page.getByRole('button').first().click() // the provider asks whether one means it
  await expect(page.getByRole('link', { name: BUTTON })).toBeVisible()
})

test('whose groups may not work here is told so, and is not let in', async ({ page }) => {
  await come(page, 's-cook')
  await expect(page.getByText('None of your groups may work here.')).toBeVisible()
  await expect(page.getByLabel('Password')).toBeVisible()
  await keepScreenshot(page, 'provider-refused')
  expect((await page.request.get('/api/v1/session')).status()).toBe(401)
})

test('an account with a password is opened by the provider once an administrator allows it', async ({ page, playwright, baseURL }) => {
  const root = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  await root.post('/api/v1/users', { headers: { 'X-CSRF-Token': await csrf(root) }, data: { name: 'carl', role: 'technologist' } })
  await root.delete('/api/v1/users/carl/provider', { headers: { 'X-CSRF-Token': await csrf(root) } }) // of an earlier try
  await come(page, 's-carl')
  await expect(page.getByText('An account of your name signs in another way.')).toBeVisible()

  await page.getByLabel('Name').fill('admin')
  await page.getByLabel('Password').fill(process.env.ISOCENTER_ADMIN_PASSWORD!)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Account admin' })).toBeVisible()
  await page.goto('/admin/users')
  await page.getByRole('button', { name: 'Actions for carl' }).click()
  await page.getByRole('button', { name: 'Allow the institution’s sign-in' }).click()
  await expect(page.getByRole('row', { name: /^carl/ }).getByText('institution')).toBeVisible()
  await keepScreenshot(page, 'provider-users')

  await page.context().clearCookies()
  await come(page, 's-carl')
  await expect(page.getByRole('button', { name: 'Account carl' })).toBeVisible()
  expect(((await (await page.request.get('/api/v1/session')).json()) as { user: { role: string } }).user.role).toBe('radiologist')
})
