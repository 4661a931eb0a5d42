// Segmentations, structures and doses on the images they belong to, as a person finds, reads and draws them.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { type Page, expect, test } from '@playwright/test'
import { type Pixel, SIDE, bitsOf, faultsOf, held, overlayAt, plan } from './overlaying'
import { CT_STUDY, DATA, affineOf, csrf, ctFiles, open, pane, upload } from './viewing'

const FOLDER = 'seg/study-liver-ct'
const IMAGES = ['ct/01.dcm', 'ct/02.dcm', 'ct/03.dcm'].map((name) => `${FOLDER}/${name}`)
const LIVER_SERIES = '1.2.276.0.7230010.3.1.3.0.42154.1458337731.665795'

/** The bits of the file itself: frames of 512 x 512, the first pixel in the lowest bit (PS3.5 8.1.1). */
function liver(): (frame: number, x: number, y: number) => boolean {
  const file = readFileSync(path.join(DATA, FOLDER, 'seg/liver.dcm'))
  const bits = file.subarray(file.length - (3 * SIDE * SIDE) / 8)
  return (frame, x, y) => {
    const at = (frame * SIDE + y) * SIDE + x
    return ((bits[at >> 3]! >> (at & 7)) & 1) === 1
  }
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

/** A second try does not meet what the first has left. */
const named = (what: string): string => `${what} ${test.info().retry}`

/** Where an image pixel is on the page. */
async function onPage(page: Page, x: number, y: number): Promise<[number, number]> {
  const box = (await pane(page).boundingBox())!
  const affine = await affineOf(page)
  return [box.x + affine.scale * x + affine.x, box.y + affine.scale * y + affine.y]
}

async function drag(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  for (const [index, [x, y]] of points.entries()) {
    await page.mouse.move(...(await onPage(page, x, y)))
    if (index === 0) await page.mouse.down()
  }
  await page.mouse.up()
}

/** How many steps of the drawing the browser has on its disk. */
const keptSteps = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const opening = indexedDB.open('isocenter-drawings')
        opening.onsuccess = () => {
          const asked = opening.result.transaction('drawings').objectStore('drawings').getAll()
          asked.onsuccess = () => {
            opening.result.close()
            resolve((asked.result as { past: unknown[] }[])[0]?.past.length ?? 0)
          }
        }
      }),
  )

test('segments are drawn, undone, filled between images, saved as SEG and reopened as they were', async ({ context }) => {
  let page = await context.newPage()
  const token = await csrf(page.request)
  const files = ctFiles().slice(0, FEW)
  for (const file of files) await upload(page.request, token, file)
  let here = await open(page, CT_STUDY)
  await here.press('Home')
  await page.getByTestId('panel-overlays').click()
  await page.getByTestId('edit-new').click()
  const pad = page.getByTestId('edit-pad')
  await expect(pad).toBeVisible()
  await page.getByTestId('edit-label').fill('Bone')
  const marked = async (x: number, y: number): Promise<boolean> => (await overlayAt(page, [[x, y]]))[0]![3] > 0

  // A line of the brush on the first image: 12 mm to both sides of it.
  await page.getByTestId('edit-radius').fill('12')
  await drag(page, [[200, 250], [300, 250]])
  await expect.poll(() => marked(250, 250)).toBe(true)
  expect([await marked(250, 275), await marked(160, 250)]).toEqual([false, false])
  await page.keyboard.press('Control+z')
  await expect.poll(() => marked(250, 250)).toBe(false)
  await page.keyboard.press('Control+y')
  await expect.poll(() => marked(250, 250)).toBe(true)
  await page.getByTestId('edit-eraser').click()
  await drag(page, [[250, 250], [251, 250]])
  await expect.poll(() => marked(250, 250)).toBe(false)
  await page.getByTestId('edit-undo').click()
  await expect.poll(() => marked(250, 250)).toBe(true)

  // The same with the lasso two images on, and what is between filled; scissors take a part away again.
  await page.getByTestId('edit-fill').click()
  await here.press('ArrowDown')
  await here.press('ArrowDown')
  await expect(here).toHaveAttribute('data-shown', '2')
  await expect.poll(() => marked(250, 250)).toBe(false)
  await drag(page, [[200, 230], [300, 230], [300, 270], [200, 270]])
  await expect.poll(() => marked(250, 250)).toBe(true)
  await page.getByTestId('edit-between').click()
  await here.press('ArrowUp')
  await expect(here).toHaveAttribute('data-shown', '1')
  await expect.poll(() => marked(250, 250)).toBe(true)
  await page.getByTestId('edit-cut').click()
  await drag(page, [[190, 220], [240, 220], [240, 290], [190, 290]])
  await expect.poll(() => marked(220, 250)).toBe(false)
  expect(await marked(260, 250)).toBe(true)

  // A second segment, painted only where the values are: above 200 HU.
  await page.getByTestId('edit-add').click()
  await page.getByTestId('edit-threshold').click()
  await page.getByTestId('edit-low').fill('200')
  await page.getByTestId('edit-radius').fill('40')
  await here.press('End')
  await expect(here).toHaveAttribute('data-shown', String(FEW - 1))
  await drag(page, [[256, 340], [257, 340]])
  await expect.poll(async () => (await page.getByTestId('overlay-part').nth(1).textContent()) ?? '').toMatch(/\d\.\d+ ml/)
  await page.screenshot({ path: 'test-results/screenshots/segments-drawn.png' })
  const volumes = await page.getByTestId('overlay-part').allTextContents()

  // The process of the tab is killed before anything was saved: all of it is there again, with its undo.
  await expect.poll(() => keptSteps(page)).toBe(5)
  const died = page.waitForEvent('crash')
  void page.goto('chrome://crash').catch(() => undefined)
  await died
  await page.close()
  page = await context.newPage()
  here = await open(page, CT_STUDY)
  await page.getByTestId('panel-overlays').click()
  await expect(page.getByTestId('edit-message')).toContainText('not saved in the archive yet')
  await expect.poll(() => page.getByTestId('overlay-part').allTextContents()).toEqual(volumes)
  await page.getByTestId('edit-undo').click()
  await expect.poll(() => page.getByTestId('overlay-part').allTextContents()).not.toEqual(volumes)
  await page.getByTestId('edit-redo').click()
  await expect.poll(() => page.getByTestId('overlay-part').allTextContents()).toEqual(volumes)

  // Saved: a series of its own, without faults, with the values that were painted.
  await page.getByTestId('edit-title').fill(named('Bone by hand'))
  await page.getByTestId('edit-save').click()
  await expect(page.getByTestId('edit-message')).toContainText('Saved')
  const series = page.getByTestId('rail-series').filter({ hasText: named('Bone by hand') })
  await expect(series).toBeVisible()
  const uid = (await series.getAttribute('data-series'))!
  const binary = await held(page.request, uid, 'binary')
  expect(faultsOf(binary.file, 'Segmentation')).toEqual([])
  const instance = bitsOf(binary)
  const last = readFileSync(path.join(DATA, files.find((name) => readFileSync(path.join(DATA, name)).includes(instance.frames.at(-1)!.source))!))
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
  await page.getByTestId('rail-series').filter({ hasText: named('Bone by hand') }).click()
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

test('the segments become RT structures, a label map and a fractional segmentation, and reopen as they were', async ({ page }) => {
  const here = await open(page, CT_STUDY)
  await page.getByTestId('rail-series').filter({ hasText: 'Bone by hand' }).last().click()
  await expect(page.getByTestId('overlay-part')).toHaveCount(2)
  await expect(here).toHaveAttribute('data-status', 'shown')
  const before = await page.getByTestId('overlay-part').allTextContents()

  // As RT structures: the same outlines, so the same volumes.
  await page.getByTestId('overlay-edit').click()
  await page.getByTestId('edit-title').fill(named('Bone outlines'))
  await page.getByTestId('edit-save-structures').click()
  await expect(page.getByTestId('edit-message')).toContainText('as RT structures')
  const outlines = page.getByTestId('rail-series').filter({ hasText: named('Bone outlines') })
  const structures = await held(page.request, (await outlines.getAttribute('data-series'))!, 'structures')
  expect(faultsOf(structures.file, 'RTStructureSet')).toEqual([])

  // As a label map: what the second segment is painted over, the first one loses.
  await page.getByTestId('edit-type').selectOption('LABELMAP')
  await page.getByRole('radio').nth(1).check()
  await page.getByTestId('edit-radius').fill('5')
  await drag(page, [[270, 250], [271, 250]])
  await expect.poll(async () => (await page.getByTestId('overlay').last().getByTestId('overlay-part').allTextContents()).some((text) => before.includes(text))).toBe(false)
  await page.getByTestId('edit-title').fill(named('Bone map'))
  await page.getByTestId('edit-save').click()
  await expect(page.getByTestId('edit-message')).toContainText('Saved')
  const map = await held(page.request, (await page.getByTestId('rail-series').filter({ hasText: named('Bone map') }).getAttribute('data-series'))!, 'map')
  expect(map.metadata['00080016']!.Value).toEqual(['1.2.840.10008.5.1.4.1.1.66.7'])
  const mapped = await page.getByTestId('overlay').last().getByTestId('overlay-part').allTextContents()
  await page.screenshot({ path: 'test-results/screenshots/segments-map.png' })

  // With fractions: half a pixel counts half.
  await page.getByTestId('edit-type').selectOption('FRACTIONAL')
  await page.getByTestId('edit-add').click()
  await page.getByTestId('edit-fraction').fill('50')
  await drag(page, [[100, 100], [101, 100]])
  await expect.poll(async () => (await overlayAt(page, [[100, 100]]))[0]![3]).toBeGreaterThan(0)
  await page.getByTestId('edit-title').fill(named('Bone parts'))
  await page.getByTestId('edit-save').click()
  await expect(page.getByTestId('edit-message')).toContainText('Saved')
  const parts = await held(page.request, (await page.getByTestId('rail-series').filter({ hasText: named('Bone parts') }).getAttribute('data-series'))!, 'fractional')
  expect(faultsOf(parts.file, 'Segmentation')).toEqual([])
  expect(parts.file.subarray(parts.file.length - SIDE * SIDE).includes(128)).toBe(true)
  const fractions = await page.getByTestId('overlay').last().getByTestId('overlay-part').allTextContents()

  // All three reopen as they were.
  await page.reload()
  await expect(here).toHaveAttribute('data-status', 'shown', { timeout: 45_000 })
  const shown = page.getByTestId('overlay')
  await page.getByTestId('rail-series').filter({ hasText: named('Bone map') }).click()
  await expect.poll(() => shown.last().getByTestId('overlay-part').allTextContents()).toEqual(mapped)
  await page.getByTestId('overlay-offer').filter({ hasText: named('Bone parts') }).click()
  await expect.poll(() => shown.last().getByTestId('overlay-part').allTextContents()).toEqual(fractions)
  await page.getByTestId('overlay-offer').filter({ hasText: named('Bone outlines') }).click()
  await expect(shown).toHaveCount(3)
  // As large as what they were made of; the second lies on one image only, and a single contour has no thickness.
  await expect(shown.last().getByTestId('overlay-part')).toHaveText([before[0]!, /^Segment 2$/])
})
