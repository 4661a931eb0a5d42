// One picture in many transfer syntaxes: on the screen it is the same, and no codec runs where the page itself does.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import { DATA, canvasAt, csrf, open, pane } from './viewing'

const SAME = path.join(DATA, 'transfer-syntaxes/same-image')
/** JPEG 2000 and JPEG as writers make them small, JPEG-LS near-lossless. */
const LOSSY = /_(J2KI|JPLY|JLSN)$/
/** Steps of 255 by which lossy pictures differ on the average. */
const BOUND = 8
/** What was lost in files compressed 106 and 2097 times: pydicom's decoding in numpy, through the same window, is 10.1 and 19.5 steps off. */
const LOST: Readonly<Record<string, number>> = { CT2_J2KI: 11, NM1_J2KI: 20.5 }
const SHADES = 40

/** The file as an object of a study of its own: these files share their UIDs, which keep their lengths. @returns the study */
async function storeAs(page: Page, file: string, number: number): Promise<string> {
  const token = await csrf(page.request)
  const own = String(10 + number)
  const bytes = readFileSync(file).toString('latin1').replaceAll('826185059', `8261850${own}`).replaceAll('1208063649', `12080636${own}`)
  const answer = await page.request.post(`/api/v1/upload?name=${path.basename(file)}`, { headers: { 'X-CSRF-Token': token, 'Content-Type': 'application/dicom' }, data: Buffer.from(bytes, 'latin1') })
  const { results } = (await answer.json()) as { results: { status: string; StudyInstanceUID: string }[] }
  expect(results[0]?.status).toMatch(/stored|duplicate/)
  return results[0]!.StudyInstanceUID
}

const codecsOfPage = (page: Page): Promise<number> => page.evaluate(() => (window as unknown as { codecs: number }).codecs)

/** Counts what is compiled for the page itself; workers have a WebAssembly of their own. */
const counting = (): void => {
  const page = window as unknown as { codecs: number }
  page.codecs = 0
  for (const name of ['instantiate', 'instantiateStreaming', 'compile', 'compileStreaming'] as const) {
    const real = WebAssembly[name] as (...args: unknown[]) => unknown
    Object.defineProperty(WebAssembly, name, {
      value: (...args: unknown[]) => {
        page.codecs++
        return real.apply(WebAssembly, args)
      },
    })
  }
}

for (const kind of ['CT2', 'NM1', 'US1']) {
  test(`${kind}: lossless syntaxes show exactly what the uncompressed file does, lossy ones nearly; all are decoded by workers`, async ({ page }) => {
    test.setTimeout(180_000)
    await page.addInitScript(counting)
    const files = readdirSync(path.join(SAME, kind)).sort()
    expect(files.length).toBeGreaterThanOrEqual(5)
    const size = { CT2: [512, 512], NM1: [256, 1024], US1: [640, 480] }[kind]!
    const points = Array.from({ length: SHADES * SHADES }, (_, at) => [((at % SHADES) + 0.5) * (size[0]! / SHADES), (Math.floor(at / SHADES) + 0.5) * (size[1]! / SHADES)] as const)
    const seen = new Map<string, number[]>()
    for (const [number, name] of files.entries()) {
      await expect(await open(page, await storeAs(page, path.join(SAME, kind, name), number)), name).toHaveAttribute('data-status', 'shown')
      await expect(pane(page)).toHaveAttribute('data-reduction', '0')
      await expect.poll(async () => pane(page).locator('.pane-host').evaluate((host: HTMLElement) => host.dataset.asked === host.dataset.drawn && host.dataset.surface !== 'warming')).toBe(true)
      seen.set(name, (await canvasAt(page, points)).flatMap(({ color }) => color))
      expect(await codecsOfPage(page), name).toBe(0)
      // JPEG 2000 and JPEG-LS are WebAssembly: somebody else has compiled it.
      if (/J2K|JPH|JLS/.test(name)) expect(page.workers().length, name).toBeGreaterThan(0)
    }
    const plain = seen.get(`${kind}_UNC`)!
    expect(new Set(plain).size).toBeGreaterThan(20)
    for (const [name, colors] of seen) {
      const off = colors.map((value, at) => Math.abs(value - plain[at]!))
      const mean = off.reduce((sum, each) => sum + each, 0) / off.length
      if (LOSSY.test(name)) expect.soft(mean, name).toBeLessThan(LOST[name] ?? BOUND)
      else expect.soft(Math.max(...off), name).toBe(0)
    }
  })
}
