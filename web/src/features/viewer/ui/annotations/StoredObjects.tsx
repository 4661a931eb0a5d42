// Presentations of the study to choose from, and the way to its reports.
import { useState } from 'react'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import { seriesTitle } from '../../model/rail'
import type { Pane } from '../../engine/pane'
import type { Presentation } from '../../model/presentations'
import { isShown, present, presentationsOf, toggleLayer } from '../../session/presentations'
import { isReport, shownOf } from '../../session/stored'
import type { ViewerSession } from '../../session/session'

const dated = (date: string): string => date.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')

/** The layers of what is on the screen, each to be hidden. */
function Layers({ pane }: { pane: Pane }) {
  useValue(pane.state)
  const presenting = pane.hung?.presenting
  const layers = presenting?.ready.presentation.layers ?? []
  if (!presenting || layers.length === 0) return null
  return (
    <ul className="presented-layers" aria-label="Layers of the presentation">
      {layers.map(({ name, description, color }) => (
        <li key={name}>
          <label data-testid="presented-layer">
            <input type="checkbox" checked={!presenting.hidden.has(name)} onChange={() => toggleLayer(pane, name)} />
            {color && <span className="presented-swatch" style={{ background: `rgb(${color.join(' ')})` }} />}
            {description || name}
          </label>
        </li>
      ))}
    </ul>
  )
}

function Row({ session, pane, presentation, tell }: { session: ViewerSession; pane: Pane; presentation: Presentation; tell: (told: string) => void }) {
  useValue(pane.state)
  const shown = isShown(pane, presentation)
  const choose = () => {
    tell('')
    if (shown) pane.lay(null)
    else present(session, presentation).then((here) => here || tell('The images of this presentation are not in this study.'), (error: unknown) => tell(explain(error).what))
  }
  return (
    <li>
      <button type="button" className={shown ? 'annotations-row annotations-chosen' : 'annotations-row'} aria-pressed={shown} data-testid="presentation" onClick={choose}>
        <strong>{presentation.title}</strong>
        <span>{[presentation.kind, presentation.creator, dated(presentation.date)].filter(Boolean).join(' · ')}</span>
      </button>
      {shown && <Layers pane={pane} />}
    </li>
  )
}

export function StoredObjects({ session }: { session: ViewerSession }) {
  const { groups, active } = useValue(session.state)
  const shown = useValue(shownOf(session))
  const found = useValue(presentationsOf(session).found)
  const unapplied = useValue(presentationsOf(session).unapplied)
  const failed = useValue(presentationsOf(session).failed)
  const [told, setTold] = useState('')
  const pane = session.engine.panes[active] ?? session.activePane
  const reports = groups.filter((group) => group.state === 'open').flatMap((group) => group.series).filter(isReport)
  if (found.length === 0 && reports.length === 0 && unapplied.length === 0 && !failed) return null
  return (
    <section>
      <h3>In this study</h3>
      <ul>
        {found.map((presentation) => (
          <Row key={presentation.sopInstanceUID} session={session} pane={pane} presentation={presentation} tell={setTold} />
        ))}
        {unapplied.map(({ sopInstanceUID, title, word }) => (
          <li key={sopInstanceUID} className="annotations-row presented-unapplied" data-testid="presentation-unapplied">
            <strong>{title}</strong>
            <span>{word}</span>
          </li>
        ))}
        {reports.map((series) => (
          <li key={series.SeriesInstanceUID}>
            <button type="button" className="annotations-row" data-testid="stored-report" onClick={() => void session.show(series.SeriesInstanceUID)}>
              <strong>{seriesTitle(series)}</strong>
              <span>{series.Modality === 'KO' ? 'Key images' : 'Report'}</span>
            </button>
          </li>
        ))}
      </ul>
      {shown && (
        <button type="button" className="button button-small" data-testid="hide-stored" onClick={() => shownOf(session).set(null)}>
          Hide what {shown.title} draws
        </button>
      )}
      {failed && <p role="alert">The presentations of this study could not be read. Open the study again to try once more.</p>}
      {told && <p role="alert">{told}</p>}
    </section>
  )
}
