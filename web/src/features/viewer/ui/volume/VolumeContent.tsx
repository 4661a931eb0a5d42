import { useEffect, useMemo, useRef, useState } from 'react'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import type { Overlay } from '../../engine/volume/painter'
import { type SeriesVolume, volumesOf } from '../../engine/volume/volumes'
import { PLANES } from '../../model/planes'
import { valueIn } from '../../model/resample'
import { suvFactor } from '../../model/suv'
import { laidAt, laidOf, lay, overlaysFor } from '../../session/fused'
import { planeMeasuresOf } from '../../session/planeMeasures'
import type { ViewerSession } from '../../session/session'
import { VolumeScene } from '../../session/volumeScene'
import { type Choice, Controls, type Mode } from './Controls'
import { CurveCell } from './CurveCell'
import { MeasureList, shapeKey, useWanted } from './MeasureList'
import { PlaneCell } from './PlaneCell'
import { RenderCell } from './RenderCell'
import { TimeCurve } from './TimeCurve'
import { useOwnInput } from './cell'
import './volume.css'

interface Opened {
  readonly volume: SeriesVolume | null
  readonly reason: string
}

const NOTHING: Opened = { volume: null, reason: '' }

/** A series as a volume, for as long as something shows it. */
function useVolume(session: ViewerSession, seriesInstanceUID: string): Opened {
  const [opened, setOpened] = useState<Opened & { uid: string }>({ ...NOTHING, uid: '' })
  useEffect(() => {
    if (!seriesInstanceUID) return
    const volumes = volumesOf(session.engine)
    let ended = false
    let held = false
    let stop = (): void => undefined
    session
      .imagesOf(seriesInstanceUID)
      .then(({ frames }) => {
        if (ended) return
        const volume = volumes.open(seriesInstanceUID, frames)
        held = true
        setOpened({ volume, reason: '', uid: seriesInstanceUID })
        // As its slices come, whoever shows it draws again.
        stop = volume.state.subscribe(() => setOpened({ volume, reason: '', uid: seriesInstanceUID }))
      })
      .catch((error: unknown) => !ended && setOpened({ volume: null, reason: error instanceof Error && error.constructor.name !== 'HttpError' ? error.message : explain(error).what, uid: seriesInstanceUID }))
    return () => {
      ended = true
      stop()
      if (held) volumes.close(seriesInstanceUID)
    }
  }, [session, seriesInstanceUID])
  return opened.uid === seriesInstanceUID ? opened : NOTHING
}

/** Factor and unit of the values of a volume as they are told: SUV for PET that says all that is needed. */
function measureOf(volume: SeriesVolume): { factor: number; unit: string; suv: boolean } {
  const frame = volume.plan.phases[0]?.[0]
  const factor = frame && suvFactor(frame.instance.dataset)
  if (factor !== undefined) return { factor, unit: 'SUVbw', suv: true }
  return { factor: 1, unit: frame?.modality.unit ?? '', suv: false }
}

/** The patient is the same, the place too: only then may one be laid over the other. */
function misfit(base: SeriesVolume, over: SeriesVolume): string {
  const [a, b] = [base.plan.frameOfReference, over.plan.frameOfReference]
  return a !== '' && a === b ? '' : 'These two series do not share a frame of reference, so they are not laid over each other.'
}

function Notes({ volume, more }: { volume: SeriesVolume; more: readonly string[] }) {
  const { status, loaded, total, missing, reason } = useValue(volume.state)
  const notes = [...volume.plan.notes, ...more, missing > 0 ? `${missing} ${missing === 1 ? 'slice' : 'slices'} could not be loaded${reason ? `: ${reason}` : '.'}` : '']
  return (
    <div className="volume-notes" role="status" data-testid="volume-notes" data-status={status}>
      {status === 'loading' && <span>{`Loading ${loaded} of ${total} slices`}</span>}
      {notes.filter(Boolean).map((note) => (
        <span key={note} className="volume-warning">
          {note}
        </span>
      ))}
    </div>
  )
}

interface Props {
  readonly session: ViewerSession
  readonly pane: Pane
  readonly index: number
}

function useChoices(session: ViewerSession, own: string): readonly Choice[] {
  const { groups } = useValue(session.state)
  return useMemo(() => overlaysFor(groups, own), [groups, own])
}

function Scene({ session, pane, index, volume, mode }: Props & { volume: SeriesVolume; mode: Mode }) {
  const own = pane.state.get().seriesInstanceUID ?? ''
  const modality = session.seriesOf(own)?.Modality ?? ''
  const scene = useMemo(() => new VolumeScene(volume, modality), [volume, modality])
  useEffect(() => () => scene.dispose(), [scene])
  const measures = planeMeasuresOf(session)
  useWanted(measures, scene, own)
  const choices = useChoices(session, own)
  const chosen = laidAt(useValue(laidOf(session)), index, own)
  const over = chosen ?? (mode === 'fusion' ? (choices[0]?.uid ?? '') : '')
  const above = useVolume(session, over)
  const state = useValue(scene.state)
  useValue(volume.state)
  const measured = measureOf(volume)
  const upper = above.volume && measureOf(above.volume)
  const refused = above.volume ? misfit(volume, above.volume) : above.reason
  const { opacity, from } = state
  const top = state.top || (upper?.suv ? 10 : above.volume ? Math.max(1e-6, above.volume.max * 0.5) : 1)
  const overlay = useMemo((): Overlay | null => {
    const values = above.volume?.phases[0]
    return values && upper && !refused ? { volume: values, from: from / upper.factor, top: top / upper.factor, opacity } : null
  }, [above.volume, upper, refused, from, top, opacity])
  const stamp = String(above.volume?.state.get().loaded ?? '')
  const planes = state.alone && mode !== 'volume' ? [state.alone] : PLANES
  const told = scene.curve(measured.factor)[state.phase] ?? Number.NaN
  const laid = overlay && upper ? valueIn(overlay.volume, state.focus) * upper.factor : Number.NaN
  const values = [Number.isFinite(told) ? `${told.toFixed(measured.suv ? 2 : 0)} ${measured.unit}` : '', Number.isFinite(laid) && upper ? `${laid.toFixed(2)} ${upper.unit}` : ''].filter(Boolean)
  return (
    <>
      <div
        className={`volume-cells volume-${state.alone && mode !== 'volume' ? 'alone' : mode}`}
        onKeyDown={(key) => {
          if (key.target instanceof HTMLInputElement || !shapeKey(measures, key)) return
          key.preventDefault()
          key.stopPropagation()
        }}
      >
        {mode === 'volume' ? (
          <RenderCell session={session} pane={pane} scene={scene} />
        ) : (
          planes.map((name) => <PlaneCell key={name} session={session} pane={pane} scene={scene} name={name} overlay={overlay} stamp={stamp} drawing={mode === 'curved'} />)
        )}
        {mode === 'curved' && !state.alone && <CurveCell pane={pane} scene={scene} />}
        <Notes volume={volume} more={[refused]} />
        {mode !== 'volume' && values.length > 0 && (
          <output className="volume-at" data-testid="volume-value">
            {values.join(' · ')}
          </output>
        )}
      </div>
      {volume.phases.length > 1 && <TimeCurve scene={scene} factor={measured.factor} unit={measured.unit} />}
      <Controls scene={scene} mode={mode} choices={choices} over={over} top={top} unit={upper?.unit ?? ''} onOver={(uid) => lay(session, index, own, uid)} onClose={() => session.setContent(index, null)}>
        {(mode === 'mpr' || mode === 'fusion') && <MeasureList measures={measures} series={own} />}
      </Controls>
    </>
  )
}

/** Planes, curved sheets and bodies out of the series of a viewport. */
export default function VolumeContent({ session, pane, index }: Props) {
  const { seriesInstanceUID } = useValue(pane.state)
  const { contents } = useValue(session.state)
  const mode = (contents[index] ?? 'mpr') as Mode
  const { volume, reason } = useVolume(session, seriesInstanceUID ?? '')
  const root = useRef<HTMLDivElement>(null)
  useOwnInput(root, () => session.setActive(index))
  const failed = volume?.state.get().status === 'failed' ? volume.state.get().reason : reason
  return (
    <div ref={root} className="volume" data-testid={`volume-${index}`} data-mode={mode}>
      {failed ? (
        <div className="pane-message pane-failed" role="alert" data-testid="volume-reason">
          <p>{failed}</p>
          <button type="button" className="button button-small" onClick={() => session.setContent(index, null)}>
            Back to the images
          </button>
        </div>
      ) : volume ? (
        <Scene key={seriesInstanceUID} session={session} pane={pane} index={index} volume={volume} mode={mode} />
      ) : (
        <div className="pane-message pane-waiting" role="status" aria-label="Loading" />
      )}
    </div>
  )
}
