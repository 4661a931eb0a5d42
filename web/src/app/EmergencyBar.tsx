import { useEffect, useState } from 'react'
import { endEmergency } from '../api/emergency'
import { changes } from '../api/events'
import { refreshSession } from '../api/session'
import type { Emergency } from '../api/types'
import { explain } from '../lib/http'
import { formatClock } from '../lib/numbers'
import { Link, navigate } from '../lib/router'
import { Button } from '../ui/controls'
import { Icon } from '../ui/icons'
import './emergency.css'

function secondsLeft(each: Emergency): number {
  return Math.max(0, Math.round((Date.parse(each.until) - Date.now()) / 1000))
}

function Open({ access }: { access: Emergency }) {
  const [left, setLeft] = useState(() => secondsLeft(access))
  const [failure, setFailure] = useState('')
  useEffect(() => {
    const timer = window.setInterval(() => {
      const now = secondsLeft(access)
      setLeft(now)
      if (now === 0) {
        window.clearInterval(timer)
        void refreshSession()
      }
    }, 1_000)
    return () => window.clearInterval(timer)
  }, [access])
  const end = async () => {
    try {
      await endEmergency(access.id)
    } catch (error) {
      setFailure(explain(error).what)
    }
    navigate('/')
    await refreshSession()
  }
  return (
    <div className="emergency-bar" role="status">
      <Icon name="alert" />
      <span className="truncate">
        <strong>Emergency access</strong> to patient <span className="id">{access.patient_id}</span> · <span className="emergency-left">{formatClock(left)}</span> left
        {failure && ` · ${failure}`}
      </span>
      <Button small onClick={() => void end()}>
        End now
      </Button>
    </div>
  )
}

/** What is open to this session in an emergency, and for who reviews that somebody has opened something. */
export function EmergencyBars({ open, toReview, quiet }: { open: readonly Emergency[]; toReview: number; quiet: boolean }) {
  useEffect(() => changes.listen((change) => void (change.kind.startsWith('emergency.') && refreshSession())), [])
  return (
    <>
      {open.map((access) => (
        <Open key={access.id} access={access} />
      ))}
      {toReview > 0 && !quiet && (
        <div className="emergency-bar emergency-review" role="status">
          <Icon name="alert" />
          <span className="truncate">{toReview === 1 ? 'One emergency access waits' : `${toReview} emergency accesses wait`} for a review.</span>
          <Link to="/admin/emergency">Review</Link>
        </div>
      )}
    </>
  )
}
