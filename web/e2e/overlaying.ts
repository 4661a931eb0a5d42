// What lies on pictures, as tests handle it: its pixels on the screen, the objects in the archive, a plan for radiotherapy.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type APIRequestContext, type Page, expect } from '@playwright/test'
import { newUid } from './dicom'
import { CT_STUDY, pane } from './viewing'

export const SIDE = 512

export type Pixel = readonly [number, number, number, number]

/** Colour and opacity of what lies on the picture, where these image pixels are. */
export async function overlayAt(page: Page, points: readonly (readonly [number, number])[], index = 0): Promise<Pixel[]> {
  return pane(page, index).evaluate((root, wanted) => {
    const canvas = root.querySelector<HTMLCanvasElement>('.overlay-canvas')
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = (root.querySelector('[data-affine]')?.getAttribute('data-affine') ?? '').split(',').map(Number)
    const context = canvas?.getContext('2d')
    if (!canvas || !context) throw new Error('nothing lies on the picture')
    const ratio = canvas.width / canvas.clientWidth
    return wanted.map(([x, y]) => [...context.getImageData(Math.floor((a * x + c * y + e) * ratio), Math.floor((b * x + d * y + f) * ratio), 1, 1).data] as unknown as Pixel)
  }, points)
}

interface Element { vr: string; Value?: unknown[]; BulkDataURI?: string }
export type Json = Record<string, Element>
export const el = (vr: string, ...Value: unknown[]): Element => ({ vr, Value })

/** STOW-RS of metadata with the pixels beside them (PS3.18 10.5). */
export async function stow(request: APIRequestContext, token: string, dataset: Json, pixels?: Buffer<ArrayBuffer>): Promise<void> {
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

export interface Plan {
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
export async function plan(request: APIRequestContext, token: string): Promise<Plan> {
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

/** Written objects lie here for tests/end_to_end/test_browser.py, which reads them as other programs do. */
const WRITTEN = process.env.ISOCENTER_WRITTEN ?? 'test-results/written'

interface Held {
  readonly metadata: Json
  readonly file: Buffer
}

/** The object of a series with one, and its Part 10 file, which stays as `name` among what was written. */
export async function held(request: APIRequestContext, series: string, name: string, study = CT_STUDY): Promise<Held> {
  const root = `/dicom-web/studies/${study}/series/${series}`
  const [metadata] = (await (await request.get(`${root}/metadata`, { headers: { Accept: 'application/dicom+json' } })).json()) as Json[]
  const uid = metadata!['00080018']!.Value![0] as string
  const answer = await request.get(`${root}/instances/${uid}`, { headers: { Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' } })
  const body = await answer.body()
  const file = body.subarray(body.indexOf('\r\n\r\n') + 4, body.lastIndexOf('\r\n--'))
  mkdirSync(WRITTEN, { recursive: true })
  writeFileSync(path.join(WRITTEN, `${name}.dcm`), file)
  return { metadata: metadata!, file }
}

/** Of a binary segmentation of SIDE x SIDE pixels: its bits, and what each frame is of. */
export function bitsOf({ metadata, file }: Held) {
  const groups = metadata['52009230']!.Value as Json[]
  const frames = groups.map((group) => ({
    segment: (group['0062000A']!.Value![0] as Json)['0062000B']!.Value![0] as number,
    source: ((group['00089124']!.Value![0] as Json)['00082112']!.Value![0] as Json)['00081155']!.Value![0] as string,
  }))
  const bits = file.subarray(file.length - Math.ceil((frames.length * SIDE * SIDE) / 16) * 2)
  const shared = (metadata['52009229']!.Value![0] as Json)['00289110']!.Value![0] as Json
  return { frames, bit: (at: number) => ((bits[at >> 3]! >> (at & 7)) & 1) === 1, spacing: Number(shared['00280030']!.Value![0]) }
}

/** What dciodvfy (dicom3tools) finds wrong; `kind` is what it takes the object for. */
export function faultsOf(file: Buffer, kind: string): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'written-'))
  writeFileSync(path.join(folder, 'object.dcm'), file)
  const found = spawnSync('dciodvfy', [path.join(folder, 'object.dcm')], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  expect(found.stderr).toContain(kind)
  return found.stderr.split('\n').filter((line) => line.startsWith('Error'))
}
