// Volumes as a person uses them: what the planes show is compared with the files' own values.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Locator, type Page, expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { linear, slices } from './greys'
import { WAIT, choose, colors, fine, focusOf, plane, valueOf } from './planes'
import { keepScreenshot, store } from './support'
import { CT_FOLDER, CT_STUDY, DATA, csrf, eraseDrawings, open, upload, windowOf } from './viewing'

const CT_COUNT = 40
let petct = ''

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const token = await csrf(request)
  const ct = readdirSync(path.join(DATA, CT_FOLDER)).filter((name) => name.endsWith('.dcm')).sort().slice(0, CT_COUNT)
  for (const file of ct) await upload(request, token, path.join(CT_FOLDER, file))
  for (const folder of ['ct-5-0-h30s', 'pet-wb']) {
    const at = path.join('pt-ct/study-petct-with-ko', folder)
    for (const file of readdirSync(path.join(DATA, at))) petct = await upload(request, token, path.join(at, file))
  }
  await request.dispose()
})

test('MPR: three planes show the files\' values where they lie; the cross moves, turns, and slabs project', async ({ page }) => {
  await open(page, CT_STUDY)
  await choose(page, 'MPR: three planes')
  const all = await slices(page.request)
  const [axial, coronal] = [plane(page, 'axial'), plane(page, 'coronal')]
  for (const name of ['axial', 'coronal', 'sagittal']) await fine(plane(page, name))
  await keepScreenshot(page, 'volume-mpr')
  // The axial plane lies on an image, which counts as seen; the other two only cut all of them.
  await expect(page.getByTestId('seen').first()).toHaveText(/^([2-9]|1\d) of 40 seen$/)

  // The middle of the grid lies between pixels: the mean of its neighbours, from the files' own bytes.
  const { width, center } = await windowOf(page)
  const middle = all.slice(CT_COUNT / 2 - 1, CT_COUNT / 2 + 1).flatMap(({ values, columns }) => [[255, 255], [256, 255], [255, 256], [256, 256]].map(([x = 0, y = 0]) => values[y * columns + x] ?? 0))
  const expected = middle.reduce((sum, value) => sum + value, 0) / middle.length
  expect(Math.abs((await valueOf(page)) - expected)).toBeLessThanOrEqual(1)

  // A row of the coronal plane: each of its places is an axial slice's own value.
  const scale = Number(await coronal.getAttribute('data-affine-scale'))
  const [first] = all
  const steps = [-60, -30, 30, 60]
  const seen = await colors(coronal, steps.map((x) => [x, 0.01] as const))
  steps.forEach((x, at) => {
    const column = 255.5 + (x + 0.5) / scale / first!.spacing[0]
    const near = [Math.floor(column) - 1, Math.floor(column), Math.ceil(column), Math.ceil(column) + 1].flatMap((u) => [255, 256].flatMap((v) => all.slice(CT_COUNT / 2 - 2, CT_COUNT / 2 + 2).map(({ values, columns }) => linear(values[v * columns + u] ?? 0, width, center))))
    expect(seen[at]![0]!).toBeGreaterThanOrEqual(Math.min(...near) - 3)
    expect(seen[at]![0]!).toBeLessThanOrEqual(Math.max(...near) + 3)
  })

  // A click in one plane moves the other two.
  const before = await focusOf(page)
  const box = (await axial.boundingBox())!
  await page.mouse.click(box.x + box.width / 2 + 60, box.y + box.height / 2 - 30)
  const after = await focusOf(page)
  const scaleAxial = Number(await axial.getAttribute('data-affine-scale'))
  expect(after[0]! - before[0]!).toBeCloseTo(60 / scaleAxial, 0)
  expect(after[1]! - before[1]!).toBeCloseTo(-30 / scaleAxial, 0)
  expect(after[2]).toBeCloseTo(before[2]!, 5)

  // The wheel goes through the slices, the arrow keys too.
  await page.mouse.wheel(0, 120)
  await expect.poll(async () => Math.abs((await focusOf(page))[2]! - before[2]!)).toBeCloseTo(1, 1)
  await axial.focus()
  await page.keyboard.press('ArrowUp')
  await expect.poll(async () => (await focusOf(page))[2]).toBeCloseTo(before[2]!, 3)

  // A slab: where the greatest value is shown nothing is darker than in the thin plane.
  const grid = [-80, -40, 0, 40, 80].flatMap((x) => [-40, 0, 40].map((y) => [x, y] as const))
  const thin = await colors(axial, grid)
  await page.getByRole('button', { name: 'MIP', exact: true }).click()
  await expect(axial).toContainText('MIP 10 mm')
  const thick = await colors(axial, grid)
  expect(thick.every((color, at) => color[0]! >= thin[at]![0]! - 1)).toBe(true)
  expect(thick.some((color, at) => color[0]! > thin[at]![0]! + 10)).toBe(true)
  await page.getByRole('button', { name: 'Thin', exact: true }).click()

  // A line of the cross, dragged far from its middle, turns the planes that it stands for.
  const at = { x: box.x + box.width / 2 + 60, y: box.y + box.height / 2 - 30 }
  await page.mouse.move(at.x - 150, at.y)
  await page.mouse.down()
  await page.mouse.move(at.x - 145, at.y - 40, { steps: 4 })
  await page.mouse.up()
  await expect(coronal).toContainText('Oblique')
  const turned = ((await page.getByTestId('cross-axial-coronal').getAttribute('data-direction')) ?? '').split(',').map(Number)
  expect(Math.abs(Math.atan2(turned[1]!, Math.abs(turned[0]!)))).toBeGreaterThan(0.15)
  await fine(coronal)
  await keepScreenshot(page, 'volume-oblique')

  await axial.dblclick({ position: { x: 30, y: 120 } })
  await expect(coronal).toHaveCount(0)
  const found = await new AxeBuilder({ page }).include('[data-testid="volume-0"]').analyze()
  expect(found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 120))])).toEqual([])
  await page.getByTestId('volume-close').click()
  await expect(page.getByTestId('volume-0')).toHaveCount(0)
})

test('beyond what memory allows a volume is coarser, says so, and shows the same patient', async ({ page }) => {
  // An eighth of a gigabyte: 32 MB for the viewer, half of it for volumes; these slices take 21 MB.
  await page.addInitScript(() => Object.defineProperty(navigator, 'deviceMemory', { value: 0.125 }))
  await open(page, CT_STUDY)
  await choose(page, 'MPR: three planes')
  await expect(page.getByTestId('volume-notes')).toContainText('Lower resolution to stay within memory: 1 of 2 × 2 × 1 voxels.')
  await fine(plane(page, 'axial'))
  // The middle of the volume lies between four coarse voxels, each the mean of four pixels, on both slices.
  const all = await slices(page.request)
  const middle = all.slice(CT_COUNT / 2 - 1, CT_COUNT / 2 + 1).flatMap(({ values, columns }) => [254, 255, 256, 257].flatMap((y) => [254, 255, 256, 257].map((x) => values[y * columns + x] ?? 0)))
  expect(Math.abs((await valueOf(page)) - middle.reduce((sum, value) => sum + value, 0) / middle.length)).toBeLessThanOrEqual(1)
})

interface KeptShape {
  readonly type: string
  readonly kind: string
  readonly points: readonly (readonly [number, number])[]
  readonly plane: { readonly step: number; readonly columns: number }
  readonly results: readonly { readonly quantity: string; readonly value: number; readonly unit: string }[]
}

async function draw(page: Page, cell: Locator, from: readonly [number, number], to: readonly [number, number]): Promise<void> {
  const box = (await cell.boundingBox())!
  await page.mouse.move(box.x + box.width / 2 + from[0], box.y + box.height / 2 + from[1])
  await page.mouse.down()
  await page.mouse.move(box.x + box.width / 2 + to[0], box.y + box.height / 2 + to[1], { steps: 4 })
  await page.mouse.up()
}

test('measuring on planes: statistics are those of the files, millimetres those of the patient; shapes come back with their oblique plane', async ({ page }) => {
  await eraseDrawings(page.request, CT_STUDY)
  await open(page, CT_STUDY)
  await choose(page, 'MPR: three planes')
  const all = await slices(page.request)
  const [axial, coronal] = [plane(page, 'axial'), plane(page, 'coronal')]
  await fine(axial)
  await page.keyboard.press('q')
  await draw(page, axial, [-70, -50], [-20, 10])
  await expect(axial.getByTestId('measurement')).toContainText('Mean')
  const kept = async (): Promise<KeptShape[]> => ((await (await page.request.get(`/api/v1/studies/${CT_STUDY}/annotations`)).json()) as { items: KeptShape[] }).items.filter(({ type }) => type === 'plane')
  await expect.poll(async () => (await kept()).length, WAIT).toBe(1)
  const [region] = await kept()
  const scale = Number(await axial.getAttribute('data-affine-scale'))
  const [[x0, y0], [x1, y1]] = region!.points as [[number, number], [number, number]]
  const { spacing, columns } = all[0]!
  expect(region!.plane.step).toBeCloseTo(spacing[0], 6)
  expect((x1 - x0) * spacing[0] * scale).toBeCloseTo(50, 3)
  expect((y1 - y0) * spacing[1] * scale).toBeCloseTo(60, 3)
  // The cross lies between two slices: each value is the mean of theirs.
  const [below, above] = [all[CT_COUNT / 2 - 1]!, all[CT_COUNT / 2]!]
  const inside: number[] = []
  for (let y = Math.ceil(y0); y <= y1; y++) for (let x = Math.ceil(x0); x <= x1; x++) inside.push((below.values[y * columns + x]! + above.values[y * columns + x]!) / 2)
  const mean = inside.reduce((sum, value) => sum + value, 0) / inside.length
  const result = (quantity: string): number => region!.results.find((each) => each.quantity === quantity)!.value
  expect(result('pixels')).toBe(inside.length)
  expect(result('mean')).toBeCloseTo(mean, 1)
  expect(result('SD')).toBeCloseTo(Math.sqrt(inside.reduce((sum, value) => sum + (value - mean) ** 2, 0) / inside.length), 1)
  expect(result('area')).toBeCloseTo(50 * 60 / scale ** 2, 1)

  // Oblique: the plane is turned in steps of a degree by the keyboard, then measured with a line and an angle by clicks.
  await axial.focus()
  for (let step = 0; step < 20; step++) await page.keyboard.press(']')
  await expect(coronal).toContainText('Oblique')
  await page.keyboard.press('d')
  await draw(page, coronal, [-60, 20], [20, -40])
  const length = 100 / Number(await coronal.getAttribute('data-affine-scale'))
  await expect(coronal.getByTestId('measurement')).toContainText(`${length.toFixed(length < 10 ? 2 : 1)} mm`)
  await page.keyboard.press('a')
  const box = (await coronal.boundingBox())!
  for (const [x, y] of [[40, 40], [40, -20], [100, -20]] as const) {
    await page.mouse.move(box.x + box.width / 2 + x, box.y + box.height / 2 + y)
    await page.mouse.down()
    await page.mouse.up()
  }
  await expect(coronal.getByTestId('measurement').nth(1)).toContainText('90.0°')
  await keepScreenshot(page, 'volume-measured')
  const line = await coronal.locator('.measure-line').first().getAttribute('d')
  await expect.poll(async () => (await kept()).length, WAIT).toBe(3)
  // It belongs to its plane: the next one does not show it.
  await page.mouse.wheel(0, 120)
  await expect(coronal.getByTestId('measurement')).toHaveCount(0)

  await page.reload()
  await expect(page.getByTestId('pane-0')).toHaveAttribute('data-status', 'shown', WAIT)
  await choose(page, 'MPR: three planes')
  await expect(coronal.getByTestId('measurement')).toHaveCount(0)
  await page.getByTestId('plane-measures').click()
  await page.getByRole('menuitem', { name: /^Length/ }).click()
  await expect(coronal).toContainText('Oblique')
  await expect(coronal.locator(`.measure-line[d="${line}"]`).first()).toBeAttached() // what was saved at once comes in any order
  // Taken away, and back.
  await coronal.focus()
  await page.keyboard.press('Delete')
  await expect(coronal.getByTestId('measurement')).toHaveCount(1)
  await page.keyboard.press('Control+z')
  await expect(coronal.getByTestId('measurement')).toHaveCount(2)
})

test('curved MPR along a drawn path; the volume as a body that turns, and a crop takes part of it away', async ({ page }) => {
  await open(page, CT_STUDY)
  await choose(page, 'Curved MPR')
  const axial = plane(page, 'axial')
  await fine(axial)
  const box = (await axial.boundingBox())!
  for (const [x, y] of [[-60, -10], [-20, 20], [20, 20], [60, -10]] as const) await page.mouse.click(box.x + box.width / 2 + x, box.y + box.height / 2 + y)
  const scale = Number(await axial.getAttribute('data-affine-scale'))
  const straight = (2 * Math.hypot(40, 30) + 40) / scale
  const length = Number(await page.getByTestId('volume-curve').getAttribute('data-length'))
  expect(length).toBeGreaterThan(straight * 0.97)
  expect(length).toBeLessThan(straight * 1.15)
  const sheet = await colors(page.getByTestId('volume-curve'), [-100, -50, 0, 50, 100].map((x) => [x, 0] as const))
  expect(new Set(sheet.map((color) => color[0])).size).toBeGreaterThan(1)
  await keepScreenshot(page, 'volume-curved')

  await choose(page, 'Volume rendering')
  const body = page.getByTestId('volume-render')
  await page.getByLabel('Rendering preset').selectOption('CT bone')
  await fine(body)
  await keepScreenshot(page, 'volume-rendering')
  const lit = () =>
    body.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      let sum = 0
      for (let pixel = 0; pixel < data.length; pixel += 4) if (data[pixel]! > 20) sum++
      return sum / (data.length / 4)
    })
  const whole = await lit()
  expect(whole).toBeGreaterThan(0.005)
  const camera = await body.getAttribute('data-camera')
  const at = (await body.boundingBox())!
  await page.mouse.move(at.x + 300, at.y + 200)
  await page.mouse.down()
  await page.mouse.move(at.x + 380, at.y + 230, { steps: 4 })
  // Workers draw it, with the button still down: the page only shows what they made.
  await expect(body.locator('canvas')).toHaveAttribute('data-took', /\d/, WAIT)
  await page.mouse.up()
  expect(await body.getAttribute('data-camera')).not.toBe(camera)
  // It turns by itself until it is stopped.
  const still = await body.getAttribute('data-camera')
  await page.getByTestId('volume-turn').click()
  await expect.poll(() => body.getAttribute('data-camera'), WAIT).not.toBe(still)
  await page.getByTestId('volume-turn').click()
  await fine(body)
  // The scalpel: what is drawn around goes, however the body is turned then; undone, it is back.
  const [turned, held] = [await lit(), await body.getAttribute('data-camera')]
  await page.getByRole('button', { name: 'Cut away' }).click()
  const corners = [[0.5, 0.02], [0.98, 0.02], [0.98, 0.98], [0.5, 0.98]] as const
  await page.mouse.move(at.x + at.width / 2, at.y + 4)
  await page.mouse.down()
  for (const [x, y] of corners) await page.mouse.move(at.x + at.width * x, at.y + at.height * y, { steps: 3 })
  await page.mouse.up()
  await expect(body).toHaveAttribute('data-cuts', '1')
  await fine(body)
  expect(await lit()).toBeLessThan(turned * 0.8)
  expect(await body.getAttribute('data-camera')).toBe(held)
  await keepScreenshot(page, 'volume-scalpel')
  await page.getByRole('button', { name: 'Undo cut' }).click()
  await expect(body).toHaveAttribute('data-cuts', '0')
  await fine(body)
  expect(await lit()).toBeCloseTo(turned, 6)
  await page.getByRole('button', { name: 'Cut away' }).click()
  await page.getByLabel('Crop across, to').fill('30')
  await fine(body)
  expect(await lit()).toBeLessThan(whole * 0.8)
  // Who leaves the study leaves nothing behind: the workers, and the volume that only they would still hold, are gone.
  const drawing = () => page.workers().filter((worker) => worker.url().includes('render.worker')).length
  expect(drawing()).toBeGreaterThan(0)
  await page.getByRole('button', { name: 'Back to the study list' }).click()
  await expect.poll(drawing, WAIT).toBe(0)
})

/** A CT of water, or a PET of 70 kg that took up 370 MBq of F-18 evenly, an hour after the injection: its SUVbw is 1 by definition. */
function reference(kind: 'CT' | 'PT', study: string, series: string, slice: number): Buffer {
  const pet = kind === 'PT'
  const side = pet ? 16 : 32
  const activity = (370e6 * 0.5 ** (3600 / 6586.2)) / 70_000 // Bq/ml
  // Twice as much in the left half: SUV 2.
  const values = Buffer.alloc(side * side * 2)
  for (let at = 0; at < side * side; at++) values.writeInt16LE(pet ? (at % side < side / 2 ? 10_000 : 20_000) : 0, at * 2)
  const long = (bytes: Buffer, item: boolean): Buffer => {
    const head = Buffer.alloc(item ? 8 : 12)
    if (item) head.writeUInt32LE(0xe000fffe, 0)
    else head.writeUInt32LE(0x00160054, 0)
    if (!item) head.write('SQ', 4, 'latin1')
    head.writeUInt32LE(bytes.length, item ? 4 : 8)
    return Buffer.concat([head, bytes])
  }
  const drug = Buffer.concat([element(0x0018, 0x1072, 'TM', '100000'), element(0x0018, 0x1074, 'DS', '370000000'), element(0x0018, 0x1075, 'DS', '6586.2')])
  const instance = newUid()
  const sop = `1.2.840.10008.5.1.4.1.1.${pet ? '128' : '2'}`
  const meta = Buffer.concat([element(0x0002, 0x0001, 'OB', Buffer.from([0, 1])), element(0x0002, 0x0002, 'UI', sop), element(0x0002, 0x0003, 'UI', instance), element(0x0002, 0x0010, 'UI', '1.2.840.10008.1.2.1'), element(0x0002, 0x0012, 'UI', '2.25.314159')])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(meta.length)
  const spacing = 64 / side
  return Buffer.concat([
    Buffer.alloc(128), Buffer.from('DICM', 'latin1'), element(0x0002, 0x0000, 'UL', length), meta,
    element(0x0008, 0x0016, 'UI', sop), element(0x0008, 0x0018, 'UI', instance), ...[0x20, 0x21, 0x22].map((tag) => element(0x0008, tag, 'DA', '20260105')), ...[0x30, 0x31, 0x32].map((tag) => element(0x0008, tag, 'TM', '110000')),
    element(0x0008, 0x0060, 'CS', kind), element(0x0008, 0x103e, 'LO', `${kind} reference`), element(0x0010, 0x0010, 'PN', 'Reference^Object'), element(0x0010, 0x0020, 'LO', study.slice(-12)), element(0x0010, 0x1030, 'DS', '70'),
    element(0x0020, 0x000d, 'UI', study), element(0x0020, 0x000e, 'UI', series), element(0x0020, 0x0011, 'IS', pet ? '2' : '1'), element(0x0020, 0x0013, 'IS', String(slice + 1)),
    element(0x0020, 0x0032, 'DS', `${spacing / 2}\\${spacing / 2}\\${slice * 4}`), element(0x0020, 0x0037, 'DS', '1\\0\\0\\0\\1\\0'), element(0x0020, 0x0052, 'UI', `${study}.1`),
    element(0x0028, 0x0002, 'US', short(1)), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), element(0x0028, 0x0010, 'US', short(side)), element(0x0028, 0x0011, 'US', short(side)), element(0x0028, 0x0030, 'DS', `${spacing}\\${spacing}`),
    ...(pet ? [element(0x0028, 0x0051, 'CS', 'ATTN\\DECY')] : []), element(0x0028, 0x0100, 'US', short(16)), element(0x0028, 0x0101, 'US', short(16)), element(0x0028, 0x0102, 'US', short(15)), element(0x0028, 0x0103, 'US', short(1)),
    element(0x0028, 0x1052, 'DS', '0'), element(0x0028, 0x1053, 'DS', pet ? (activity / 10_000).toFixed(10) : '1'),
    ...(pet ? [long(long(drug, true), false), element(0x0054, 0x1001, 'CS', 'BQML'), element(0x0054, 0x1102, 'CS', 'START')] : []),
    element(0x7fe0, 0x0010, 'OW', values),
  ])
}

test('SUVpeak: a region on a plane through PET has the mean of a cubic centimetre, by the cap of a sphere beside an edge; opened again it is the same', async ({ page }) => {
  const study = newUid()
  const series = newUid()
  for (let slice = 0; slice < 5; slice++) expect(await store(page, 'PT.dcm', reference('PT', study, series, slice))).toBe('stored')
  await open(page, study)
  await choose(page, 'MPR: three planes')
  const axial = plane(page, 'axial')
  await fine(axial)
  await page.keyboard.press('q')
  // Voxels of 4 mm: SUV 1 up to the middle, then SUV 2. To both sides of the edge the region holds the centres of one column.
  const voxel = 4 * Number(await axial.getAttribute('data-affine-scale'))
  await draw(page, axial, [-1.2 * voxel, -1.2 * voxel], [1.2 * voxel, 1.2 * voxel])
  const radius = Math.cbrt(3000 / (4 * Math.PI))
  const cap = ((Math.PI * (radius - 2) ** 2 * (2 * radius + 2)) / 3) / 1000
  await expect(axial.getByTestId('measurement')).toContainText(`SUVbw peak ${(2 - cap).toFixed(2)} g/ml`, WAIT)
  await expect(axial.getByTestId('measurement')).toContainText('SUVbw max 2.00 g/ml')
  await keepScreenshot(page, 'volume-suvpeak')
  const kept = async (): Promise<KeptShape[]> => ((await (await page.request.get(`/api/v1/studies/${study}/annotations`)).json()) as { items: KeptShape[] }).items
  await expect.poll(async () => (await kept()).length, WAIT).toBe(1)
  const peak = (await kept())[0]!.results.find(({ quantity }) => quantity === 'SUVbw peak')!.value
  expect(peak).toBeCloseTo(2 - cap, 2)
  await page.reload()
  await expect(page.getByTestId('pane-0')).toHaveAttribute('data-status', 'shown', WAIT)
  await choose(page, 'MPR: three planes')
  await expect(axial.getByTestId('measurement')).toContainText(`SUVbw peak ${(2 - cap).toFixed(2)} g/ml`, WAIT)
})

test('fusion: the PET of a digital reference object has SUV 1 and 2 over its CT; what does not share a frame of reference is refused', async ({ page }) => {
  const study = newUid()
  const series = { CT: newUid(), PT: newUid() }
  for (const kind of ['CT', 'PT'] as const) for (let slice = 0; slice < 5; slice++) expect(await store(page, `${kind}.dcm`, reference(kind, study, series[kind], slice))).toBe('stored')
  await open(page, study)
  await choose(page, 'Fusion (PET over CT)')
  const axial = plane(page, 'axial')
  await fine(axial)
  const box = (await axial.boundingBox())!
  for (const [x, suv] of [[-100, '1.00'], [100, '2.00']] as const) {
    await page.mouse.click(box.x + box.width / 2 + x, box.y + box.height / 2 + 20)
    await expect(page.getByTestId('volume-value')).toHaveText(`0 HU · ${suv} SUVbw`, WAIT)
  }
  await page.getByRole('group', { name: 'Range of SUV' }).getByRole('button', { name: '0–5' }).click()
  // SUV 2 of 5 is red to four fifths.
  await page.getByLabel('Opacity of the overlay').fill('100')
  await expect.poll(async () => Math.abs((await colors(axial, [[150, 50]]))[0]![0]! - 204), WAIT).toBeLessThanOrEqual(1)
  await page.getByLabel('Top of the colours, SUVbw').fill('2')
  await page.getByLabel('Opacity of the overlay').fill('100')
  // Hot iron: half of the top is red, the top is white.
  await expect.poll(async () => (await colors(axial, [[-100, 50], [150, 50]])).map((color) => color.map((part) => Math.round(part / 4))), WAIT).toEqual([[64, 0, 0], [64, 64, 64]])
  await keepScreenshot(page, 'volume-fusion')
  // What takes up less is not laid over: of the left half with SUV 1 only the water is left.
  await page.getByLabel('Nothing is laid over up to, SUVbw').fill('1.5')
  await expect.poll(async () => new Set((await colors(axial, [[-100, 50]]))[0]).size, WAIT).toBe(1)
  expect((await colors(axial, [[150, 50]])).map((color) => color.map((part) => Math.round(part / 4)))).toEqual([[64, 64, 64]])
  await page.getByLabel('Series laid over').selectOption('')
  const plain = await colors(axial, [[-100, 50], [30, 20], [-40, 10]])
  expect(plain.every(([red, green, blue]) => red === green && green === blue)).toBe(true)

  await open(page, petct)
  await page.getByTestId('rail-series').filter({ hasText: 'CT' }).first().click()
  await expect(page.getByTestId('pane-0')).toHaveAttribute('data-status', 'shown', WAIT)
  await choose(page, 'Fusion (PET over CT)')
  await expect(page.getByTestId('volume-notes')).toContainText('do not share a frame of reference', WAIT)
})

test('a series in time: the moments are scrubbed, with the values at the cross as a curve; what makes no volume says why', async ({ page }) => {
  const study = newUid()
  const series = newUid()
  const levels = [10, 200, 90]
  let number = 0
  for (const [phase, level] of levels.entries()) {
    for (let slice = 0; slice < 4; slice++) {
      const image = [
        element(0x0020, 0x0032, 'DS', `0\\0\\${slice * 3}`), element(0x0020, 0x0037, 'DS', '1\\0\\0\\0\\1\\0'), element(0x0020, 0x0052, 'UI', '2.25.77'), element(0x0020, 0x0100, 'IS', String(phase + 1)),
        element(0x0028, 0x0002, 'US', short(1)), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), element(0x0028, 0x0010, 'US', short(16)), element(0x0028, 0x0011, 'US', short(16)),
        element(0x0028, 0x0030, 'DS', '2\\2'), element(0x0028, 0x0100, 'US', short(8)), element(0x0028, 0x0101, 'US', short(8)), element(0x0028, 0x0102, 'US', short(7)), element(0x0028, 0x0103, 'US', short(0)),
        element(0x7fe0, 0x0010, 'OW', Buffer.alloc(256, level)),
      ]
      expect(await store(page, 'phase.dcm', object({ patientName: 'Heart^Beating', patientId: study.slice(-12), study, series, modality: 'MR', instanceNumber: ++number }, image))).toBe('stored')
    }
  }
  await open(page, study)
  await choose(page, 'MPR: three planes')
  const time = page.getByTestId('volume-time')
  await expect(time).toHaveAttribute('data-values', '10.00,200.00,90.00')
  await page.getByLabel('Moment', { exact: true }).fill('1')
  await expect(time).toContainText('Time 2')
  expect(await valueOf(page)).toBe(200)
  await keepScreenshot(page, 'volume-time')

  const single = newUid()
  expect(await store(page, 'single.dcm', object({ patientName: 'One^Only', patientId: single.slice(-12), study: single }))).toBe('stored')
  await open(page, single)
  await page.getByTestId('volume-menu').click()
  await page.getByRole('menuitem', { name: 'MPR: three planes' }).click()
  await expect(page.getByTestId('volume-reason')).toContainText('they make no volume')
  await page.getByRole('button', { name: 'Back to the images' }).click()
  await expect(page.getByTestId('volume-0')).toHaveCount(0)
})
