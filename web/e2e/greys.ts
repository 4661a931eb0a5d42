// What the canvas of a CT must show: stored values from the files' own bytes, through slope, intercept and window.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { type APIRequestContext, type Page, expect } from '@playwright/test'
import { CT_FOLDER, CT_STUDY, DATA, canvasAt, windowOf } from './viewing'

type Json = Record<string, { Value?: unknown[] } | undefined>

export interface Slice {
  readonly instance: string
  readonly values: Float64Array
  readonly columns: number
  readonly rows: number
  readonly spacing: readonly [number, number]
}

/** Slices in the order of their place along the body, values as slope × stored + intercept, straight from the files' bytes. */
export async function slices(request: APIRequestContext): Promise<Slice[]> {
  const study = (await (await request.get(`/api/v1/studies/${CT_STUDY}`)).json()) as { series: { SeriesInstanceUID: string }[] }
  const series = study.series[0]?.SeriesInstanceUID ?? ''
  const metadata = (await (await request.get(`/dicom-web/studies/${CT_STUDY}/series/${series}/metadata`, { headers: { Accept: 'application/dicom+json' } })).json()) as Json[]
  const number = (dataset: Json, tag: string, at = 0): number => Number(dataset[tag]?.Value?.[at])
  const sorted = metadata.sort((one, two) => number(one, '00200013') - number(two, '00200013'))
  const files = instances()
  return sorted.flatMap((dataset): Slice[] => {
    const instance = dataset['00080018']?.Value?.[0] as string
    const file = files.get(instance)
    if (!file) return []
    const columns = number(dataset, '00280011')
    const rows = number(dataset, '00280010')
    const bytes = readFileSync(path.join(DATA, file))
    // Pixel data is the last element of these files.
    const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.byteLength - columns * rows * 2, columns * rows * 2)
    const signed = number(dataset, '00280103') === 1
    const slope = number(dataset, '00281053')
    const intercept = number(dataset, '00281052')
    const values = Float64Array.from({ length: columns * rows }, (_, index) => (signed ? view.getInt16(index * 2, true) : view.getUint16(index * 2, true)) * slope + intercept)
    return [{ instance, values, columns, rows, spacing: [number(dataset, '00280030', 1), number(dataset, '00280030', 0)] }]
  })
}

/** Files of the whole volume by their SOP Instance UID: element (0008,0018), explicit or implicit VR. */
function instances(): Map<string, string> {
  const found = new Map<string, string>()
  for (const name of readdirSync(path.join(DATA, CT_FOLDER))) {
    const file = path.join(CT_FOLDER, name)
    const bytes = readFileSync(path.join(DATA, file))
    const at = bytes.indexOf(Buffer.from([0x08, 0x00, 0x18, 0x00]), 132)
    const explicit = bytes.toString('latin1', at + 4, at + 6) === 'UI'
    const length = explicit ? bytes.readUInt16LE(at + 6) : bytes.readUInt32LE(at + 4)
    found.set(bytes.toString('latin1', at + 8, at + 8 + length).replace(/\0+$/, ''), file)
  }
  return found
}

/** PS3.3 C.11.2.1.2.1 */
export function linear(value: number, width: number, center: number): number {
  const share = (value - (center - 0.5)) / (width - 1) + 0.5
  return Math.round(255 * Math.min(1, Math.max(0, share)))
}

export const PROBES: readonly (readonly [number, number])[] = [
  [256, 256], [200, 300], [180, 250], [300, 260], [256, 330], [330, 240], [230, 220], [280, 310], [256, 200], [210, 350],
]

export async function expectGreys(page: Page, slice: Slice, inverted = false): Promise<void> {
  const { width, center } = await windowOf(page)
  const seen = await canvasAt(page, PROBES)
  PROBES.forEach(([x, y], index) => {
    const value = slice.values[y * slice.columns + x] ?? 0
    const grey = linear(value, width, center)
    const expected = inverted ? 255 - grey : grey
    const [red, green, blue] = seen[index]?.color ?? [-1, -1, -1]
    expect(Math.abs(red - expected), `pixel ${x},${y} of value ${value} at W ${width} L ${center}: ${red} instead of ${expected}`).toBeLessThanOrEqual(2)
    expect(green).toBe(red)
    expect(blue).toBe(red)
  })
}
