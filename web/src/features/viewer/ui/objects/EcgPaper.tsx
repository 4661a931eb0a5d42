// The paper of an ECG with a caliper on it.
import { type KeyboardEvent, type PointerEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { type Caliper, type Paper, MARGIN, caliperText, stripAt, within } from '../../model/objects/ecgLayout'
import { type FilterChoice, filtered } from '../../model/objects/filters'
import type { Channel, Group } from '../../model/objects/waveform'
import { drawPaper, inksOf } from './ecgDrawing'

/** Pixels of a millimetre at which ten seconds at 25 mm/s fill the width; never so small that the grid is lost. */
const LEAST_MM = 2.4
const GRIP = 9

interface Props {
  readonly group: Group
  readonly paper: Paper
  readonly speed: number
  readonly gain: number
  readonly filter: FilterChoice
}

/** Millimetre in pixels, by the width there is. */
function useMillimetre(host: React.RefObject<HTMLDivElement | null>): number {
  const [mm, setMm] = useState(0)
  useLayoutEffect(() => {
    const element = host.current
    if (!element) return
    const watch = new ResizeObserver(() => setMm(Math.max(LEAST_MM, (element.clientWidth - 2) / (MARGIN + 252))))
    watch.observe(element)
    return () => watch.disconnect()
  }, [host])
  return mm
}

export function EcgPaper({ group, paper, speed, gain, filter }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const mm = useMillimetre(host)
  const [caliper, setCaliper] = useState<Caliper | null>(null)
  const shown = useMemo(() => new Map<Channel, Float64Array>(group.channels.map((channel) => [channel, filtered(channel.values, group.rate, filter)])), [group, filter])

  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (!element || !context || mm === 0) return
    const ratio = window.devicePixelRatio || 1
    element.width = Math.round(paper.width * mm * ratio)
    element.height = Math.round(paper.height * mm * ratio)
    drawPaper(context, paper, ({ channel }) => shown.get(channel) ?? channel.values, group.rate, speed, gain, mm * ratio, inksOf(element))
    element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1)
  }, [group, paper, speed, gain, mm, shown])

  // A caliper of another layout lies on nothing.
  const kept = caliper && paper.strips.includes(caliper.strip) ? caliper : null
  return (
    <div ref={host} className="ecg-scroll">
      <div className="ecg-paper" style={{ width: paper.width * mm, height: paper.height * mm }} data-testid="ecg-paper" data-mm={mm}>
        <canvas ref={canvas} role="img" aria-label={`Waveforms: ${paper.strips.map(({ name }) => name).join(', ')}; ${speed} mm/s`} style={{ width: paper.width * mm, height: paper.height * mm }} />
        <CaliperLayer paper={paper} mm={mm} speed={speed} caliper={kept} onChange={setCaliper} />
      </div>
      <p className="ecg-scale">
        {speed} mm/s{paper.pulses.length > 0 && `, ${gain} mm/mV`}
      </p>
    </div>
  )
}

interface LayerProps {
  readonly paper: Paper
  readonly mm: number
  readonly speed: number
  readonly caliper: Caliper | null
  readonly onChange: (caliper: Caliper | null) => void
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/** By the keyboard: Enter lays it down, arrows move its end, with Shift all of it, Delete takes it away. */
function byKey({ paper, caliper, onChange }: LayerProps, press: KeyboardEvent): boolean {
  if (!caliper) {
    const strip = paper.strips[0]
    if (press.key !== 'Enter' || !strip) return false
    onChange({ strip, from: [strip.x + 5, strip.y], to: [strip.x + 15, strip.y - 5] })
    return true
  }
  if (press.key === 'Delete' || press.key === 'Escape' || press.key === 'Backspace') {
    onChange(null)
    return true
  }
  const [dx, dy] = STEPS[press.key] ?? [0, 0]
  if (dx === 0 && dy === 0) return false
  const moved = ([x, y]: readonly [number, number]): [number, number] => within(caliper.strip, [x + dx * 0.5, y + dy * 0.5])
  onChange({ ...caliper, to: moved(caliper.to), from: press.shiftKey ? moved(caliper.from) : caliper.from })
  return true
}

function CaliperLayer(props: LayerProps) {
  const { paper, mm, speed, caliper, onChange } = props
  const held = useRef<'from' | 'to' | null>(null)
  const placeOf = (press: PointerEvent): [number, number] => {
    const box = press.currentTarget.getBoundingClientRect()
    return [(press.clientX - box.left) / mm, (press.clientY - box.top) / mm]
  }
  const onDown = (press: PointerEvent) => {
    if (press.button !== 0) return
    const at = placeOf(press)
    const grip = caliper && (['to', 'from'] as const).find((end) => Math.hypot(caliper[end][0] - at[0], caliper[end][1] - at[1]) * mm < GRIP)
    const strip = stripAt(paper, at[0], at[1])
    if (!grip && !strip) return
    if (press.currentTarget instanceof HTMLElement) press.currentTarget.focus({ preventScroll: true })
    press.currentTarget.setPointerCapture(press.pointerId)
    held.current = grip ?? 'to'
    if (!grip && strip) onChange({ strip, from: within(strip, at), to: within(strip, at) })
  }
  const onMove = (press: PointerEvent) => {
    if (!held.current || !caliper) return
    onChange({ ...caliper, [held.current]: within(caliper.strip, placeOf(press)) })
  }
  const onUp = () => {
    held.current = null
    if (caliper && Math.hypot(caliper.from[0] - caliper.to[0], caliper.from[1] - caliper.to[1]) * mm < 4) onChange(null)
  }
  return (
    <div
      className="ecg-calipers"
      tabIndex={0}
      role="application"
      aria-label="Caliper: Enter lays it on the paper, arrows move its end, Shift moves all of it, Delete takes it away"
      onPointerDown={onDown}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onKeyDown={(press) => {
        if (!byKey(props, press)) return
        press.preventDefault()
        press.stopPropagation()
      }}
    >
      {caliper && <Drawn caliper={caliper} mm={mm} speed={speed} />}
    </div>
  )
}

function Drawn({ caliper, mm, speed }: { caliper: Caliper; mm: number; speed: number }) {
  const [x1, y1, x2, y2] = [caliper.from[0] * mm, caliper.from[1] * mm, caliper.to[0] * mm, caliper.to[1] * mm]
  const [top, bottom] = [Math.min(y1, y2) - 14, Math.max(y1, y2) + 14]
  return (
    <>
      <svg aria-hidden="true">
        <path className="ecg-caliper-line" d={`M${x1} ${top}V${bottom}M${x2} ${top}V${bottom}M${x1} ${y1}H${x2}M${x1} ${y2}H${x2}`} />
        <circle data-take="no" cx={x1} cy={y1} r={4} />
        <circle data-take="no" cx={x2} cy={y2} r={4} />
      </svg>
      <output className="ecg-reading" style={{ left: Math.max(x1, x2) + 8, top: top - 4 }} data-testid="ecg-caliper">
        {caliper.strip.name}: {caliperText(caliper, speed)}
      </output>
    </>
  )
}
