import { type DragEvent, useEffect, useRef, useState } from 'react'
import { explain } from '../../../lib/http'
import { useValue } from '../../../lib/observable'
import { colourWords } from '../engine/colours'
import type { Pane } from '../engine/pane'
import type { PaneState } from '../engine/paneState'
import { provenance } from '../model/calibration'
import { documentOf } from '../model/document'
import { markersOf } from '../model/geometry'
import { type Detail, RELATION_WORDS, cornersOf } from '../model/overlay'
import { missingSlices } from '../model/series'
import { saveDocument } from '../session/documents'
import type { ViewerSession } from '../session/session'
import { CONTENTS, LAYERS } from './additions'
import { PatientSign } from './beside/PatientSign'
import { CineBar } from './CineBar'
import { Glyph } from './icons'
import { PaneInput } from './paneInput'
import { Scrollbar } from './Scrollbar'

const RELATION_LINES: ReadonlySet<string> = new Set([RELATION_WORDS.prior, RELATION_WORDS.later, RELATION_WORDS.other])

export const SERIES_TYPE = 'application/x-isocenter-series'

function Corner({ place, lines }: { place: string; lines: readonly string[] }) {
  return (
    <div className={`corner corner-${place}`}>
      {lines.map((line, index) => (
        <span key={index} className={line.startsWith('LOSSY') ? 'corner-lossy' : RELATION_LINES.has(line) ? 'corner-relation' : undefined}>
          {line}
        </span>
      ))}
    </div>
  )
}

/** @param asked how much of the text; as chosen for the screen when it is not given */
export function Overlay({ session, pane, detail: asked }: { session: ViewerSession; pane: Pane; detail?: Detail }) {
  const { detail: chosen } = useValue(session.state)
  const detail = asked ?? chosen
  useValue(session.measurements.state) // a calibration line changes what the text says
  const { picture, shown, count, window: grey, inverted, view } = useValue(pane.state)
  if (!picture || shown < 0 || detail === 'none') return null
  const { frame, pixels } = picture
  const magnification = view.scale * (window.devicePixelRatio || 1)
  const corners = cornersOf({ frame, index: shown, count, window: pixels.color ? undefined : (grey ?? undefined), inverted, magnification, color: pixels.color, relation: session.relationOf(frame.instance.seriesInstanceUID), measured: provenance(session.measurements.calibrationOf(frame)), profile: colourWords(picture.colours) }, detail)
  const markers = markersOf(frame.plane, view.turn)
  const gaps = missingSlices(pane.frames)
  return (
    <div className="pane-text" aria-hidden="true">
      <Corner place="top-left" lines={corners.topLeft} />
      <Corner place="top-right" lines={corners.topRight} />
      <Corner place="bottom-left" lines={gaps > 0 ? [`${gaps} slices missing`, ...corners.bottomLeft] : corners.bottomLeft} />
      <Corner place="bottom-right" lines={corners.bottomRight} />
      {markers && (
        <>
          <span className="marker marker-top">{markers.top}</span>
          <span className="marker marker-right">{markers.right}</span>
          <span className="marker marker-bottom">{markers.bottom}</span>
          <span className="marker marker-left">{markers.left}</span>
        </>
      )}
    </div>
  )
}

/** A document is no picture, but it can be had as a file. */
function SaveDocument({ pane, index }: { pane: Pane; index: number }) {
  const [failure, setFailure] = useState('')
  const frame = pane.frames[index]
  const found = frame && documentOf(frame.instance.dataset)
  if (!found) return null
  const save = () => {
    setFailure('')
    saveDocument(found).catch((error: unknown) => setFailure(explain(error).what))
  }
  return (
    <>
      <button type="button" className="button button-small" onClick={save}>
        Save the document
      </button>
      {failure && <p role="alert">{failure}</p>}
    </>
  )
}

function Message({ state, pane, onRetry }: { state: PaneState; pane: Pane; onRetry: () => void }) {
  if (state.status === 'empty') {
    return (
      <div className="pane-message">
        <p>Drag a series here, or choose one in the rail.</p>
      </div>
    )
  }
  if (state.status === 'failed') {
    return (
      <div className="pane-message pane-failed" role="alert" data-testid="pane-reason">
        <Glyph name="warn" size={28} />
        <p>{state.reason}</p>
        {state.count > 1 && (
          <p className="pane-which">
            Image {state.index + 1} of {state.count}
          </p>
        )}
        <SaveDocument key={state.index} pane={pane} index={state.index} />
        {state.again && (
          <button type="button" className="button button-small" onClick={onRetry}>
            Try again
          </button>
        )}
      </div>
    )
  }
  if (state.shown < 0) return <div className="pane-message pane-waiting" role="status" aria-label="Loading" />
  return null
}

/** What is on the screen is not all there is yet; shown whatever text is chosen, since nobody may read it for the image. */
function Resolution({ state }: { state: PaneState }) {
  const { picture, shown, refused } = state
  if (!picture || shown < 0 || picture.reduction === 0) return null
  return (
    <div className="pane-resolution" role="status" data-testid="pane-resolution">
      <strong>{`Preview 1:${2 ** picture.reduction}`}</strong>
      <span>{refused ? 'measuring waits for full resolution' : 'full resolution is loading'}</span>
    </div>
  )
}

/** What holds no pictures is shown its own way from the start. */
function ownContent(session: ViewerSession, pane: Pane, { seriesInstanceUID }: PaneState): string | undefined {
  const series = seriesInstanceUID === null ? undefined : session.seriesOf(seriesInstanceUID)
  return series && Object.keys(CONTENTS).find((id) => CONTENTS[id]?.isFor?.(series, pane.frames))
}

export function PaneView({ session, pane, index, active, many }: { session: ViewerSession; pane: Pane; index: number; active: boolean; many: boolean }) {
  const state = useValue(pane.state)
  const { tool, contents } = useValue(session.state)
  const content = contents[index] ?? ownContent(session, pane, state)
  const Content = CONTENTS[content ?? '']?.Component
  const root = useRef<HTMLDivElement>(null)
  const host = useRef<HTMLDivElement>(null)
  const [over, setOver] = useState(false)

  useEffect(() => {
    if (!root.current || !host.current) return
    const detach = pane.attach(host.current)
    const input = new PaneInput(root.current, pane, session, index)
    return () => {
      input.dispose()
      detach()
    }
  }, [pane, session, index])

  const onDrag = (drag: DragEvent) => {
    if (!drag.dataTransfer.types.includes(SERIES_TYPE)) return
    drag.preventDefault()
    drag.dataTransfer.dropEffect = 'copy'
    setOver(drag.type !== 'dragleave')
  }
  const onDrop = (drop: DragEvent) => {
    setOver(false)
    const series = drop.dataTransfer.getData(SERIES_TYPE)
    if (!series) return
    drop.preventDefault()
    void session.show(series, index)
  }
  const name = `Viewport ${index + 1}`
  return (
    <div
      ref={root}
      className={['pane', active && many && 'pane-active', over && 'pane-over', `pane-tool-${tool}`].filter(Boolean).join(' ')}
      role="group"
      aria-label={state.count > 0 ? `${name}, image ${state.index + 1} of ${state.count}` : name}
      data-testid={`pane-${index}`}
      data-status={state.status}
      data-content={content}
      data-viewport={index}
      data-index={state.index}
      data-shown={state.shown}
      data-image={state.picture?.frame.instance.sopInstanceUID}
      data-window={state.window ? `${state.window.width}/${state.window.center}` : undefined}
      data-inverted={state.inverted}
      data-reduction={state.picture?.reduction}
      onDragEnter={onDrag}
      onDragOver={onDrag}
      onDragLeave={onDrag}
      onDrop={onDrop}
    >
      <div ref={host} className="pane-host" hidden={Content !== undefined} />
      <PatientSign session={session} pane={pane} />
      {Content ? (
        <Content session={session} pane={pane} index={index} />
      ) : (
        <>
          {LAYERS.map((Layer, at) => (
            <Layer key={at} session={session} pane={pane} />
          ))}
          <Overlay session={session} pane={pane} />
          <Resolution state={state} />
          <Message state={state} pane={pane} onRetry={() => session.retry(pane)} />
          {(state.status === 'loading' || (state.picture?.reduction ?? 0) > 0) && state.shown >= 0 && <span className="pane-busy" aria-hidden="true" />}
          <Scrollbar pane={pane} />
          <CineBar pane={pane} active={active} />
        </>
      )}
    </div>
  )
}
