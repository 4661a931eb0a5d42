import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from '@playwright/test'
import { newUid, object } from './dicom'
import { expectAccessible, family, rows, search } from './list'
import { keepScreenshot, signIn, store } from './support'
import { canvasAt, pane } from './viewing'

function folderOf(name: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-'))
  mkdirSync(path.join(folder, 'DICOM', 'SER1'), { recursive: true })
  const subject = { patientName: `${name}^Uli`, patientId: name, study: newUid(), series: newUid() }
  for (const number of [1, 2, 3]) {
    writeFileSync(path.join(folder, 'DICOM', 'SER1', `IM${number}`), object({ ...subject, instanceNumber: number }))
  }
  const whole = object({ ...subject, instanceNumber: 4 })
  writeFileSync(path.join(folder, 'DICOM', 'SER1', 'IM4-cut'), whole.subarray(0, whole.length - 100))
  writeFileSync(path.join(folder, 'DICOM', 'README.txt'), 'Patient CD, please return to the film library.')
  writeFileSync(path.join(folder, 'DICOM', '.DS_Store'), 'litter')
  return folder
}

test('a folder with good and bad files is uploaded, each with its result', async ({ page }) => {
  const name = family('Upload')
  await signIn(page, '/upload')
  await expect(page.getByRole('heading', { name: /Drop files/ })).toBeVisible()
  await keepScreenshot(page, 'upload-empty')
  await expectAccessible(page)
  const folder = folderOf(name)
  await page.getByTestId('upload-folder').setInputFiles(folder)
  await expect(page.getByRole('heading', { name: /Finished/ })).toBeVisible()
  const lines = page.getByRole('list', { name: 'Files' }).getByRole('listitem')
  await expect(lines).toHaveCount(5)
  await expect(page.getByRole('button', { name: /^Stored 3$/ })).toBeVisible()
  await expect(lines.filter({ hasText: 'README.txt' })).toContainText('Refused')
  await expect(lines.filter({ hasText: 'IM4-cut' })).toContainText('Refused')
  await keepScreenshot(page, 'upload-done')
  await expectAccessible(page)
  await page.getByRole('button', { name: /^Refused 2$/ }).click()
  await expect(lines).toHaveCount(2)

  await page.getByTestId('upload-folder').setInputFiles(folder)
  await expect(page.getByRole('button', { name: /^Already there 3$/ })).toBeVisible()

  await page.getByRole('link', { name: 'Studies', exact: true }).click()
  await search(page, name)
  await expect(rows(page)).toHaveCount(1)
  await expect(rows(page).locator('.cell-images')).toHaveText('3')
  await page.goto('/exceptions')
  await page.getByRole('button', { name: 'Refused', exact: true }).click()
  const refused = page.locator('.cases').getByRole('listitem').filter({ hasText: 'Refused' })
  const cut = refused.filter({ hasText: 'cut short' })
  await expect(cut).toHaveCount(1)
  await expect(cut).toContainText('Upload · admin')
  await keepScreenshot(page, 'exceptions')
  await expectAccessible(page)
  await cut.getByRole('button', { name: 'Dismiss' }).click()
  await expect(cut).toHaveCount(0)
})

// One white pixel.
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC'
const PDF = '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n'

test('pictures and documents become objects of a study that is chosen', async ({ page }) => {
  const name = family('Photo')
  const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-'))
  const file = (called: string, content: Buffer | string) => {
    writeFileSync(path.join(folder, called), content)
    return path.join(folder, called)
  }
  await signIn(page, '/upload')
  await expect(page.getByRole('heading', { name: /Drop files/ })).toBeVisible()
  await page.getByTestId('upload-files').setInputFiles([file('leg.png', Buffer.from(PNG, 'base64')), file('letter.pdf', PDF), file('broken.jpg', 'no picture')])
  const dialog = page.getByRole('dialog', { name: 'Whose are these?' })
  await expect(dialog.getByRole('button', { name: 'Upload 3 files' })).toBeDisabled()
  await dialog.getByLabel('Belongs to').selectOption('A new study')
  await dialog.getByLabel('Patient name').fill(`${name}, Paula`)
  await dialog.getByLabel('Patient ID').fill(name)
  await dialog.getByLabel('Study description').fill('Wound')
  await keepScreenshot(page, 'upload-subject')
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Upload 3 files' }).click()
  await expect(page.getByRole('heading', { name: /Finished/ })).toBeVisible()
  await expect(page.getByRole('button', { name: /^Stored 2$/ })).toBeVisible()
  await expect(page.getByRole('list', { name: 'Files' }).getByRole('listitem').filter({ hasText: 'broken.jpg' })).toContainText('Refused')

  // The study is there with both; a third thing is added from its details.
  await page.getByRole('link', { name: 'Studies', exact: true }).click()
  await search(page, name)
  await expect(rows(page)).toHaveCount(1)
  await expect(rows(page).locator('.cell-images')).toHaveText('2')
  await rows(page).first().click()
  await page.keyboard.press('Space')
  await page.getByRole('complementary', { name: 'Study details' }).getByRole('button', { name: 'Add files' }).click()
  await page.getByTestId('upload-files').setInputFiles(file('more.png', Buffer.from(PNG, 'base64')))
  const choice = dialog.getByRole('radio', { name: new RegExp(name) })
  await expect(choice).toBeChecked()
  await keepScreenshot(page, 'upload-subject-held')
  await dialog.getByRole('button', { name: 'Upload 1 file' }).click()
  await expect(page.getByRole('button', { name: /^Stored 3$/ })).toBeVisible()
  const answer = await page.request.get(`/dicom-web/instances?PatientID=${name}&includefield=00080060`, { headers: { Accept: 'application/dicom+json' } })
  const found = (await answer.json()) as Record<string, { Value: unknown[] }>[]
  expect(found.map((each) => each['00080060']?.Value[0]).sort()).toEqual(['DOC', 'XC', 'XC'])
  expect(new Set(found.map((each) => each['0020000D']?.Value[0])).size).toBe(1)
})

test('files can be dropped anywhere on the study list, and uploading pauses', async ({ page }) => {
  const name = family('Drop')
  await signIn(page)
  // The first six files go through, those after them wait for the pause: how fast the machine is decides nothing.
  let asked = 0
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route('**/api/v1/upload**', async (route) => {
    asked += 1
    if (asked > 6) await released
    await route.continue()
  })
  const subject = { patientName: `${name}^Dora`, patientId: name, study: newUid(), series: newUid() }
  const files = Array.from({ length: 24 }, (_, index) => object({ ...subject, instanceNumber: index + 1 }).toString('base64'))
  const transfer = await page.evaluateHandle((contents) => {
    const data = new DataTransfer()
    contents.forEach((content, index) => {
      const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0))
      data.items.add(new File([bytes], `IM${index}.dcm`))
    })
    return data
  }, files)
  await expect(page.getByRole('searchbox')).toBeVisible()
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer })
  await expect(page.getByText('Drop to upload')).toBeVisible()
  await keepScreenshot(page, 'upload-drop')
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer })
  await expect(page).toHaveURL(/\/upload$/)
  const headline = page.locator('.upload-headline h2')
  await expect(headline).toHaveText('6 of 24 files')
  await page.getByRole('button', { name: 'Pause' }).click()
  await expect(page.getByText('Paused ·')).toBeVisible()
  release()
  // The three on the wire are finished, nothing new is begun.
  await expect(headline).toHaveText('9 of 24 files')
  await page.waitForTimeout(600)
  await expect(headline).toHaveText('9 of 24 files')
  expect(asked).toBe(9)
  await keepScreenshot(page, 'upload-paused')
  await page.getByRole('button', { name: 'Resume' }).click()
  await expect(page.getByRole('heading', { name: 'Finished' })).toBeVisible()
  await expect(page.getByRole('button', { name: /^Stored 24$/ })).toBeVisible()
})

test('thousands of files do not freeze the page', async ({ page }) => {
  await signIn(page, '/upload')
  // After some hundreds the server takes its time, so that there is something left to cancel.
  let asked = 0
  await page.route('**/api/v1/upload**', async (route) => {
    asked += 1
    if (asked < 300) await route.fulfill({ json: { results: [{ name: 'x', status: 'stored', reason: '' }] } })
  })
  await expect(page.getByRole('heading', { name: /Drop files/ })).toBeVisible()
  await page.evaluate(() => {
    const data = new DataTransfer()
    for (let index = 0; index < 3000; index += 1) data.items.add(new File(['x'], `IM${index}.dcm`))
    const input = document.querySelector<HTMLInputElement>('[data-testid="upload-files"]')
    if (!input) throw new Error('no input')
    input.files = data.files
    input.dispatchEvent(new Event('change', { bubbles: true }))
  })
  await expect(page.getByRole('button', { name: 'All 3,000' })).toBeVisible()
  expect(await page.getByRole('listitem').count()).toBeLessThan(60)
  await expect(page.getByRole('button', { name: /^Stored 299$/ })).toBeVisible()
  await page.getByRole('button', { name: 'Cancel all' }).click()
  await expect(page.getByRole('button', { name: /^Cancelled 2,701$/ })).toBeVisible()
})

test('a study is shared by a link with a code, which opens it on a phone and nothing else; another hospital sends one in', async ({ page, browser }) => {
  test.setTimeout(240_000)
  const name = family('Share')
  const [study, secret, theirs] = [newUid(), newUid(), newUid()]
  await signIn(page)
  await store(page, 'a', object({ patientId: `${name}-1`, patientName: `${name}^Ada`, study, description: 'Shared with a code' }))
  await store(page, 'b', object({ patientId: `${name}-2`, patientName: `${name}^Bob`, study: secret }))
  await search(page, `${name}-1`)
  await rows(page).first().click()
  if (!(await page.getByLabel('Study details').isVisible())) await page.keyboard.press('Space')
  await page.getByLabel('Study details').getByRole('button', { name: 'Share' }).click()
  await page.getByLabel('For whom').fill('Dr. House')
  await page.getByRole('button', { name: 'Make the link' }).click()
  const link = await page.getByTestId('share-link').innerText()
  const code = await page.getByTestId('share-code').innerText()
  await expectAccessible(page)
  await keepScreenshot(page, 'share-link')
  await page.getByRole('button', { name: 'Done' }).click()

  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true })
  const guest = await phone.newPage()
  await guest.goto(link)
  await guest.getByLabel('Code').fill(code === '0000-0000' ? '1' : '0000-0000')
  await guest.getByRole('button', { name: 'Open' }).click()
  await expect(guest.getByText('The code is wrong.')).toBeVisible()
  await guest.getByLabel('Code').fill(code)
  await guest.getByRole('button', { name: 'Open' }).click()
  await expect(guest).toHaveURL(new RegExp(`/viewer/${study.replaceAll('.', '\\.')}`)) // the link is not in the address any more
  await expect(pane(guest)).toHaveAttribute('data-status', 'shown')
  // The ramp of object(): the last row is brighter than the first.
  await expect.poll(async () => (await canvasAt(guest, [[8, 1], [8, 14]])).map(({ color }) => color[0] > 127)).toEqual([false, true])
  await expect(guest.getByRole('button', { name: /Open a study beside/ })).toHaveCount(0) // there is no list to choose from
  await keepScreenshot(guest, 'guest-viewer')
  await guest.goto(`/viewer/${secret}`)
  await expect(guest.getByText(/not in the archive|no such study/i)).toBeVisible()
  await guest.goto('/orders') // there is nothing but the page of the link
  await expect(guest).toHaveURL(/viewer/)
  await guest.getByRole('button', { name: 'Back to the study list' }).click()
  await expect(guest.getByRole('list', { name: 'Studies' }).getByRole('listitem')).toHaveCount(1)
  await expectAccessible(guest)
  await keepScreenshot(guest, 'guest-page')

  await page.goto('/shares')
  const row = page.getByRole('row').filter({ hasText: 'Dr. House' })
  await expect(row).toContainText('In use')
  await row.getByRole('button', { name: 'Who opened it' }).click()
  await expect(page.getByTestId('share-history')).toContainText('wrong code')
  await expect(page.getByTestId('share-history')).toContainText('Looked at a study')
  await page.keyboard.press('Escape')
  await row.getByRole('button', { name: 'Withdraw' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click()
  await expect(row).toContainText('Withdrawn')
  await guest.getByRole('link', { name: 'Open images' }).click()
  await expect(guest.getByText('The link is closed here.')).toBeVisible()

  await page.getByRole('button', { name: 'A link for sending in' }).click()
  await page.getByLabel('From whom').fill(`${name} hospital`)
  await page.getByLabel('Ask for a code').selectOption('none')
  await page.getByRole('button', { name: 'Make the link' }).click()
  const into = await page.getByTestId('share-link').innerText()
  await page.getByRole('button', { name: 'Done' }).click()
  const sender = await (await browser.newContext()).newPage()
  await sender.goto(into)
  const foreign = { patientId: `${name}-1`, patientName: `${name}^Foreign`, study: theirs, series: newUid() }
  const files = [1, 2].map((number) => ({ name: `${number}.dcm`, mimeType: 'application/dicom', buffer: object({ ...foreign, instanceNumber: number }) }))
  await sender.getByTestId('upload-files').setInputFiles([...files, { name: 'read.me', mimeType: 'text/plain', buffer: Buffer.from('a disc') }])
  await expect(sender.getByText('2 objects have arrived')).toBeVisible()
  await expect(sender.getByText('read.me: This is no DICOM file.')).toBeVisible()
  await expectAccessible(sender)
  await keepScreenshot(sender, 'guest-upload')

  await page.getByRole('link', { name: 'Exceptions' }).click()
  const waiting = page.getByTestId('received').getByRole('listitem').filter({ hasText: `${name} hospital` })
  await expect(waiting).toContainText('2 objects')
  await waiting.getByRole('button', { name: 'Accept' }).click()
  await expect(page.getByTestId('received-says')).toContainText('Foreign')
  await expect(page.getByRole('radio', { name: /somebody else/ })).toBeChecked() // the same number, another name
  await expectAccessible(page)
  await keepScreenshot(page, 'received-accept')
  await page.getByRole('dialog').getByRole('button', { name: 'Accept' }).click()
  await expect(page.getByText('2 objects are in the archive.')).toBeVisible()
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(waiting).toHaveCount(0)
  await page.getByRole('link', { name: 'Studies', exact: true }).click()
  await search(page, `${name}^Foreign`)
  await expect(rows(page)).toHaveCount(1)
  await expect(rows(page).locator('.cell-images')).toHaveText('2')
})
