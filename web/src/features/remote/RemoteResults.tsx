import type { RemoteFound, RemoteStudy, Retrieval } from '../../api/remote'
import { isUnderWay, progressOf } from '../../api/remote'
import { ageAt, formatDateTime, formatSex } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { formatCount, plural } from '../../lib/numbers'
import { Link } from '../../lib/router'
import { Badge, Button, Modalities, Progress } from '../../ui/controls'

interface ResultsProps {
  found: RemoteFound
  /** The newest retrieval of each study, by its UID. */
  retrievals: ReadonlyMap<string, Retrieval>
  busy: boolean
  canRetrieve: boolean
  onRetrieve: (study: RemoteStudy) => void
}

function viewerPath(study: RemoteStudy): string {
  return `/viewer/${encodeURIComponent(study.StudyInstanceUID)}`
}

/** Whether what is here is as much as the archive has. */
function isWhole(study: RemoteStudy, here: number): boolean {
  return study.NumberOfStudyRelatedInstances === null || here >= study.NumberOfStudyRelatedInstances
}

function Fetching({ retrieval }: { retrieval: Retrieval }) {
  const total = retrieval.completed + retrieval.warning + retrieval.failed + retrieval.remaining
  return (
    <span className="fetching">
      <Progress value={progressOf(retrieval)} label="Retrieving" />
      <span className="faint">{retrieval.state === 'waiting' ? 'waiting' : total > 0 ? `${formatCount(retrieval.completed + retrieval.warning)} of ${formatCount(total)}` : 'asking'}</span>
    </span>
  )
}

function Here({ study, retrieval }: { study: RemoteStudy; retrieval: Retrieval | undefined }) {
  if (retrieval && isUnderWay(retrieval)) return <Fetching retrieval={retrieval} />
  const here = retrieval?.state === 'done' ? Math.max(study.here ?? 0, retrieval.completed + retrieval.warning) : study.here
  if (here !== null) return isWhole(study, here) ? <Badge tone="ok">here</Badge> : <Badge tone="warn">{formatCount(here)} here</Badge>
  if (retrieval?.state === 'failed') {
    return (
      <Badge tone="danger" title={retrieval.reason}>
        failed
      </Badge>
    )
  }
  return <span className="faint">–</span>
}

function Action({ study, retrieval, busy, onRetrieve }: { study: RemoteStudy; retrieval: Retrieval | undefined; busy: boolean; onRetrieve: (study: RemoteStudy) => void }) {
  if (retrieval && isUnderWay(retrieval)) return null
  const here = retrieval?.state === 'done' ? retrieval.completed + retrieval.warning : study.here
  if (here !== null && isWhole(study, here)) {
    return (
      <Link to={viewerPath(study)} className="button button-small">
        Open
      </Link>
    )
  }
  return (
    <Button small icon="download" disabled={busy} onClick={() => onRetrieve(study)}>
      {here !== null ? 'Retrieve rest' : retrieval?.state === 'failed' ? 'Try again' : 'Retrieve'}
    </Button>
  )
}

export function RemoteResults({ found, retrievals, busy, canRetrieve, onRetrieve }: ResultsProps) {
  return (
    <div className="remote-table">
      <table className="plain-table dense-table">
        <thead>
          <tr>
            <th>Patient</th>
            <th className="secondary">ID</th>
            <th className="secondary remote-wide">Age, sex</th>
            <th>Study date</th>
            <th>Modality</th>
            <th className="secondary">Description</th>
            <th className="secondary remote-wide">Accession</th>
            <th className="num secondary">Images</th>
            <th>Here</th>
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {found.studies.map((study) => {
            const retrieval = retrievals.get(study.StudyInstanceUID) ?? study.retrieval
            return (
              <tr key={study.StudyInstanceUID}>
                <td className="strong truncate">{formatName(study.PatientName) || <span className="faint">No name</span>}</td>
                <td className="muted truncate secondary">{study.PatientID}</td>
                <td className="muted secondary nowrap remote-wide">{[ageAt(study.PatientBirthDate, study.StudyDate), formatSex(study.PatientSex)].filter(Boolean).join(' · ')}</td>
                <td className="nowrap">{formatDateTime(study.StudyDate, study.StudyTime)}</td>
                <td>
                  <Modalities codes={study.ModalitiesInStudy} />
                </td>
                <td className="truncate secondary">{study.StudyDescription || <span className="faint">No description</span>}</td>
                <td className="muted secondary truncate remote-wide">{study.AccessionNumber}</td>
                <td className="num muted secondary">{study.NumberOfStudyRelatedInstances === null ? '' : formatCount(study.NumberOfStudyRelatedInstances)}</td>
                <td>
                  <Here study={study} retrieval={retrieval} />
                </td>
                <td className="actions">{canRetrieve && <Action study={study} retrieval={retrieval} busy={busy} onRetrieve={onRetrieve} />}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      <p className="remote-foot faint" role="status">
        {plural(found.studies.length, 'study', 'studies')}
        {found.limited && ' shown; the archive has more that match. Type more to see them.'}
      </p>
    </div>
  )
}
