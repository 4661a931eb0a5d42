import { describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset'
import { filtered } from './filters'
import { caliperText, measured, paperOf, stripAt, within } from './ecgLayout'
import { BadWaveform, type Group, LEADS, annotationsOf, bestGroup, groupHeaders, groupOf, wavOf } from './waveform'
import { Tag } from './waveformTags'

const value = (vr: string, ...Value: unknown[]) => ({ vr, Value }) as Dataset[string]
const code = (CodeValue: string, CodeMeaning: string) => value('SQ', { [Tag.CodeValue]: value('SH', CodeValue), [Tag.CodeMeaning]: value('LO', CodeMeaning) })

const channel = (meaning: string, more: Dataset = {}, codeValue = 'x'): Dataset => ({
  [Tag.ChannelSourceSequence]: code(codeValue, meaning),
  [Tag.ChannelSensitivity]: value('DS', 2.5),
  [Tag.ChannelSensitivityUnitsSequence]: code('uV', 'microvolt'),
  ...more,
})

const header = (channels: Dataset[], samples: number, interpretation: string, bits: number, more: Dataset = {}): Dataset => ({
  [Tag.WaveformSequence]: value('SQ', {
    [Tag.SamplingFrequency]: value('DS', 500),
    [Tag.NumberOfWaveformSamples]: value('UL', samples),
    [Tag.NumberOfWaveformChannels]: value('US', channels.length),
    [Tag.WaveformBitsAllocated]: value('US', bits),
    [Tag.WaveformSampleInterpretation]: value('CS', interpretation),
    [Tag.ChannelDefinitionSequence]: value('SQ', ...channels),
    [Tag.WaveformData]: { vr: 'OW', BulkDataURI: '/x' },
    ...more,
  }),
})

const read = (dataset: Dataset, bytes: ArrayBufferLike): Group => groupOf(groupHeaders(dataset)[0]!, new Uint8Array(bytes))

describe('a waveform', () => {
  it('is sample x sensitivity x correction + baseline, in millivolts (PS3.3 C.10.9)', () => {
    const channels = [channel('Lead II'), channel('Lead aVR', { [Tag.ChannelSensitivityCorrectionFactor]: value('DS', 2), [Tag.ChannelBaseline]: value('DS', 100) })]
    const { channels: [first, second], seconds } = read(header(channels, 2, 'SS', 16), Int16Array.of(400, 400, -400, 0).buffer)
    expect(first).toMatchObject({ name: 'II', unit: 'mV', skew: 0 })
    expect([...first!.values]).toEqual([1, -1])
    // 400 x 2.5 uV x 2 + 100 uV = 2.1 mV; the sample 0 stands for 0.1 mV.
    expect(second!.values[0]).toBeCloseTo(2.1, 12)
    expect(second!.values[1]).toBeCloseTo(0.1, 12)
    expect(seconds).toBe(2 / 500)
  })

  it('reads every form of a sample', () => {
    const plain = { [Tag.ChannelSensitivity]: value('DS'), [Tag.ChannelSensitivityUnitsSequence]: value('SQ') }
    const values = (interpretation: string, bits: number, bytes: ArrayBufferLike, samples: number) => [...(read(header([channel('x', plain)], samples, interpretation, bits), bytes).channels[0]?.values ?? [])]
    expect(values('SB', 8, Uint8Array.of(255, 1).buffer, 2)).toEqual([-1, 1])
    expect(values('UB', 8, Uint8Array.of(255, 1).buffer, 2)).toEqual([255, 1])
    expect(values('US', 16, Uint16Array.of(65535).buffer, 1)).toEqual([65535])
    expect(values('SL', 32, Int32Array.of(-70000).buffer, 1)).toEqual([-70000])
    // ITU-T G.711: the ends and the middle of both laws.
    expect(values('MB', 8, Uint8Array.of(0x00, 0x80, 0xff, 0x7f).buffer, 4).map((each) => each + 0)).toEqual([-32124, 32124, 0, 0])
    expect(values('AB', 8, Uint8Array.of(0xd5, 0x55, 0xaa, 0x2a).buffer, 4)).toEqual([8, -8, 32256, -32256])
  })

  it('leaves a gap where the padding value says that nothing was recorded', () => {
    const padded = header([channel('Lead I')], 3, 'SS', 16, { [Tag.WaveformPaddingValue]: { vr: 'OW', InlineBinary: btoa('\x00\x80') } })
    expect([...read(padded, Int16Array.of(400, -32768, 400).buffer).channels[0]!.values]).toEqual([1, Number.NaN, 1])
  })

  it('knows leads by code and by word, and does not take others for them', () => {
    const named = (meaning: string, codeValue = 'x') => read(header([channel(meaning, {}, codeValue)], 1, 'SS', 16), Int16Array.of(0).buffer).channels[0]!.name
    expect([named('Lead III'), named('V3'), named('', '2:62'), named('', '5.6.3-9-8'), named('lead avl')]).toEqual(['III', 'V3', 'aVR', 'V6', 'aVL'])
    expect([named('Aortic pressure'), named('V7'), named('Lead IV'), named('I - II')]).toEqual(['Aortic pressure', 'V7', 'Lead IV', 'I - II'])
  })

  it('says why it cannot be read', () => {
    expect(() => read(header([channel('x')], 4, 'SS', 16), Int16Array.of(1, 2).buffer)).toThrow('ends before its samples')
    expect(() => read(header([channel('x')], 1, 'XX', 16), new ArrayBuffer(8))).toThrow(BadWaveform)
    expect(groupHeaders(header([], 4, 'SS', 16))).toEqual([])
  })

  it('comes with what the recorder says of it', () => {
    const said = { [Tag.UnformattedTextValue]: value('ST', 'Sinus rhythm') }
    const number = { [Tag.ConceptNameCodeSequence]: code('1', 'QRS Duration'), [Tag.NumericValue]: value('DS', 75), [Tag.MeasurementUnitsCodeSequence]: code('ms', 'milliseconds') }
    expect(annotationsOf({ [Tag.WaveformAnnotationSequence]: value('SQ', said, number) })).toEqual([{ name: '', value: 'Sinus rhythm' }, { name: 'QRS Duration', value: '75 ms' }])
  })

  it('with several groups opens the one with twelve leads that lasts longest', () => {
    const of = (channels: number, samples: number) => ({ channels, samples, rate: 500 }) as never
    expect(bestGroup([of(3, 90_000), of(12, 600), of(12, 5000)])).toBe(2)
    expect(bestGroup([of(1, 10)])).toBe(0)
  })

  it('that is sound becomes a file that browsers play', () => {
    const wav = wavOf({ label: '', rate: 8000, seconds: 0.5, channels: [{ name: '', unit: '', values: Float64Array.of(0, 0.5, -0.5), skew: 0, recorded: { low: undefined, high: undefined, notch: undefined } }] })
    const view = new DataView(wav.buffer)
    expect(new TextDecoder('latin1').decode(wav.subarray(0, 4))).toBe('RIFF')
    expect([view.getUint32(24, true), view.getInt16(46, true), view.getInt16(48, true)]).toEqual([8000, 32000, -32000])
  })
})

const ecg: Group = {
  label: '', rate: 500, seconds: 10,
  channels: LEADS.map((name) => ({ name, unit: 'mV', values: new Float64Array(5000), skew: 0, recorded: { low: undefined, high: undefined, notch: undefined } })),
}

describe('the paper of an ECG', () => {
  it('has the leads where readers look for them, and columns that go on in time', () => {
    const paper = paperOf(ecg, { layout: '3x4', speed: 25, gain: 10, from: 0, seconds: 10 })
    const at = (name: string) => paper.strips.find((strip) => strip.name === name)!
    expect(paper.strips).toHaveLength(13)
    expect([at('I'), at('aVR'), at('V1'), at('V4')].map(({ x, from, to }) => [x, from, to])).toEqual([[12, 0, 2.5], [74.5, 2.5, 5], [137, 5, 7.5], [199.5, 7.5, 10]])
    expect(at('I').y).toBe(at('V4').y)
    expect(paper.strips[12]).toMatchObject({ name: 'II', from: 0, to: 10, width: 250 })
    expect(paperOf(ecg, { layout: '6x2', speed: 50, gain: 10, from: 0, seconds: 10 }).strips.map(({ width }) => width)).toEqual(Array(12).fill(250))
    expect(paperOf(ecg, { layout: '12x1', speed: 25, gain: 20, from: 0, seconds: 10 }).strips.every(({ scale, width }) => scale === 20 && width === 250)).toBe(true)
  })

  it('measures in the lead that was touched and does not run into the next', () => {
    const paper = paperOf(ecg, { layout: '3x4', speed: 25, gain: 10, from: 0, seconds: 10 })
    const strip = stripAt(paper, 20, 20)!
    expect(strip.name).toBe('I')
    expect(stripAt(paper, 11, 20)?.name).toBe('I')
    expect(stripAt(paper, 2, 20)).toBeUndefined()
    const caliper = { strip, from: [20, 19] as const, to: within(strip, [25, 4]) }
    expect(measured(caliper, 25)).toEqual({ ms: 200, rate: 300, value: 1.5, unit: 'mV' })
    expect(caliperText(caliper, 25)).toBe('200 ms (300/min) · 1.50 mV')
    expect(caliperText({ ...caliper, to: [21, 19] }, 50)).toBe('20 ms · 0.00 mV')
    expect(within(strip, [500, 3])).toEqual([74.5, 3])
  })

  it('gives channels that are no voltages a scale of their own', () => {
    const pressure = { name: 'Aorta', unit: 'mm[Hg]', values: Float64Array.of(80, 120), skew: 0, recorded: ecg.channels[0]!.recorded }
    const mean = { ...pressure, name: 'Mean', values: Float64Array.of(100, 130) }
    const paper = paperOf({ label: '', rate: 1, seconds: 2, channels: [pressure, mean] }, { layout: '3x4', speed: 25, gain: 10, from: 0, seconds: 2 })
    for (const strip of paper.strips) expect(strip).toMatchObject({ middle: 105, scale: (30 * 0.7) / 50, axis: { least: 80, most: 130 } })
    expect(paper.pulses).toEqual([])
  })
})

describe('a display filter', () => {
  const sine = (hertz: number): Float64Array => Float64Array.from({ length: 5000 }, (_, at) => Math.sin((2 * Math.PI * hertz * at) / 500))
  /** Amplitude in the middle of the record. */
  const gain = (hertz: number, choice: Parameters<typeof filtered>[2]): number => Math.max(...filtered(sine(hertz), 500, choice).slice(2000, 3000))

  it('takes away what it names, and moves nothing in time', () => {
    // Twice a Butterworth of second order: 1/2 at its corner, 1/(1 + (f/fc)^4) beyond (warped by the bilinear transform).
    const warped = (hertz: number): number => Math.tan((Math.PI * hertz) / 500)
    const expected = (hertz: number, corner: number): number => 1 / (1 + (warped(hertz) / warped(corner)) ** 4)
    for (const hertz of [5, 40, 100]) expect(gain(hertz, { low: 0, high: 40, notch: 0 })).toBeCloseTo(expected(hertz, 40), 2)
    expect(gain(50, { low: 0, high: 0, notch: 50 })).toBeLessThan(0.02)
    expect(gain(40, { low: 0, high: 0, notch: 50 })).toBeGreaterThan(0.97)
    expect(gain(0.1, { low: 0.5, high: 0, notch: 0 })).toBeLessThan(0.05)
    const passed = filtered(sine(5), 500, { low: 0.5, high: 100, notch: 50 })
    for (const at of [2000, 2025, 2060]) expect(passed[at]).toBeCloseTo(sine(5)[at]!, 2)
  })

  it('is none unless it is chosen, and leaves gaps gaps', () => {
    const values = sine(5)
    expect(filtered(values, 500, { low: 0, high: 0, notch: 0 })).toBe(values)
    values[7] = Number.NaN
    expect(filtered(values, 500, { low: 0, high: 40, notch: 0 })[7]).toBeNaN()
  })
})
