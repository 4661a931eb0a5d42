import type { ReactNode } from 'react'
import { useCallback, useEffect, useState } from 'react'
import { changes } from '../../api/events'
import type { ExceptionKind, ExceptionRow, Proposal, Whom } from '../../api/exceptions'
import { dismissException, exceptionFile, listExceptions, readWhom, resolveException } from '../../api/exceptions'
import { formatDate, formatInstant } from '../../lib/dates'
import { explain, isAbort, sentence } from '../../lib/http'
import { formatName } from '../../lib/names'
import { formatBytes, formatCount, plural } from '../../lib/numbers'
import { Link } from '../../lib/router'
import { useAction } from '../../lib/useAction'
import { Badge, Button, Skeleton, type Tone } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import './exceptions.css'

const KINDS: Record<ExceptionKind, { title: string; tone: Tone; meaning: string }> = {
  quarantined: { title: 'Quarantined', tone: 'warn', meaning: 'Kept aside as it came. It is in no study; its file can be downloaded, mended and sent again.' },
  version: { title: 'New version', tone: 'info', meaning: 'The same identity with other content. The first one is shown; both are kept.' },
  patient_conflict: { title: 'Patient differs', tone: 'warn', meaning: 'The same patient ID with another name or birth date. Joined as one patient; check at the modality.' },
  unmatched: { title: 'No patient ID', tone: 'warn', meaning: 'It can be read, and stands for a patient of its own until somebody says whose it is.' },
  commitment: { title: 'Not confirmed', tone: 'danger', meaning: 'Another archive has not confirmed that it keeps what was sent to it. Do not delete the copy here; send it again or ask there.' },
  notification: { title: 'Not told', tone: 'warn', meaning: 'A system that wants to be told which images are here, or of its work items, could not be told for a week. Nothing of them is lost; tell it in another way.' },
  refused: { title: 'Refused', tone: 'danger', meaning: 'Not taken, and the sender was told why. Nothing of it was kept.' },
}

const SOURCES: Record<string, string> = { dimse: 'DICOM', stow: 'DICOMweb', import: 'Import', upload: 'Upload' }

/** Kinds of the change log that alter this list. */
const CONCERNS_LIST = /^(instance\.(quarantined|refused|version)|patient\.conflict|commitment\.|exception\.|reset)/

interface Listed {
  rows: ExceptionRow[] | null
  next: number | null
  error: unknown
}

function useExceptions(kind: ExceptionKind | '') {
  const [listed, setListed] = useState<Listed>({ rows: null, next: null, error: null })
  const [round, setRound] = useState(0)

  useEffect(() => {
    const flight = new AbortController()
    listExceptions(kind, null, { signal: flight.signal, background: round > 0 }).then(
      (page) => setListed({ rows: page.exceptions, next: page.next, error: null }),
      (error: unknown) => {
        if (!isAbort(error)) setListed((now) => ({ ...now, error }))
      },
    )
    return () => flight.abort()
  }, [kind, round])

  useEffect(() => {
    let timer = 0
    const stop = changes.listen((change) => {
      if (!CONCERNS_LIST.test(change.kind)) return
      window.clearTimeout(timer)
      timer = window.setTimeout(() => setRound((now) => now + 1), 500)
    })
    return () => {
      window.clearTimeout(timer)
      stop()
    }
  }, [])

  const more = useCallback(async () => {
    const page = await listExceptions(kind, listed.next)
    setListed((now) => ({ rows: [...(now.rows ?? []), ...page.exceptions], next: page.next, error: null }))
  }, [kind, listed.next])

  const remove = (id: number) => setListed((now) => ({ ...now, rows: now.rows?.filter((row) => row.id !== id) ?? null }))
  const fail = (error: unknown) => setListed((now) => ({ ...now, error }))
  return { ...listed, more, remove, fail, reload: () => setRound((now) => now + 1) }
}

function Origin({ row }: { row: ExceptionRow }) {
  const who = row.source_aet || row.actor
  return (
    <>
      {SOURCES[row.source] ?? row.source}
      {who && <span className="muted"> · {who}</span>}
      {row.address && <span className="faint"> · {row.address}</span>}
    </>
  )
}

const ACTIONS: Record<Proposal['action'], string> = { file: 'File it there', again: 'Try again', serve: 'Serve this one', correct: 'Give it to them', tell: 'Tell them now', settle: 'Dismiss' }

/** What is proposed, and on demand whom it means: that is a look at a patient, which is noted. */
function Proposed({ row, proposal, canSee }: { row: ExceptionRow; proposal: Proposal; canSee: boolean }) {
  const [whom, setWhom] = useState<Whom | null>(null)
  const action = useAction()
  return (
    <p className="case-proposal">
      {proposal.sentence} {whom && <strong>{[formatName(whom.PatientName), whom.PatientID, formatDate(whom.PatientBirthDate)].filter(Boolean).join(' · ')}</strong>}
      {proposal.patient && canSee && !whom && (
        <Button small look="quiet" disabled={action.busy} onClick={() => action.run(async () => setWhom(await readWhom(row.id)))}>
          Who is that?
        </Button>
      )}
      {action.failure && <span className="faint">{action.failure.what}</span>}
    </p>
  )
}

interface CaseProps {
  row: ExceptionRow
  canDismiss: boolean
  onDismiss: () => void
  onResolve: (action: Proposal['action']) => void
}

function Case({ row, canDismiss, onDismiss, onResolve }: CaseProps) {
  const kind = KINDS[row.kind]
  const held = row.kind === 'version' || row.kind === 'patient_conflict' || row.kind === 'unmatched' || row.kind === 'commitment'
  return (
    <li className="case">
      <div className="case-kind">
        <Badge tone={kind.tone}>{kind.title}</Badge>
        {row.occurrences > 1 && <span className="faint">{formatCount(row.occurrences)} times</span>}
      </div>
      <div className="case-body">
        <p className="case-reason">
          {sentence(row.reason)}
          {row.where && !row.reason.includes(row.where) && <span className="case-where">{row.where}</span>}
        </p>
        <p className="muted">{kind.meaning}</p>
        {row.dismissed_at === null && <Proposed row={row} proposal={row.proposal} canSee={canDismiss} />}
        <p className="case-facts faint">
          <span>
            <Origin row={row} />
          </span>
          <span title={`First: ${formatInstant(row.first_at)}`}>{formatInstant(row.last_at)}</span>
          {row.size > 0 && <span>{formatBytes(row.size)}</span>}
          {row.SOPInstanceUID && (
            <span className="mono truncate" title="SOP Instance UID">
              {row.SOPInstanceUID}
            </span>
          )}
        </p>
      </div>
      <div className="case-actions">
        {canDismiss && (
          <Button small look="primary" title={row.proposal.sentence} onClick={() => onResolve(row.proposal.action)}>
            {ACTIONS[row.proposal.action]}
          </Button>
        )}
        {held && row.StudyInstanceUID && (
          <Link to={`/viewer/${encodeURIComponent(row.StudyInstanceUID)}`} className="button button-small">
            Open study
          </Link>
        )}
        {row.kept && (
          <a href={exceptionFile(row.id)} download className="button button-small">
            Download file
          </a>
        )}
        {canDismiss && row.proposal.action !== 'settle' && (
          <Button small onClick={onDismiss}>
            Dismiss
          </Button>
        )}
      </div>
    </li>
  )
}

/** received: what came over upload links, shown above the list. */
export function ExceptionsPage({ canDismiss, canSeeRejected, received }: { canDismiss: boolean; canSeeRejected: boolean; received: ReactNode }) {
  const [kind, setKind] = useState<ExceptionKind | ''>('')
  const list = useExceptions(kind)
  const dismiss = (row: ExceptionRow) => {
    dismissException(row.id).then(
      () => list.remove(row.id),
      (error: unknown) => list.fail(error),
    )
  }
  const resolve = (row: ExceptionRow, action: Proposal['action']) => {
    resolveException(row.id, action).then(
      () => list.remove(row.id),
      (error: unknown) => list.fail(error),
    )
  }
  return (
    <div className="page">
      <div className="page-inner">
        <div className="page-head">
          <h1>Exceptions</h1>
          <div className="case-filters" role="group" aria-label="Kind">
            <button type="button" className="chip" aria-pressed={kind === ''} onClick={() => setKind('')}>
              All
            </button>
            {(Object.keys(KINDS) as ExceptionKind[]).map((key) => (
              <button key={key} type="button" className="chip" aria-pressed={kind === key} onClick={() => setKind(key)}>
                {KINDS[key].title}
              </button>
            ))}
          </div>
        </div>
        <p className="page-lead">
          What came in and needs a person's eye. Dismissing takes it off this list and deletes nothing; it comes back when it happens again.{' '}
          {canSeeRejected && <Link to="/admin/rejected">Rejected images</Link>}
        </p>
        {received}
        {list.error !== null && (
          <ErrorNotice
            error={explain(list.error)}
            action={
              <Button small icon="retry" onClick={list.reload}>
                Try again
              </Button>
            }
          />
        )}
        {list.rows === null && list.error === null && (
          <div className="panel case-skeleton" aria-hidden="true">
            <Skeleton width="70%" />
            <Skeleton width="45%" />
            <Skeleton width="60%" />
          </div>
        )}
        {list.rows?.length === 0 && (
          <div className="panel">
            <Empty icon="check" title={kind ? `Nothing ${KINDS[kind].title.toLowerCase()}` : 'No exceptions'}>
              Everything that came in found its place. What is quarantined, refused or contradictory would be listed here with its reason.
            </Empty>
          </div>
        )}
        {list.rows !== null && list.rows.length > 0 && (
          <>
            <ul className="panel cases" aria-label={plural(list.rows.length, 'exception')}>
              {list.rows.map((row) => (
                <Case key={row.id} row={row} canDismiss={canDismiss} onDismiss={() => dismiss(row)} onResolve={(action) => resolve(row, action)} />
              ))}
            </ul>
            {list.next !== null && (
              <div className="case-more">
                <Button onClick={() => void list.more().catch(list.fail)}>Show more</Button>
              </div>
            )}
          </>
        )}
      </div>
    </div>
  )
}
