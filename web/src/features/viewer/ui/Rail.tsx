import { type DragEvent, useState } from 'react'
import { isGuest } from '../../../api/session'
import type { Series, Study } from '../../../api/types'
import { formatDate } from '../../../lib/dates'
import { formatName } from '../../../lib/names'
import { useValue } from '../../../lib/observable'
import type { Pane } from '../engine/pane'
import { panesOf } from '../model/layout'
import { relationOf } from '../model/overlay'
import { countText, hasPictures, objectName, seriesTitle } from '../model/rail'
import { kindOf } from '../model/objects/kinds'
import type { Group, ViewerSession } from '../session/session'
import { BesideDialog } from './beside/BesideDialog'
import { Glyph, type Glyph as GlyphName } from './icons'
import { PriorWords } from './linking/PriorWords'
import { SERIES_TYPE } from './PaneView'
import { NotSeen, SeenBar } from './seen/SeenBar'

/** Which viewports show the series; re-rendered with them. */
function Shown({ pane, number, series }: { pane: Pane; number: number; series: string }) {
  const { seriesInstanceUID } = useValue(pane.state)
  return seriesInstanceUID === series ? <span className="rail-where">{number}</span> : null
}

/** How much of a series that is shown is in memory already; of several viewports with it the first one's is seen. */
function Fill({ pane, series }: { pane: Pane; series: string }) {
  const { seriesInstanceUID, count } = useValue(pane.state)
  if (seriesInstanceUID !== series || count === 0) return null
  const loaded = pane.frames.filter((_, index) => pane.isLoaded(index)).length
  return (
    <span className="rail-fill" role="img" aria-label={`${loaded} of ${count} loaded`} data-testid="rail-fill">
      <span style={{ width: `${(100 * loaded) / count}%` }} />
    </span>
  )
}

const GLYPHS: Readonly<Record<string, GlyphName>> = { waveform: 'waveform', mesh: 'cube', words: 'document', document: 'document' }

/** The sign of what has no picture; a series that should have one and has none is a warning. */
const glyphOf = (series: Series): GlyphName => GLYPHS[kindOf(series, []) ?? ''] ?? (hasPictures(series) ? 'warn' : 'document')

function Picture({ session, series }: { session: ViewerSession; series: Series }) {
  const thumbnail = useValue(session.thumbnails.state).get(series.SeriesInstanceUID)
  if (thumbnail === undefined) return <span className="rail-picture rail-picture-waiting" />
  if (thumbnail === 'none') {
    return (
      <span className="rail-picture">
        <Glyph name={glyphOf(series)} size={22} />
        <span className="rail-what">{objectName(series)}</span>
      </span>
    )
  }
  return (
    <span className="rail-picture">
      <img src={thumbnail.url} alt="" draggable={false} />
    </span>
  )
}

function Item({ session, series }: { session: ViewerSession; series: Series }) {
  const { layout, fresh, active } = useValue(session.state)
  const pane = session.engine.panes[active] ?? session.activePane
  const current = useValue(pane.state).seriesInstanceUID === series.SeriesInstanceUID
  const uid = series.SeriesInstanceUID
  const many = panesOf(layout) > 1
  const onDragStart = (drag: DragEvent) => {
    drag.dataTransfer.setData(SERIES_TYPE, uid)
    drag.dataTransfer.effectAllowed = 'copy'
  }
  return (
    <li>
      <button
        type="button"
        className={current ? 'rail-item rail-item-current' : 'rail-item'}
        aria-current={current ? 'true' : undefined}
        draggable
        onDragStart={onDragStart}
        onClick={() => {
          if (!current) void session.show(uid)
        }}
        data-testid="rail-series"
        data-series={uid}
        data-tip={`${seriesTitle(series)} · ${countText(series)}`}
      >
        <Picture session={session} series={series} />
        <span className="rail-words">
          <span className="rail-title">{seriesTitle(series)}</span>
          <span className="rail-facts">
            <b>{series.Modality || '–'}</b>
            {series.SeriesNumber !== null && series.SeriesNumber !== '' && <span>#{series.SeriesNumber}</span>}
            <span className="rail-count">{countText(series)}</span>
          </span>
          {session.engine.panes.slice(0, panesOf(layout)).map((each) => <Fill key={each.id} pane={each} series={uid} />)}
          <span className="rail-marks">
            {many && session.engine.panes.slice(0, panesOf(layout)).map((each, index) => <Shown key={each.id} pane={each} number={index + 1} series={uid} />)}
            <SeenBar session={session} series={uid} />
            {fresh.has(uid) && <span className="rail-fresh">new</span>}
          </span>
        </span>
      </button>
    </li>
  )
}

function Section({ session, group, opened }: { session: ViewerSession; group: Group; opened: Study }) {
  const { study } = group
  const date = formatDate(study.StudyDate) || 'No date'
  const kind = study === opened ? 'this study' : group.foreign ? 'other patient' : relationOf(study.StudyDate, opened.StudyDate)
  return (
    <section className={group.added ? 'rail-group rail-added' : 'rail-group'} aria-label={`Study of ${date}`}>
      <button type="button" className="rail-head" aria-expanded={group.state === 'open'} onClick={() => void session.toggleGroup(study.StudyInstanceUID)} data-testid="rail-study">
        <span className="rail-date">
          {date}
          <span className={group.foreign ? 'rail-kind rail-kind-other' : 'rail-kind'}>{kind}</span>
        </span>
        {group.foreign && <span className="rail-patient">{[formatName(study.PatientName) || 'No name', study.PatientID].filter(Boolean).join(' · ')}</span>}
        <span className="rail-study">{[study.ModalitiesInStudy.join(' '), study.StudyDescription].filter(Boolean).join(' · ')}</span>
        <Glyph name="chevron" size={12} />
      </button>
      {group.added && (
        <button type="button" className="rail-remove" aria-label={`Take the study of ${date} out of the rail`} data-tip="Out of the rail" onClick={() => session.beside.remove(study.StudyInstanceUID)}>
          <Glyph name="close" size={12} />
        </button>
      )}
      <PriorWords session={session} study={study} />
      {group.state === 'loading' && <p className="rail-note">Loading…</p>}
      {group.state === 'failed' && <p className="rail-note">{group.reason}</p>}
      {group.state === 'open' && (
        <ul className="rail-list">
          {group.series.map((series) => (
            <Item key={series.SeriesInstanceUID} session={session} series={series} />
          ))}
          {group.series.length === 0 && <p className="rail-note">No images yet.</p>}
        </ul>
      )}
    </section>
  )
}

/** The series of the study, and below them the patient's other studies. */
export function Rail({ session }: { session: ViewerSession }) {
  const { groups, status } = useValue(session.state)
  const opened = groups[0]?.study
  const [choosing, setChoosing] = useState(false)
  return (
    <nav className="rail" aria-label="Series">
      {status === 'loading' && Array.from({ length: 3 }, (_, index) => <span key={index} className="rail-ghost" aria-hidden="true" />)}
      {opened && groups.map((group) => <Section key={group.study.StudyInstanceUID} session={session} group={group} opened={opened} />)}
      {opened && !isGuest() && (
        <button type="button" className="rail-beside" onClick={() => setChoosing(true)}>
          Open a study beside…
        </button>
      )}
      {choosing && <BesideDialog session={session} onClose={() => setChoosing(false)} />}
      <NotSeen session={session} />
    </nav>
  )
}
