// In the rail: how much of a series was really on the screen, and the way to what was not.
import { useValue } from '../../../../lib/observable'
import type { ViewerSession } from '../../session/session'
import './seen.css'

export function SeenBar({ session, series }: { session: ViewerSession; series: string }) {
  const covered = useValue(session.seen.state).get(series)
  if (!covered || covered.seen === 0) return null
  const { seen, frames } = covered
  const words = seen === frames ? 'All seen' : `${seen} of ${frames} seen`
  return (
    <span className={seen === frames ? 'seen seen-all' : 'seen'} data-testid="seen" data-seen={seen}>
      <span className="seen-bar" aria-hidden="true">
        <span style={{ width: `${(100 * seen) / frames}%` }} />
      </span>
      {words}
    </span>
  )
}

/** What was begun and not finished, with the way to the first image that was not seen. */
export function NotSeen({ session }: { session: ViewerSession }) {
  const covered = useValue(session.seen.state)
  const begun = [...covered].filter(([, { seen, frames }]) => seen > 0 && seen < frames)
  if (begun.length === 0) return null
  return (
    <ul className="not-seen" aria-label="Not seen yet">
      {begun.map(([uid, { seen, frames }]) => {
        const series = session.seriesOf(uid)
        const missing = frames - seen
        return series ? (
          <li key={uid}>
            <button type="button" data-testid="not-seen" data-tip="Show the first of them" onClick={() => void session.seen.showUnseen(uid)}>
              {`${missing} image${missing === 1 ? '' : 's'} of series ${series.SeriesNumber ?? '–'} not seen`}
            </button>
          </li>
        ) : null
      })}
    </ul>
  )
}
