import { type CSSProperties, type ReactNode, useState } from 'react'
import { useValue } from '../../../../lib/observable'
import type { Rgb } from '../../model/overlays/colors'
import { type Segmentation, volumeOf } from '../../model/overlays/segmentation'
import { type Structure, type StructureSet, structureVolume } from '../../model/overlays/structures'
import { seriesTitle } from '../../model/rail'
import { type Overlay, type Overlays, isOverlay, overlaysOf } from '../../session/overlays/store'
import type { ViewerSession } from '../../session/session'
import { Glyph } from '../icons'
import { editingOf } from '../../session/overlays/editing'
import { ContentsTable } from './ContentsTable'
import { DoseSection } from './DoseSection'
import { EditSection } from './EditSection'
import './overlays.css'

const millilitres = (volume: number | undefined): string => (volume === undefined ? '' : `${volume < 10 ? volume.toFixed(2) : volume < 100 ? volume.toFixed(1) : volume.toFixed(0)} ml`)

const KINDS = { segmentation: 'Segmentation', structures: 'RT structures', dose: 'RT dose' } as const

export function Eye({ shown, label, onClick }: { shown: boolean; label: string; onClick: () => void }) {
  return (
    <button type="button" className="overlay-icon" aria-pressed={shown} aria-label={`Show ${label}`} data-tip={shown ? 'Hide' : 'Show'} onClick={onClick}>
      <Glyph name={shown ? 'eye' : 'eyeOff'} />
    </button>
  )
}

export function Part({ store, overlay, number, label, color, value, note, children }: { store: Overlays; overlay: Overlay; number: number; label: string; color: Rgb; value: string; note?: string; children?: ReactNode }) {
  const shown = overlay.shown && !overlay.hidden.has(number)
  return (
    <li className="overlay-part" data-testid="overlay-part" data-number={number}>
      <span className="overlay-color" style={{ '--color': `rgb(${color.join(' ')})` } as CSSProperties} />
      <button type="button" className="overlay-name" data-tip="Go to it" onClick={() => void store.jump(overlay.id, number)}>
        {label}
        {note && <small>{note}</small>}
      </button>
      <span className="overlay-value">{value}</span>
      <Eye shown={shown} label={label} onClick={() => store.togglePart(overlay.id, number)} />
      {children}
    </li>
  )
}

function Segments({ store, overlay, segmentation }: { store: Overlays; overlay: Overlay; segmentation: Segmentation }) {
  return (
    <ul className="overlay-parts">
      {segmentation.segments.map((segment) => (
        <Part key={segment.number} store={store} overlay={overlay} number={segment.number} label={segment.label} color={segment.color} value={millilitres(volumeOf(segmentation, segment.number))} />
      ))}
    </ul>
  )
}

function Structures({ store, overlay, set }: { store: Overlays; overlay: Overlay; set: StructureSet }) {
  const [volumes] = useState(() => new Map(set.structures.map((structure) => [structure.number, structureVolume(structure)])))
  /** Of a set for several frames of reference each structure says on which images it lies. */
  const noteOf = ({ number, type }: Structure): string => {
    const on = set.seriesIn.size > 1 ? store.drawnOn(overlay, number) : undefined
    const series = on === undefined ? undefined : store.session.seriesOf(on)
    return [type, series ? `on ${seriesTitle(series)}` : ''].filter(Boolean).join(' ')
  }
  return (
    <ul className="overlay-parts">
      {set.structures.map((structure) => (
        <Part key={structure.number} store={store} overlay={overlay} number={structure.number} label={structure.label} color={structure.color} value={millilitres(volumes.get(structure.number))} note={noteOf(structure)} />
      ))}
    </ul>
  )
}

function Section({ store, overlay }: { store: Overlays; overlay: Overlay }) {
  const { content, title, shown } = overlay
  const editing = editingOf(store.session)
  const { target } = useValue(editing.state)
  return (
    <section className="overlay-section" data-testid="overlay" data-kind={content.kind}>
      <header className="overlay-head">
        <h3>
          {title || KINDS[content.kind]}
          <small>{content.kind === 'segmentation' && content.segmentation.type === 'FRACTIONAL' ? 'Fractional segmentation' : KINDS[content.kind]}</small>
        </h3>
        {content.kind === 'segmentation' && target === null && (
          <button type="button" className="button button-small button-quiet overlay-pencil" data-tip="Change a copy of it" onClick={() => editing.edit(overlay)} data-testid="overlay-edit">
            Edit
          </button>
        )}
        <Eye shown={shown} label={title || KINDS[content.kind]} onClick={() => store.toggle(overlay.id)} />
      </header>
      {content.kind === 'segmentation' && <Segments store={store} overlay={overlay} segmentation={content.segmentation} />}
      {content.kind === 'segmentation' && <ContentsTable store={store} overlay={overlay} segmentation={content.segmentation} />}
      {content.kind === 'structures' && <Structures store={store} overlay={overlay} set={content.structures} />}
      {content.kind === 'dose' && <DoseSection store={store} dose={content.dose} />}
    </section>
  )
}

/** Series that lie on others and are not loaded yet. */
function Offered({ session, store }: { session: ViewerSession; store: Overlays }) {
  const { groups } = useValue(session.state)
  const { loading } = useValue(store.state)
  const offered = groups.flatMap((group) => group.series.filter((series) => isOverlay(series) && loading.get(series.SeriesInstanceUID) !== 'loaded').map((series) => ({ series, study: group.study.StudyInstanceUID })))
  if (offered.length === 0) return null
  return (
    <section className="overlay-section">
      <h3>In this study</h3>
      <ul className="overlay-parts">
        {offered.map(({ series, study }) => {
          const state = loading.get(series.SeriesInstanceUID)
          return (
            <li key={series.SeriesInstanceUID} className="overlay-part">
              <button type="button" className="overlay-name" data-testid="overlay-offer" disabled={state === 'loading'} onClick={() => void store.load(series.SeriesInstanceUID, study)}>
                {seriesTitle(series)}
                <small role={typeof state === 'object' ? 'alert' : undefined}>{state === 'loading' ? 'Loading…' : typeof state === 'object' ? `${state.failed} Press to try again.` : series.Modality}</small>
              </button>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Look({ store }: { store: Overlays }) {
  const { opacity, outlines, overlays } = useValue(store.state)
  if (overlays.length === 0) return null
  return (
    <div className="overlay-look">
      <label>
        <span>Opacity</span>
        <input type="range" min="0" max="100" value={Math.round(opacity * 100)} onChange={(change) => store.patch({ opacity: Number(change.target.value) / 100 })} data-testid="overlay-opacity" />
      </label>
      <label className="overlay-check">
        <input type="checkbox" checked={outlines} onChange={(change) => store.patch({ outlines: change.target.checked })} />
        <span>Outlines</span>
      </label>
    </div>
  )
}

/** Segments, structures and doses: what there is, what is shown, how large it is. */
export default function OverlayPanel({ session }: { session: ViewerSession }) {
  const store = overlaysOf(session)
  const { overlays } = useValue(store.state)
  return (
    <div className="overlay-panel">
      <h2>Segments and dose</h2>
      <Look store={store} />
      {overlays.map((overlay) => (
        <Section key={overlay.id} store={store} overlay={overlay} />
      ))}
      <EditSection session={session} />
      <Offered session={session} store={store} />
    </div>
  )
}
