import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, test } from '@playwright/test'
import { newUid, object } from './dicom'
import { PASSWORD, keepScreenshot, signIn, store } from './support'

/** Each test has its own family of patients, so that none sees another's studies. */
function family(name: string): string {
  return `${name}${Date.now().toString(36)}`
}

function rows(page: Page) {
  return page.locator('.study-row[aria-rowindex]')
}

/** The rows on the screen are the answer to what the address asks; until then the former answer's rows stay. */
async function answered(page: Page): Promise<void> {
  await expect(page.locator('.studies-list')).toHaveAttribute('aria-busy', 'false')
}

async function search(page: Page, text: string): Promise<void> {
  await page.getByRole('searchbox').fill(text)
  await expect(page).toHaveURL(new RegExp(`[?&]q=${encodeURIComponent(text)}(&|$)`))
  await answered(page)
}

/** Waits for what moves or fades to come to rest; a pulsing light never does. */
async function atRest(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter((each) => each.effect?.getComputedTiming().iterations !== Infinity)
    await Promise.all(ending.map((each) => each.finished.catch(() => undefined)))
  })
}

/** No serious or critical finding (WCAG 2.2 A and AA). */
async function expectAccessible(page: Page): Promise<void> {
  await atRest(page) // animations change contrast while they run
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze()
  const serious = violations.filter((finding) => finding.impact === 'serious' || finding.impact === 'critical')
  expect(serious.map((finding) => `${finding.id}: ${finding.nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual([])
}

async function storeStudies(page: Page, name: string): Promise<string[]> {
  const studies = [newUid(), newUid(), newUid()]
  const common = { patientId: `${name}-1`, modality: 'CT' }
  await store(page, 'a', object({ ...common, patientName: `${name}^Berta`, study: studies[0]!, studyDate: '20250301', description: 'CT Abdomen' }))
  await store(page, 'b', object({ ...common, patientName: `${name}^Anna`, patientId: `${name}-2`, study: studies[1]!, studyDate: '20250303', modality: 'MR', description: 'MR Brain' }))
  await store(page, 'c', object({ ...common, patientName: `${name}^Clara`, patientId: `${name}-3`, study: studies[2]!, studyDate: '20250302', description: 'CT Chest', accession: `ACC${name}` }))
  return studies
}

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
  const scripts: string[] = []
  page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(new URL(request.url()).pathname)
  })
  await page.goto('/login')
  await expect(page.getByLabel('Password')).toBeVisible()
  expect(scripts).toHaveLength(1)
})

test('studies are found by name, ID, accession, date, modality and description', async ({ page }) => {
  const name = family('Finder')
  await signIn(page)
  await storeStudies(page, name)
  await search(page, name)
  await expect(rows(page)).toHaveCount(3)
  await expect(page.getByRole('status').filter({ hasText: '3 studies' })).toBeVisible()
  await expect(rows(page).first()).toContainText(`${name}, Anna`)
  await expect(rows(page).first()).toContainText('2025-03-03')
  await keepScreenshot(page, 'studies-search')

  await search(page, `${name}-2`)
  await expect(rows(page)).toHaveCount(1)
  await search(page, `ACC${name}`)
  await expect(rows(page)).toHaveCount(1)
  await expect(rows(page)).toContainText('Clara')

  await search(page, name)
  await page.getByRole('button', { name: 'MR', exact: true }).click()
  await expect(rows(page)).toHaveCount(1)
  await page.getByRole('button', { name: 'MR', exact: true }).click()
  await expect(rows(page)).toHaveCount(3)

  await page.getByRole('button', { name: 'Filters' }).click()
  await page.getByLabel('From').fill('2025-03-02')
  await page.getByLabel('From').press('Enter')
  await expect(rows(page)).toHaveCount(2)
  await page.getByLabel('Description').fill('CT Ch')
  await expect(rows(page)).toHaveCount(1)
  await expect(page).toHaveURL(/date=20250302-/)
  await expectAccessible(page)

  await page.reload()
  await expect(rows(page)).toHaveCount(1)
  await expect(page.getByLabel('From')).toHaveValue('2025-03-02')
  await page.getByRole('button', { name: 'Clear', exact: true }).click()
  await expect(page).toHaveURL(/\/$/)
  await search(page, `${name}nobody`)
  await expect(page.getByRole('heading', { name: 'No study matches' })).toBeVisible()
  await keepScreenshot(page, 'studies-none')
})

test('the server sorts by any column', async ({ page }) => {
  const name = family('Sorter')
  await signIn(page)
  await storeStudies(page, name)
  await search(page, name)
  await expect(rows(page)).toHaveCount(3)
  const names = () => rows(page).locator('.patient-name').allTextContents()
  const patient = page.getByRole('columnheader', { name: 'Patient' })
  await patient.getByRole('button').click()
  await expect(patient).toHaveAttribute('aria-sort', 'ascending')
  await expect.poll(names).toEqual([`${name}, Anna`, `${name}, Berta`, `${name}, Clara`])
  await patient.getByRole('button').click()
  await expect(patient).toHaveAttribute('aria-sort', 'descending')
  await expect.poll(names).toEqual([`${name}, Clara`, `${name}, Berta`, `${name}, Anna`])
  await page.getByRole('columnheader', { name: 'Description' }).getByRole('button').click()
  await expect.poll(names).toEqual([`${name}, Berta`, `${name}, Clara`, `${name}, Anna`])
  await expect(page).toHaveURL(/sort=StudyDescription/)
})

test('the keyboard does it all', async ({ page }) => {
  const name = family('Keys')
  await signIn(page)
  const studies = await storeStudies(page, name)
  await answered(page)
  await page.keyboard.press('/')
  await expect(page.getByRole('searchbox')).toBeFocused()
  await page.keyboard.type(name)
  await expect(page).toHaveURL(new RegExp(`q=${name}$`))
  await answered(page)
  await expect(rows(page)).toHaveCount(3)
  await page.keyboard.press('ArrowDown')
  await expect(rows(page).nth(0)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('End')
  await expect(rows(page).nth(2)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('ArrowUp')
  await expect(rows(page).nth(1)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Space')
  const details = page.getByRole('complementary', { name: 'Study details' })
  await expect(details).toContainText('CT Chest')
  await expect(details.getByRole('link')).toHaveCount(1)
  await keepScreenshot(page, 'studies-details')
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(details).toHaveCount(0)
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible()
  await keepScreenshot(page, 'keys')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.keyboard.press('Home')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`/viewer/${studies[1]!.replaceAll('.', '\\.')}`))
  await page.goBack()
  await expect(rows(page).nth(0)).toHaveAttribute('aria-selected', 'true')
  await expect(page.getByRole('searchbox')).toHaveValue(name)
})

test('other studies of the patient are offered', async ({ page }) => {
  const name = family('Prior')
  await signIn(page)
  const patient = { patientName: `${name}^Paul`, patientId: name }
  await store(page, 'new', object({ ...patient, studyDate: '20260101', description: 'Follow-up' }))
  await store(page, 'old', object({ ...patient, studyDate: '20240101', description: 'Baseline' }))
  await search(page, name)
  await expect(rows(page)).toHaveCount(2)
  await rows(page).first().click()
  await page.keyboard.press('Space')
  const details = page.getByRole('complementary', { name: 'Study details' })
  await expect(details.locator('.prior-row')).toHaveCount(1)
  await expect(details.locator('.prior-row')).toContainText('2024-01-01')
  await expect(details.locator('.prior-row')).toContainText('Baseline')
})

test('a study that arrives appears by itself and grows', async ({ page }) => {
  const name = family('Live')
  await signIn(page)
  await expect(page.locator('.live-live')).toBeVisible()
  await search(page, name)
  await expect(page.getByRole('heading', { name: 'No study matches' })).toBeVisible()
  const subject = { patientName: `${name}^Lea`, patientId: name, study: newUid(), series: newUid() }
  // The highlight fades after seconds, so it is awaited while the object is on its way.
  const highlighted = expect(page.locator('.study-row.is-new')).toContainText(`${name}, Lea`)
  expect(await store(page, '1', object(subject))).toBe('stored')
  await highlighted
  await expect(rows(page)).toHaveCount(1)
  await keepScreenshot(page, 'studies-live')
  await rows(page).click()
  await store(page, '2', object({ ...subject, instanceNumber: 2 }))
  await store(page, '3', object({ ...subject, instanceNumber: 3 }))
  await expect(rows(page).locator('.cell-images')).toHaveText('3')
  await expect(rows(page)).toHaveAttribute('aria-selected', 'true')
})

test('what arrives while one reads further down waits behind a pill', async ({ page }) => {
  test.setTimeout(120_000)
  const name = family('Scroll')
  await signIn(page)
  for (let index = 0; index < 60; index += 1) {
    const number = String(index).padStart(2, '0')
    await store(page, number, object({ patientName: `${name}^P${number}`, patientId: `${name}${number}`, studyDate: '20240101' }))
  }
  await search(page, name)
  await expect(page.getByRole('status').filter({ hasText: '60 studies' })).toBeVisible()
  const grid = page.getByRole('grid')
  await grid.hover()
  await page.mouse.wheel(0, 600)
  // A wheel scrolls smoothly: the place counts when it has stopped changing.
  let before = -1
  await expect
    .poll(async () => {
      const last = before
      before = await grid.evaluate((element) => element.scrollTop)
      return before > 300 && before === last
    }, { intervals: [250] })
    .toBe(true)
  for (const [index, date] of ['20260101', '20260102'].entries()) {
    await store(page, date, object({ patientName: `${name}^New`, patientId: `${name}n${index}`, studyDate: date }))
  }
  const pill = page.getByRole('button', { name: '2 new studies' })
  await expect(pill).toBeVisible()
  expect(await grid.evaluate((element) => element.scrollTop)).toBe(before)
  await keepScreenshot(page, 'studies-pill')
  await pill.click()
  await expect(rows(page).first()).toContainText(`${name}, New`)
  await expect(pill).toHaveCount(0)
  await expect(page.getByRole('status').filter({ hasText: '62 studies' })).toBeVisible()

  await page.keyboard.press('End')
  await expect(page.locator('#study-row-61')).toHaveAttribute('aria-selected', 'true')
  await expect(page.locator('#study-row-61')).toBeInViewport({ ratio: 0.95 })
  await page.keyboard.press('PageUp')
  await expect(page.locator('.study-row[aria-selected="true"]')).toBeInViewport({ ratio: 0.95 })
})

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

test('an administrator adds a user, a token and a peer', async ({ page }) => {
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
  await peer.getByRole('button', { name: 'Remove' }).click()
  await expect(peer).toHaveCount(0)

  await page.getByRole('tab', { name: 'System' }).click()
  await expect(page.getByText('AE title')).toBeVisible()
  await keepScreenshot(page, 'admin-system')
  await expectAccessible(page)
})

test('an unknown address says so', async ({ page }) => {
  await signIn(page, '/nowhere/at/all')
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible()
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

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })

  test('the list turns to cards and the details to a sheet', async ({ page }) => {
    const name = family('Phone')
    await signIn(page)
    await storeStudies(page, name)
    await search(page, name)
    await expect(rows(page)).toHaveCount(3)
    await expect(page.getByRole('columnheader')).toHaveCount(0)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    await keepScreenshot(page, 'phone-studies')
    await expectAccessible(page)
    await rows(page).first().tap()
    const details = page.getByRole('complementary', { name: 'Study details' })
    await expect(details).toContainText('MR Brain')
    await keepScreenshot(page, 'phone-details')
    await details.getByRole('button', { name: 'Open images' }).tap()
    await expect(page).toHaveURL(/\/viewer\//)
  })
})
