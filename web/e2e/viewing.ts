// The viewer as tests handle it: getting objects in, opening a study, knowing when the screen shows what was asked for.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { type APIRequestContext, type Browser, type Locator, type Page, chromium, expect } from '@playwright/test'
import { PASSWORD } from './support'

export const DATA = process.env.ISOCENTER_TEST_DATA ?? path.resolve(import.meta.dirname, '../../../shared/data')

export const CT_FOLDER = 'ct/volume-lidc-idri-0314'
export const CT_SLICES = 12
export const CT_STUDY = '1.3.6.1.4.1.14519.5.2.1.6279.6001.265704884949271879044145982159'

interface Uploaded {
  name: string
  status: string
  StudyInstanceUID?: string
}

export async function csrf(request: APIRequestContext): Promise<string> {
  const answer = await request.post('/api/v1/session', { data: { username: 'admin', password: PASSWORD } })
  expect(answer.status(), 'login as admin (ISOCENTER_ADMIN_PASSWORD)').toBe(200)
  return ((await answer.json()) as { csrf_token: string }).csrf_token
}

export async function upload(request: APIRequestContext, token: string, file: string): Promise<string> {
  const answer = await request.post(`/api/v1/upload?name=${encodeURIComponent(path.basename(file))}`, {
    headers: { 'X-CSRF-Token': token, 'Content-Type': 'application/dicom' },
    data: readFileSync(path.join(DATA, file)),
  })
  expect(answer.ok(), `upload of ${file}`).toBe(true)
  const { results } = (await answer.json()) as { results: Uploaded[] }
  expect(['stored', 'duplicate', 'version']).toContain(results[0]?.status)
  return results[0]?.StudyInstanceUID ?? ''
}

export const ctFiles = (count = CT_SLICES): string[] =>
  readdirSync(path.join(DATA, CT_FOLDER))
    .filter((name) => name.endsWith('.dcm'))
    .sort()
    .slice(0, count)
    .map((name) => path.join(CT_FOLDER, name))

/** What tests before, or a first try, have drawn on a study and kept. */
export async function eraseDrawings(request: APIRequestContext, study: string): Promise<void> {
  const token = await csrf(request)
  const { items } = (await (await request.get(`/api/v1/studies/${study}/annotations`)).json()) as { items: { id: string }[] }
  if (items.length === 0) return // a version of nothing would be one more
  await request.post(`/api/v1/studies/${study}/annotations`, { headers: { 'X-CSRF-Token': token }, data: { set: [], remove: items.map((item) => item.id) } })
}

export const pane = (page: Page, index = 0): Locator => page.getByTestId(`pane-${index}`)

/** @param hanging whether a protocol may arrange the screen; else it is one viewport with the first series */
export async function open(page: Page, study: string, hanging = false): Promise<Locator> {
  const token = await csrf(page.request)
  await page.request.put('/api/v1/session/preferences/hanging', { headers: { 'X-CSRF-Token': token }, data: { automatic: hanging } })
  await page.goto(`/viewer/${study}`)
  await expect(pane(page)).toHaveAttribute('data-status', /shown|failed/, { timeout: 45_000 })
  return pane(page)
}

/** How often the viewport was asked to draw, and whether the screen shows the last of it, on the surface that stays (engine/screen.ts). */
const drawing = (page: Page, index: number) =>
  pane(page, index).evaluate((root) => {
    const { asked = '0', drawn = '0', surface } = root.querySelector<HTMLElement>('.pane-host')?.dataset ?? {}
    return { asked: Number(asked), done: asked === drawn && surface !== 'warming' && root.dataset.status === 'shown' }
  })

/** Does something and waits until what it changed is on the screen. */
export async function drawn(page: Page, action: () => Promise<unknown>, index = 0): Promise<void> {
  await expect.poll(async () => (await drawing(page, index)).done).toBe(true)
  const before = (await drawing(page, index)).asked
  await action()
  await expect
    .poll(async () => {
      const now = await drawing(page, index)
      return now.done && now.asked > before
    })
    .toBe(true)
  await rendered(page)
}

/** React writes what a moving pointer did a moment after the pointer: attributes and texts are read after two frames. */
async function rendered(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let round = 0; round < 2; round++) await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  })
}

/** x' = a x + c y + e, y' = b x + d y + f, from image to viewport. */
export async function affineOf(page: Page, index = 0): Promise<{ scale: number; x: number; y: number }> {
  const [a = 0, b = 0, , , x = 0, y = 0] = ((await pane(page, index).locator('[data-affine]').getAttribute('data-affine')) ?? '').split(',').map(Number)
  return { scale: Math.hypot(a, b), x, y }
}

/** Width and centre of the window on the screen. */
export async function windowOf(page: Page): Promise<{ width: number; center: number }> {
  const [width = 0, center = 0] = ((await pane(page).getAttribute('data-window')) ?? '').split('/').map(Number)
  return { width, center }
}

export async function middleOf(page: Page, index = 0): Promise<[number, number]> {
  const box = (await pane(page, index).boundingBox())!
  return [box.x + box.width / 2, box.y + box.height / 2]
}

interface Sampled {
  readonly color: readonly [number, number, number]
  readonly at: readonly [number, number]
}

/** What the visible canvas shows where given image pixels lie. */
export async function canvasAt(page: Page, points: readonly (readonly [number, number])[], index = 0): Promise<Sampled[]> {
  return pane(page, index).evaluate((root, wanted) => {
    const canvas = [...root.querySelectorAll('canvas')].find((each) => each.offsetParent !== null && each.closest('[hidden]') === null)
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = (root.querySelector('[data-affine]')?.getAttribute('data-affine') ?? '').split(',').map(Number)
    const context = canvas?.getContext('2d')
    if (!canvas || !context) throw new Error('no canvas')
    const ratio = canvas.width / canvas.clientWidth
    return wanted.map(([x, y]) => {
      const at = [Math.floor((a * x + c * y + e) * ratio), Math.floor((b * x + d * y + f) * ratio)] as const
      const [red = 0, green = 0, blue = 0] = context.getImageData(at[0], at[1], 1, 1).data
      return { color: [red, green, blue] as const, at }
    })
  }, points)
}

/** A browser of a desk with two screens that tells where they are, as after a person has agreed. */
export async function twoScreens(launch: { executablePath?: string; args?: string[] }, baseURL: string): Promise<{ browser: Browser; page: Page }> {
  const browser = await chromium.launch({ ...launch, args: [...(launch.args ?? []), '--screen-info={1280x800}{1600x1200}'] })
  const page = await (await browser.newContext({ baseURL, viewport: null })).newPage()
  const { targetInfo } = (await (await page.context().newCDPSession(page)).send('Target.getTargetInfo')) as { targetInfo: { browserContextId?: string } }
  await (await browser.newBrowserCDPSession()).send('Browser.grantPermissions', { permissions: ['windowManagement'], ...(targetInfo.browserContextId && { browserContextId: targetInfo.browserContextId }) })
  return { browser, page }
}
