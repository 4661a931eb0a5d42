import { useState } from 'react'
import type { Rule, Tried } from '../../api/routing'
import { tryRule } from '../../api/routing'
import { formatDate } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { formatCount, plural } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { Badge, Button, Modalities } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'

const LAST = [10, 50, 200, 500]

function Outcome({ tried, matching }: { tried: Tried; matching: boolean }) {
  const rows = matching ? tried.studies.filter(({ matched }) => matched > 0) : tried.studies
  return (
    <div className="panel panel-scroll attempt-rows" role="region" aria-label="What it would have sent" tabIndex={0}>
      <table className="plain-table dense-table">
        <thead>
          <tr>
            <th>Patient</th>
            <th>Date</th>
            <th>Modality</th>
            <th>Description</th>
            <th>Would have been sent</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((study) => (
            <tr key={study.StudyInstanceUID} className={study.matched > 0 ? undefined : 'is-off'}>
              <td className="truncate">{formatName(study.PatientName) || 'No name'}</td>
              <td className="nowrap">{formatDate(study.StudyDate)}</td>
              <td>
                <Modalities codes={study.ModalitiesInStudy} />
              </td>
              <td className="truncate">{study.StudyDescription}</td>
              <td className="nowrap">
                {study.matched === 0 ? (
                  'nothing'
                ) : (
                  <Badge tone="ok">
                    {study.matched === study.instances ? plural(study.matched, 'image') : `${formatCount(study.matched)} of ${plural(study.instances, 'image')}`}
                  </Badge>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What a rule would have done with the studies that came last; nothing is sent. */
export function Attempt({ rule, possible }: { rule: Rule; possible: boolean }) {
  const [last, setLast] = useState(50)
  const [matching, setMatching] = useState(true)
  const [outcome, setOutcome] = useState<{ tried: Tried; of: string } | null>(null)
  const action = useAction()
  const of = JSON.stringify({ ...rule, name: '', enabled: false })
  const tried = outcome?.of === of ? outcome.tried : null
  const attempt = () => action.run(async () => setOutcome({ tried: await tryRule({ ...rule, name: rule.name || 'trial' }, last), of }))
  return (
    <section className="attempt" aria-label="Trial">
      <div className="attempt-line">
        <span>Try it on the last</span>
        <select className="input" aria-label="How many studies" value={last} onChange={(event) => setLast(Number(event.target.value))}>
          {LAST.map((count) => (
            <option key={count}>{count}</option>
          ))}
        </select>
        <span>studies</span>
        <Button small icon="play" disabled={action.busy || !possible} title={possible ? undefined : 'Choose where to send first'} onClick={attempt}>
          Try
        </Button>
        {tried && (
          <label className="check attempt-all">
            <input type="checkbox" checked={!matching} onChange={(event) => setMatching(!event.target.checked)} />
            <span>also what it leaves</span>
          </label>
        )}
      </div>
      {action.failure && <ErrorNotice error={action.failure} />}
      {tried && (
        <>
          <p role="status">
            <strong>{plural(tried.studies_matched, 'study', 'studies')}</strong> of {formatCount(tried.studies.length)} would have been sent to {rule.destinations.join(', ')}, {plural(tried.instances_matched, 'image')} in all.
          </p>
          {(tried.studies_matched > 0 || !matching) && <Outcome tried={tried} matching={matching} />}
        </>
      )}
    </section>
  )
}
