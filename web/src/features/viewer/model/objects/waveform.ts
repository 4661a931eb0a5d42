// Waveforms (PS3.3 C.10.9): channels in the units that they were measured in.
import { type Binary, type Dataset, binary, item, items, number, numbers, text } from '../dataset'
import { Tag } from './waveformTags'

export interface Channel {
  /** "II", "aVR", or what the source is called. */
  readonly name: string
  /** 'mV' for voltages; '' when the object names none. */
  readonly unit: string
  /** In `unit`; NaN where the object says that nothing was recorded. */
  readonly values: Float64Array
  /** Seconds by which its first sample lies behind the group's. */
  readonly skew: number
  /** Filters that the recorder applied, Hz. */
  readonly recorded: { readonly low: number | undefined; readonly high: number | undefined; readonly notch: number | undefined }
}

/** Channels that were sampled together. */
export interface Group {
  readonly label: string
  /** Samples a second. */
  readonly rate: number
  readonly seconds: number
  readonly channels: readonly Channel[]
}

/** What the header says of a group; its samples may still have to be fetched. */
export interface GroupHeader {
  readonly dataset: Dataset
  readonly label: string
  readonly rate: number
  readonly samples: number
  readonly channels: number
  readonly bits: number
  readonly interpretation: string
  readonly data: Binary
}

export interface Annotation {
  readonly name: string
  readonly value: string
}

/** Why a waveform is not drawn, in words. */
export class BadWaveform extends Error {}

const MOST_SAMPLES = 50_000_000
const CHANNELS = 256

export function groupHeaders(dataset: Dataset): GroupHeader[] {
  return items(dataset, Tag.WaveformSequence).flatMap((group, index) => {
    const data = binary(group, Tag.WaveformData)
    const header = {
      dataset: group,
      label: text(group, Tag.MultiplexGroupLabel) || `Group ${index + 1}`,
      rate: number(group, Tag.SamplingFrequency) ?? 0,
      samples: number(group, Tag.NumberOfWaveformSamples) ?? 0,
      channels: number(group, Tag.NumberOfWaveformChannels) ?? 0,
      bits: number(group, Tag.WaveformBitsAllocated) ?? 0,
      interpretation: text(group, Tag.WaveformSampleInterpretation),
    }
    return data && header.rate > 0 && header.samples > 0 && header.channels > 0 && header.channels <= CHANNELS ? [{ ...header, data }] : []
  })
}

type Reader = (view: DataView, at: number) => number

// Little endian always: the server gives the values of Explicit VR Little Endian.
const READERS: Readonly<Record<string, { readonly bytes: number; readonly read: Reader }>> = {
  SB: { bytes: 1, read: (view, at) => view.getInt8(at) },
  UB: { bytes: 1, read: (view, at) => view.getUint8(at) },
  MB: { bytes: 1, read: (view, at) => muLaw(view.getUint8(at)) },
  AB: { bytes: 1, read: (view, at) => aLaw(view.getUint8(at)) },
  SS: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  US: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  SL: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  UL: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
}

/** ITU-T G.711, to 16 bits. */
function muLaw(coded: number): number {
  const inverted = ~coded & 0xff
  const magnitude = (((inverted & 0x0f) << 3) + 0x84) << ((inverted & 0x70) >> 4)
  return inverted & 0x80 ? 0x84 - magnitude : magnitude - 0x84
}

/** ITU-T G.711, to 16 bits. */
function aLaw(coded: number): number {
  const toggled = coded ^ 0x55
  const exponent = (toggled & 0x70) >> 4
  const mantissa = (toggled & 0x0f) << 4
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1)
  return toggled & 0x80 ? magnitude : -magnitude
}

/** Values of a group's bytes. @throws BadWaveform */
export function groupOf(header: GroupHeader, bytes: Uint8Array): Group {
  const { dataset, label, rate, samples, channels, interpretation } = header
  const reader = READERS[interpretation]
  if (!reader || header.bits !== reader.bytes * 8) throw new BadWaveform(`Its samples are of a form that is not known here (${interpretation || 'none said'}, ${header.bits} bits).`)
  if (samples * channels > MOST_SAMPLES) throw new BadWaveform('This waveform is longer than what a page can hold.')
  if (bytes.length < samples * channels * reader.bytes) throw new BadWaveform('The object ends before its samples do.')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const padding = paddingOf(dataset, reader)
  const definitions = items(dataset, Tag.ChannelDefinitionSequence)
  const made = Array.from({ length: channels }, (_, at): Channel => {
    const raw = new Float64Array(samples)
    for (let sample = 0; sample < samples; sample++) {
      const value = reader.read(view, (sample * channels + at) * reader.bytes)
      raw[sample] = value === padding ? Number.NaN : value
    }
    return channelOf(definitions[at] ?? {}, raw, rate, at)
  })
  return { label, rate, seconds: samples / rate, channels: made }
}

function paddingOf(dataset: Dataset, reader: { readonly bytes: number; readonly read: Reader }): number | undefined {
  const found = binary(dataset, Tag.WaveformPaddingValue)
  if (found?.kind === 'numbers') return found.values[0]
  if (found?.kind !== 'bytes' || found.bytes.length < reader.bytes) return undefined
  return reader.read(new DataView(found.bytes.buffer, found.bytes.byteOffset), 0)
}

const VOLTS: Readonly<Record<string, number>> = { uV: 1e-3, µV: 1e-3, mV: 1, V: 1e3, nV: 1e-6 }

/** Channel Sensitivity is of one unit of the samples, Channel Baseline what the sample 0 stands for (PS3.3 C.10.9.1.4.4). */
function channelOf(definition: Dataset, values: Float64Array, rate: number, at: number): Channel {
  const code = text(item(definition, Tag.ChannelSensitivityUnitsSequence) ?? {}, Tag.CodeValue)
  const sensitivity = number(definition, Tag.ChannelSensitivity)
  const volts = sensitivity === undefined ? undefined : VOLTS[code]
  const slope = (sensitivity ?? 1) * (number(definition, Tag.ChannelSensitivityCorrectionFactor) ?? 1)
  const baseline = sensitivity === undefined ? 0 : (number(definition, Tag.ChannelBaseline) ?? 0)
  for (let sample = 0; sample < values.length; sample++) values[sample] = ((values[sample] ?? 0) * slope + baseline) * (volts ?? 1)
  // 0 Hz is what recorders write for none.
  const filter = (tag: string): number | undefined => numbers(definition, tag).find((frequency) => frequency > 0)
  return {
    name: nameOf(definition) || `Channel ${at + 1}`,
    unit: volts === undefined ? (sensitivity === undefined ? '' : code) : 'mV',
    values,
    skew: number(definition, Tag.ChannelTimeSkew) ?? (number(definition, Tag.ChannelSampleSkew) ?? 0) / rate,
    recorded: { low: filter(Tag.FilterLowFrequency), high: filter(Tag.FilterHighFrequency), notch: filter(Tag.NotchFilterFrequency) },
  }
}

export const LEADS = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'] as const
export type Lead = (typeof LEADS)[number]

// CID 3001, of those that write codes without words: MDC and SCP-ECG.
const CODES: Readonly<Record<string, Lead>> = {
  '2:1': 'I', '2:2': 'II', '2:61': 'III', '2:62': 'aVR', '2:63': 'aVL', '2:64': 'aVF', '2:3': 'V1', '2:4': 'V2', '2:5': 'V3', '2:6': 'V4', '2:7': 'V5', '2:8': 'V6',
  '5.6.3-9-1': 'I', '5.6.3-9-2': 'II', '5.6.3-9-61': 'III', '5.6.3-9-62': 'aVR', '5.6.3-9-63': 'aVL', '5.6.3-9-64': 'aVF',
  '5.6.3-9-3': 'V1', '5.6.3-9-4': 'V2', '5.6.3-9-5': 'V3', '5.6.3-9-6': 'V4', '5.6.3-9-7': 'V5', '5.6.3-9-8': 'V6',
}

function nameOf(definition: Dataset): string {
  const source = item(definition, Tag.ChannelSourceSequence) ?? {}
  const said = text(source, Tag.CodeMeaning)
  const label = text(definition, Tag.ChannelLabel)
  return CODES[text(source, Tag.CodeValue)] ?? leadIn(said) ?? leadIn(label) ?? (label || said)
}

function leadIn(words: string): Lead | undefined {
  const found = /^(?:lead\s+|ecg\s+)?(I{1,3}|aV[RLF]|V[1-6])\b(?!\s*[-+])/i.exec(words.trim())?.[1]?.toLowerCase()
  return LEADS.find((lead) => lead.toLowerCase() === found)
}

/** What the recorder or a person says of it (PS3.3 C.10.10): sentences, and numbers with their names. */
export function annotationsOf(dataset: Dataset): Annotation[] {
  const found: Annotation[] = []
  for (const each of items(dataset, Tag.WaveformAnnotationSequence).slice(0, 1000)) {
    const name = text(item(each, Tag.ConceptNameCodeSequence) ?? {}, Tag.CodeMeaning)
    const unit = text(item(each, Tag.MeasurementUnitsCodeSequence) ?? {}, Tag.CodeValue)
    const value = numbers(each, Tag.NumericValue)
    const said = text(each, Tag.UnformattedTextValue) || text(item(each, Tag.ConceptCodeSequence) ?? {}, Tag.CodeMeaning)
    if (value.length > 0) found.push({ name, value: [value.join(', '), unit === '1' ? '' : unit].filter(Boolean).join(' ') })
    else if (said) found.push({ name, value: said })
  }
  return found
}

/** Group of the twelve leads that lasts longest (beside it there may be a median beat), else the first. */
export function bestGroup(headers: readonly GroupHeader[]): number {
  const seconds = headers.map(({ channels, samples, rate }) => (channels >= 12 ? samples / rate : 0))
  return Math.max(0, seconds.indexOf(Math.max(...seconds)))
}

/** As a WAV file (RIFF, 16 bits) of the first channel, as loud as it goes. */
export function wavOf({ rate, channels }: Group): Uint8Array<ArrayBuffer> {
  const values = channels[0]?.values ?? new Float64Array(0)
  const peak = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9)
  const view = new DataView(new ArrayBuffer(44 + values.length * 2))
  const word = (at: number, letters: string): void => new TextEncoder().encode(letters).forEach((letter, index) => view.setUint8(at + index, letter))
  word(0, 'RIFF')
  view.setUint32(4, 36 + values.length * 2, true)
  word(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, rate, true)
  view.setUint32(28, rate * 2, true)
  view.setUint16(32, 2, true)
  view.setUint16(34, 16, true)
  word(36, 'data')
  view.setUint32(40, values.length * 2, true)
  values.forEach((value, index) => view.setInt16(44 + index * 2, Math.round((value / peak) * 32000), true))
  return new Uint8Array(view.buffer)
}
