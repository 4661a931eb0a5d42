// Planes through a volume on the page: how they are chosen, and what they show.
import { type Locator, type Page, expect } from '@playwright/test'

export const WAIT = { timeout: 30_000 }

export async function choose(page: Page, way: string): Promise<void> {
  await page.getByTestId('volume-menu').click()
  await page.getByRole('menuitem', { name: way }).click()
  await expect(page.getByTestId('volume-notes')).toHaveAttribute('data-status', 'ready', WAIT)
}

export const plane = (page: Page, name: string): Locator => page.getByTestId(`plane-${name}`)
export const fine = async (cell: Locator): Promise<void> => expect(cell.locator('canvas')).toHaveAttribute('data-drawn', 'fine', WAIT)
export const focusOf = async (page: Page): Promise<number[]> => ((await plane(page, 'axial').getAttribute('data-focus')) ?? '').split(',').map(Number)

/** Colours of a cell's canvas at points relative to its middle, screen pixels. */
export async function colors(cell: Locator, points: readonly (readonly [number, number])[]): Promise<number[][]> {
  await fine(cell)
  return cell.locator('canvas').evaluate((canvas: HTMLCanvasElement, wanted) => {
    const context = canvas.getContext('2d')!
    const ratio = canvas.width / canvas.clientWidth
    return wanted.map(([x, y]) => [...context.getImageData(Math.floor(canvas.width / 2 + x * ratio), Math.floor(canvas.height / 2 + y * ratio), 1, 1).data].slice(0, 3))
  }, points)
}

export const valueOf = async (page: Page): Promise<number> => Number.parseFloat((await page.getByTestId('volume-value').textContent()) ?? '')
