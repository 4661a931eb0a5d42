// Whatever a button of the viewer opens can be read and used by everybody: asked of axe, menu by menu and dialog by dialog. A new
// button is asked by itself.
import { type Locator, type Page, expect, test } from '@playwright/test'
import { expectAccessible, family, rows, search, storeStudies } from './list'
import { keepScreenshot, signIn } from './support'
import { pane } from './viewing'

/** What ends the session, or leads out of the page, is looked at elsewhere. */
const LEFT_OUT = /^(Sign out|Light|Dark|As the computer|Full screen|Print)/

const opened = (page: Page): Locator => page.locator('dialog[open], [role="dialog"], [role="menu"], .menu-list, .popover').last()

/** The buttons of a part of the page, by their names, each once. */
async function buttonsOf(part: Locator): Promise<string[]> {
  const names = await part.getByRole('button').evaluateAll((all) =>
    all
      .filter((each) => (each as HTMLElement).offsetParent !== null && !(each as HTMLButtonElement).disabled)
      .map((each) => each.getAttribute('aria-label') ?? each.textContent.trim()),
  )
  return [...new Set(names)].filter((name) => name !== '' && !LEFT_OUT.test(name))
}

/** Presses each button once; what it opens is looked at and closed. Returns how much was opened. */
async function openAll(page: Page, part: Locator, address: string, found: string[], seen: Set<string>): Promise<number> {
  let count = 0
  for (const name of await buttonsOf(part)) {
    const key = name.replaceAll(/\d+/g, '#')
    if (seen.has(key)) continue
    seen.add(key)
    const button = part.getByRole('button', { name, exact: true }).first()
    const there = await button.waitFor({ state: 'visible', timeout: 3_000 }).then(() => true, () => false)
    if (!there) continue // it belonged to what was there before
    await button.click({ timeout: 5_000 }).catch(() => undefined)
    const shown = await opened(page)
      .waitFor({ state: 'visible', timeout: 400 })
      .then(() => true, () => false)
    if (shown) {
      count += 1
      await expectAccessible(page).catch((error: unknown) => found.push(`${address}, ${name}: ${String(error)}`))
      await page.keyboard.press('Escape')
      if (await opened(page).isVisible().catch(() => false)) await page.keyboard.press('Escape')
    }
    if (!page.url().endsWith(address) || (await opened(page).isVisible().catch(() => false))) await page.goto(address)
  }
  return count
}

test('every dialog and menu of the viewer', async ({ page }) => {
  test.setTimeout(400_000)
  await signIn(page)
  const name = family('Viewer')
  await storeStudies(page, name)
  await page.goto('/')
  await search(page, name)
  await rows(page).first().dblclick()
  await expect(pane(page)).toHaveAttribute('data-image', /./)
  await expectAccessible(page)
  await keepScreenshot(page, 'dialogs-viewer')
  const [found, seen] = [[] as string[], new Set<string>()]
  const address = new URL(page.url()).pathname
  const count = await openAll(page, page.locator('body'), address, found, seen)
  expect(found).toEqual([])
  expect(count).toBeGreaterThan(8)
})
