// Grey-scale windows: what the image brings (PS3.3 C.11.2), what radiologists expect by modality, and what the pixels suggest.

export type Shape = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID'

/** A VOI LUT: output for each input from `first`; inputs outside take the end values. */
export interface LookUp {
  readonly first: number
  readonly values: ArrayLike<number>
  readonly bits: number
}

export interface Window {
  readonly center: number
  readonly width: number
  readonly shape: Shape
  /** When present the table decides and centre/width only describe its range. */
  readonly table?: LookUp
}

export interface Preset {
  readonly id: string
  readonly name: string
  /** Key that applies it, '' when only the menu does. */
  readonly key: string
  readonly window: Window | 'auto' | 'full'
  readonly group: 'image' | 'modality' | 'pixels'
}

const linear = (width: number, center: number): Window => ({ center, width, shape: 'LINEAR' })

export const CT_PRESETS: readonly { readonly name: string; readonly window: Window }[] = [
  { name: 'Soft tissue', window: linear(400, 40) },
  { name: 'Lung', window: linear(1500, -600) },
  { name: 'Liver', window: linear(150, 90) },
  { name: 'Bone', window: linear(2500, 480) },
  { name: 'Brain', window: linear(80, 40) },
  { name: 'Stroke', window: linear(40, 40) },
  { name: 'Mediastinum', window: linear(350, 50) },
  { name: 'CT angiography', window: linear(600, 200) },
  { name: 'Subdural', window: linear(200, 75) },
]

/** Windows of the image first, then those of the modality, then what the pixels suggest. Keys 1-9 go to the modality's, or the image's where it has none. */
export function presetsFor(modality: string, own: readonly { readonly name: string; readonly window: Window }[]): Preset[] {
  const named = modality === 'CT' ? CT_PRESETS : []
  const image = own.map((entry, index): Preset => ({
    id: `image-${index}`,
    name: entry.name || (own.length > 1 ? `From image ${index + 1}` : 'From image'),
    key: index === 0 ? '0' : named.length === 0 ? String(index) : '',
    window: entry.window,
    group: 'image',
  }))
  const modal = named.map((entry, index): Preset => ({ id: `modality-${index}`, name: entry.name, key: String(index + 1), window: entry.window, group: 'modality' }))
  return [
    ...image,
    ...modal,
    { id: 'auto', name: 'Automatic', key: image.length === 0 ? '0' : '', window: 'auto', group: 'pixels' },
    { id: 'full', name: 'Full range', key: '', window: 'full', group: 'pixels' },
  ]
}

/** Input values that map to black and to white (PS3.3 C.11.2.1.2.1, C.11.2.1.3.2). */
export function rangeOf(window: Window): { lower: number; upper: number } {
  if (window.table) return { lower: window.table.first, upper: window.table.first + window.table.values.length - 1 }
  const { center, width, shape } = window
  if (shape === 'LINEAR') return { lower: center - 0.5 - (width - 1) / 2, upper: center - 0.5 + (width - 1) / 2 }
  return { lower: center - width / 2, upper: center + width / 2 }
}

/** Where a modality value lies between black (0) and white (1). */
export function partOf(value: number, window: Window): number {
  if (window.table) return entryOf(window.table, Math.round(value) - window.table.first)
  if (window.shape === 'SIGMOID') return 1 / (1 + Math.exp((-4 * (value - window.center)) / window.width))
  const { lower, upper } = rangeOf(window)
  if (value <= lower) return 0
  if (value >= upper) return 1
  return (value - lower) / (upper - lower)
}

const entryOf = ({ values, bits }: LookUp, index: number): number => (values[Math.min(values.length - 1, Math.max(0, index))] ?? 0) / (2 ** bits - 1)

/** Grey 0-255 of one modality value. */
export const grey = (value: number, window: Window): number => partOf(value, window) * 255

/** Through a presentation LUT: its input is what comes out of the window, over all of its entries (PS3.3 C.11.6.1). */
export const presented = (part: number, table: LookUp): number => entryOf(table, Math.round(part * (table.values.length - 1)))

/** A window that a drag has changed: right is wider, up is a lower centre, so brighter (FIELD 5.1). */
export function dragged(window: Window, by: readonly [number, number], step: number): Window {
  const floor = step < 1 ? step : 1
  return {
    shape: window.table ? 'LINEAR' : window.shape,
    center: window.center + by[1] * step,
    width: Math.max(floor, window.width + by[0] * step),
  }
}

/** Grey values per screen pixel of a drag: wide ranges need bigger steps. */
export function dragStep(spread: number): number {
  if (!(spread > 0)) return 1
  const step = spread / 1024
  return step > 1 ? Math.round(step) : step
}

export interface Greys {
  readonly data: ArrayLike<number>
  readonly min: number
  readonly max: number
  /** Values that are no measurement (PS3.3 C.7.5.1.1.2), after the modality transformation. */
  readonly padding?: { readonly from: number; readonly to: number } | undefined
}

/** Window from the 1st to the 99th percentile of up to 40,000 samples, pixel padding left out. */
export function automatic(greys: Greys): Window {
  const { data, padding } = greys
  const step = Math.max(1, Math.floor(data.length / 40_000))
  const samples: number[] = []
  for (let index = 0; index < data.length; index += step) {
    const value = data[index] ?? 0
    if (padding && value >= padding.from && value <= padding.to) continue
    if (Number.isFinite(value)) samples.push(value)
  }
  if (samples.length === 0) return full(greys)
  samples.sort((a, b) => a - b)
  const at = (share: number): number => samples[Math.min(samples.length - 1, Math.round(share * (samples.length - 1)))] ?? 0
  const low = at(0.01)
  const high = at(0.99)
  return high > low ? { center: (low + high) / 2, width: high - low, shape: 'LINEAR_EXACT' } : full(greys)
}

export function full(greys: Greys): Window {
  const width = greys.max - greys.min
  return { center: (greys.min + greys.max) / 2, width: width > 0 ? width : 1, shape: 'LINEAR_EXACT' }
}

export const sameWindow = (a: Window, b: Window): boolean => a.center === b.center && a.width === b.width && a.shape === b.shape && a.table === b.table
