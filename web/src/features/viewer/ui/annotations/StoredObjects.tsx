// Presentations of the study to choose from, and the way to its reports.
import { useEffect, useState } from 'react'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import { seriesTitle } from '../../model/rail'
import type { Presentation } from '../../model/presentations'
import { isReport, present, presentationsIn, shownOf } from '../../session/stored'
import type { ViewerSession } from '../../session/session'

export function StoredObjects({ session }: { session: ViewerSession }) {
  const { groups } = useValue(session.state)
  const shown = useValue(shownOf(session))
  const [found, setFound] = useState<readonly Presentation[]>([])
  const [told, setTold] = useState('')
  const all = groups.filter((group) => group.state === 'open').flatMap((group) => group.series)
  const states = all.filter((series) => series.Modality === 'PR')
  const reports = all.filter(isReport)
  const which = states.map((series) => `${series.SeriesInstanceUID} ${series.NumberOfSeriesRelatedInstances}`).join(',')
  useEffect(() => {
    const ended = new AbortController()
    Promise.all(states.map((series) => presentationsIn(session, series, ended.signal))).then(
      (each) => setFound(each.flat()),
      (error: unknown) => ended.signal.aborted || setTold(explain(error).what),
    )
    return () => ended.abort()
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `which` says when the series are others
  }, [session, which])
  if (states.length === 0 && reports.length === 0) return null
  const choose = (presentation: Presentation) => {
    setTold('')
    void present(session, presentation).then((here) => here || setTold('The images of this presentation are not in this study.'))
  }
  return (
    <section>
      <h3>In this study</h3>
      <ul>
        {found.map((presentation) => (
          <li key={presentation.sopInstanceUID}>
            <button type="button" className="annotations-row" data-testid="presentation" onClick={() => choose(presentation)}>
              <strong>{presentation.title}</strong>
              <span>Presentation</span>
            </button>
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
      {told && <p role="alert">{told}</p>}
    </section>
  )
}
