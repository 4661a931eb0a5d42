import { useEffect, useState } from 'react'
import type { Retrieval } from '../../api/remote'
import { fetchMissing, isUnderWay, progressOf, useRetrievals } from '../../api/remote'
import { explain, isAbort } from '../../lib/http'
import { formatCount } from '../../lib/numbers'
import { Button, Progress, Spinner } from '../../ui/controls'
import './remote.css'

type Asked = { state: 'asking' } | { state: 'nowhere' } | { state: 'failed'; hint: string } | { state: 'fetching'; retrieval: Retrieval }

/** A study that is not here is looked for in the archives that are asked for that, and fetched from the one that has it. */
export function FetchMissing({ study, onArrived }: { study: string; onArrived: () => void }) {
  const [asked, setAsked] = useState<Asked>({ state: 'asking' })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const flight = new AbortController()
    fetchMissing(study, flight.signal).then(
      (retrieval) => setAsked(retrieval ? { state: 'fetching', retrieval } : { state: 'nowhere' }),
      (error: unknown) => {
        if (!isAbort(error)) setAsked({ state: 'failed', hint: explain(error).hint })
      },
    )
    return () => flight.abort()
  }, [study, round])
  if (asked.state === 'asking') {
    return (
      <p className="missing" role="status">
        <Spinner label="Looking in other archives" /> Looking in other archives
      </p>
    )
  }
  if (asked.state === 'nowhere') return <p>The other archives that are asked for what is not here do not have it either.</p>
  if (asked.state === 'failed') return <p>{asked.hint}</p>
  return (
    <Fetching
      began={asked.retrieval}
      onArrived={onArrived}
      onAgain={() => {
        setAsked({ state: 'asking' })
        setRound(round + 1)
      }}
    />
  )
}

function Fetching({ began, onArrived, onAgain }: { began: Retrieval; onArrived: () => void; onAgain: () => void }) {
  const { rows } = useRetrievals(began.StudyInstanceUID)
  const now = rows?.find((row) => row.id === began.id) ?? began
  const done = now.state === 'done'
  useEffect(() => {
    if (done) onArrived()
  }, [done, onArrived])
  const come = now.completed + now.warning
  const total = come + now.failed + now.remaining
  if (!isUnderWay(now) && !done) {
    return (
      <>
        <p>{now.reason}</p>
        <div className="missing">
          {come > 0 && <Button onClick={onArrived}>Open what has come</Button>}
          <Button icon="retry" onClick={onAgain}>
            Try again
          </Button>
        </div>
      </>
    )
  }
  return (
    <div className="missing missing-coming" role="status">
      <p>
        {now.aet} has it. {total > 0 ? `${formatCount(come)} of ${formatCount(total)} images are here.` : 'It is being retrieved.'}
      </p>
      <Progress value={progressOf(now)} label={`Retrieving from ${now.aet}`} />
      {now.reason && <p>{now.reason}</p>}
    </div>
  )
}
