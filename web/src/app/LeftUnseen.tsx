import { useEffect } from 'react'
import { left } from '../api/seen'
import { useValue } from '../lib/observable'
import { Link } from '../lib/router'
import { IconButton } from '../ui/controls'

const MOST = 3

/** Says which series of the study that was just left were begun and not looked through, and leads back to where the reader stopped. */
export function LeftUnseen({ study }: { study: string | null }) {
  const series = useValue(left)
  const back = series.some((each) => each.study === study)
  useEffect(() => {
    if (back) left.set([])
  }, [back])
  useEffect(() => () => left.set([]), []) // the next person signs in without it
  if (series.length === 0 || back) return null
  return (
    <aside className="left-unseen" role="status" data-testid="left-unseen">
      <ul>
        {series.slice(0, MOST).map((each) => (
          <li key={each.series}>
            <span>{each.words}</span>
            <Link to={`/viewer/${encodeURIComponent(each.study)}?series=${encodeURIComponent(each.series)}&image=unseen`}>Show</Link>
          </li>
        ))}
        {series.length > MOST && <li className="faint">{`and ${series.length - MOST} more series`}</li>}
      </ul>
      <IconButton label="Close this hint" icon="close" onClick={() => left.set([])} />
    </aside>
  )
}
