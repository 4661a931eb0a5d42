// In the rail: how much of a series was really on the screen, and the way to what was not.
import { useState } from 'react'
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

/** What was begun and not finished: the way to the first image that was not seen, and the words for the report. */
export function NotSeen({ session }: { session: ViewerSession }) {
  useValue(session.seen.state)
  const [copied, setCopied] = useState(false)
  const begun = session.seen.unfinished()
  if (begun.length === 0) return null
  const copy = () => {
    const words = begun.map((each) => `${each.words}.`).join('\n')
    void navigator.clipboard.writeText(words).then(() => setCopied(true), () => setCopied(false))
  }
  return (
    <section className="not-seen" aria-label="Not seen yet">
      <ul>
        {begun.map(({ series, words }) => (
          <li key={series}>
            <button type="button" data-testid="not-seen" data-tip="Show the first of them" onClick={() => void session.seen.showUnseen(series)}>
              {words}
            </button>
          </li>
        ))}
      </ul>
      {window.isSecureContext && (
        <button type="button" className="not-seen-copy" onBlur={() => setCopied(false)} onClick={copy}>
          {copied ? 'Copied' : 'Copy for the report'}
        </button>
      )}
    </section>
  )
}
