import { useState } from 'react'
import type { Elsewhere as Found, RemoteStudy } from '../../api/remote'
import { isUnderWay, listElsewhere, progressOf, retrieve, useRetrievals } from '../../api/remote'
import { formatDate } from '../../lib/dates'
import { useAction } from '../../lib/useAction'
import { Badge, Button, Modalities, Progress } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'

function Row({ study, onFetch }: { study: RemoteStudy; onFetch: () => void }) {
  const { rows } = useRetrievals(study.StudyInstanceUID)
  const newest = rows?.[0]
  return (
    <li className="prior-row elsewhere-row">
      <span className="nowrap">{formatDate(study.StudyDate) || <span className="faint">No date</span>}</span>
      <span className="truncate muted" title={`${study.StudyDescription} · ${study.aet}`}>
        {study.StudyDescription || <span className="faint">No description</span>}
      </span>
      <Modalities codes={study.ModalitiesInStudy} />
      {newest && isUnderWay(newest) ? (
        <Progress value={progressOf(newest)} label={`Retrieving from ${study.aet}`} />
      ) : newest?.state === 'done' ? (
        <Badge tone="ok">here</Badge>
      ) : (
        <Button small title={newest?.reason} onClick={onFetch}>
          Retrieve
        </Button>
      )}
    </li>
  )
}

/** The patient's studies that are in other archives and not here: looked for when somebody asks, since others are asked. */
export function Elsewhere({ study, canRetrieve }: { study: string; canRetrieve: boolean }) {
  const [found, setFound] = useState<Found | null>(null)
  const action = useAction()
  const look = () => action.run(async () => setFound(await listElsewhere(study)))
  const fetch = ({ aet, StudyInstanceUID }: RemoteStudy) =>
    action.run(async () => {
      await retrieve(aet, StudyInstanceUID)
    })
  return (
    <section>
      <h3 className="inspector-heading">
        In other archives <span className="faint">{found ? found.studies.length || 'none' : ''}</span>
      </h3>
      {action.failure && <ErrorNotice error={action.failure} />}
      {found === null ? (
        <Button small icon="search" className="elsewhere-look" disabled={action.busy} onClick={look}>
          {action.busy ? 'Asking…' : 'Look in other archives'}
        </Button>
      ) : (
        <>
          <ul className="inspector-list">
            {found.studies.map((one) => (canRetrieve ? <Row key={one.StudyInstanceUID} study={one} onFetch={() => fetch(one)} /> : null))}
          </ul>
          {found.silent.map(({ aet, reason }) => (
            <p key={aet} className="elsewhere-silent">
              {reason}
            </p>
          ))}
        </>
      )}
    </section>
  )
}
