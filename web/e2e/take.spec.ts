// What leaves the viewer: the clipboard, files, paper. Pictures are judged by their pixels, exports by the change log.
import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { type Page, expect, test } from '@playwright/test'
import { newUid, object } from './dicom'
import { expectAccessible } from './list'
import { keepScreenshot, store } from './support'
import { CT_STUDY, canvasAt, csrf, ctFiles, drawn, eraseDrawings, open, pane, upload } from './viewing'

test.beforeEach(async ({ page }) => {
  const token = await csrf(page.request)
  await eraseDrawings(page.request, CT_STUDY)
  await page.request.put('/api/v1/session/preferences/take', { headers: { 'X-CSRF-Token': token }, data: {} })
})

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: baseURL ?? '' })
  const token = await csrf(request)
  for (const file of ctFiles().slice(0, 6)) await upload(request, token, file)
  await request.dispose()
})

interface Row {
  kind: string
  subject: string
  payload: Record<string, unknown>
}

/** What the change log says has left, the last of it. */
async function lastExport(page: Page): Promise<Record<string, unknown> | undefined> {
  const { changes } = (await (await page.request.get('/api/v1/changes?kind=study.exported')).json()) as { changes: Row[] }
  return changes.findLast((row) => row.subject === CT_STUDY)?.payload
}

interface Pixels {
  width: number
  height: number
  /** RGB where asked. */
  at: number[][]
  /** Pixels that are neither grey nor nearly so: drawings are yellow. */
  colourful: number
}

/** A picture file as the browser reads it; points in parts of its width and height. */
function look(page: Page, file: { base64: string; type: string }, points: readonly (readonly [number, number])[] = []): Promise<Pixels> {
  return page.evaluate(
    async ([{ base64, type }, wanted]) => {
      const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type }))
      const canvas = new OffscreenCanvas(image.width, image.height)
      const context = canvas.getContext('2d')!
      context.drawImage(image, 0, 0)
      const { data } = context.getImageData(0, 0, image.width, image.height)
      let colourful = 0
      for (let at = 0; at < data.length; at += 4) if (Math.max(data[at]!, data[at + 1]!, data[at + 2]!) - Math.min(data[at]!, data[at + 1]!, data[at + 2]!) > 60) colourful++
      const at = wanted.map(([x, y]) => [...context.getImageData(Math.floor(x * image.width), Math.floor(y * image.height), 1, 1).data].slice(0, 3))
      return { width: image.width, height: image.height, at, colourful }
    },
    [file, points] as const,
  )
}

async function saved(page: Page, click: () => Promise<unknown>): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()])
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) }
}

const POINTS = [[0.5, 0.5], [0.42, 0.46], [0.55, 0.6], [0.62, 0.38]] as const

async function measure(page: Page, box: { x: number; y: number; width: number; height: number }): Promise<void> {
  await page.keyboard.press('d')
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.25)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.25, { steps: 4 })
  await page.mouse.up()
  await expect(page.getByTestId('measurement')).toHaveCount(1)
}

test('the image is copied as it is on the screen, and saved with and without what is drawn', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await open(page, CT_STUDY)
  await drawn(page, () => page.keyboard.press('5'))
  const box = (await pane(page).boundingBox())!
  await measure(page, box)

  await page.keyboard.press('Control+c')
  await expect(page.getByTestId('take-told')).toContainText('in the clipboard')
  const base64 = await page.evaluate(async () => {
    const [item] = await navigator.clipboard.read()
    const bytes = new Uint8Array(await (await item!.getType('image/png')).arrayBuffer())
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  })
  const copied = await look(page, { base64, type: 'image/png' }, POINTS)
  expect([copied.width, copied.height]).toEqual([Math.round(box.width), Math.round(box.height)])
  // The same greys as on the screen, at places of the viewport.
  const affine = (await pane(page).locator('[data-affine]').getAttribute('data-affine'))!.split(',').map(Number) as [number, number, number, number, number, number]
  const inImage = POINTS.map(([x, y]) => [(x * box.width - affine[4]) / affine[0], (y * box.height - affine[5]) / affine[3]] as const)
  const screen = await canvasAt(page, inImage)
  for (const [at, { color }] of screen.entries()) for (const sample of [0, 1, 2]) expect(Math.abs(copied.at[at]![sample]! - color[sample]!)).toBeLessThan(30)
  expect(new Set(copied.at.map(([grey]) => grey)).size).toBeGreaterThan(1)
  expect(copied.colourful).toBeGreaterThan(200)
  expect(await lastExport(page)).toMatchObject({ form: 'copy', count: 1, drawings: true, patient: false })

  await page.getByTestId('take-menu').click()
  await page.getByRole('menuitem', { name: 'Save as a picture' }).click()
  await page.getByTestId('take-scope').selectOption('image')
  await expect(page.getByTestId('take-preview')).toHaveAttribute('data-size', '512x512')
  await keepScreenshot(page, 'take-picture')
  await page.getByRole('checkbox', { name: 'With what is drawn' }).uncheck()
  await page.getByTestId('take-text').selectOption('none')
  await expect(page.getByTestId('take-preview')).toHaveAttribute('data-made', 'false none')
  const png = await saved(page, () => page.getByTestId('take-save').click())
  expect(png.name).toMatch(/^CT-series\d+-image1\.png$/)
  // In its own pixels and without words, each pixel is the window's grey of the stored value: grey, and nothing of the drawing.
  const plain = await look(page, { base64: png.bytes.toString('base64'), type: 'image/png' })
  expect(plain).toMatchObject({ width: 512, height: 512, colourful: 0 })
  expect(await lastExport(page)).toMatchObject({ form: 'picture', drawings: false, patient: false })

  // The same as a JPEG: as large, and the same greys but for what JPEG loses.
  await page.getByTestId('take-menu').click()
  await page.getByRole('menuitem', { name: 'Save as a picture' }).click()
  await page.getByTestId('take-scope').selectOption('image')
  await page.getByTestId('take-type').selectOption('jpeg')
  await page.getByRole('checkbox', { name: 'With what is drawn' }).uncheck()
  await page.getByTestId('take-text').selectOption('none')
  await expect(page.getByTestId('take-preview')).toHaveAttribute('data-made', 'false none')
  await expect(page.getByTestId('take-preview')).toHaveAttribute('data-size', '512x512')
  const jpeg = await saved(page, () => page.getByTestId('take-save').click())
  expect(jpeg.name).toMatch(/^CT-series\d+-image1\.jpg$/)
  expect([...jpeg.bytes.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])
  const places = [[0.5, 0.5], [0.3, 0.6], [0.7, 0.55], [0.02, 0.02]] as const
  const [exact, lossy] = [await look(page, { base64: png.bytes.toString('base64'), type: 'image/png' }, places), await look(page, { base64: jpeg.bytes.toString('base64'), type: 'image/jpeg' }, places)]
  expect(lossy).toMatchObject({ width: 512, height: 512, colourful: 0 })
  for (const [at, [grey]] of exact.at.entries()) expect(Math.abs(lossy.at[at]![0]! - grey!)).toBeLessThan(40)
})

/** Objects of a PDF that this client wrote: whole, and their streams unpacked. */
function pdfOf(bytes: Buffer): { pages: string[]; pictures: { width: number; height: number; grey: Buffer }[]; texts: string[] } {
  const text = bytes.toString('latin1')
  expect(text.startsWith('%PDF-1.4') && text.endsWith('%%EOF\n')).toBe(true)
  const objects = [...text.matchAll(/(\d+) 0 obj\n([\s\S]*?)\nendobj\n/g)].map((found) => found[2]!)
  const stream = (object: string): Buffer => inflateSync(Buffer.from(object.slice(object.indexOf('stream\n') + 7), 'latin1').subarray(0, Number(/\/Length (\d+)/.exec(object)?.[1])))
  const contents = objects.filter((object) => object.startsWith('<</Filter')).map((object) => stream(object).toString('latin1'))
  return {
    pages: objects.flatMap((object) => /\/Type \/Page .*MediaBox (\[.*?\])/.exec(object)?.[1] ?? []),
    pictures: objects.filter((object) => object.includes('/Subtype /Image')).map((object) => {
      const [, width, height, space] = /\/Width (\d+) \/Height (\d+) \/ColorSpace \/(\w+)/.exec(object)!
      const data = stream(object)
      const samples = space === 'DeviceGray' ? 1 : 3
      expect(data.length).toBe(Number(width) * Number(height) * samples)
      return { width: Number(width), height: Number(height), grey: Buffer.from(data.filter((_, at) => at % samples === 0)) }
    }),
    texts: contents.flatMap((content) => [...content.matchAll(/<([0-9a-f]*)> Tj/g)].map((found) => Buffer.from(found[1]!, 'hex').toString('latin1'))),
  }
}

/** How many pixels of a picture are brighter than middle grey, in parts of it. */
const bright = (pixels: Buffer): number => pixels.reduce((sum, grey) => sum + Number(grey > 128), 0) / pixels.length

test('series are printed on sheets with their heading, by the printer and as a PDF', async ({ page }) => {
  await open(page, CT_STUDY)
  await drawn(page, () => page.keyboard.press('5'))
  await page.keyboard.press('Control+p')
  const preview = page.getByTestId('print-preview')
  await page.getByLabel('Rows').fill('2')
  await page.getByLabel('Columns').fill('2')
  await expect(preview).toHaveAttribute('data-pages', '2')
  await page.getByTestId('print-images').fill('1-3, 6')
  await expect(preview).toHaveAttribute('data-pages', '1')
  await expect(preview).toHaveAttribute('data-made', '4')
  await keepScreenshot(page, 'take-print')

  const pdf = await saved(page, () => page.getByTestId('print-pdf').click())
  expect(pdf.name).toBe('images.pdf')
  const { pages, pictures, texts } = pdfOf(pdf.bytes)
  expect(pages).toEqual(['[0 0 595.28 841.89]'])
  expect(texts.join('\n')).toContain('LIDC-IDRI-0314')
  expect(texts.join('\n')).toMatch(/Page 1 of 1 · printed .* by admin/)
  // 94 mm wide at 288 to the inch; bone is bright on every one, and no two are the same.
  expect(pictures.map(({ width }) => width)).toEqual([1065, 1065, 1065, 1065])
  for (const picture of pictures) expect(bright(picture.grey)).toBeGreaterThan(0.03)
  expect(new Set(pictures.map(({ grey }) => grey.toString('latin1'))).size).toBe(4)
  expect(await lastExport(page)).toMatchObject({ form: 'pdf', count: 4, patient: true })

  await page.evaluate(() => {
    window.print = () => document.documentElement.setAttribute('data-printed', '1')
  })
  await page.keyboard.press('Control+p')
  await page.getByTestId('print-images').fill('-5')
  await page.getByTestId('print-held').selectOption('landscape')
  await page.getByRole('checkbox', { name: 'Patient above the pictures' }).uncheck()
  await page.getByTestId('print-paper-button').click()
  await expect(page.locator('html')).toHaveAttribute('data-printed', '1')
  await page.emulateMedia({ media: 'print' })
  await expect(page.locator('.print-job .sheet')).toHaveCount(2)
  await expect(page.locator('.print-job img')).toHaveCount(5)
  await expect(page.locator('.print-job header').first()).not.toContainText('LIDC')
  await expect(page.getByTestId('viewer')).toBeHidden()
  await keepScreenshot(page, 'take-sheet')
  await page.emulateMedia({ media: null })
  expect(await lastExport(page)).toMatchObject({ form: 'print', count: 5, patient: false })
  // What the browser makes of it: sheets of paper and nothing of the viewer.
  const paper = await page.pdf({ preferCSSPageSize: true, printBackground: true })
  expect([...paper.toString('latin1').matchAll(/\/Type \/Page\b[^s]/g)]).toHaveLength(2)
  const sizes = [...paper.toString('latin1').matchAll(/MediaBox \[(.*?)\]/g)].map((found) => found[1]!.split(' ').map((each) => Math.round(Number(each))))
  expect(sizes).toEqual([[0, 0, 842, 595], [0, 0, 842, 595]])
  await expect(page.locator('.print-job')).toHaveCount(0)
})

test('a series becomes a film in the window of the viewport, its measurement burned in', async ({ page }) => {
  await open(page, CT_STUDY)
  await drawn(page, () => page.keyboard.press('4'))
  await measure(page, (await pane(page).boundingBox())!)
  await page.keyboard.press('Control+s')
  await page.getByTestId('take-scope').selectOption('film')
  await page.getByTestId('film-images').fill('1-4')
  await page.getByRole('checkbox', { name: 'With what is drawn' }).check()
  await page.getByTestId('film-rate').fill('8')
  const [request, film] = await Promise.all([page.waitForRequest(/\/films$/), saved(page, () => page.getByTestId('take-save').click())])
  const wish = request.postDataJSON() as { images: unknown[]; window: unknown; drawn: { kind: string; text?: string }[] }
  expect(wish.images).toHaveLength(4)
  expect(wish.window).toEqual({ center: 480, width: 2500, function: 'linear' })
  expect(wish.drawn.map(({ kind }) => kind)).toEqual(['POLYLINE', 'TEXT'])
  expect(wish.drawn[1]!.text).toMatch(/ mm$/)
  expect(film.name).toMatch(/^CT-series\d+\.mp4$/)
  expect(film.bytes.subarray(4, 8).toString()).toBe('ftyp')
  expect(await lastExport(page)).toMatchObject({ form: 'film', count: 4, drawings: true, patient: false })
})

/** Pixels of the first picture of a film, as the browser plays it. */
function filmed(page: Page, bytes: Buffer): Promise<Pixels> {
  return page.evaluate(async (base64) => {
    const video = document.createElement('video')
    video.src = URL.createObjectURL(new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: 'video/mp4' }))
    video.muted = true
    await new Promise((resolve, reject) => {
      video.onerror = () => reject(new Error(video.error?.message ?? 'no film'))
      // Only then is there a picture to be drawn.
      video.requestVideoFrameCallback(resolve)
      void video.play()
    })
    video.pause()
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight)
    const context = canvas.getContext('2d')!
    context.drawImage(video, 0, 0)
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
    let colourful = 0
    for (let at = 0; at < data.length; at += 4) if (Math.max(data[at]!, data[at + 1]!, data[at + 2]!) - Math.min(data[at]!, data[at + 1]!, data[at + 2]!) > 60) colourful++
    return { width: canvas.width, height: canvas.height, at: [], colourful }
  }, bytes.toString('base64'))
}

test('films and prints show segments and colours as the viewport does', async ({ page }) => {
  await open(page, CT_STUDY)
  await drawn(page, () => page.keyboard.press('5'))
  await page.getByTestId('picture-menu').click()
  await page.getByRole('menuitem', { name: 'Colours, filter, angle, size' }).click()
  await drawn(page, () => page.getByTestId('picture-panel').getByLabel('Colours').selectOption('Hot iron'))
  await page.keyboard.press('Control+s')
  await page.getByTestId('take-scope').selectOption('film')
  await page.getByTestId('film-images').fill('2-3')
  const film = async () => {
    const [request, file] = await Promise.all([page.waitForRequest(/\/films/), saved(page, () => page.getByTestId('take-save').click())])
    expect(request.url()).toContain('/films/pictures?')
    return filmed(page, file.bytes)
  }
  const coloured = await film()
  expect(Math.max(coloured.width, coloured.height)).toBe(512)
  expect(coloured.colourful).toBeGreaterThan(5000)
  expect(await lastExport(page)).toMatchObject({ form: 'film', count: 2, patient: false })

  await page.keyboard.press('Control+p')
  await page.getByTestId('print-images').fill('2')
  await expect(page.getByTestId('print-preview')).toHaveAttribute('data-made', '1')
  const pdf = await saved(page, () => page.getByTestId('print-pdf').click())
  expect(pdf.bytes.toString('latin1')).toContain('/ColorSpace /DeviceRGB')

  // Grey again, and a lasso's worth of a segment on the first image.
  await page.getByTestId('picture-panel').getByLabel('Colours').selectOption('')
  await page.getByRole('button', { name: 'Segments and dose' }).click()
  await page.getByRole('button', { name: 'New segmentation on these images' }).click()
  await page.getByRole('button', { name: 'Lasso' }).click()
  await expect(page.getByTestId('edit-pad')).toBeVisible() // its code is loaded when it is wanted
  const box = (await pane(page).boundingBox())!
  const at = (x: number, y: number) => [box.x + box.width * x, box.y + box.height * y] as const
  await page.mouse.move(...at(0.4, 0.4))
  await page.mouse.down()
  for (const corner of [at(0.6, 0.4), at(0.6, 0.6), at(0.4, 0.6), at(0.4, 0.4)]) await page.mouse.move(...corner, { steps: 4 })
  await page.mouse.up()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+s')
  await page.getByTestId('take-scope').selectOption('film')
  // The one image that has it: a player that is late shows the film's last picture.
  await page.getByTestId('film-images').fill('1')
  await keepScreenshot(page, 'take-film')
  const segmented = await film()
  expect(segmented.colourful).toBeGreaterThan(1000)
})

/** Entries of a ZIP whose files are stored as they are. */
function zipOf(bytes: Buffer): Map<string, Buffer> {
  const entries = new Map<string, Buffer>()
  for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
    const [size, name, extra] = [bytes.readUInt32LE(at + 18), bytes.readUInt16LE(at + 26), bytes.readUInt16LE(at + 28)]
    const from = at + 30 + name + extra
    entries.set(bytes.toString('latin1', at + 30, at + 30 + name), bytes.subarray(from, from + size))
    at = from + size
  }
  return entries
}

test('DICOM files leave without identities and with text in marked regions made black', async ({ page }) => {
  await open(page, CT_STUDY)
  await page.getByTestId('take-menu').click()
  await page.getByRole('menuitem', { name: 'DICOM files' }).click()
  await page.getByRole('checkbox', { name: /^De-identify/ }).check()
  await page.getByText('Make text in the pixels black').click()
  const board = page.getByTestId('files-board')
  await board.scrollIntoViewIfNeeded()
  await expect.poll(async () => (await board.boundingBox())?.height ?? 0).toBeGreaterThan(100)
  const box = (await board.boundingBox())!
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.4)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.6, { steps: 3 })
  await page.mouse.up()
  await expect(page.getByTestId('files-rectangle')).toHaveCount(1)
  const [x, y, columns, rows] = (await page.getByTestId('files-rectangle').locator('input').evaluateAll((all) => all.map((each) => Number((each as HTMLInputElement).value)))) as [number, number, number, number]
  expect(Math.abs(x - 205)).toBeLessThan(6)
  expect(Math.abs(columns - 102)).toBeLessThan(6)
  await keepScreenshot(page, 'take-files')
  // One more, on the first image only.
  await page.getByTestId('files-image').fill('1')
  await page.getByRole('checkbox', { name: 'On this image only' }).check()
  await page.getByRole('button', { name: 'Add a rectangle' }).click()
  await expect(page.getByTestId('files-rectangle').last()).toContainText('image 1 only')
  await keepScreenshot(page, 'take-regions')
  const zip = await saved(page, () => page.getByRole('button', { name: 'Save as ZIP' }).click())
  const entries = zipOf(zip.bytes)
  const images = [...entries].filter(([name]) => name.startsWith('DICOM/'))
  expect(images).toHaveLength(6)
  expect([...entries.keys()]).toEqual(expect.arrayContaining(['DICOMDIR', 'REPORT.TXT']))
  const topIsBlack = (bytes: Buffer) => new Set(Array.from({ length: 512 * 40 }, (_, at) => bytes.readInt16LE(bytes.length - 512 * 512 * 2 + at * 2))).size === 1
  expect(images.filter(([, bytes]) => topIsBlack(bytes))).toHaveLength(1)
  for (const [, bytes] of images) {
    expect(bytes.includes('LIDC-IDRI-0314')).toBe(false)
    // Pixel data is the last element of these files.
    const pixels = bytes.subarray(bytes.length - 512 * 512 * 2)
    const inside = new Set<number>()
    for (let row = y; row < y + rows; row++) for (let column = x; column < x + columns; column++) inside.add(pixels.readInt16LE((row * 512 + column) * 2))
    expect(inside.size).toBe(1)
    expect(new Set(new Int16Array(Uint8Array.from(pixels).buffer)).size).toBeGreaterThan(100)
  }
  expect(await lastExport(page)).toMatchObject({ deidentified: true })
})

test('several studies of the list leave in one archive', async ({ page }) => {
  await csrf(page.request)
  const mark = newUid().slice(-6) // a second try finds its own
  const [first, second, third] = [`First${mark}^Marked`, `Second${mark}^Marked`, `Third${mark}^Marked`] as const
  const names = [first, second, third]
  for (const patientName of names) {
    const subject = { patientName, patientId: newUid().slice(-12), study: newUid(), series: newUid(), modality: 'CT' }
    expect(await store(page, 'marked.dcm', object(subject))).toBe('stored')
  }
  await page.goto('/')
  const row = (name: string) => page.getByRole('row').filter({ hasText: name })
  await row(`First${mark}`).click({ modifiers: ['Control'] })
  await row(`Second${mark}`).click()
  await page.keyboard.press('x')
  const bar = page.getByTestId('marked-bar')
  await expect(bar).toContainText('2 studies marked')
  await expectAccessible(page)
  await bar.getByRole('button', { name: 'Take away' }).click()
  const dialog = page.getByRole('dialog', { name: 'DICOM files of 2 studies' })
  await expect(dialog).toContainText('Second')
  await keepScreenshot(page, 'take-several')
  const zip = await saved(page, () => dialog.getByRole('button', { name: 'Save as ZIP' }).click())
  expect(zip.name).toBe('studies.zip')
  const entries = zipOf(zip.bytes)
  const patients = [...entries].filter(([name]) => name.startsWith('DICOM/')).map(([, bytes]) => names.find((name) => bytes.includes(name)))
  expect(patients.sort()).toEqual([first, second])
  expect(entries.has('DICOMDIR')).toBe(true)
  await expect(bar).toHaveCount(0)
  const { changes } = (await (await page.request.get('/api/v1/changes?kind=study.exported')).json()) as { changes: Row[] }
  expect(changes.slice(-2).map((each) => each.payload)).toMatchObject([{ form: 'dicom', patient: true }, { form: 'dicom', patient: true }])

  // The same without identities: rectangles in each study, one ZIP, one report.
  await row(`First${mark}`).click({ modifiers: ['Control'] })
  await row(`Second${mark}`).click({ modifiers: ['Control'] })
  await bar.getByRole('button', { name: 'Take away' }).click()
  await dialog.getByRole('checkbox', { name: /^De-identify/ }).check()
  await dialog.getByText('Make text in the pixels black').click()
  await dialog.getByRole('button', { name: 'Add a rectangle' }).click()
  const series = dialog.getByLabel('Series')
  await expect(series.locator('option').first()).toContainText('1 rectangle')
  await series.selectOption({ index: 1 })
  await expect(dialog.getByTestId('files-rectangle')).toHaveCount(0)
  await dialog.getByRole('button', { name: 'Add a rectangle' }).click()
  await expect(dialog.getByTestId('files-rectangle')).toHaveCount(1)
  await keepScreenshot(page, 'take-several-deidentified')
  const clean = zipOf((await saved(page, () => dialog.getByRole('button', { name: 'Save as ZIP' }).click())).bytes)
  const images = [...clean].filter(([name]) => name.startsWith('DICOM/')).map(([, bytes]) => bytes)
  expect(images).toHaveLength(2)
  for (const bytes of images) {
    expect(bytes.includes(mark)).toBe(false)
    // A grey ramp whose first rows, a tenth of 16, are black.
    const pixels = [...bytes.subarray(bytes.length - 256)]
    expect(pixels.slice(0, 32).every((value) => value === 0)).toBe(true)
    expect(pixels.slice(32)).toEqual(Array.from({ length: 224 }, (_, at) => at + 32))
  }
  const report = JSON.parse(clean.get('REPORT.JSO')!.toString()) as Record<string, unknown>
  expect(report).toMatchObject({ studies: 2, objects: 2, objects_with_blackened_pixels: 2, held_back: [] })
  await expect(bar).toHaveCount(0)
})
