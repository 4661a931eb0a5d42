// Where which lead lies on the paper of an ECG, in millimetres.
import { type Channel, type Group, LEADS, type Lead } from './waveform'

export type EcgLayout = '3x4' | '6x2' | '12x1' | 'all'
export const LAYOUTS: readonly { readonly id: EcgLayout; readonly name: string }[] = [
  { id: '3x4', name: '3 × 4 and rhythm' },
  { id: '6x2', name: '6 × 2' },
  { id: '12x1', name: '12 × 1' },
  { id: 'all', name: 'All channels' },
]
export const GAINS = [2.5, 5, 10, 20] as const
export const SPEEDS = [12.5, 25, 50] as const

/** Before the first lead: room for the calibration pulse. */
export const MARGIN = 12
const TOP = 4

export interface Strip {
  readonly channel: Channel
  readonly name: string
  /** Seconds of the record. */
  readonly from: number
  readonly to: number
  /** Left edge and zero line on the paper. */
  readonly x: number
  readonly y: number
  readonly width: number
  /** Millimetres for one unit; of voltages the gain. */
  readonly scale: number
  /** The value at the zero line; 0 for voltages. */
  readonly middle: number
  readonly row: number
  /** Where its name stands. */
  readonly head: number
  /** Least and most of what is shown, for the axis of channels that are no voltages. */
  readonly axis: { readonly least: number; readonly most: number } | undefined
}

export interface Paper {
  readonly width: number
  readonly height: number
  readonly strips: readonly Strip[]
  /** Zero lines that begin with a calibration pulse: 1 mV for 200 ms. */
  readonly pulses: readonly number[]
}

export interface PaperChoice {
  readonly layout: EcgLayout
  /** mm/s and mm/mV. */
  readonly speed: number
  readonly gain: number
  /** Seconds of the record at the left edge, and on the page. */
  readonly from: number
  readonly seconds: number
}

const COLUMNS: Readonly<Record<'3x4' | '6x2' | '12x1', readonly (readonly Lead[])[]>> = {
  '3x4': [LEADS.slice(0, 3), LEADS.slice(3, 6), LEADS.slice(6, 9), LEADS.slice(9, 12)],
  '6x2': [LEADS.slice(0, 6), LEADS.slice(6, 12)],
  '12x1': [LEADS],
}
/** Between zero lines at 10 mm/mV; a larger gain takes more. */
const PITCH = { '3x4': 30, '6x2': 22, '12x1': 15, all: 30 } as const

const leadOf = (group: Group, lead: Lead): Channel | undefined => group.channels.find(({ name }) => name === lead)

export const hasTwelveLeads = (group: Group): boolean => LEADS.every((lead) => leadOf(group, lead) !== undefined)

export function paperOf(group: Group, choice: PaperChoice): Paper {
  return choice.layout !== 'all' && hasTwelveLeads(group) ? twelveLeads(group, choice, choice.layout) : every(group, choice)
}

function twelveLeads(group: Group, { speed, gain, from, seconds }: PaperChoice, layout: '3x4' | '6x2' | '12x1'): Paper {
  const columns = COLUMNS[layout]
  const pitch = PITCH[layout] * Math.max(1, gain / 10)
  const each = seconds / columns.length
  const zero = (row: number): number => TOP + pitch * (row + 0.5)
  const strip = (lead: Lead, row: number, start: number, length: number, x: number): Strip[] => {
    const channel = leadOf(group, lead)
    return channel ? [{ channel, name: lead, from: start, to: start + length, x, y: zero(row), width: length * speed, scale: gain, middle: 0, row, head: zero(row) - Math.min(9, pitch * 0.45), axis: undefined }] : []
  }
  // One after the other, as they were recorded: the columns go on in time.
  const strips = columns.flatMap((leads, column) => leads.flatMap((lead, row) => strip(lead, row, from + column * each, each, MARGIN + column * each * speed)))
  const rows = columns[0]?.length ?? 0
  if (layout === '3x4') strips.push(...strip('II', rows, from, seconds, MARGIN))
  const count = layout === '3x4' ? rows + 1 : rows
  return { width: MARGIN + seconds * speed + 2, height: 2 * TOP + count * pitch, strips, pulses: Array.from({ length: count }, (_, row) => zero(row)) }
}

function every(group: Group, { speed, gain, from, seconds }: PaperChoice): Paper {
  const pitch = PITCH.all * Math.max(1, gain / 10)
  const extents = extentsByUnit(group.channels)
  const strips = group.channels.map((channel, row): Strip => {
    const y = TOP + pitch * (row + 0.5)
    const place = { channel, name: channel.name, from, to: from + seconds, x: MARGIN, y, width: seconds * speed, row, head: y - pitch * 0.4 }
    const axis = extents.get(channel.unit)
    if (channel.unit === 'mV' || !axis) return { ...place, scale: gain, middle: 0, axis: undefined }
    return { ...place, scale: (pitch * 0.7) / Math.max(axis.most - axis.least, 1e-9), middle: (axis.least + axis.most) / 2, axis }
  })
  const pulses = strips.flatMap(({ channel, y }) => (channel.unit === 'mV' ? [y] : []))
  return { width: MARGIN + seconds * speed + 2, height: 2 * TOP + group.channels.length * pitch, strips, pulses }
}

/** Pressures of several places are read against each other: what has one unit has one scale. */
function extentsByUnit(channels: readonly Channel[]): ReadonlyMap<string, { readonly least: number; readonly most: number }> {
  const found = new Map<string, { least: number; most: number }>()
  for (const { unit, values } of channels) {
    const { least, most } = extent(values)
    const before = found.get(unit) ?? { least, most }
    found.set(unit, { least: Math.min(before.least, least), most: Math.max(before.most, most) })
  }
  return found
}

function extent(values: Float64Array): { least: number; most: number } {
  let [least, most] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  return least > most ? { least: 0, most: 0 } : { least, most }
}

// --- calipers

export interface Caliper {
  readonly strip: Strip
  /** On the paper, mm. */
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
}

/** How far beside a lead one may touch it, mm. */
const BESIDE = 5

export function stripAt({ strips }: Paper, x: number, y: number): Strip | undefined {
  const outside = (strip: Strip): number => Math.max(0, strip.x - x, x - strip.x - strip.width)
  const near = strips.filter((strip) => outside(strip) <= BESIDE)
  return near.sort((one, other) => Math.abs(one.y - y) - Math.abs(other.y - y) || outside(one) - outside(other))[0]
}

/** Kept within the lead it began in: the next column of the paper is another lead, and the next row another time. */
export const within = (strip: Strip, [x, y]: readonly [number, number]): [number, number] => [Math.min(strip.x + strip.width, Math.max(strip.x, x)), y]

/** Milliseconds and units between the caliper's points. */
export function measured({ strip, from, to }: Caliper, speed: number): { ms: number; rate: number; value: number; unit: string } {
  const ms = (Math.abs(to[0] - from[0]) / speed) * 1000
  return { ms, rate: ms > 0 ? 60_000 / ms : 0, value: (from[1] - to[1]) / strip.scale, unit: strip.channel.unit }
}

/** "250 ms (240/min) · 1.25 mV". */
export function caliperText(caliper: Caliper, speed: number): string {
  const { ms, rate, value, unit } = measured(caliper, speed)
  const beats = ms >= 150 ? ` (${Math.round(rate)}/min)` : ''
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return `${Math.round(ms)} ms${beats} · ${value.toFixed(digits)} ${unit || 'of no unit'}`
}
