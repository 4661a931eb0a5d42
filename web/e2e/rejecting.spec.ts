// Rejecting (IHE RAD IOCM) as a person does it: hidden, looked at, to be deleted, not after all, restored; and a legal hold.
import { expect, test } from '@playwright/test'
import { newUid, object } from './dicom'
import { expectAccessible, family, rows, search } from './list'
import { keepScreenshot, signIn, store } from './support'

test('a study is rejected, looked at among the rejected ones, held, and restored', async ({ page }) => {
  const name = family('Reject')
  const study = newUid()
  const common = { patientId: `${name}-1`, patientName: `${name}^Rita`, modality: 'CT', study, studyDate: '20250301', description: 'CT Chest' }
  await signIn(page)
  await store(page, 'a', object({ ...common }))
  await search(page, name)
  await rows(page).first().click()
  if (!(await page.getByLabel('Study details').isVisible())) await page.keyboard.press('Space')
  const details = page.getByLabel('Study details')

  await details.getByRole('button', { name: 'Legal hold' }).click()
  await page.getByLabel('Reason').fill('a lawsuit')
  await page.getByRole('button', { name: 'Hold', exact: true }).click()
  await expect(page.getByRole('dialog')).toBeHidden()

  await details.getByRole('button', { name: 'Reject' }).click()
  await page.getByRole('radio', { name: /Patient safety/ }).check()
  await expect(page.getByRole('button', { name: 'Reject', exact: true }).last()).toBeDisabled()
  await page.getByLabel('Reason').fill('wrong side marked')
  await expectAccessible(page)
  await keepScreenshot(page, 'reject-dialog')
  await page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click()
  await expect(page.getByText('1 object hidden, none deleted.')).toBeVisible()
  await page.getByRole('button', { name: 'See what is rejected' }).click()

  const row = page.getByRole('row').filter({ hasText: 'wrong side marked' })
  await expect(row).toContainText('Patient safety')
  await expect(row.getByText('held')).toBeVisible()
  await expect(row.getByRole('button', { name: /^Delete/ })).toBeDisabled()
  const token = ((await (await page.request.get('/api/v1/session')).json()) as { csrf_token: string }).csrf_token
  const released = await page.request.post(`/api/v1/studies/${study}/hold/release`, { headers: { 'X-CSRF-Token': token }, data: { reason: 'it has ended' } })
  expect(released.status()).toBe(204)

  await row.getByRole('button', { name: /^Show/ }).click()
  const picture = page.getByRole('img', { name: /Rejected object/ })
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth)).toBeGreaterThan(0)
  await expectAccessible(page)
  await keepScreenshot(page, 'rejected')
  await page.keyboard.press('Escape')

  await page.reload()
  await row.getByRole('button', { name: /^Delete/ }).click()
  await page.getByLabel('Reason').fill('kept long enough')
  await page.getByRole('button', { name: 'Delete for good' }).click()
  await row.getByRole('button', { name: /^Keep/ }).click()
  await expect(row.getByText('hidden')).toBeVisible()

  await page.goto('/')
  await search(page, name)
  await expect(page.getByText('No study matches')).toBeVisible()
  await page.goto('/admin/rejected')
  await row.getByRole('button', { name: /^Restore/ }).click()
  await expect(row).toBeHidden()
  await page.goto('/')
  await search(page, name)
  await expect(rows(page)).toHaveCount(1)
})

test('a case is settled by one click, and a study is split', async ({ page }) => {
  const name = family('Split')
  const study = newUid()
  const common = { patientId: `${name}-1`, patientName: `${name}^Rita`, modality: 'CT', study, studyDate: '20250301', description: 'CT Chest' }
  await signIn(page)
  await store(page, 'a', object({ ...common }))
  await store(page, 'b', object({ ...common, patientId: `${name}-2`, patientName: `${name}^Wrong` }))
  await page.goto('/exceptions')
  // The newest is on top; the list names nobody until one asks.
  const row = page.getByRole('listitem').filter({ hasText: 'one of that study' }).first()
  await expect(row).not.toContainText(name)
  await row.getByRole('button', { name: 'Who is that?' }).click()
  await expect(row).toContainText(`${name}-1`)
  await keepScreenshot(page, 'exceptions-proposal')
  await expectAccessible(page)
  await row.getByRole('button', { name: 'File it there' }).click()
  await expect(page.getByText(`${name}-1`)).toHaveCount(0)

  await page.goto('/')
  await search(page, name)
  await rows(page).first().click()
  const details = page.getByLabel('Study details')
  if (!(await details.isVisible())) await page.keyboard.press('Space')
  await expect(details.locator('a.series-row')).toHaveCount(2)
  await details.getByRole('button', { name: 'Split' }).click()
  await page.getByRole('checkbox', { name: /CT/ }).first().check()
  await page.getByLabel('Reason').fill('two examinations')
  await expectAccessible(page)
  await keepScreenshot(page, 'split-dialog')
  await page.getByRole('dialog').getByRole('button', { name: 'Split' }).click()
  await expect(page).toHaveURL((url) => url.pathname.startsWith('/viewer/') && !url.pathname.endsWith(study))
  await page.goto('/')
  await search(page, name)
  await expect(rows(page)).toHaveCount(2)
})
