// Names in every alphabet: shown with all their groups, found by every spelling a person may type.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@playwright/test'
import { object } from './dicom'
import { rows, search } from './list'
import { keepScreenshot, signIn, store } from './support'

const SPELLINGS = JSON.parse(readFileSync(path.resolve('../tests/spellings.json'), 'utf8')) as Record<string, string[]>

/** What is shown of a name, in whatever order: the components of its groups. */
function parts(name: string): string[] {
  return name.split(/[\^=]/).filter(Boolean)
}

/** As a person types it, who knows nothing of carets; null for what only programs ask (wildcards within, groups by number). */
function typed(spelling: string): string | null {
  return /[=?]|^\*/.test(spelling) ? null : spelling.replaceAll('^', ' ').replace('*', '')
}

test('names of PS3.5 Annexes H to K are shown whole and found by every spelling', async ({ page }) => {
  test.setTimeout(240_000)
  const names = Object.keys(SPELLINGS)
  for (const [number, name] of names.entries()) await store(page, `${number}`, object({ patientName: name, patientId: `NAME${number}` }))
  await signIn(page)
  await expect(rows(page)).toHaveCount(names.length)
  await keepScreenshot(page, 'names')
  for (const name of names) {
    for (const text of (SPELLINGS[name] ?? []).map(typed).filter((each) => each !== null)) {
      await search(page, text)
      const row = rows(page).filter({ hasText: `NAME${names.indexOf(name)}` })
      await expect(row, `${name} by ${text}`).toHaveCount(1)
      for (const part of parts(name)) await expect(row).toContainText(part)
    }
  }
})

test('the names of real files are shown as they were meant', async ({ page }) => {
  const folder = path.join(process.env.ISOCENTER_TEST_DATA ?? '', 'charsets')
  for (const file of readdirSync(folder).filter((each) => each.endsWith('.dcm'))) await store(page, file, readFileSync(path.join(folder, file)))
  await signIn(page)
  for (const name of ['قباني لنزار', 'Buc Jérôme', 'Zhang XiaoDong', 'Äneas Rüdiger', 'Διονυσιος', 'שרון דבורה', 'Люкceмбypг', '김희중', '王 小東', '山田 太郎']) {
    await search(page, name)
    for (const part of name.split(' ')) await expect(rows(page).first()).toContainText(part)
  }
  await keepScreenshot(page, 'names-of-files')
})
