// Planes through generated phantoms: padding, tilted gantries, missing slices, asserted on what is on the screen.
import { type Page, expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { linear } from './greys'
import { WAIT, choose, colors, fine, focusOf, plane, valueOf } from './planes'
import { keepScreenshot, store } from './support'
import { open } from './viewing'

const SIDE = 32
const PIXEL = 2 // mm
const [WIDTH, CENTER] = [401, 200]
const INTERCEPT = -1000

interface Slice {
  readonly position: readonly [number, number, number]
  readonly orientation?: readonly number[]
  /** Values after the intercept. */
  readonly value: (column: number, row: number) => number
}

/** Stores a series of 12 bits in one frame of reference; padding is stored as 3000 to 3010. @returns its study */
async function phantom(page: Page, name: string, slices: readonly Slice[]): Promise<string> {
  const study = newUid()
  const series = newUid()
  for (const [index, { position, orientation = [1, 0, 0, 0, 1, 0], value }] of slices.entries()) {
    const pixels = Buffer.alloc(SIDE * SIDE * 2)
    for (let at = 0; at < SIDE * SIDE; at++) pixels.writeUInt16LE(Math.round(value(at % SIDE, Math.floor(at / SIDE))) - INTERCEPT, at * 2)
    const image = [
      element(0x0020, 0x0032, 'DS', position.map((part) => part.toFixed(6)).join('\\')), element(0x0020, 0x0037, 'DS', orientation.map((part) => part.toFixed(8)).join('\\')), element(0x0020, 0x0052, 'UI', '2.25.78'),
      element(0x0028, 0x0002, 'US', short(1)), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), element(0x0028, 0x0010, 'US', short(SIDE)), element(0x0028, 0x0011, 'US', short(SIDE)),
      element(0x0028, 0x0030, 'DS', `${PIXEL}\\${PIXEL}`), element(0x0028, 0x0100, 'US', short(16)), element(0x0028, 0x0101, 'US', short(12)), element(0x0028, 0x0102, 'US', short(11)), element(0x0028, 0x0103, 'US', short(0)),
      element(0x0028, 0x0120, 'US', short(3000)), element(0x0028, 0x0121, 'US', short(3010)),
      element(0x0028, 0x1050, 'DS', String(CENTER)), element(0x0028, 0x1051, 'DS', String(WIDTH)), element(0x0028, 0x1052, 'DS', String(INTERCEPT)), element(0x0028, 0x1053, 'DS', '1'),
      element(0x7fe0, 0x0010, 'OW', pixels),
    ]
    expect(await store(page, `${name}.dcm`, object({ patientName: `Phantom^${name}`, patientId: study.slice(-12), study, series, modality: 'CT', instanceNumber: index + 1 }, image))).toBe('stored')
  }
  await open(page, study)
  await choose(page, 'MPR: three planes')
  return study
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** Grey at places in mm right of and below the middle of a plane. */
async function greys(page: Page, name: string, places: readonly (readonly [number, number])[]): Promise<number[]> {
  const scale = Number(await plane(page, name).getAttribute('data-affine-scale'))
  const found = await colors(plane(page, name), places.map(([x, y]) => [x * scale, y * scale] as const))
  for (const [red, green, blue] of found) expect([green, blue]).toEqual([red, red])
  return found.map(([red]) => red!)
}

const near = (grey: number, value: number): void => expect(Math.abs(grey - linear(value, WIDTH, CENTER))).toBeLessThanOrEqual(2)

test('pixel padding is black on planes and in slabs, and in no number of a region', async ({ page }) => {
  // Tissue of 100; padding of 2000 to 2010 from 40 mm on, and in the upper half of the slices also below 44 mm.
  const study = await phantom(page, 'Padding', range(24).map((slice) => ({ position: [0, 0, slice * 2], value: (column, row) => (column >= 20 || (slice >= 12 && row >= 22) ? 2000 + (row % 11) : 100) })))
  for (const name of ['axial', 'coronal', 'sagittal']) await fine(plane(page, name))
  await keepScreenshot(page, 'planes-padding')
  // The middle is at 31, 31, 23 mm.
  const [tissue, padding] = [[-14, -3], [14, -3]] as const
  for (const name of ['axial', 'coronal']) {
    const [inside, outside] = await greys(page, name, [tissue, padding])
    near(inside!, 100)
    expect(outside, name).toBe(0)
  }
  // Right between a slice that has values and one that is padded: the whole of it is shown, no rounding speckles it.
  const middling = range(400).map((at): [number, number] => [-28 + (at % 20) * 1.63, 15 + Math.floor(at / 20) * 0.79])
  expect(new Set(await greys(page, 'axial', middling)).size).toBe(1)
  for (const projection of ['MIP', 'MinIP', 'Mean']) {
    await page.getByRole('button', { name: projection, exact: true }).click()
    await expect(plane(page, 'axial')).toContainText(`${projection} 10 mm`)
    // Through slices of which some are padded at this place: the others are what is seen.
    const [inside, outside, half] = await greys(page, 'axial', [tissue, padding, [-14, 20]])
    near(inside!, 100)
    expect(outside, projection).toBe(0)
    near(half!, 100)
  }
  await page.getByRole('button', { name: 'Thin', exact: true }).click()
  await fine(plane(page, 'axial'))

  const box = (await plane(page, 'axial').boundingBox())!
  const scale = Number(await plane(page, 'axial').getAttribute('data-affine-scale'))
  const at = (x: number, y: number): [number, number] => [box.x + box.width / 2 + x * scale, box.y + box.height / 2 + y * scale]
  await page.keyboard.press('q')
  await page.mouse.move(...at(-8, -12))
  await page.mouse.down()
  await page.mouse.move(...at(20, -2), { steps: 4 })
  await page.mouse.up()
  await expect(plane(page, 'axial').getByTestId('measurement')).toContainText('Mean')
  const kept = async () => ((await (await page.request.get(`/api/v1/studies/${study}/annotations`)).json()) as { items: { results: { quantity: string; value: number }[] }[] }).items
  await expect.poll(async () => (await kept()).length, WAIT).toBe(1)
  const results = new Map((await kept())[0]!.results.map(({ quantity, value }) => [quantity, value]))
  expect(['mean', 'SD', 'min', 'max'].map((quantity) => results.get(quantity))).toEqual([100, 0, 100, 100])
  // From 23 to 51 mm and from 19 to 29 mm lie the centres of 8 columns of tissue, 6 of padding, and 5 rows.
  expect(results.get('pixels')).toBe(40)
})

test('a tilted gantry: what is upright in the patient is upright in the sagittal plane, what is level is level', async ({ page }) => {
  const tilt = (20 * Math.PI) / 180
  // The table moves along z, the slices lean towards it.
  const orientation = [1, 0, 0, 0, Math.cos(tilt), -Math.sin(tilt)]
  const [y0, z0] = [(SIDE - 1) * Math.cos(tilt), 28.75 - (SIDE - 1) * Math.sin(tilt)] // the middle of all
  const bar = (distance: number): boolean => Math.abs(distance) <= 3
  await phantom(page, 'Tilted', range(24).map((slice) => ({
    position: [0, 0, slice * 2.5], orientation,
    value: (_, row) => (bar(row * PIXEL * Math.cos(tilt) - y0) || bar(slice * 2.5 - row * PIXEL * Math.sin(tilt) - z0) ? 400 : 0),
  })))
  await expect(page.getByTestId('volume-notes')).toContainText('Gantry tilt of 20.0° is corrected.')
  await fine(plane(page, 'sagittal'))
  await keepScreenshot(page, 'planes-tilt')
  const along = [-22, -18, -12, -8, 8, 12, 18, 22]
  for (const grey of await greys(page, 'sagittal', along.map((z) => [0.4, z] as const))) expect(grey).toBeGreaterThan(240)
  for (const grey of await greys(page, 'sagittal', along.map((y) => [y, 0.4] as const))) expect(grey).toBeGreaterThan(240)
  // Sheared by what was not corrected, the level bar would be here.
  for (const grey of await greys(page, 'sagittal', [[-18, 7], [-18, -7], [18, 7], [18, -7], [7, 18], [-7, 18], [7, -18], [-7, -18]])) expect(grey).toBeLessThan(15)
})

test('missing slices and images of another orientation: told in words, and what lies between is where it belongs', async ({ page }) => {
  const places = [...range(8).map((k) => k * 2), ...range(8).map((k) => 22 + k * 2)] // of 14 to 22 mm nothing came
  const stack = places.map((z): Slice => ({ position: [0, 0, z], value: () => 10 * z }))
  const scouts = [0, 10].map((x): Slice => ({ position: [x, 0, 60], orientation: [0, 1, 0, 0, 0, -1], value: () => 0 }))
  await phantom(page, 'Missing', [...stack, ...scouts])
  const notes = page.getByTestId('volume-notes')
  await expect(notes).toContainText('Slice spacing is irregular (2 mm to 8 mm): values in between are interpolated.')
  await expect(notes).toContainText('2 images of another orientation or size left out.')
  await fine(plane(page, 'coronal'))
  await keepScreenshot(page, 'planes-missing')
  const middle = (await focusOf(page))[2]!
  expect(middle).toBeCloseTo(18, 3) // amid what is missing
  expect(await valueOf(page)).toBeCloseTo(180, 0)
  const heights = [-14, -8, -3, 3, 8, 14] // mm, downwards
  const seen = await greys(page, 'coronal', heights.map((y) => [-12, y] as const))
  const scale = Number(await plane(page, 'coronal').getAttribute('data-affine-scale'))
  heights.forEach((y, at) => expect(Math.abs(seen[at]! - linear(10 * (middle - y), WIDTH, CENTER))).toBeLessThanOrEqual(2 + (6.4 / scale))) // a pixel of the screen is 10 / scale values
})
