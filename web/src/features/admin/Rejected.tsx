import { useCallback, useState } from 'react'
import type { Rejection, RejectionKind } from '../../api/rejections'
import { deleteRejected, keepRejected, listRejections, readRejection, rejectedPicture, restoreRejection } from '../../api/rejections'
import { may } from '../../api/session'
import type { User } from '../../api/types'
import { formatDate, formatInstant } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { formatCount, plural } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, Skeleton, TextField } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Dialog } from '../../ui/overlay'

const KINDS: Record<RejectionKind, string> = { quality: 'Quality', safety: 'Patient safety', worklist: 'Wrong worklist entry', retention: 'Retention expired' }
const STATES = { standing: 'Hidden', marked: 'To be deleted', all: 'All' } as const
const SHOWN = 60

function Outcome({ row }: { row: Rejection }) {
  if (row.undone_at) return <Badge>restored by {row.undone_by}</Badge>
  if (row.freed_at) return <Badge>deleted {formatInstant(row.freed_at)}</Badge>
  return (
    <>
      {row.held && <Badge tone="info" title="A legal hold forbids to delete it">held</Badge>}{' '}
      {row.delete_at ? (
        <Badge tone="danger" title={`${row.deleted_by}: ${row.delete_reason}`}>
          deleted {formatInstant(row.delete_at)}
        </Badge>
      ) : (
        <Badge tone="warn">hidden</Badge>
      )}
    </>
  )
}

const COLUMNS: readonly Column<Rejection>[] = [
  { title: 'When', className: 'muted', cell: (row) => formatInstant(row.at) },
  {
    title: 'Why',
    cell: (row) => (
      <>
        <strong>{KINDS[row.kind]}</strong>
        <div className="faint truncate">{row.reason || 'no words'}</div>
      </>
    ),
  },
  { title: 'Objects', className: 'num', cell: (row) => formatCount(row.objects) },
  { title: 'By', className: 'secondary', cell: (row) => `${row.actor}${row.source === 'received' ? ' (received)' : ''}` },
  { title: 'State', cell: (row) => <Outcome row={row} /> },
]

/** What a rejection note names, in pictures, and whose it is. */
function Content({ id, onClose }: { id: number; onClose: () => void }) {
  const { value, failure } = useLoaded(useCallback((signal: AbortSignal) => readRejection(id, { signal }), [id]))
  const kept = value?.objects.filter((each) => each.state === 'hidden') ?? []
  return (
    <Dialog wide title={value ? formatName(value.study.PatientName) || 'No name' : 'Rejected objects'} onClose={onClose}>
      {failure && <ErrorNotice error={failure} />}
      {value === null && failure === null && <Skeleton width="80%" />}
      {value && (
        <>
          <p className="muted">{[value.study.PatientID, formatDate(value.study.StudyDate), value.study.StudyDescription, value.study.AccessionNumber].filter(Boolean).join(' · ')}</p>
          <div className="rejected-pictures" role="region" aria-label="Rejected objects" tabIndex={0}>
            {kept.slice(0, SHOWN).map((each) => (
              <img key={each.sop_instance_uid} src={rejectedPicture(each)} alt={`Rejected object ${each.sop_instance_uid}`} loading="lazy" width={120} height={120} />
            ))}
          </div>
          {kept.length === 0 && <p>None of its objects is kept here any more, or none ever was.</p>}
          {kept.length > SHOWN && <p className="faint">and {plural(kept.length - SHOWN, 'more object', 'more objects')}</p>}
          <p className="mono faint">{value.rejection.study_instance_uid}</p>
        </>
      )}
    </Dialog>
  )
}

function DeleteDialog({ row, onClose, onDone }: { row: Rejection; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState('')
  const action = useAction()
  const run = async () => {
    await deleteRejected(row.id, reason)
    onDone()
  }
  return (
    <FormDialog title={`Delete ${plural(row.hidden, 'object')} for good?`} submit="Delete for good" danger cancel="Leave them" ready={reason.trim() !== ''} action={action} run={run} onClose={onClose}>
      <p>After a time of grace the files are removed from this archive. Until then it can be taken back; afterwards only a backup has them. The change log keeps what was deleted, by whom and why.</p>
      <TextField label="Reason" value={reason} onChange={(event) => setReason(event.target.value)} />
    </FormDialog>
  )
}

type Open = { kind: 'content' | 'delete'; row: Rejection } | null

/** What rejection notes hide, and what of it is to be deleted. */
export function Rejected({ user }: { user: User }) {
  const [state, setState] = useState<keyof typeof STATES>('standing')
  const loaded = useLoaded(useCallback((signal: AbortSignal) => listRejections(state, { signal }), [state]))
  const [open, setOpen] = useState<Open>(null)
  const action = useAction()
  const { reload } = loaded
  const done = () => {
    setOpen(null)
    reload()
  }
  const change = (act: (id: number) => Promise<Rejection>, id: number) =>
    action.run(async () => {
      await act(id)
      reload()
    })
  const stands = (row: Rejection) => row.undone_at === null && row.freed_at === null
  const mayDelete = may(user, 'study:delete')
  return (
    <>
      <div role="group" aria-label="State" className="hl7-states">
        {(Object.keys(STATES) as (keyof typeof STATES)[]).map((key) => (
          <button key={key} type="button" className="chip" aria-pressed={state === key} onClick={() => setState(key)}>
            {STATES[key]}
          </button>
        ))}
      </div>
      <ManagedList
        lead="Rejected objects are hidden everywhere but here. Deleting them for good is a second step, which a legal hold forbids."
        loaded={{ value: loaded.value, failure: loaded.failure, reload }}
        columns={COLUMNS}
        keyOf={(row) => row.id}
        rowClass={(row) => (stands(row) ? undefined : 'muted')}
        actions={(row) => (
          <div className="row-actions">
            <Button small aria-label={`Show rejection ${row.id}`} onClick={() => setOpen({ kind: 'content', row })}>
              Show
            </Button>
            {stands(row) && row.freed === 0 && may(user, 'study:reject') && (
              <Button small aria-label={`Restore rejection ${row.id}`} disabled={action.busy} onClick={() => change(restoreRejection, row.id)}>
                Restore
              </Button>
            )}
            {stands(row) && mayDelete && row.delete_at === null && row.hidden > 0 && (
              <Button small look="danger" aria-label={`Delete rejection ${row.id}`} disabled={row.held} onClick={() => setOpen({ kind: 'delete', row })}>
                Delete
              </Button>
            )}
            {stands(row) && mayDelete && row.delete_at !== null && row.freed === 0 && (
              <Button small aria-label={`Keep rejection ${row.id}`} disabled={action.busy} onClick={() => change(keepRejected, row.id)}>
                Keep
              </Button>
            )}
          </div>
        )}
        add=""
        onAdd={done}
        failure={action.failure}
        empty={
          <Empty icon="check" title="Nothing here">
            What is rejected from the study list, or by a rejection note of another system, would be listed with its reason.
          </Empty>
        }
      >
        {open?.kind === 'content' && <Content id={open.row.id} onClose={() => setOpen(null)} />}
        {open?.kind === 'delete' && <DeleteDialog row={open.row} onClose={() => setOpen(null)} onDone={done} />}
      </ManagedList>
    </>
  )
}
