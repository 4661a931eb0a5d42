// What was drawn and marked, whether it is safe, and the way out as DICOM.
import { useEffect, useState } from 'react'
import { type AnnotationVersion, readAnnotationVersions, readAnnotations } from '../../../../api/annotations'
import { isGuest } from '../../../../api/session'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import { type KeyImage, measurementOf, placeOf } from '../../model/annotations'
import type { Measurement } from '../../model/measure'
import { planeMeasuresOf } from '../../session/planeMeasures'
import type { ViewerSession } from '../../session/session'
import { ExportForm } from './ExportForm'
import { StoredObjects } from './StoredObjects'
import './annotations.css'

const NAMES: Readonly<Record<string, string>> = { openAngle: 'Open angle', circle3: 'Circle', text: 'Note' }
const nameOf = (kind: string): string => NAMES[kind] ?? kind.charAt(0).toUpperCase() + kind.slice(1)

const WORDS = { saved: 'All kept on the server', saving: 'Keeping…', waiting: 'Not on the server yet', refused: 'Not kept on the server' } as const

function Safety({ session }: { session: ViewerSession }) {
  const { state, reason } = useValue(session.annotations.saving)
  if (isGuest()) return <p className="annotations-safety">What you draw ends with this window</p>
  const kept = state === 'waiting' ? 'Kept in this browser; sent as soon as the server answers.' : ''
  return (
    <p className={`annotations-safety annotations-${state}`} role="status" data-testid="annotations-saving" data-state={state}>
      {WORDS[state]}
      {[reason, kept].some(Boolean) && <span>{[reason, kept].filter(Boolean).join(' ')}</span>}
    </p>
  )
}

/** "3: 12" is image 12 of series 3. */
function whereOf(session: ViewerSession, frameId: string): string {
  const place = placeOf(frameId)
  if (!place) return ''
  const series = session.seriesOf(place.series)
  const pane = session.engine.panes.find((each) => each.state.get().seriesInstanceUID === place.series)
  const index = pane?.frames.findIndex((frame) => frame.id === frameId) ?? -1
  return [series === undefined || series.SeriesNumber === null ? '' : `Series ${series.SeriesNumber}`, index >= 0 ? `image ${index + 1}` : ''].filter(Boolean).join(', ')
}

function Row({ session, measurement, chosen }: { session: ViewerSession; measurement: Measurement; chosen: boolean }) {
  const { id, kind, lines, text, label, frameId } = measurement
  const title = [label, text].find(Boolean) ?? ''
  return (
    <li>
      <button
        type="button"
        className={chosen ? 'annotations-row annotations-chosen' : 'annotations-row'}
        data-testid="annotation"
        onClick={() => {
          session.measurements.select(id)
          void session.goToFrame(frameId)
        }}
      >
        <strong>{title || nameOf(kind)}</strong>
        <span>{[title ? nameOf(kind) : '', lines[0] ?? ''].filter(Boolean).join(' · ')}</span>
        <span className="annotations-where">{whereOf(session, frameId)}</span>
      </button>
    </li>
  )
}

/** Shapes on planes through a volume. */
function PlaneRows({ session }: { session: ViewerSession }) {
  const measures = planeMeasuresOf(session)
  const { all, selected } = useValue(measures.shapes.state)
  return all.map(({ id, kind, lines, text, label, seriesInstanceUID }) => {
    const title = [label, text].find(Boolean) ?? ''
    const number = session.seriesOf(seriesInstanceUID)?.SeriesNumber
    return (
      <li key={id}>
        <button type="button" className={id === selected ? 'annotations-row annotations-chosen' : 'annotations-row'} data-testid="annotation-plane" onClick={() => void measures.goTo(id)}>
          <strong>{title || nameOf(kind)}</strong>
          <span>{[title ? nameOf(kind) : '', lines[0] ?? ''].filter(Boolean).join(' · ')}</span>
          <span className="annotations-where">{[number === null || number === undefined ? '' : `Series ${number}`, 'MPR'].filter(Boolean).join(', ')}</span>
        </button>
      </li>
    )
  })
}

function Keys({ session, keys }: { session: ViewerSession; keys: readonly KeyImage[] }) {
  const { active } = useValue(session.state)
  const pane = session.engine.panes[active] ?? session.activePane
  const { picture } = useValue(pane.state)
  const here = picture?.frame.id
  const marked = here !== undefined && keys.some((key) => key.frameId === here)
  return (
    <section>
      <h3>Key images</h3>
      <button type="button" className="button button-small" disabled={here === undefined} aria-pressed={marked} data-testid="mark-key" onClick={() => here !== undefined && session.annotations.toggleKey(here)}>
        {marked ? 'This image is a key image' : 'Mark this image'}
      </button>
      <ul>
        {keys.map((key) => (
          <li key={key.id}>
            <button type="button" className="annotations-row" data-testid="key-image" onClick={() => void session.goToFrame(key.frameId)}>
              <strong>★</strong>
              <span className="annotations-where">{whereOf(session, key.frameId) || 'Key image'}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

const at = (text: string): string => new Date(text).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })

/** Every step is kept; an earlier one can be had back, as a new step. */
function Versions({ session, study }: { session: ViewerSession; study: string }) {
  const [found, setFound] = useState<readonly AnnotationVersion[]>([])
  const [failure, setFailure] = useState('')
  const { state } = useValue(session.annotations.saving)
  useEffect(() => {
    const ended = new AbortController()
    readAnnotationVersions(study, ended.signal).then(setFound, (error: unknown) => ended.signal.aborted || setFailure(explain(error).what))
    return () => ended.abort()
  }, [study, state])
  const restore = (version: number) => {
    setFailure('')
    readAnnotations(study, undefined, version).then(
      ({ items }) => {
        session.measurements.replace(study, items.flatMap((item) => measurementOf(item) ?? []))
        session.annotations.replacePlanes(study, items)
      },
      (error: unknown) => setFailure(explain(error).what),
    )
  }
  if (found.length < 2 && !failure) return null
  return (
    <details>
      <summary>Earlier versions</summary>
      {failure && <p role="alert">{failure}</p>}
      <ul>
        {found.slice(1).map((each) => (
          <li key={each.version} className="annotations-version">
            <span>{at(each.at)}</span>
            <button type="button" className="button button-small button-quiet" onClick={() => restore(each.version)} aria-label={`Go back to version ${each.version}`}>
              Go back
            </button>
          </li>
        ))}
      </ul>
    </details>
  )
}

export function AnnotationsPanel({ session }: { session: ViewerSession }) {
  const { all, selected } = useValue(session.measurements.state)
  const keys = useValue(session.annotations.keys)
  const planes = useValue(session.annotations.planes)
  const { groups } = useValue(session.state)
  const study = groups[0]?.study.StudyInstanceUID
  return (
    <div className="annotations">
      <h2>Annotations</h2>
      <Safety session={session} />
      <Keys session={session} keys={keys} />
      <section>
        <h3>Measurements and notes</h3>
        {all.length === 0 && planes.length === 0 && <p className="annotations-none">Nothing is drawn yet. What you draw is kept by itself.</p>}
        <ul>
          {all.map((measurement) => (
            <Row key={measurement.id} session={session} measurement={measurement} chosen={measurement.id === selected} />
          ))}
          <PlaneRows session={session} />
        </ul>
      </section>
      <StoredObjects session={session} />
      {study !== undefined && <ExportForm session={session} study={study} />}
      {study !== undefined && <Versions session={session} study={study} />}
    </div>
  )
}
