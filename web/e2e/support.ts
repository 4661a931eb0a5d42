import { mkdirSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { expect } from '@playwright/test'

export const PASSWORD = process.env.ISOCENTER_ADMIN_PASSWORD ?? ''

/** Signed in by the API; the form has a test of its own. */
export async function signIn(page: Page, to = '/'): Promise<void> {
  const answer = await page.request.post('/api/v1/session', { data: { username: 'admin', password: PASSWORD } })
  expect(answer.status()).toBe(200)
  await page.goto(to)
}

/** Kept as an artifact of the run, to be looked at by a person. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync('test-results/screenshots', { recursive: true })
  await page.screenshot({ path: `test-results/screenshots/${name}.png` })
}

/** Into the archive by the door programs use, past the page under test. */
export async function store(page: Page, name: string, bytes: Buffer): Promise<string> {
  const basic = Buffer.from(`admin:${PASSWORD}`).toString('base64')
  const answer = await page.request.post(`/api/v1/upload?name=${encodeURIComponent(name)}`, {
    data: bytes,
    headers: { Authorization: `Basic ${basic}`, 'Content-Type': 'application/octet-stream' },
  })
  expect(answer.status(), await answer.text()).toBe(200)
  const { results } = (await answer.json()) as { results: { status: string }[] }
  return results[0]?.status ?? ''
}
