// Presentation states: those of others are shown as their tables, layers and areas say; one's own come back exactly as the screen was.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import { CT_STUDY, DATA, canvasAt, csrf, ctFiles, drawn, open, pane, upload } from './viewing'
import { keepScreenshot } from './support'
import { PROBES, slices } from './greys'

const LUTS = { study: '1.2.276.0.7230010.3.200.6', series: '1.2.276.0.7230010.3.200.6.0', image: 'pr/lut/imageForPrLUTs.dcm' }
const OVERLAYS = { study: '1.2.276.0.7230010.3.200.12', series: '1.2.276.0.7230010.3.200.12.0' }

interface Element {
  vr: string
  Value?: unknown[]
  BulkDataURI?: string
  InlineBinary?: string
}
type Json = Record<string, Element | undefined>

const metadata = async (page: Page, study: string, series: string): Promise<Json[]> =>
  (await (await page.request.get(`/dicom-web/studies/${study}/series/${series}/metadata`, { headers: { Accept: 'application/dicom+json' } })).json()) as Json[]

/** Bytes of a LUT, an entry each, from wherever the metadata says they are. */
async function entries(page: Page, sequence: Element | undefined): Promise<number[]> {
  const data = (sequence?.Value?.[0] as Json)['00283006']!
  if (data.Value) return data.Value as number[]
  if (data.InlineBinary) return [...Buffer.from(data.InlineBinary, 'base64')]
  const bytes = await (await page.request.get(new URL(data.BulkDataURI!, page.url()).pathname, { headers: { Accept: 'application/octet-stream' } })).body()
  return bytes.length >= 512 ? Array.from({ length: 256 }, (_, at) => bytes.readUInt16LE(at * 2)) : [...bytes]
}

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const token = await csrf(request)
  for (const file of [LUTS.image, 'pr/lut/prLUTs.dcm', 'pr/overlay/overlay.dcm', 'pr/overlay/prOverlay.dcm', ...ctFiles().slice(0, 2)]) await upload(request, token, file)
  await request.dispose()
})

test('tables of a foreign state: modality, VOI and presentation LUT one after the other', async ({ page }) => {
  await open(page, LUTS.study)
  const offer = pane(page).getByTestId('presentation-offer')
  await expect(offer).toContainText('scrambled modality lut')
  await drawn(page, () => offer.click())
  const [state] = await metadata(page, LUTS.study, LUTS.series)
  const voi = (state!['00283110']!.Value![0] as Json)['00283010']
  const tables = [await entries(page, state!['00283000']), await entries(page, voi), await entries(page, state!['20500010'])]
  const bytes = readFileSync(path.join(DATA, LUTS.image))
  const pixels = bytes.subarray(bytes.length - 512 * 512)
  // Where neighbours are alike too, so that the smoothing of the screen changes nothing.
  const shown = (x: number, y: number): number => tables.reduce((value, table) => table[value]!, pixels[y * 512 + x]!)
  const points: [number, number][] = []
  for (let y = 20; y < 500; y += 7)
    for (let x = 20; x < 500; x += 7) {
      const here = shown(x, y)
      if (points.length < 40 && [-2, -1, 1, 2].every((by) => shown(x + by, y) === here && shown(x, y + by) === here)) points.push([x, y])
    }
  expect(points.length).toBeGreaterThan(20)
  const seen = await canvasAt(page, points)
  points.forEach(([x, y], at) => expect(Math.abs(seen[at]!.color[0] - shown(x, y)), `pixel ${x},${y}`).toBeLessThanOrEqual(1))
  expect(new Set(points.map(([x, y]) => shown(x, y))).size).toBeGreaterThan(3)
  await keepScreenshot(page, 'presentations-luts')
  // Laid aside, the picture is its own again.
  await drawn(page, () => pane(page).getByTestId('presentation-end').click())
  await expect(pane(page).getByTestId('presentation-offer')).toContainText('Show')
})

test('overlay planes of a foreign state come in its layers, each can be hidden', async ({ page }) => {
  await open(page, OVERLAYS.study)
  await page.getByTestId('panel-annotations').click()
  await drawn(page, () => page.getByTestId('presentation').click())
  await expect(page.getByTestId('presented-layer')).toHaveCount(6)
  const white = (): Promise<number> =>
    pane(page).evaluate((root) => {
      const canvas = [...root.querySelectorAll('canvas')].find((each) => each.offsetParent !== null && each.closest('[hidden]') === null)!
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      let count = 0
      for (let at = 0; at < data.length; at += 4) if (data[at]! > 250) count++
      return count
    })
  const all = await white()
  await keepScreenshot(page, 'presentations-overlays')
  const layer = page.getByTestId('presented-layer').filter({ hasText: 'for overlay 5' })
  await drawn(page, () => layer.getByRole('checkbox').uncheck())
  const fewer = await white()
  expect(fewer).toBeLessThan(all)
  await drawn(page, () => layer.getByRole('checkbox').check())
  expect(await white()).toBe(all)
})

const value = (vr: string, ...Value: unknown[]): Element => ({ vr, Value })
const sequence = (...items: Json[]): Element => ({ vr: 'SQ', Value: items })

/** A state with most of what there is, for one image of the CT. */
function made(image: { study: string; series: string; instance: string; sopClass: string }): Json {
  const reference = sequence({ '00081150': value('UI', image.sopClass), '00081155': value('UI', image.instance) })
  return {
    '00080005': value('CS', 'ISO_IR 192'),
    '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.11.1'),
    '00080018': value('UI', `2.25.${Date.now()}1`),
    '00080060': value('CS', 'PR'),
    '00081115': sequence({ '0020000E': value('UI', image.series), '00081140': reference }),
    '00100020': value('LO', 'LIDC-IDRI-0314'),
    '0020000D': value('UI', image.study),
    '0020000E': value('UI', `2.25.${Date.now()}2`),
    '00181600': value('CS', 'CIRCULAR'),
    '00181610': value('IS', 257, 257),
    '00181612': value('IS', 100),
    '00281052': value('DS', -1024),
    '00281053': value('DS', 1),
    '00283110': sequence({ '00281050': value('DS', 40), '00281051': value('DS', 400), '00281056': value('CS', 'SIGMOID') }),
    '00700001': sequence({
      '00081140': reference,
      '00700002': value('CS', 'MARKS'),
      '00700009': sequence({
        '00700005': value('CS', 'PIXEL'), '00700020': value('US', 2), '00700021': value('US', 2), '00700022': value('FL', 200.5, 200.5, 300.5, 250.5), '00700023': value('CS', 'POLYLINE'),
      }),
      '00700008': sequence({
        '00700003': value('CS', 'DISPLAY'), '00700006': value('ST', 'Upper right'), '00700010': value('FL', 0.7, 0.1), '00700011': value('FL', 0.95, 0.2), '00700012': value('CS', 'RIGHT'),
      }),
      '00700209': sequence({ '00700226': value('UL', 7), '00700282': value('CS', 'PIXEL'), '00700020': value('US', 2), '00700021': value('US', 2), '00700022': value('FL', 210.5, 300.5, 290.5, 340.5), '00700294': value('CS', 'RECTANGLE') }),
    }),
    '00700041': value('CS', 'Y'),
    '00700042': value('US', 90),
    '0070005A': sequence({ '00081140': reference, '00700052': value('SL', 157, 357), '00700053': value('SL', 356, 158), '00700100': value('CS', 'SCALE TO FIT'), '00700102': value('IS', 1, 1) }),
    '00700060': sequence({ '00700002': value('CS', 'MARKS'), '00700062': value('IS', 1), '00700067': value('US', 65535, 0, 0) }),
    '00700080': value('CS', 'MADE'),
    '00700081': value('LO', 'Made for the test'),
    '20500020': value('CS', 'INVERSE'),
  }
}

async function affine(page: Page): Promise<number[]> {
  return ((await pane(page).locator('[data-affine]').getAttribute('data-affine')) ?? '').split(',').map(Number)
}

test('area, turn, sigmoid, inversion, shutter, layers in colour, texts of the screen, compound graphics', async ({ page }) => {
  await open(page, CT_STUDY)
  const token = await csrf(page.request)
  const [slice] = await slices(page.request)
  const detail = (await (await page.request.get(`/api/v1/studies/${CT_STUDY}`)).json()) as { series: { SeriesInstanceUID: string; SOPClassUIDs: string[] }[] }
  const series = detail.series[0]!
  const dataset = made({ study: CT_STUDY, series: series.SeriesInstanceUID, instance: slice!.instance, sopClass: series.SOPClassUIDs[0]! })
  const body = `--b\r\nContent-Type: application/dicom+json; transfer-syntax=1.2.840.10008.1.2.1\r\n\r\n${JSON.stringify([dataset])}\r\n--b--\r\n`
  const stored = await page.request.post('/dicom-web/studies', { headers: { 'X-CSRF-Token': token, 'Content-Type': 'multipart/related; type="application/dicom+json"; boundary=b', Accept: 'application/dicom+json' }, data: Buffer.from(body) })
  expect(stored.ok(), await stored.text()).toBe(true)

  // It arrives while the study is open, and is offered.
  const offer = pane(page).getByTestId('presentation-offer')
  await expect(offer).toContainText('Made for the test')
  await drawn(page, () => offer.click())
  await expect(pane(page)).toHaveAttribute('data-image', slice!.instance)

  // 200 x 200 pixels fill the viewport; 90 degrees clockwise, then left and right changed: transposed.
  const box = (await pane(page).boundingBox())!
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = await affine(page)
  const scale = Math.min(box.width, box.height) / 200
  expect([a, d].every((each) => Math.abs(each) < 1e-3)).toBe(true)
  expect(Math.abs(b - scale)).toBeLessThan(0.02)
  expect(Math.abs(c - scale)).toBeLessThan(0.02)
  const centre = [c * 256.5 + e - c * 0.5, b * 255.5 + f]
  expect(Math.abs(centre[0]! - box.width / 2)).toBeLessThan(scale)
  expect(Math.abs(centre[1]! - box.height / 2)).toBeLessThan(scale)

  // Greys: sigmoid, inverted (PS3.3 C.11.2.1.3.1); outside of the circle it is shut.
  const inside = PROBES.filter(([x, y]) => Math.hypot(x - 256, y - 256) < 90)
  const seen = await canvasAt(page, inside)
  let off = 0
  inside.forEach(([x, y], at) => {
    const grey = (column: number, row: number): number => 255 - 255 / (1 + Math.exp((-4 * (slice!.values[row * slice!.columns + column]! - 40)) / 400))
    // Enlarged almost fourfold, a screen pixel is a little off the centre: it lies among its neighbours, or a little beyond (bicubic).
    const near = [-1, 0, 1].flatMap((right) => [-1, 0, 1].map((down) => grey(x + right, y + down)))
    const [red] = seen[at]!.color
    expect(red, `pixel ${x},${y}`).toBeGreaterThanOrEqual(Math.min(...near) - 14)
    expect(red, `pixel ${x},${y}`).toBeLessThanOrEqual(Math.max(...near) + 14)
    off += Math.abs(red - grey(x, y)) / inside.length
  })
  expect(off).toBeLessThan(5)
  const [shut] = await canvasAt(page, [[170, 170]])
  expect(shut!.color).toEqual([0, 0, 0])

  const line = pane(page).locator('[data-testid="stored-figure"][data-type="POLYLINE"] .stored-line').first()
  await expect(line).toHaveCSS('stroke', 'rgb(255, 0, 0)')
  const numbers = ((await line.getAttribute('d')) ?? '').match(/-?\d+(\.\d+)?/g)!.map(Number)
  const expected = [c * 200 + e, b * 200 + f, c * 250 + e, b * 300 + f]
  expected.forEach((each, at) => expect(Math.abs(numbers[at]! - each)).toBeLessThan(0.5))
  await expect(pane(page).getByTestId('stored-figure')).toHaveCount(3)
  // 95 % of the displayed area, which is a square in the middle.
  const text = pane(page).getByText('Upper right')
  const side = scale * 200
  expect(Math.abs(Number(await text.getAttribute('x')) - ((box.width - side) / 2 + 0.95 * side))).toBeLessThan(2)
  await keepScreenshot(page, 'presentations-made')

  // Space comes back to it after any change; another image of the series is as it is.
  const before = await affine(page)
  await drawn(page, () => page.keyboard.press('+'))
  expect(await affine(page)).not.toEqual(before)
  expect(Number(await text.getAttribute('x'))).toBeCloseTo((box.width - side) / 2 + 0.95 * side, -1)
  await drawn(page, () => page.keyboard.press('Space'))
  expect(await affine(page)).toEqual(before)
  await drawn(page, () => page.keyboard.press('ArrowDown'))
  await expect(pane(page).getByTestId('stored-figure')).toHaveCount(0)
})

test('what is written here comes back as it was on the screen', async ({ page }) => {
  await open(page, CT_STUDY)
  await page.getByTestId('panel-annotations').click()
  await drawn(page, () => page.keyboard.press('r'))
  await drawn(page, () => page.keyboard.press('h'))
  await drawn(page, () => page.keyboard.press('+'))
  await drawn(page, () => page.keyboard.press('+'))
  await drawn(page, () => page.keyboard.press('4'))
  await drawn(page, () => page.keyboard.press('i'))
  const before = await affine(page)
  const window = await pane(page).getAttribute('data-window')
  await page.getByTestId('export-form').selectOption('PR')
  await page.getByTestId('export-note').fill('As I saw it')
  await page.getByTestId('export').click()
  await expect(page.getByTestId('export-told')).toHaveText(/Stored in the archive/)
  await drawn(page, () => page.keyboard.press('Space'))
  expect(await affine(page)).not.toEqual(before)
  const mine = page.getByTestId('presentation').filter({ hasText: 'As I saw it' })
  await drawn(page, () => mine.click())
  const after = await affine(page)
  // Corners of the area are whole pixels (PS3.3 C.10.4): half of one at each end.
  const pixel = Math.hypot(before[0]!, before[1]!)
  after.forEach((each, at) => expect(Math.abs(each - before[at]!)).toBeLessThan(at < 4 ? pixel * 0.01 : pixel * 2))
  await expect(pane(page)).toHaveAttribute('data-window', window!)
  await expect(pane(page)).toHaveAttribute('data-inverted', 'true')
})

test('a colour image is kept as a colour presentation state, and comes back as it was', async ({ page }) => {
  const study = await upload(page.request, await csrf(page.request), 'us/examples_rgb_color.dcm')
  await open(page, study)
  await page.getByTestId('panel-annotations').click()
  await drawn(page, () => page.keyboard.press('r'))
  await drawn(page, () => page.keyboard.press('+'))
  const [before, places] = [await affine(page), [[200, 150], [320, 240], [100, 100]] as const]
  const colours = await canvasAt(page, places)
  const box = (await pane(page).boundingBox())!
  await page.keyboard.press('d')
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.4)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5, { steps: 4 })
  await page.mouse.up()
  await expect(page.getByTestId('annotation')).toHaveCount(1)
  await page.getByTestId('export-form').selectOption('PR')
  await page.getByTestId('export-note').fill('In colour')
  await page.getByTestId('export').click()
  await expect(page.getByTestId('export-told')).toHaveText(/Stored in the archive/)
  await page.getByTestId('annotation').click()
  await page.keyboard.press('Delete')
  await drawn(page, () => page.keyboard.press('Space'))
  expect(await affine(page)).not.toEqual(before)
  await drawn(page, () => page.getByTestId('presentation').filter({ hasText: 'In colour' }).first().click())
  const pixel = Math.hypot(before[0]!, before[1]!)
  ;(await affine(page)).forEach((each, at) => expect(Math.abs(each - before[at]!)).toBeLessThan(at < 4 ? pixel * 0.01 : pixel * 2))
  await expect(pane(page).locator('[data-testid="stored-figure"][data-type="POLYLINE"]')).toHaveCount(1)
  const again = await canvasAt(page, places)
  again.forEach(({ color }, at) => color.forEach((value, channel) => expect(Math.abs(value - colours[at]!.color[channel]!)).toBeLessThan(40)))
  const { series } = (await (await page.request.get(`/api/v1/studies/${study}`)).json()) as { series: { Modality: string; SeriesInstanceUID: string }[] }
  const [state] = await metadata(page, study, series.find((each) => each.Modality === 'PR')!.SeriesInstanceUID)
  expect(state!['00080016']!.Value).toEqual(['1.2.840.10008.5.1.4.1.1.11.2'])
})
