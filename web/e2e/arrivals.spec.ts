// What comes in while somebody reads: into an open viewer, from the rail's other studies, by folder, into quarantine.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import { type Subject, newUid, object } from './dicom'
import { keepScreenshot, signIn, store } from './support'
import { drawn, open, pane } from './viewing'

function subjectOf(name: string): Subject & { study: string; series: string } {
  const unique = `${name}${Date.now().toString(36)}`
  return { patientName: `${unique}^Nora`, patientId: unique, study: newUid(), series: newUid(), modality: 'CT' }
}

const slider = (page: Page) => pane(page).getByRole('slider', { name: 'Image' })

test('a series that grows in an open viewer keeps the image one looks at', async ({ page }) => {
  const subject = subjectOf('Grow')
  await signIn(page)
  const instances = new Map<number, string>()
  const send = async (...numbers: number[]) => {
    for (const number of numbers) {
      const instance = newUid()
      instances.set(number, instance)
      expect(await store(page, `IM${number}`, object({ ...subject, instance, instanceNumber: number }))).toBe('stored')
    }
  }
  await send(3, 5, 7)
  const first = await open(page, subject.study)
  const series = page.getByTestId('rail-series')
  await expect(series).toHaveCount(1)
  await expect(series.locator('.rail-count')).toHaveText('3 images')
  await drawn(page, () => page.keyboard.press('ArrowDown'))
  await drawn(page, () => page.keyboard.press('i'))
  await expect(first).toHaveAttribute('data-image', instances.get(5)!)
  await expect(slider(page)).toHaveAttribute('aria-valuemax', '3')

  // Before it and behind it: its number changes, the picture and what was done to it do not.
  await send(1, 2, 9)
  await expect(series.locator('.rail-count')).toHaveText('6 images')
  await expect(slider(page)).toHaveAttribute('aria-valuemax', '6')
  await expect(slider(page)).toHaveAttribute('aria-valuenow', '4')
  await expect(first).toHaveAttribute('data-image', instances.get(5)!)
  await expect(first).toHaveAttribute('data-shown', '3')
  await expect(first).toHaveAttribute('data-inverted', 'true')
  await expect(first.locator('.corner-bottom-left')).toContainText('Im 4/6')
  await drawn(page, () => page.keyboard.press('End'))
  await expect(first).toHaveAttribute('data-image', instances.get(9)!)
  await drawn(page, () => page.keyboard.press('Home'))
  await expect(first).toHaveAttribute('data-image', instances.get(1)!)

  const other = { ...subject, series: newUid(), description: '' }
  expect(await store(page, 'other', object(other))).toBe('stored')
  await expect(series).toHaveCount(2)
  await expect(series.filter({ hasText: 'new' })).toHaveAttribute('data-series', other.series)
  await expect(first).toHaveAttribute('data-image', instances.get(1)!)
  await keepScreenshot(page, 'viewer-growing')
  await series.filter({ hasText: 'new' }).click()
  await expect(first).toHaveAttribute('data-status', 'shown')
  await expect(series.filter({ hasText: 'new' })).toHaveCount(0)
})

test('an image that is still loading while others arrive before it takes its new place', async ({ page }) => {
  const subject = subjectOf('Late')
  await signIn(page)
  const late = newUid()
  await store(page, 'IM5', object({ ...subject, instanceNumber: 5 }))
  await store(page, 'IM7', object({ ...subject, instance: late, instanceNumber: 7 }))
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route(`**/instances/${late}/**`, async (route) => {
    await released
    await route.continue()
  })
  const first = await open(page, subject.study)
  await page.keyboard.press('End')
  await expect(first).toHaveAttribute('data-status', 'loading')
  await store(page, 'IM1', object({ ...subject, instanceNumber: 1 }))
  await expect(slider(page)).toHaveAttribute('aria-valuemax', '3')
  release()
  await expect(first).toHaveAttribute('data-image', late)
  await expect(first).toHaveAttribute('data-shown', '2')
  await expect(first.locator('.corner-bottom-left')).toContainText('Im 3/3')
})

test('another study of the patient opens from the rail, and by keys', async ({ page }) => {
  const subject = subjectOf('Prior')
  const prior = { ...subject, study: newUid(), series: newUid(), studyDate: '20240102', description: 'Baseline' }
  await signIn(page)
  await store(page, 'new', object({ ...subject, studyDate: '20260101', description: 'Follow-up' }))
  await store(page, 'old', object(prior))
  const first = await open(page, subject.study)
  const studies = page.getByTestId('rail-study')
  await expect(studies).toHaveCount(2)
  await expect(studies.nth(1)).toContainText('2024-01-02')
  await expect(studies.nth(1)).toContainText('prior')
  await expect(studies.nth(1)).toContainText('Baseline')
  await expect(page.getByTestId('rail-series')).toHaveCount(1)
  await studies.nth(1).click()
  await expect(page.getByTestId('rail-series')).toHaveCount(2)
  await page.locator(`[data-series="${prior.series}"]`).click()
  await expect(first.locator('.corner-top-right')).toContainText('2024-01-02')
  await expect(first.locator('.corner-top-right')).toContainText('Prior study')
  await keepScreenshot(page, 'viewer-prior')
  await page.keyboard.press('Control+ArrowLeft')
  await expect(first.locator('.corner-top-right')).toContainText('2026-01-01')
  await expect(first.locator('.corner-top-right')).not.toContainText('Prior study')
  await page.keyboard.press('Control+ArrowRight')
  await expect(first.locator('.corner-top-right')).toContainText('2024-01-02')

  // Side by side: the new one and what is beside it in the rail.
  await page.keyboard.press('Control+ArrowLeft')
  await page.keyboard.press('Alt+2')
  await expect(pane(page, 1).locator('.corner-top-right')).toContainText('Prior study')

  // One that arrives meanwhile takes its place between them.
  await store(page, 'between', object({ ...subject, study: newUid(), series: newUid(), studyDate: '20250601', description: 'Control' }))
  await expect(studies).toHaveCount(3)
  await expect(studies.nth(1)).toContainText('Control')
  await expect(studies.nth(2)).toContainText('Baseline')
})

test('a series chosen in the list is the one the viewer opens with', async ({ page }) => {
  const subject = subjectOf('Chosen')
  await signIn(page)
  const second = { ...subject, series: newUid(), seriesNumber: 2 }
  await store(page, 'a', object(subject))
  const instance = newUid()
  await store(page, 'b', object({ ...second, instance }))
  await page.goto(`/?q=${subject.patientId}`)
  const row = page.locator('.study-row[aria-rowindex]')
  await expect(row).toHaveCount(1)
  await row.click()
  await page.keyboard.press('Space')
  const links = page.getByRole('complementary', { name: 'Study details' }).locator('a.series-row')
  await expect(links).toHaveCount(2)
  await links.nth(1).click()
  await expect(pane(page)).toHaveAttribute('data-image', instance)
})

/** Files really come from the disk: a drop made of DataTransfer in the page has no folders. */
async function dropFolder(page: Page, folder: string): Promise<void> {
  const client = await page.context().newCDPSession(page)
  const data = { items: [], files: [folder], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await client.send('Input.dispatchDragEvent', { type, x: 500, y: 400, data })
  await client.detach()
}

test('a folder dropped on the list is walked to the bottom, without the litter', async ({ page }) => {
  const subject = subjectOf('Tree')
  const top = path.join(mkdtempSync(path.join(tmpdir(), 'isocenter-')), 'CD')
  const deep = path.join(top, 'DICOM', 'PAT1', 'ST1', 'SE1')
  mkdirSync(deep, { recursive: true })
  // A folder is read in portions of 100: more than one of them.
  for (let number = 1; number <= 120; number++) {
    writeFileSync(path.join(deep, `IM${number}`), object({ ...subject, instanceNumber: number }))
  }
  writeFileSync(path.join(top, 'DICOM', 'IM-top'), object({ ...subject, series: newUid() }))
  for (const litter of [path.join(top, '.DS_Store'), path.join(deep, 'Thumbs.db')]) writeFileSync(litter, 'litter')
  await signIn(page)
  await expect(page.getByRole('searchbox')).toBeVisible()
  await dropFolder(page, top)
  await expect(page).toHaveURL(/\/upload$/)
  await expect(page.getByRole('button', { name: /^Stored 121$/ })).toBeVisible({ timeout: 90_000 })
  await expect(page.getByRole('heading', { name: 'Finished', exact: true })).toBeVisible()
  await expect(page.getByRole('listitem').filter({ hasText: 'CD/DICOM/PAT1/ST1/SE1/IM2' }).first()).toContainText('Stored')
  await page.goto(`/?q=${subject.patientId}`)
  const row = page.locator('.study-row[aria-rowindex]')
  await expect(row).toHaveCount(1)
  await expect(row.locator('.cell-images')).toHaveText('121')
})

test('a page that still sends asks before it is closed, and afterwards no more', async ({ page }) => {
  const subject = subjectOf('Leaving')
  await signIn(page, '/upload')
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route('**/api/v1/upload**', async (route) => {
    await released
    await route.continue()
  })
  const questions: string[] = []
  page.on('dialog', (dialog) => {
    questions.push(dialog.type())
    void dialog.dismiss()
  })
  await page.getByTestId('upload-files').setInputFiles({ name: 'IM1', mimeType: 'application/dicom', buffer: object(subject) })
  await expect(page.getByRole('heading', { name: '0 of 1 file' })).toBeVisible()
  await page.getByRole('heading', { name: 'Upload' }).click() // browsers ask only where somebody has done something
  await page.evaluate(() => window.location.reload())
  await expect.poll(() => questions).toEqual(['beforeunload'])
  release()
  await expect(page.getByRole('button', { name: /^Stored 1$/ })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { name: /Drop files/ })).toBeVisible()
  expect(questions).toEqual(['beforeunload'])
})

test('a quarantined object can be downloaded as it came', async ({ page }) => {
  const subject = subjectOf('Aside')
  const bytes = object({ ...subject, study: '' })
  await signIn(page, '/exceptions')
  expect(await store(page, 'nowhere', bytes)).toBe('quarantined')
  await page.getByRole('button', { name: 'Quarantined', exact: true }).click()
  const row = page.locator('.case').filter({ hasText: /2\.25\.\d+/.exec(bytes.toString('latin1'))![0] })
  await expect(row).toHaveCount(1)
  await keepScreenshot(page, 'exceptions-quarantined')
  const download = page.waitForEvent('download')
  await row.getByRole('link', { name: 'Download file' }).click()
  expect(readFileSync(await (await download).path()).equals(bytes)).toBe(true)
})
