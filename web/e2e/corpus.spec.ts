// Every way from stored values to the screen, pixel by pixel against a numpy implementation of PS3.4 N.2 (tests/shown.py writes both).
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import { keepScreenshot, store } from './support'
import { canvasAt, csrf, drawn, open, pane } from './viewing'

const CORPUS = process.env.ISOCENTER_CORPUS ?? ''
const SIDE = 16
const POINTS = Array.from({ length: SIDE * SIDE }, (_, index) => [index % SIDE, Math.floor(index / SIDE)] as const)

interface Corpus {
  readonly study: string
  readonly pictures: readonly { readonly name: string; readonly shown: Readonly<Record<string, readonly number[]>> }[]
}

/** The pixels that are off by more than a step of 255, in words. */
async function wrong(page: Page, expected: readonly number[]): Promise<string[]> {
  const seen = await canvasAt(page, POINTS)
  return seen.flatMap(({ color }, index) => {
    const wanted = expected.slice(index * 3, index * 3 + 3)
    const off = Math.max(...wanted.map((value, channel) => Math.abs(value - (color[channel] ?? -999))))
    return off > 1 ? [`${index % SIDE},${Math.floor(index / SIDE)}: ${color.join(' ')} instead of ${wanted.join(' ')}`] : []
  })
}

/** Looks at each picture in turn. @param choosing their windows by name, too */
async function failuresOf(page: Page, { study, pictures }: Corpus, choosing: boolean): Promise<string[]> {
  await expect(await open(page, study)).toHaveAttribute('data-status', 'shown')
  await drawn(page, () => page.keyboard.press('x'))
  const failures: string[] = []
  for (const [index, { name, shown }] of pictures.entries()) {
    if (index > 0) await drawn(page, () => page.keyboard.press('ArrowDown'))
    await expect(pane(page)).toHaveAttribute('data-shown', String(index))
    await expect(pane(page)).toHaveAttribute('data-reduction', '0')
    const wanted = Object.entries(shown).filter(([window]) => choosing || window === '')
    for (const [window, expected] of wanted) {
      if (window !== '') {
        await page.getByTestId('presets').click()
        await drawn(page, () => page.getByRole('menuitem', { name: window }).click())
      }
      const off = await wrong(page, expected)
      if (off.length > 0) failures.push(`${name}${window && `, ${window}`}: ${off.length} pixels, ${off[0]}`)
    }
    // The next image opens as it comes.
    if (wanted.length > 1) await drawn(page, () => page.keyboard.press('0'))
  }
  return failures
}

/** Whether frames come as HTJ2K copies, smaller ones first. */
async function setPace(page: Page, pace: 'always' | 'never'): Promise<void> {
  const token = await csrf(page.request)
  await page.request.put('/api/v1/session/preferences/loading', { headers: { 'X-CSRF-Token': token }, data: { smallFirst: pace } })
}

test('what is on the screen is what PS3.4 N.2 says, of every picture of the corpus', async ({ page }) => {
  const corpus = JSON.parse(readFileSync(path.join(CORPUS, 'expected.json'), 'utf8')) as Corpus
  expect(corpus.pictures.length).toBeGreaterThan(50)
  for (const name of readdirSync(CORPUS).filter((each) => each.endsWith('.dcm')).sort()) expect(await store(page, name, readFileSync(path.join(CORPUS, name)))).toMatch(/stored|duplicate/)
  await setPace(page, 'never')
  expect(await failuresOf(page, corpus, true)).toEqual([])
  await keepScreenshot(page, 'corpus')
  // Over a slow line pixels come another way, and are the same.
  await setPace(page, 'always')
  expect(await failuresOf(page, { ...corpus, pictures: corpus.pictures.slice(0, 24) }, false)).toEqual([])
})

interface Measured {
  readonly file: string
  readonly study: string
  readonly frame: string
  readonly regions: readonly { readonly kind: string; readonly points: readonly (readonly [number, number])[]; readonly numbers: Readonly<Record<string, number>> }[]
}

test('regions of every kind measure what numpy finds in the stored values: HU and SUV, padding left out, slopes of each slice and frame', async ({ page }) => {
  const folder = path.join(CORPUS, 'measured')
  const objects = JSON.parse(readFileSync(path.join(folder, 'measured.json'), 'utf8')) as Measured[]
  const series = (frame: string): string => /series\/([^/]+)/.exec(frame)?.[1] ?? ''
  for (const { file, study, frame, regions } of objects) {
    expect(await store(page, file, readFileSync(path.join(folder, file)))).toMatch(/stored|duplicate/)
    const set = regions.map(({ kind, points }) => ({ id: kind, type: 'measurement', kind, points, frameId: frame, seriesInstanceUID: series(frame), label: kind, lines: [] }))
    const kept = await page.request.post(`/api/v1/studies/${study}/annotations`, { headers: { 'X-CSRF-Token': await csrf(page.request) }, data: { set, remove: [] } })
    expect(kept.ok()).toBe(true)
    await expect(await open(page, study)).toHaveAttribute('data-status', 'shown')
    if ((await page.getByTestId('panel-statistics').getAttribute('aria-pressed')) !== 'true') await page.getByTestId('panel-statistics').click()
    for (const { kind, numbers } of regions) {
      await page.getByRole('region', { name: 'Measurements of this series' }).getByRole('button').filter({ has: page.getByText(kind, { exact: true }) }).click()
      await expect(page.getByTestId('statistics').getByRole('heading', { name: new RegExp(`: ${kind}$`) })).toBeVisible()
      await expect(page.getByTestId('statistics').locator('[data-quantity=mean]')).toBeVisible()
      const cells = await page.getByTestId('statistics').locator('[data-quantity]').evaluateAll((found) => found.map((each) => [each.getAttribute('data-quantity'), Number(each.getAttribute('data-value'))] as const))
      const told = new Map(cells)
      for (const [quantity, wanted] of Object.entries(numbers)) expect.soft(told.get(quantity), `${file}, ${kind}: ${quantity}`).toBeCloseTo(wanted, quantity.startsWith('SUV') ? 6 : 3)
      expect(told.has('padding')).toBe('padding' in numbers)
      expect(told.has('SUVbw mean')).toBe('SUVbw mean' in numbers)
    }
    await keepScreenshot(page, `measured-${file.slice(4, -4).toLowerCase()}`)
  }
})
