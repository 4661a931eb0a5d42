// The study list as the tests use it: fill, search, wait, and look for what keeps people out.
import AxeBuilder from '@axe-core/playwright'
import { type Page, expect } from '@playwright/test'
import { newUid, object } from './dicom'
import { store } from './support'

/** Each test has its own family of patients, so that none sees another's studies. */
export function family(name: string): string {
  return `${name}${Date.now().toString(36)}`
}

export function rows(page: Page) {
  return page.locator('.study-row[aria-rowindex]')
}

/** The rows on the screen are the answer to what the address asks; until then the former answer's rows stay. */
export async function answered(page: Page): Promise<void> {
  await expect(page.locator('.studies-list')).toHaveAttribute('aria-busy', 'false')
}

export async function search(page: Page, text: string): Promise<void> {
  await page.getByRole('searchbox').fill(text)
  await expect(page).toHaveURL((url) => url.searchParams.get('q') === text)
  await answered(page)
}

/** Waits for what moves or fades to come to rest; a pulsing light never does. */
export async function atRest(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter((each) => each.effect?.getComputedTiming().iterations !== Infinity)
    await Promise.all(ending.map((each) => each.finished.catch(() => undefined)))
  })
}

/** No serious or critical finding (WCAG 2.2 A and AA). */
export async function expectAccessible(page: Page): Promise<void> {
  await atRest(page) // animations change contrast while they run
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze()
  const serious = violations.filter((finding) => finding.impact === 'serious' || finding.impact === 'critical')
  expect(serious.map((finding) => `${finding.id}: ${finding.nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual([])
}

/** Only what differs from theme to theme. */
export async function expectReadable(page: Page): Promise<void> {
  await atRest(page)
  const { violations } = await new AxeBuilder({ page }).withRules(['color-contrast', 'link-in-text-block']).analyze()
  expect(violations.map((finding) => `${finding.id}: ${finding.nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual([])
}

/** What only a mouse could use: it looks as if it could be pressed, and no Tab leads to it or to what it belongs to. */
export async function expectKeyboard(page: Page): Promise<void> {
  const lost = await page.evaluate(() => {
    const own =
      'a[href], button, input, select, textarea, summary, label, [tabindex]:not([tabindex="-1"]), [role="row"][aria-rowindex], [inert], .pane' // rows and images go by the arrows
    return [...document.querySelectorAll<HTMLElement>('body *')]
      .filter((each) => each.offsetParent !== null && getComputedStyle(each).cursor === 'pointer' && !each.closest(own))
      .map((each) => `${each.tagName.toLowerCase()}.${each.className}`)
  })
  expect(lost).toEqual([])
  // Round the page once: each Tab comes to something new until all was there.
  const all = await page.evaluate(() => {
    const scope = document.querySelector('dialog[open]') ?? document
    const groups = '[role="tablist"], [role="menu"], [role="grid"], [role="radiogroup"], [role="toolbar"]' // the arrows are for these
    return [...scope.querySelectorAll<HTMLElement>('a[href], button:enabled, input:enabled, select:enabled')]
      .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest('[inert]') && !each.closest(groups) && (each as HTMLInputElement).type !== 'radio')
      .map((each, index) => (each.dataset.tabbed = String(index)))
  })
  const reached = new Set<string>()
  for (let presses = 0; presses < all.length + 30 && reached.size < all.length; presses++) {
    await page.keyboard.press('Tab')
    const now = await page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.tabbed)
    if (now !== undefined) reached.add(now)
  }
  const missed = all.filter((index) => !reached.has(index))
  expect(await page.evaluate((indexes) => indexes.map((index) => document.querySelector(`[data-tabbed="${index}"]`)?.outerHTML.slice(0, 120)), missed)).toEqual([])
}

export async function storeStudies(page: Page, name: string): Promise<string[]> {
  const studies = [newUid(), newUid(), newUid()]
  const common = { patientId: `${name}-1`, modality: 'CT' }
  await store(page, 'a', object({ ...common, patientName: `${name}^Berta`, study: studies[0]!, studyDate: '20250301', description: 'CT Abdomen' }))
  await store(page, 'b', object({ ...common, patientName: `${name}^Anna`, patientId: `${name}-2`, study: studies[1]!, studyDate: '20250303', modality: 'MR', description: 'MR Brain' }))
  await store(page, 'c', object({ ...common, patientName: `${name}^Clara`, patientId: `${name}-3`, study: studies[2]!, studyDate: '20250302', description: 'CT Chest', accession: `ACC${name}` }))
  return studies
}
