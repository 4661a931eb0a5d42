// Hanging protocols as a reader uses them: mammography hangs by itself, a screen becomes a protocol, protocols travel as files.
import { readFileSync } from 'node:fs'
import { type Page, expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { expectAccessible } from './list'
import { DATA, affineOf, csrf, open, pane } from './viewing'
import { keepScreenshot, store } from './support'

const ROWS = 60
const COLUMNS = 40

interface Film {
  readonly modality: string
  readonly laterality?: string
  /** Patient Orientation, rows\columns. */
  readonly orientation?: string
  /** Image Orientation (Patient). */
  readonly plane?: string
  readonly frame?: string
  readonly spacing?: string
  readonly bright?: 'left' | 'right'
}

/** Elements behind the identification, ascending; one side of the picture is bright, where the chest wall is. */
function film({ laterality = '', orientation = '', plane = '', frame = '', spacing = '0.5\\0.5', bright = 'left' }: Film, at = 0): Buffer[] {
  const pixels = Buffer.alloc(ROWS * COLUMNS, 60)
  for (let row = 0; row < ROWS; row++) for (let x = 0; x < COLUMNS; x++) if ((bright === 'left' ? x : COLUMNS - 1 - x) < COLUMNS / 2) pixels[row * COLUMNS + x] = 220
  return [
    ...(plane ? [element(0x0020, 0x0032, 'DS', `0\\0\\${at}`), element(0x0020, 0x0037, 'DS', plane)] : []),
    ...(plane && frame ? [element(0x0020, 0x0052, 'UI', frame)] : []),
    ...(orientation ? [element(0x0020, 0x0020, 'CS', orientation)] : []),
    ...(laterality ? [element(0x0020, 0x0062, 'CS', laterality)] : []),
    element(0x0028, 0x0002, 'US', short(1)),
    element(0x0028, 0x0004, 'CS', 'MONOCHROME2'),
    element(0x0028, 0x0010, 'US', short(ROWS)),
    element(0x0028, 0x0011, 'US', short(COLUMNS)),
    ...(plane ? [element(0x0028, 0x0030, 'DS', spacing)] : []),
    element(0x0028, 0x0100, 'US', short(8)),
    element(0x0028, 0x0101, 'US', short(8)),
    element(0x0028, 0x0102, 'US', short(7)),
    element(0x0028, 0x0103, 'US', short(0)),
    element(0x0028, 0x1050, 'DS', '128'),
    element(0x0028, 0x1051, 'DS', '256'),
    element(0x7fe0, 0x0010, 'OW', pixels),
  ]
}

/** View Position and Imager Pixel Spacing come before group 0020. */
function withGroup18(made: Buffer, view: string, spacing: string): Buffer {
  const study = made.indexOf(Buffer.from([0x20, 0x00, 0x0d, 0x00]))
  const added = [element(0x0018, 0x1164, 'DS', spacing), element(0x0018, 0x5101, 'CS', view)]
  return Buffer.concat([made.subarray(0, study), ...added, made.subarray(study)])
}

async function mammogram(page: Page, patientId: string, studyDate: string): Promise<string> {
  const study = newUid()
  const views: [string, string, string, 'left' | 'right', string][] = [
    ['L', 'MLO', 'A\\FR', 'left', '0.1\\0.1'],
    // This one came mirrored: its chest wall is at the left, where the others' is at the right.
    ['R', 'CC', 'A\\L', 'left', '0.1\\0.1'],
    ['L', 'CC', 'A\\R', 'left', '0.1\\0.1'],
    // Finer pixels: as many of them are half as large.
    ['R', 'MLO', 'P\\FL', 'right', '0.05\\0.05'],
  ]
  for (const [at, [laterality, view, orientation, bright, spacing]] of views.entries()) {
    const subject = { patientName: 'Hang^Ing', patientId, study, studyDate, modality: 'MG', description: 'Mammography', seriesNumber: at + 1 }
    expect(await store(page, `${laterality}${view}`, withGroup18(object(subject, film({ modality: 'MG', laterality, orientation, bright })), view, spacing))).toBe('stored')
  }
  return study
}

async function joint(page: Page, patientId: string, order: readonly string[]): Promise<string> {
  const study = newUid()
  const planes: Record<string, string> = { sagittal: '0\\1\\0\\0\\0\\-1', axial: '1\\0\\0\\0\\1\\0' }
  for (const [at, which] of order.entries()) {
    const series = newUid()
    for (const instanceNumber of [1, 2, 3]) {
      const subject = { patientName: 'Elbow^Joint', patientId, study, series, modality: 'MR', description: 'Elbow', seriesNumber: at + 1, instanceNumber }
      const name = `${which}-${patientId}`
      expect(await store(page, name, object(subject, film({ modality: 'MR', plane: planes[which] ?? '', bright: which === 'axial' ? 'left' : 'right' }, instanceNumber * 3)))).toBe('stored')
    }
  }
  return study
}

/** Left and right edge of the picture in its viewport, and grey values just inside of them. */
function edges(page: Page, index: number) {
  return pane(page, index).evaluate(
    (root, [columns, rows]) => {
      const canvas = [...root.querySelectorAll('canvas')].find((each) => each.offsetParent !== null && each.closest('[hidden]') === null)
      const [a = 1, , , d = 1, e = 0, f = 0] = (root.querySelector('[data-affine]')?.getAttribute('data-affine') ?? '').split(',').map(Number)
      const context = canvas?.getContext('2d')
      if (!canvas || !context) throw new Error('no canvas')
      const ratio = canvas.width / canvas.clientWidth
      const sides = [e - a / 2, e + a * ((columns ?? 0) - 0.5)].sort((x, y) => x - y)
      const grey = (x: number) => context.getImageData(Math.floor(x * ratio), Math.floor((f + (d * (rows ?? 0)) / 2) * ratio), 1, 1).data[0] ?? 0
      return { left: sides[0] ?? 0, right: sides[1] ?? 0, width: canvas.clientWidth, atLeft: grey((sides[0] ?? 0) + 4), atRight: grey((sides[1] ?? 0) - 5) }
    },
    [COLUMNS, ROWS],
  )
}

const shown = async (page: Page, count: number) => {
  for (let at = 0; at < count; at++) await expect(pane(page, at)).toHaveAttribute('data-status', 'shown', { timeout: 45_000 })
}
const menu = async (page: Page) => {
  await page.getByTestId('hanging').click()
  return page.getByTestId('hanging-menu')
}

test('mammography hangs by itself: four views, chest walls together, the same millimetres; stages by key', async ({ page }) => {
  await csrf(page.request)
  const id = newUid()
  await mammogram(page, id, '20240105')
  const study = await mammogram(page, id, '20260105')
  await open(page, study, true)
  await expect(page.getByTestId('hanging')).toContainText('Mammography', { timeout: 45_000 })
  await shown(page, 4)
  await expect(page.getByTestId('pane-4')).toHaveCount(0)
  for (const at of [0, 1, 2, 3]) {
    const inside = at % 2 === 0 ? 'right' : 'left'
    await expect.poll(async () => {
      const found = await edges(page, at)
      const flush = inside === 'right' ? Math.abs(found.right - found.width) : Math.abs(found.left)
      const wall = inside === 'right' ? found.atRight : found.atLeft
      const air = inside === 'right' ? found.atLeft : found.atRight
      return flush < 1 && wall > 180 && air < 100
    }, `viewport ${at} is flush ${inside}`).toBe(true)
  }
  const scales = await Promise.all([0, 1, 2, 3].map(async (at) => (await affineOf(page, at)).scale))
  // The right MLO has pixels of half the size: on the screen it must be half as large.
  expect(scales[1]).toBeCloseTo(scales[0]!, 3)
  expect(scales[2]! * 2).toBeCloseTo(scales[0]!, 3)
  await expectAccessible(page)
  await keepScreenshot(page, 'hanging-mammography')
  const before = await page.getByTestId('hanging-stage').innerText()
  await page.keyboard.press('.')
  await expect(page.getByTestId('hanging-stage')).not.toHaveText(before)
  // The next stage has eight: the earlier study beside.
  await shown(page, 8)
  await expect(pane(page, 7)).toContainText('2024-01-05')
  await page.keyboard.press(',')
  await expect(page.getByTestId('hanging-stage')).toHaveText(before)
  await shown(page, 4)
})

test('the first image waits for no protocol, and a reader who has begun is not disturbed', async ({ page }) => {
  await csrf(page.request)
  const study = await mammogram(page, newUid(), '20260105')
  let answer: () => void = () => undefined
  const asked = new Promise<void>((resolve) => (answer = resolve))
  await page.route('**/api/v1/hanging-protocols', async (route) => {
    await asked
    await route.continue()
  })
  const first = await open(page, study, true)
  await expect(first).toHaveAttribute('data-status', 'shown')
  await page.keyboard.press('Alt+2')
  await shown(page, 2)
  answer()
  const list = await menu(page)
  await expect(list.getByRole('menuitem', { name: 'Mammography', exact: true })).toBeVisible({ timeout: 45_000 })
  await expect(page.getByTestId('pane-2')).toHaveCount(0)
  await list.getByRole('menuitem', { name: 'Mammography', exact: true }).click()
  await shown(page, 4)
})

test('PET/CT hangs with the PET over the CT; so a screen with a fusion becomes a protocol', async ({ page }) => {
  await csrf(page.request)
  const [study, frame] = [newUid(), newUid()]
  for (const modality of ['CT', 'PT']) {
    const series = newUid()
    for (const instanceNumber of [1, 2, 3, 4]) {
      const subject = { patientName: 'Fu^Sion', patientId: study.slice(-12), study, series, modality, description: modality === 'CT' ? 'CT WB' : 'PET WB AC', seriesNumber: modality === 'CT' ? 1 : 2, instanceNumber }
      expect(await store(page, `${modality}-fusion`, object(subject, film({ modality, plane: '1\\0\\0\\0\\1\\0', frame, bright: modality === 'CT' ? 'left' : 'right' }, instanceNumber * 3)))).toBe('stored')
    }
  }
  await open(page, study, true)
  await expect(page.getByTestId('hanging')).toContainText('PET/CT', { timeout: 45_000 })
  await shown(page, 2)
  const axial = page.getByTestId('volume-2').getByTestId('plane-axial').locator('canvas')
  await expect(page.getByTestId('volume-2')).toHaveAttribute('data-mode', 'fusion', { timeout: 45_000 })
  await expect(page.getByTestId('volume-3')).toHaveAttribute('data-mode', 'volume', { timeout: 45_000 })
  // Hot iron up to half of the greatest value: 60 of 110 lies red over the CT, 220 white.
  const colour = () => axial.evaluate((canvas: HTMLCanvasElement) => {
    const { width, height } = canvas
    const at = (x: number) => [...canvas.getContext('2d')!.getImageData(Math.floor(width / 2 + x * height), Math.floor(height / 2), 1, 1).data]
    return [at(-0.1), at(0.1)].map(([red = 0, , blue = 0]) => red - blue)
  })
  await expect.poll(async () => (await colour())[0], { timeout: 45_000 }).toBeGreaterThan(60)
  expect(Math.abs((await colour())[1] ?? 99)).toBeLessThan(5)
  await keepScreenshot(page, 'hanging-fusion')
  await (await menu(page)).getByRole('menuitem', { name: 'Save the screen as a protocol…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Save the screen as a protocol' })
  await dialog.getByLabel('Name', { exact: true }).fill('My PET')
  await dialog.getByLabel(/body part or description/).fill('')
  await dialog.getByRole('button', { name: 'Try on past studies' }).click()
  await expect(dialog.getByTestId('hanging-tried')).toContainText('Hangs ', { timeout: 45_000 })
  await expect(dialog.getByRole('cell', { name: /CT axial with PT axial over it/ }).first()).toBeVisible()
})

test('a screen becomes a protocol by example, is tried, published, and hangs the next such study', async ({ page }) => {
  await csrf(page.request)
  const [one, other] = [await joint(page, newUid(), ['sagittal', 'axial']), await joint(page, newUid(), ['sagittal', 'axial'])]
  await open(page, one)
  await page.keyboard.press('Alt+2')
  await shown(page, 2)
  // Arranged the other way round: the second series to the left.
  await page.keyboard.press('PageDown')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('PageUp')
  await shown(page, 2)
  await expect.poll(async () => (await edges(page, 0)).atLeft).toBeGreaterThan(180)
  await expect.poll(async () => (await edges(page, 1)).atLeft).toBeLessThan(100)
  await (await menu(page)).getByRole('menuitem', { name: 'Save the screen as a protocol…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Save the screen as a protocol' })
  await dialog.getByLabel('Name', { exact: true }).fill('Elbow by example')
  await dialog.getByLabel(/body part or description/).fill('elbow')
  await expect(dialog.getByTestId('hanging-cell-0')).toContainText('plane AXIAL')
  await dialog.getByRole('button', { name: 'Try on past studies' }).click()
  await expect(dialog.getByTestId('hanging-tried')).toHaveText('Hangs 2 of the 2 newest studies.', { timeout: 45_000 })
  await expectAccessible(page)
  await keepScreenshot(page, 'hanging-save')
  await dialog.getByLabel('For everybody').check()
  await dialog.getByRole('button', { name: 'Publish' }).click()
  await expect(dialog).toBeHidden()

  await open(page, other, true)
  await expect(page.getByTestId('hanging')).toContainText('Elbow by example', { timeout: 45_000 })
  await shown(page, 2)
  await expect.poll(async () => (await edges(page, 0)).atLeft).toBeGreaterThan(180)
  await expect.poll(async () => (await edges(page, 1)).atLeft).toBeLessThan(100)

  expect(await store(page, 'plan.dcm', readFileSync(`${DATA}/hanging-protocol/NeurosurgeryPlan.dcm`))).toBe('stored')
  await (await menu(page)).getByRole('menuitem', { name: 'Hanging protocols…' }).click()
  const kept = page.getByRole('dialog', { name: 'Hanging protocols' })
  const json = page.waitForEvent('download')
  await kept.getByRole('button', { name: 'Elbow by example as JSON' }).click()
  const file = await (await json).path()
  const object = page.waitForEvent('download')
  await kept.getByRole('button', { name: 'Elbow by example as DICOM' }).click()
  const dicom = await (await object).path()
  await kept.getByRole('button', { name: 'Remove Elbow by example' }).click()
  await kept.getByRole('button', { name: 'Remove Elbow by example' }).click()
  await expect(kept.getByText('Elbow by example')).toHaveCount(0)
  const add = (name: string, path: string) => kept.getByTestId('hanging-import').setInputFiles({ name, mimeType: '', buffer: readFileSync(path) })
  await add('mine.json', file)
  await expect(kept.getByText('Elbow by example')).toHaveCount(1)
  await add('mine.dcm', dicom)
  await expect(kept.getByText('Elbow by example')).toHaveCount(2)
  // What a device has sent hangs nothing until somebody takes it over; then it can be tried before others see it.
  await kept.getByRole('button', { name: 'Take over NeurosurgeryPlan' }).click()
  await expect(kept.getByTestId('hanging-kept').getByText('NeurosurgeryPlan')).toBeVisible()
  await kept.getByRole('button', { name: 'Try NeurosurgeryPlan on past studies' }).click()
  await expect(kept.getByTestId('hanging-tried')).toContainText('Hangs 0 of', { timeout: 45_000 })
  await expectAccessible(page)
  await keepScreenshot(page, 'hanging-kept')
})
