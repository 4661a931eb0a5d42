// Draws the paper of an ECG: grid, calibration pulses, leads, their names.
import type { Paper, Strip } from '../../model/objects/ecgLayout'
import { MARGIN } from '../../model/objects/ecgLayout'

export interface Inks {
  readonly paper: string
  readonly minor: string
  readonly major: string
  readonly trace: string
  readonly words: string
}

export function inksOf(element: Element): Inks {
  const style = getComputedStyle(element)
  const ink = (name: string): string => style.getPropertyValue(`--ecg-${name}`).trim()
  return { paper: ink('paper'), minor: ink('minor'), major: ink('major'), trace: ink('trace'), words: ink('words') }
}

/** @param mm pixels of the context for a millimetre of paper */
export function drawPaper(context: CanvasRenderingContext2D, paper: Paper, values: (strip: Strip) => Float64Array, rate: number, speed: number, gain: number, mm: number, inks: Inks): void {
  const { width, height } = paper
  context.fillStyle = inks.paper
  context.fillRect(0, 0, width * mm, height * mm)
  grid(context, width, height, mm, inks)
  context.lineJoin = 'round'
  context.lineWidth = Math.max(1, mm * 0.28)
  context.strokeStyle = inks.trace
  for (const y of paper.pulses) pulse(context, y, speed, gain, mm)
  context.fillStyle = inks.words
  for (const strip of paper.strips) {
    trace(context, strip, values(strip), rate, speed, mm)
    context.font = `600 ${Math.round(mm * 3.2)}px system-ui, sans-serif`
    context.fillText(strip.name, (strip.x + 1) * mm, strip.head * mm)
    if (strip.axis) axis(context, strip, strip.axis, mm)
  }
}

const readable = (value: number): string => String(Number(value.toPrecision(3)))

/** Its least and greatest value before the channel, its unit after the name. */
function axis(context: CanvasRenderingContext2D, { name, channel, x, y, head, scale, middle }: Strip, { least, most }: { readonly least: number; readonly most: number }, mm: number): void {
  const width = context.measureText(`${name} `).width
  context.font = `400 ${Math.round(mm * 2.6)}px system-ui, sans-serif`
  context.fillText(channel.unit, (x + 1) * mm + width, head * mm)
  context.textAlign = 'right'
  for (const value of [least, most]) context.fillText(readable(value), (x - 1) * mm, (y - (value - middle) * scale + 0.9) * mm)
  context.textAlign = 'left'
}

function grid(context: CanvasRenderingContext2D, width: number, height: number, mm: number, { minor, major }: Inks): void {
  for (const [step, ink] of [[1, minor], [5, major]] as const) {
    // Lines closer than three pixels would be one grey.
    if (step * mm < 3) continue
    context.beginPath()
    for (let x = 0; x <= width; x += step) {
      context.moveTo(Math.round(x * mm) + 0.5, 0)
      context.lineTo(Math.round(x * mm) + 0.5, height * mm)
    }
    for (let y = 0; y <= height; y += step) {
      context.moveTo(0, Math.round(y * mm) + 0.5)
      context.lineTo(width * mm, Math.round(y * mm) + 0.5)
    }
    context.lineWidth = 1
    context.strokeStyle = ink
    context.stroke()
  }
}

/** 1 mV for 200 ms. */
function pulse(context: CanvasRenderingContext2D, y: number, speed: number, gain: number, mm: number): void {
  const length = Math.min(0.2 * speed, MARGIN - 3)
  const left = (MARGIN - length) / 2 - 1
  context.beginPath()
  context.moveTo((left - 1.5) * mm, y * mm)
  context.lineTo(left * mm, y * mm)
  context.lineTo(left * mm, (y - gain) * mm)
  context.lineTo((left + length) * mm, (y - gain) * mm)
  context.lineTo((left + length) * mm, y * mm)
  context.lineTo((left + length + 1.5) * mm, y * mm)
  context.stroke()
}

function trace(context: CanvasRenderingContext2D, { channel, from, to, x, y, scale, middle }: Strip, values: Float64Array, rate: number, speed: number, mm: number): void {
  const first = Math.max(0, Math.ceil((from - channel.skew) * rate - 1e-6))
  const last = Math.min(values.length - 1, Math.floor((to - channel.skew) * rate + 1e-6))
  context.beginPath()
  let begun = false
  for (let at = first; at <= last; at++) {
    const value = values[at] ?? Number.NaN
    if (Number.isNaN(value)) {
      begun = false
      continue
    }
    const px = (x + (at / rate + channel.skew - from) * speed) * mm
    const py = (y - (value - middle) * scale) * mm
    if (begun) context.lineTo(px, py)
    else context.moveTo(px, py)
    begun = true
  }
  context.stroke()
}
