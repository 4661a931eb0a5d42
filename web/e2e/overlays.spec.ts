// Segmentations, structures and doses on the images they belong to, as a person finds, reads and draws them.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { type APIRequestContext, type Page, expect, test } from '@playwright/test'
import { newUid } from './dicom'
import { CT_STUDY, DATA, affineOf, csrf, ctFiles, open, pane, upload } from './viewing'

const FOLDER = 'seg/study-liver-ct'
const IMAGES = ['ct/01.dcm', 'ct/02.dcm', 'ct/03.dcm'].map((name) => `${FOLDER}/${name}`)
const LIVER_SERIES = '1.2.276.0.7230010.3.1.3.0.42154.1458337731.665795'
const SIDE = 512

/** The bits of the file itself: frames of 512 x 512, the first pixel in the lowest bit (PS3.5 8.1.1). */
function liver(): (frame: number, x: number, y: number) => boolean {
  const file = readFileSync(path.join(DATA, FOLDER, 'seg/liver.dcm'))
  const bits = file.subarray(file.length - (3 * SIDE * SIDE) / 8)
  return (frame, x, y) => {
    const at = (frame * SIDE + y) * SIDE + x
    return ((bits[at >> 3]! >> (at & 7)) & 1) === 1
  }
}

type Pixel = readonly [number, number, number, number]

/** Colour and opacity of what lies on the picture, where these image pixels are. */
async function overlayAt(page: Page, points: readonly (readonly [number, number])[], index = 0): Promise<Pixel[]> {
  return pane(page, index).evaluate((root, wanted) => {
    const canvas = root.querySelector<HTMLCanvasElement>('.overlay-canvas')
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = (root.querySelector('[data-affine]')?.getAttribute('data-affine') ?? '').split(',').map(Number)
    const context = canvas?.getContext('2d')
    if (!canvas || !context) throw new Error('nothing lies on the picture')
    const ratio = canvas.width / canvas.clientWidth
    return wanted.map(([x, y]) => [...context.getImageData(Math.floor((a * x + c * y + e) * ratio), Math.floor((b * x + d * y + f) * ratio), 1, 1).data] as unknown as Pixel)
  }, points)
}

/** Opens the three planes of the active viewport's series. */
async function planes(page: Page): Promise<void> {
  await page.getByTestId('volume-menu').click()
  await page.getByRole('menuitem', { name: 'MPR: three planes' }).click()
  await expect(page.getByTestId('volume-notes')).toHaveAttribute('data-status', 'ready', { timeout: 45_000 })
}

/** What lies on a plane of the MPR, so many millimetres to the right of and below the middle of the volume. */
async function onPlane(page: Page, name: string, points: readonly (readonly [number, number])[]): Promise<Pixel[]> {
  const cell = page.getByTestId(`plane-${name}`)
  await expect(cell.getByTestId('plane-overlay')).toHaveAttribute('data-drawn', /\d/)
  const scale = Number(await cell.getAttribute('data-affine-scale'))
  return cell.getByTestId('plane-overlay').evaluate((canvas: HTMLCanvasElement, at) => {
    const ratio = canvas.width / canvas.clientWidth
    const context = canvas.getContext('2d')!
    return at.map(([x, y]) => [...context.getImageData(Math.floor(canvas.width / 2 + x * ratio), Math.floor(canvas.height / 2 + y * ratio), 1, 1).data] as unknown as Pixel)
  }, points.map(([x, y]) => [x * scale, y * scale] as const))
}

const drawnOn = (page: Page) => page.getByTestId('overlay-canvas')

test('a segmentation of the study is shown on its images, with volumes', async ({ page }) => {
  const token = await csrf(page.request)
  let study = ''
  for (const file of [...IMAGES, `${FOLDER}/seg/liver.dcm`, `${FOLDER}/seg/partial_overlaps.dcm`]) study = await upload(page.request, token, file)
  await open(page, study)
  await page.locator(`[data-series="${LIVER_SERIES}"]`).click()
  await expect(page.getByTestId('overlay-part')).toHaveCount(1)
  // pydicom: 107,098 voxels of 0.810547 x 0.810547 x 1 mm.
  await expect(page.getByTestId('overlay-part')).toContainText('Liver')
  await expect(page.getByTestId('overlay-part')).toContainText('70.4 ml')
  await expect(drawnOn(page)).toHaveAttribute('data-drawn', '1')

  const inLiver = liver()
  // The middle image lies at -127.69: the second frame of the segmentation.
  await pane(page).press('Home')
  await page.keyboard.press('ArrowDown')
  await expect(pane(page)).toHaveAttribute('data-shown', '1')
  await expect.poll(async () => (await drawnOn(page).getAttribute('data-image'))?.includes('23432')).toBe(true)
  const points = Array.from({ length: 400 }, (_, index) => [10 + (index % 20) * 25, 10 + Math.floor(index / 20) * 25] as const).filter(([x, y]) => {
    // Not on the border itself, where the outline is.
    const around = [-4, 0, 4].flatMap((dx) => [-4, 0, 4].map((dy) => inLiver(1, x + dx, y + dy)))
    return new Set(around).size === 1
  })
  const marked = points.filter(([x, y]) => inLiver(1, x, y))
  expect(marked.length).toBeGreaterThan(20)
  const seen = await overlayAt(page, points)
  expect(points.map((_, index) => seen[index]![3] > 0)).toEqual(points.map(([x, y]) => inLiver(1, x, y)))

  // Hidden, and shown again, by its eye; the slider changes how much of the image is seen.
  await page.getByRole('button', { name: 'Show Liver', exact: true }).click()
  await expect(drawnOn(page)).toHaveAttribute('data-drawn', '0')
  await page.getByRole('button', { name: 'Show Liver', exact: true }).click()
  await expect(drawnOn(page)).toHaveAttribute('data-drawn', '1')
  await page.getByTestId('overlay-opacity').fill('100')
  await expect.poll(async () => (await overlayAt(page, [marked[0]!]))[0]![3]).toBe(255)
  await page.getByTestId('overlay-opacity').fill('40')

  // A second object on top: five segments that overlap one another.
  await page.getByTestId('overlay-offer').click()
  await expect(page.getByTestId('overlay-part')).toHaveCount(6)
  const parts = page.getByTestId('overlay').nth(1).getByTestId('overlay-part')
  for (const [index, volume] of ['6.31 ml', '7.81 ml', '7.06 ml', '4.40 ml', '3.10 ml'].entries()) await expect(parts.nth(index)).toContainText(volume)
  await page.screenshot({ path: 'test-results/screenshots/segmentation.png' })
  // The fourth lies on one image only, at -128.69.
  await parts.nth(3).locator('.overlay-name').click()
  await expect.poll(async () => (await drawnOn(page).getAttribute('data-image'))?.includes('23433')).toBe(true)

  // On the planes of the MPR, the middle image being the axial one; and across, where only three millimetres are.
  await page.getByTestId('overlay').nth(1).getByRole('button', { name: /^Show / }).first().click()
  await planes(page)
  const pixel = 0.810547
  const laid = await onPlane(page, 'axial', points.map(([x, y]) => [(x - 255.5) * pixel, (y - 255.5) * pixel]))
  expect(points.map((_, index) => laid[index]![3] > 0)).toEqual(points.map(([x, y]) => inLiver(1, x, y)))
  const [column = 0] = [...Array(SIDE).keys()].filter((x) => [-3, 0, 3].every((dx) => inLiver(1, x + dx, 255) && inLiver(1, x + dx, 256)))
  const across = await onPlane(page, 'coronal', [[(column - 255.5) * pixel, 0], [(column - 255.5) * pixel, 6], [240 * pixel, 0]])
  expect(across.map((color) => color[3] > 0)).toEqual([true, false, false])
  await page.screenshot({ path: 'test-results/screenshots/segmentation-mpr.png' })
})

// --- radiotherapy

interface Element { vr: string; Value?: unknown[]; BulkDataURI?: string }
type Json = Record<string, Element>
const el = (vr: string, ...Value: unknown[]): Element => ({ vr, Value })

/** STOW-RS of metadata with the pixels beside them (PS3.18 10.5). */
async function stow(request: APIRequestContext, token: string, dataset: Json, pixels?: Buffer<ArrayBuffer>): Promise<void> {
  if (pixels) dataset['7FE00010'] = { vr: 'OW', BulkDataURI: 'pixels' }
  const parts = [Buffer.from(`--b\r\nContent-Type: application/dicom+json\r\n\r\n${JSON.stringify([dataset])}`)]
  if (pixels) parts.push(Buffer.from('\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Location: pixels\r\n\r\n'), pixels)
  const answer = await request.post('/dicom-web/studies', {
    headers: { 'X-CSRF-Token': token, 'Content-Type': 'multipart/related; type="application/dicom+json"; boundary=b', Accept: 'application/dicom+json' },
    data: Buffer.concat([...parts, Buffer.from('\r\n--b--\r\n')]),
  })
  expect(answer.status(), await answer.text()).toBe(200)
}

const PIXELS = 40
const SPACING = 2

interface Plan {
  study: string
  space: string
  images: string
}

const common = ({ study, space }: Plan, sopClass: string, modality: string, series: string, instance = newUid()): Json => ({
  '00080016': el('UI', sopClass), '00080018': el('UI', instance), '00080020': el('DA', '20260105'), '00080030': el('TM', '101500'), '00080060': el('CS', modality),
  '00100010': el('PN', { Alphabetic: 'Dose^Linear' }), '00100020': el('LO', study.slice(-16)), '0020000D': el('UI', study), '0020000E': el('UI', series), '00200052': el('UI', space), '00200013': el('IS', 1),
})

const picture = (bits: number, z: number): Json => ({
  '00280002': el('US', 1), '00280004': el('CS', 'MONOCHROME2'), '00280010': el('US', PIXELS), '00280011': el('US', PIXELS), '00280030': el('DS', SPACING, SPACING),
  '00280100': el('US', bits), '00280101': el('US', bits), '00280102': el('US', bits - 1), '00280103': el('US', 0), '00200032': el('DS', 0, 0, z), '00200037': el('DS', 1, 0, 0, 0, 1, 0),
})

/** Five images; a box from 10 to 40 mm; a dose of half a gray for each millimetre to the left, in the box 5 to 20 Gy. */
async function plan(request: APIRequestContext, token: string): Promise<Plan> {
  const made: Plan = { study: newUid(), space: newUid(), images: newUid() }
  for (let slice = 0; slice < 5; slice++) {
    const image = { ...common(made, '1.2.840.10008.5.1.4.1.1.2', 'CT', made.images), ...picture(16, slice * 3), '00200013': el('IS', slice + 1), '00180050': el('DS', 3), '00281052': el('DS', -1024), '00281053': el('DS', 1) }
    await stow(request, token, image, Buffer.alloc(PIXELS * PIXELS * 2, 4))
  }
  const box = (z: number): number[] => [10, 10, z, 40, 10, z, 40, 40, z, 10, 40, z]
  // As many points as a real contour has: longer than the metadata hold.
  const side = Array.from({ length: 200 }, (_, index) => index / 200)
  const long = (z: number): number[] => box(z).flatMap((_, at, all) => (at % 3 ? [] : side.flatMap((part) => [0, 1, 2].map((axis) => Math.round((all[at + axis]! + (all[(at + 3 + axis) % 12]! - all[at + axis]!) * part) * 1000) / 1000))))
  await stow(request, token, {
    ...common(made, '1.2.840.10008.5.1.4.1.1.481.3', 'RTSTRUCT', newUid()),
    '30060002': el('SH', 'Plan A'),
    '30060010': el('SQ', { '00200052': el('UI', made.space), '30060012': el('SQ', { '30060014': el('SQ', { '0020000E': el('UI', made.images) }) }) }),
    '30060020': el('SQ', { '30060022': el('IS', 7), '30060024': el('UI', made.space), '30060026': el('LO', 'Box') }),
    '30060039': el('SQ', { '3006002A': el('IS', 0, 255, 0), '30060084': el('IS', 7), '30060040': el('SQ', ...[3, 6, 9].map((z) => ({ '30060042': el('CS', 'CLOSED_PLANAR'), '30060046': el('IS', 800), '30060050': el('DS', ...long(z)) }))) }),
  })
  const values = Buffer.alloc(PIXELS * PIXELS * 5 * 2)
  for (let at = 0; at < PIXELS * PIXELS * 5; at++) values.writeUInt16LE((at % PIXELS) * SPACING * 50, at * 2)
  await stow(request, token, {
    ...common(made, '1.2.840.10008.5.1.4.1.1.481.2', 'RTDOSE', newUid()), ...picture(16, 0), '00280008': el('IS', 5), '3004000C': el('DS', 0, 3, 6, 9, 12),
    '30040002': el('CS', 'GY'), '30040004': el('CS', 'PHYSICAL'), '3004000A': el('CS', 'PLAN'), '3004000E': el('DS', 0.01),
  }, values)
  return made
}

test('structures and dose lie on the images; the histogram is that of a linear dose', async ({ page }) => {
  const made = await plan(page.request, await csrf(page.request))
  await open(page, made.study)
  await page.getByTestId('rail-series').filter({ hasText: 'RT structure set' }).click()
  await expect(page.getByTestId('overlay-part')).toContainText('Box')
  // 30 x 30 mm on three planes, 3 mm apart.
  await expect(page.getByTestId('overlay-part')).toContainText('8.10 ml')
  await expect(pane(page)).toHaveAttribute('data-shown', /[123]/)
  await expect(drawnOn(page)).toHaveAttribute('data-drawn', '1')
  // Its border is green at 10 mm, between pixels 5 (10 mm) and nothing inside.
  const [border, middle, out] = await overlayAt(page, [[5, 12], [12, 12], [30, 30]])
  expect(border!.slice(0, 2)).toEqual([0, 255])
  expect([middle![3], out![3]]).toEqual([0, 0])

  await page.getByTestId('overlay-offer').click()
  const row = page.getByTestId('dose-table').locator('[data-structure="Box"] td')
  await expect(page.getByTestId('dose-histogram')).toBeVisible()
  const values = (await row.allTextContents()).map(Number)
  // min, mean, max, D95: 5, 12.5, 20 and 5 + 15 / 20, less than a sample of 1 mm (0.5 Gy) away.
  for (const [index, expected] of [5, 12.5, 20, 5.75].entries()) expect(Math.abs(values[index]! - expected)).toBeLessThan(0.3)
  await expect(page.getByTestId('overlay').nth(1)).toContainText('Maximum 39.00 Gy')

  // The wash: blue where there is little, red where there is all; nothing below a tenth (pixel 2 is 2 Gy of 39).
  await page.getByLabel('Isodoses').uncheck()
  await page.getByTestId('overlay-opacity').fill('100')
  await expect.poll(async () => (await overlayAt(page, [[38, 30]]))[0]![3]).toBe(255)
  const [none, low, high] = await overlayAt(page, [[2, 30], [7, 30], [38, 30]])
  expect(none![3]).toBe(0)
  expect(low![2]).toBeGreaterThan(low![0])
  expect(high![0]).toBeGreaterThan(high![2])
  // An isodose of 50 % of 20 Gy: 10 Gy lie at pixel 10.
  await page.getByLabel('Colour wash').uncheck()
  await page.getByLabel('Isodoses').check()
  await page.getByTestId('dose-reference').fill('20')
  await expect.poll(async () => (await overlayAt(page, [[10, 30]]))[0]![3]).toBeGreaterThan(100)
  expect((await overlayAt(page, [[11.5, 30]]))[0]![3]).toBe(0)
  await page.getByLabel('Colour wash').check()
  await page.getByTestId('overlay-opacity').fill('40')
  await page.screenshot({ path: 'test-results/screenshots/dose.png' })

  // Across: the box is 30 mm wide and 9 mm high around the middle (39, 39, 6); 10 Gy lie at 20 mm, whatever the height.
  await planes(page)
  await page.getByLabel('Colour wash').uncheck()
  await expect.poll(async () => (await onPlane(page, 'coronal', [[-19, 5.6]]))[0]![3]).toBeGreaterThan(100)
  await page.getByLabel('Outlines').uncheck()
  const [inBox, beyond, above, isodose] = await onPlane(page, 'coronal', [[-14, 2], [3, 2], [-14, 5.5], [-19, -5.6]])
  expect(inBox![1]).toBeGreaterThan(200)
  expect([beyond![3], above![3]]).toEqual([0, 0])
  expect(isodose![3]).toBeGreaterThan(100)
  await page.screenshot({ path: 'test-results/screenshots/dose-mpr.png' })

  // As a body: the box is green where the images are nothing but air.
  await page.getByTestId('volume-menu').click()
  await page.getByRole('menuitem', { name: 'Volume rendering' }).click()
  await page.getByLabel('Rendering preset').selectOption('CT bone')
  await expect(page.getByTestId('volume-render')).toHaveAttribute('data-labels', '1', { timeout: 45_000 })
  const green = () =>
    page.getByTestId('volume-render').locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      let count = 0
      for (let at = 0; at < data.length; at += 4) if (data[at + 1]! > 60 && data[at]! < 20) count++
      return count / (data.length / 4)
    })
  // 30 x 9 mm in front of a picture as high as the volume's diagonal times 0.8.
  await expect.poll(green, { timeout: 45_000 }).toBeGreaterThan(0.005)
  await page.screenshot({ path: 'test-results/screenshots/structures-body.png' })
})

// --- drawing

const FEW = 6
/** Rescale Intercept of these images; their samples are unsigned, of 12 bits. */
const INTERCEPT = -1000

test('segments are drawn, undone, filled between images, saved as SEG and reopened as they were', async ({ page }) => {
  const token = await csrf(page.request)
  const files = ctFiles().slice(0, FEW)
  for (const file of files) await upload(page.request, token, file)
  const here = await open(page, CT_STUDY)
  await here.press('Home')
  await page.getByTestId('panel-overlays').click()
  await page.getByTestId('edit-new').click()
  const pad = page.getByTestId('edit-pad')
  await expect(pad).toBeVisible()
  await page.getByTestId('edit-label').fill('Bone')
  /** Where an image pixel is on the page. */
  const onPage = async (x: number, y: number): Promise<[number, number]> => {
    const box = (await pane(page).boundingBox())!
    const affine = await affineOf(page)
    return [box.x + affine.scale * x + affine.x, box.y + affine.scale * y + affine.y]
  }
  const drag = async (points: readonly (readonly [number, number])[]) => {
    for (const [index, [x, y]] of points.entries()) {
      await page.mouse.move(...(await onPage(x, y)))
      if (index === 0) await page.mouse.down()
    }
    await page.mouse.up()
  }
  const marked = async (x: number, y: number): Promise<boolean> => (await overlayAt(page, [[x, y]]))[0]![3] > 0

  // A line of the brush on the first image: 12 mm to both sides of it.
  await page.getByTestId('edit-radius').fill('12')
  await drag([[200, 250], [300, 250]])
  await expect.poll(() => marked(250, 250)).toBe(true)
  expect([await marked(250, 275), await marked(160, 250)]).toEqual([false, false])
  await page.keyboard.press('Control+z')
  await expect.poll(() => marked(250, 250)).toBe(false)
  await page.keyboard.press('Control+y')
  await expect.poll(() => marked(250, 250)).toBe(true)
  await page.getByTestId('edit-eraser').click()
  await drag([[250, 250], [251, 250]])
  await expect.poll(() => marked(250, 250)).toBe(false)
  await page.getByTestId('edit-undo').click()
  await expect.poll(() => marked(250, 250)).toBe(true)

  // The same with the lasso two images on, and what is between filled; scissors take a part away again.
  await page.getByTestId('edit-fill').click()
  await here.press('ArrowDown')
  await here.press('ArrowDown')
  await expect(here).toHaveAttribute('data-shown', '2')
  await expect.poll(() => marked(250, 250)).toBe(false)
  await drag([[200, 230], [300, 230], [300, 270], [200, 270]])
  await expect.poll(() => marked(250, 250)).toBe(true)
  await page.getByTestId('edit-between').click()
  await here.press('ArrowUp')
  await expect(here).toHaveAttribute('data-shown', '1')
  await expect.poll(() => marked(250, 250)).toBe(true)
  await page.getByTestId('edit-cut').click()
  await drag([[190, 220], [240, 220], [240, 290], [190, 290]])
  await expect.poll(() => marked(220, 250)).toBe(false)
  expect(await marked(260, 250)).toBe(true)

  // A second segment, painted only where the values are: above 200 HU.
  await page.getByTestId('edit-add').click()
  await page.getByTestId('edit-threshold').click()
  await page.getByTestId('edit-low').fill('200')
  await page.getByTestId('edit-radius').fill('40')
  await here.press('End')
  await expect(here).toHaveAttribute('data-shown', String(FEW - 1))
  await drag([[256, 340], [257, 340]])
  await expect.poll(async () => (await page.getByTestId('overlay-part').nth(1).textContent()) ?? '').toMatch(/\d\.\d+ ml/)
  await page.screenshot({ path: 'test-results/screenshots/segments-drawn.png' })
  const volumes = await page.getByTestId('overlay-part').allTextContents()

  // The tab goes away before anything was saved: all of it is there again, with its undo.
  await page.reload()
  await expect(here).toHaveAttribute('data-status', 'shown')
  await page.getByTestId('panel-overlays').click()
  await expect(page.getByTestId('edit-message')).toContainText('not saved in the archive yet')
  await expect.poll(() => page.getByTestId('overlay-part').allTextContents()).toEqual(volumes)
  await page.getByTestId('edit-undo').click()
  await expect.poll(() => page.getByTestId('overlay-part').allTextContents()).not.toEqual(volumes)
  await page.getByTestId('edit-redo').click()
  await expect.poll(() => page.getByTestId('overlay-part').allTextContents()).toEqual(volumes)

  // Saved: a series of its own, without faults, with the values that were painted.
  await page.getByTestId('edit-title').fill('Bone by hand')
  await page.getByTestId('edit-save').click()
  await expect(page.getByTestId('edit-message')).toContainText('Saved')
  const series = page.getByTestId('rail-series').filter({ hasText: 'Bone by hand' })
  await expect(series).toBeVisible()
  const uid = (await series.getAttribute('data-series'))!
  const instance = await stored(page.request, uid)
  expect(faultsOf(instance.file)).toEqual([])
  const last = readFileSync(path.join(DATA, files[instance.fileOf(files)]!))
  const values = new Int16Array(Uint8Array.from(last.subarray(last.length - SIDE * SIDE * 2)).buffer)
  const frame = instance.frames.length - 1
  expect(instance.frames[frame]!.segment).toBe(2)
  let [painted, wrong] = [0, 0]
  for (let at = 0; at < SIDE * SIDE; at++) {
    const isPainted = instance.bit(frame * SIDE * SIDE + at)
    const distance = Math.hypot((at % SIDE) - 256, Math.floor(at / SIDE) - 340) * instance.spacing
    const isBone = values[at]! + INTERCEPT >= 200
    // Within the circle (its border may lie a pixel off, since the mouse goes by whole ones) all of the values, and nothing else.
    if (isPainted ? !isBone : distance < 39 && isBone) wrong++
    if (isPainted) painted++
  }
  expect(wrong).toBe(0)
  expect(painted).toBeGreaterThan(50)

  // Reopened by somebody else: the same segments, as large, at the same places.
  await page.reload()
  await expect(here).toHaveAttribute('data-status', 'shown', { timeout: 45_000 })
  await page.getByTestId('rail-series').filter({ hasText: 'Bone by hand' }).click()
  await expect(page.getByTestId('overlay-part')).toHaveCount(2)
  expect(await page.getByTestId('overlay-part').allTextContents()).toEqual(volumes)
  await here.press('Home')
  await here.press('ArrowDown')
  await expect(here).toHaveAttribute('data-shown', '1')
  await expect.poll(() => marked(260, 250)).toBe(true)
  expect(await marked(220, 250)).toBe(false)
  const axe = await new AxeBuilder({ page }).include('.overlay-panel').analyze()
  expect(axe.violations.map(({ id }) => id)).toEqual([])
})

/** The object of a series with one, as a Part 10 file, and what its header says. */
async function stored(request: APIRequestContext, series: string) {
  const root = `/dicom-web/studies/${CT_STUDY}/series/${series}`
  const [metadata] = (await (await request.get(`${root}/metadata`, { headers: { Accept: 'application/dicom+json' } })).json()) as Json[]
  const uid = metadata!['00080018']!.Value![0] as string
  const answer = await request.get(`${root}/instances/${uid}`, { headers: { Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' } })
  const body = await answer.body()
  const from = body.indexOf('\r\n\r\n') + 4
  const file = body.subarray(from, body.lastIndexOf('\r\n--'))
  const groups = metadata!['52009230']!.Value as Json[]
  const frames = groups.map((group) => ({
    segment: (group['0062000A']!.Value![0] as Json)['0062000B']!.Value![0] as number,
    source: ((group['00089124']!.Value![0] as Json)['00082112']!.Value![0] as Json)['00081155']!.Value![0] as string,
  }))
  const bytes = Math.ceil((frames.length * SIDE * SIDE) / 16) * 2
  const bits = file.subarray(file.length - bytes)
  const shared = (metadata!['52009229']!.Value![0] as Json)['00289110']!.Value![0] as Json
  return {
    file,
    frames,
    bit: (at: number) => ((bits[at >> 3]! >> (at & 7)) & 1) === 1,
    spacing: Number(shared['00280030']!.Value![0]),
    fileOf: (files: readonly string[]) => files.findIndex((name) => readFileSync(path.join(DATA, name)).includes(frames[frames.length - 1]!.source)),
  }
}

/** What dciodvfy (dicom3tools) finds wrong. */
function faultsOf(file: Buffer): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'seg-'))
  writeFileSync(path.join(folder, 'object.dcm'), file)
  const found = spawnSync('dciodvfy', [path.join(folder, 'object.dcm')], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  expect(found.stderr).toContain('Segmentation')
  return found.stderr.split('\n').filter((line) => line.startsWith('Error'))
}
