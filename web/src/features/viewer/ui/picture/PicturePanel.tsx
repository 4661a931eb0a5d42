// What is done to the picture in the chosen viewport: colours, curve, filter, angle, size on the screen, subtraction.
import { type ReactNode, useState } from 'react'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import { COLOR_MAPS, type Curve } from '../../model/effects'
import { canSubtract, maskAskedFor } from '../../model/subtraction'
import { angleOf } from '../../model/view'
import type { ViewerSession } from '../../session/session'
import { keepPixelsPerMillimetre, pixelsPerMillimetre, showTrueSize } from '../../session/trueSize'
import './picture.css'

interface SliderProps {
  label: string
  value: number
  least: number
  most: number
  step: number
  text: string
  onChange: (value: number) => void
}

function Slider({ label, value, least, most, step, text, onChange }: SliderProps) {
  return (
    <label className="picture-field">
      <span>{label}</span>
      <input type="range" min={least} max={most} step={step} value={value} aria-label={label} aria-valuetext={text} onChange={(change) => onChange(Number(change.target.value))} />
      <output>{text}</output>
    </label>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

type Shape = Curve | 'sigmoid'
const SHAPES: readonly { readonly shape: Shape; readonly name: string }[] = [
  { shape: 'straight', name: 'Straight' },
  { shape: 'sigmoid', name: 'S-shaped (sigmoid)' },
  { shape: 'log', name: 'Logarithmic: dark parts told apart' },
  { shape: 'antilog', name: 'Inverse logarithmic: bright parts' },
]

function setShape(pane: Pane, shape: Shape): void {
  const { window } = pane.state.get()
  pane.setEffects({ curve: shape === 'sigmoid' ? 'straight' : shape })
  if (window && !window.table && (window.shape === 'SIGMOID') !== (shape === 'sigmoid')) pane.setWindow({ ...window, shape: shape === 'sigmoid' ? 'SIGMOID' : 'LINEAR' })
}

const filterText = (filter: number): string => (filter === 0 ? 'off' : `${filter > 0 ? 'sharper' : 'smoother'} ${Math.abs(filter)}`)

function Greys({ pane }: { pane: Pane }) {
  const { effects, window, picture } = useValue(pane.state)
  const color = picture?.pixels.color ?? false
  const shape: Shape = window?.shape === 'SIGMOID' ? 'sigmoid' : effects.curve
  return (
    <Section title="Grey values">
      <label className="picture-choice">
        <span>Colours</span>
        <select className="input" value={effects.colors} disabled={color} onChange={(change) => pane.setEffects({ colors: change.target.value })}>
          <option value="">Grey</option>
          {COLOR_MAPS.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label className="picture-choice">
        <span>Curve</span>
        <select className="input" value={shape} disabled={window?.table !== undefined} onChange={(change) => setShape(pane, change.target.value as Shape)}>
          {SHAPES.map((each) => (
            <option key={each.shape} value={each.shape}>
              {each.name}
            </option>
          ))}
        </select>
      </label>
      <Slider label="Filter" value={effects.filter} least={-3} most={3} step={1} text={filterText(effects.filter)} onChange={(filter) => pane.setEffects({ filter })} />
      <p>Measurements always see the stored values.</p>
    </Section>
  )
}

function Angle({ pane }: { pane: Pane }) {
  const { view } = useValue(pane.state)
  const degrees = Math.round(angleOf(view.turn) * 10) / 10
  return (
    <Section title="Angle">
      <Slider label="Rotation" value={degrees} least={-180} most={180} step={0.5} text={`${degrees}°`} onChange={(to) => pane.turnTo(to)} />
      <button type="button" className="button button-small" onClick={() => pane.turnTo(0)}>
        Upright
      </button>
    </Section>
  )
}

const CARD = { width: 85.6, height: 53.98 } // mm, ISO/IEC 7810 ID-1

function Card({ onDone }: { onDone: () => void }) {
  const [ratio, setRatio] = useState(pixelsPerMillimetre.get() ?? 96 / 25.4)
  return (
    <div className="picture-card-room">
      <p>Lay a bank card or identity card on the screen and make the frame as large as the card.</p>
      <Slider label="Size" value={ratio} least={1.5} most={12} step={0.01} text={`${ratio.toFixed(2)} px/mm`} onChange={setRatio} />
      <div className="picture-card" data-testid="card" style={{ width: CARD.width * ratio, height: CARD.height * ratio }} />
      <button
        type="button"
        className="button button-small"
        onClick={() => {
          keepPixelsPerMillimetre(ratio)
          onDone()
        }}
      >
        It is as large as the card
      </button>
    </div>
  )
}

function TrueSize({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const ratio = useValue(pixelsPerMillimetre)
  const [why, setWhy] = useState('')
  const [measuring, setMeasuring] = useState(false)
  return (
    <Section title="Size on the screen">
      <div className="picture-actions">
        <button type="button" className="button button-small" onClick={() => setWhy(showTrueSize(session, pane))}>
          True size
        </button>
        <button type="button" className="button button-small" onClick={() => pane.actualSize()}>
          1:1 pixels
        </button>
        <button type="button" className="button button-small" aria-pressed={measuring} onClick={() => setMeasuring(!measuring)}>
          {ratio === null ? 'Measure this screen' : 'Measure it again'}
        </button>
      </div>
      {why && <p role="alert">{why}</p>}
      <p>{ratio === null ? 'True size needs to know how large this screen’s pixels are.' : `This screen has ${ratio.toFixed(2)} pixels a millimetre. That is kept in this browser.`}</p>
      {measuring && (
        <Card
          onDone={() => {
            setMeasuring(false)
            setWhy('')
          }}
        />
      )}
    </Section>
  )
}

const shiftText = (pixels: number): string => `${pixels > 0 ? '+' : ''}${pixels.toFixed(2)} px`

function Subtraction({ pane }: { pane: Pane }) {
  const { mask, picture } = useValue(pane.state)
  const [why, setWhy] = useState('')
  if (!picture || picture.pixels.color || !canSubtract(picture.frame.instance.dataset)) return null
  const set = (next: Parameters<Pane['subtract']>[0]): void => {
    setWhy('')
    pane.subtract(next).catch((error: unknown) => setWhy(explain(error).what))
  }
  const shift = mask?.shift ?? [0, 0]
  return (
    <Section title="Subtraction (DSA)">
      <div className="picture-actions">
        <button type="button" className="button button-small" aria-pressed={mask !== null} onClick={() => set(mask ? null : maskAskedFor(picture.frame.instance.dataset))}>
          Subtract
        </button>
        <button type="button" className="button button-small" onClick={() => set({ frames: [picture.frame.number], shift: [0, 0] })}>
          This frame is the mask
        </button>
      </div>
      {mask && (
        <>
          <p>{mask.frames.length === 1 ? `Less frame ${mask.frames[0]}.` : `Less the mean of frames ${mask.frames.join(', ')}.`} The mask can be moved:</p>
          <Slider label="To the right" value={shift[0]} least={-10} most={10} step={0.25} text={shiftText(shift[0])} onChange={(right) => set({ ...mask, shift: [right, shift[1]] })} />
          <Slider label="Downwards" value={shift[1]} least={-10} most={10} step={0.25} text={shiftText(shift[1])} onChange={(down) => set({ ...mask, shift: [shift[0], down] })} />
        </>
      )}
      {why && <p role="alert">{why}</p>}
    </Section>
  )
}

export function PicturePanel({ session }: { session: ViewerSession }) {
  const { active } = useValue(session.state)
  const pane = session.engine.panes[active] ?? session.activePane
  const { picture } = useValue(pane.state)
  if (!picture) return <div className="picture-panel"><p>There is no picture in this viewport.</p></div>
  return (
    <div className="picture-panel" data-testid="picture-panel">
      <Greys pane={pane} />
      <Angle pane={pane} />
      <TrueSize session={session} pane={pane} />
      <Subtraction key={picture.frame.instance.sopInstanceUID} pane={pane} />
      <button type="button" className="button button-small" onClick={() => pane.reset()}>
        Reset the picture
      </button>
    </div>
  )
}
