// A person of one institution, on a server that has the studies of several.
import { expect, test } from '@playwright/test'
import { newUid, object } from './dicom'
import { expectAccessible, family, rows, search } from './list'
import { keepScreenshot, signIn, store } from './support'

const SECRET = 'a password of several words'

test('a person of an institution sees its studies and no others', async ({ page }) => {
  const name = family('Limit')
  const north = `North ${name}`
  const [here, elsewhere] = [newUid(), newUid()]
  const common = { patientName: `${name}^Paula`, patientId: `${name}-1` }
  await store(page, 'a', object({ ...common, study: here, institution: north, description: 'Of the north' }))
  await store(page, 'b', object({ ...common, study: elsewhere, institution: `South ${name}`, description: 'Of the south' }))

  await signIn(page, '/admin')
  await page.getByRole('button', { name: 'Add a user' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name.toLowerCase())
  await page.getByLabel('Password').fill(SECRET)
  await page.getByLabel('Only studies of').fill('North')
  await page.getByRole('button', { name: 'Add user', exact: true }).click()
  await expect(page.getByText('write institution=NAME or department=NAME')).toBeVisible()
  await page.getByLabel('Only studies of').fill(`institution=${north}`)
  await expectAccessible(page)
  await keepScreenshot(page, 'limit-add')
  await page.getByRole('button', { name: 'Add user', exact: true }).click()
  await expect(page.getByText(`only institution=${north}`)).toBeVisible()

  await page.context().clearCookies()
  expect((await page.request.post('/api/v1/session', { data: { username: name.toLowerCase(), password: SECRET } })).status()).toBe(200)
  await page.goto('/')
  await search(page, name)
  await expect(rows(page)).toHaveCount(1)
  await expect(rows(page)).toContainText('Of the north')
  await keepScreenshot(page, 'limit-list')
  const detail = await page.request.get(`/api/v1/studies/${here}`)
  expect(await detail.text()).not.toContain(elsewhere)
  const found = await page.request.get(`/dicom-web/studies?PatientID=${common.patientId}`)
  expect(((await found.json()) as unknown[]).length).toBe(1)
  for (const address of [`/api/v1/studies/${elsewhere}`, `/dicom-web/studies/${elsewhere}`, `/dicom-web/studies/${elsewhere}/metadata`]) {
    expect((await page.request.get(address)).status(), address).toBe(404)
  }
  await page.goto(`/viewer/${elsewhere}`)
  await expect(page.getByText('Of the south')).toHaveCount(0)
})

test('a person of a list of patients sees who is on it at the moment', async ({ page }) => {
  const name = family('Listed')
  const [one, other] = [newUid(), newUid()]
  await store(page, 'a', object({ patientName: `${name}^Anna`, patientId: `${name}-1`, study: one, description: 'Of Anna' }))
  await store(page, 'b', object({ patientName: `${name}^Bert`, patientId: `${name}-2`, study: other, description: 'Of Bert' }))

  await signIn(page, '/admin/lists')
  await page.getByRole('button', { name: 'New list' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('What it is for').fill('A trial')
  await page.getByLabel('Patients', { exact: true }).fill(`${name}-1\nsomebody-else@ELSEWHERE`)
  await expectAccessible(page)
  await keepScreenshot(page, 'limit-list-edit')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('row', { name: new RegExp(name) })).toContainText('2')
  await keepScreenshot(page, 'limit-lists')
  await page.goto('/admin/users')
  await page.getByRole('button', { name: 'Add a user' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name.toLowerCase())
  await page.getByLabel('Password').fill(SECRET)
  await page.getByLabel('Only studies of').fill(`list=${name}`)
  await page.getByRole('button', { name: 'Add user', exact: true }).click()
  await expect(page.getByText(`only list=${name}`)).toBeVisible()
  await page.goto('/admin/lists')
  await page.getByRole('button', { name: `Remove ${name}` }).click()
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await expect(page.getByText(`an account is limited to it: ${name.toLowerCase()}`)).toBeVisible()

  await page.context().clearCookies()
  expect((await page.request.post('/api/v1/session', { data: { username: name.toLowerCase(), password: SECRET } })).status()).toBe(200)
  await page.goto('/')
  await search(page, name)
  await expect(rows(page)).toHaveCount(1)
  await expect(rows(page)).toContainText('Of Anna')
  expect((await page.request.get(`/dicom-web/studies/${other}/metadata`)).status()).toBe(404)
})
