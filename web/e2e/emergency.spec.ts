// A sensitive patient: not there for who may not see them, opened in an emergency for a reason and a time, and reviewed.
import { expect, test } from '@playwright/test'
import { newUid, object } from './dicom'
import { expectAccessible, family, rows, search } from './list'
import { keepScreenshot, signIn, store } from './support'

const SECRET = 'a sentence of several words'

test('a patient is marked, is there for few, is opened in an emergency, and that is reviewed', async ({ page, browser }) => {
  const name = family('Known')
  const id = `${name}-1`
  await signIn(page)
  await store(page, 'a', object({ patientId: id, patientName: `${name}^Vera`, modality: 'CT', study: newUid(), studyDate: '20250301', description: 'CT Head' }))
  const token = ((await (await page.request.get('/api/v1/session')).json()) as { csrf_token: string }).csrf_token
  // Of an earlier try nothing may wait.
  const before = (await (await page.request.get('/api/v1/emergency')).json()) as { accesses: { id: number; reviewed_at: string | null }[] }
  for (const each of before.accesses.filter((access) => !access.reviewed_at)) {
    await page.request.post(`/api/v1/emergency/${each.id}/end`, { headers: { 'X-CSRF-Token': token } })
    await page.request.post(`/api/v1/emergency/${each.id}/review`, { headers: { 'X-CSRF-Token': token }, data: { note: 'an earlier try' } })
  }
  const made = await page.request.post('/api/v1/users', { headers: { 'X-CSRF-Token': token }, data: { name: `tess-${id.toLowerCase()}`, role: 'technologist', password: SECRET } })
  expect(made.status(), await made.text()).toBeLessThan(300)

  await search(page, name)
  await rows(page).first().click()
  if (!(await page.getByLabel('Study details').isVisible())) await page.keyboard.press('Space')
  await page.getByLabel('Study details').getByRole('button', { name: 'Sensitive' }).click()
  await page.getByRole('radio', { name: /The patient/ }).check()
  await page.getByLabel('Reason').fill('known from the news')
  await expectAccessible(page)
  await keepScreenshot(page, 'sensitive-dialog')
  await page.getByRole('dialog').getByRole('button', { name: 'Mark' }).click()
  await expect(page.getByRole('dialog')).toBeHidden()
  await expect(rows(page).first().getByText('sensitive', { exact: true })).toBeVisible()
  await keepScreenshot(page, 'sensitive-row')

  const other = await browser.newContext()
  const tess = await other.newPage()
  const entered = await tess.request.post('/api/v1/session', { data: { username: `tess-${id.toLowerCase()}`, password: SECRET } })
  expect(entered.status()).toBe(200)
  await tess.goto('/')
  await search(tess, name)
  await expect(tess.getByText('No study matches')).toBeVisible()
  await tess.getByRole('button', { name: 'Emergency access' }).click()
  const dialog = tess.getByRole('dialog')
  await dialog.getByLabel('Patient ID', { exact: true }).fill(`${id}x`)
  await dialog.getByLabel('Purpose').selectOption('ETREAT')
  await dialog.getByLabel('Reason').fill('collapsed in the waiting room')
  await dialog.getByRole('button', { name: /Open the patient/ }).click()
  await expect(dialog.getByText(/no such patient/i)).toBeVisible()
  await dialog.getByLabel('Patient ID', { exact: true }).fill(id)
  await expectAccessible(tess)
  await keepScreenshot(tess, 'emergency-dialog')
  await dialog.getByRole('button', { name: /Open the patient/ }).click()
  await expect(dialog).toBeHidden()
  await expect(tess.getByText(/\d+:\d\d left/)).toBeVisible()
  await expect(rows(tess)).toHaveCount(1)
  await expectAccessible(tess)
  await keepScreenshot(tess, 'emergency-open')

  // Whoever reviews sees it at once.
  await expect(page.getByText('One emergency access waits for a review.')).toBeVisible()

  await rows(tess).first().dblclick()
  await expect(tess).toHaveURL(/viewer/)
  await expect(tess.getByText(/\d+:\d\d left/)).toBeVisible()
  await expect(tess.locator('canvas:visible').first()).toBeVisible()
  await keepScreenshot(tess, 'emergency-viewer')
  await tess.getByRole('button', { name: 'End now' }).click()
  await expect(tess.getByText('Emergency access to patient')).toBeHidden()
  await search(tess, name)
  await expect(tess.getByText('No study matches')).toBeVisible()

  await page.getByRole('link', { name: 'Review' }).click()
  const row = page.getByRole('row').filter({ hasText: 'collapsed in the waiting room' })
  await expect(row.getByText('to be reviewed')).toBeVisible()
  await row.getByRole('button', { name: /^Review/ }).click()
  await expect(page.getByRole('dialog').getByText('CT Head').first()).toBeVisible()
  await page.getByLabel('Note').fill('the ward confirms')
  await expectAccessible(page)
  await keepScreenshot(page, 'emergency-review')
  await page.getByRole('button', { name: 'Reviewed' }).click()
  await expect(row.getByText('reviewed', { exact: true })).toBeVisible()
  await expect(page.getByText(/emergency access(es)? waits? for a review/)).toBeHidden()
  await other.close()
})
