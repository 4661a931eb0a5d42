import { useCallback, useState } from 'react'
import { PURPOSES, endEmergency, listEmergencies, readEmergency, reviewEmergency } from '../../api/emergency'
import { refreshSession } from '../../api/session'
import type { Emergency } from '../../api/types'
import { formatInstant } from '../../lib/dates'
import { explain } from '../../lib/http'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, TextField } from '../../ui/controls'
import { Empty, ErrorNotice, type Explanation } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { type Column, ManagedList } from '../../ui/ManagedList'

function State({ access }: { access: Emergency }) {
  if (!access.ended_at) return <Badge tone="danger">open</Badge>
  return access.reviewed_at ? <Badge tone="ok">reviewed</Badge> : <Badge tone="warn">to be reviewed</Badge>
}

const COLUMNS: readonly Column<Emergency>[] = [
  { title: 'When', cell: (access) => formatInstant(access.at) },
  { title: 'Who', cell: (access) => <strong>{access.account}</strong> },
  { title: 'Patient ID', cell: (access) => <span className="id">{access.patient_id}</span> },
  { title: 'Purpose', className: 'secondary', cell: (access) => PURPOSES[access.purpose]?.split(':')[0] ?? access.purpose },
  { title: 'Reason', cell: (access) => access.reason },
  { title: 'State', cell: (access) => <State access={access} /> },
]

const DONE: Record<string, string> = { 'study.read': 'Opened', 'images.seen': 'Looked at images', 'annotation.saved': 'Drew on images' }

/** What was looked at, and the word of who reviews it. */
function ReviewDialog({ access, self, onClose }: { access: Emergency; self: string; onClose: () => void }) {
  const [note, setNote] = useState('')
  const looked = useLoaded(useCallback((signal: AbortSignal) => readEmergency(access.id, signal), [access.id]))
  const action = useAction()
  const own = access.account === self
  const run = async () => {
    await reviewEmergency(access.id, note)
    onClose()
  }
  return (
    <FormDialog title="Emergency access" submit="Reviewed" cancel="Close" wide ready={!own && !access.reviewed_at} action={action} run={run} onClose={onClose}>
      <p>
        <strong>{access.account}</strong> opened patient <span className="id">{access.patient_id}</span>: {formatInstant(access.at)}
        {access.address && ` from ${access.address}`}
        {access.ended_at && `, until ${formatInstant(access.ended_at)}`}.
      </p>
      <p>
        {PURPOSES[access.purpose]}: “{access.reason}”
      </p>
      {looked.failure && <ErrorNotice error={looked.failure} />}
      {looked.value?.length === 0 && <p className="muted">Nothing of the patient was opened.</p>}
      {looked.value !== null && looked.value.length > 0 && (
        <table className="table" aria-label="What was looked at">
          <tbody>
            {looked.value.map((each) => (
              <tr key={`${each.at} ${each.kind} ${each.study_instance_uid}`}>
                <td>{formatInstant(each.at)}</td>
                <td>{DONE[each.kind] ?? each.kind}</td>
                <td>{each.study_description || each.study_instance_uid}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {access.reviewed_at ? (
        <p className="muted">
          Reviewed by {access.reviewed_by}, {formatInstant(access.reviewed_at)}
          {access.note && `: ${access.note}`}
        </p>
      ) : own ? (
        <p className="muted">Nobody reviews their own access: another administrator does.</p>
      ) : (
        <TextField label="Note" hint="What came of it; may be left empty." value={note} onChange={(event) => setNote(event.target.value)} />
      )}
    </FormDialog>
  )
}

/** Who has opened studies in an emergency, whose and why, each until somebody has reviewed it. */
export function Emergencies({ self }: { self: string }) {
  const loaded = useLoaded(listEmergencies)
  const [shown, setShown] = useState<Emergency | null>(null)
  const [failure, setFailure] = useState<Explanation | null>(null)
  const end = async (access: Emergency) => {
    setFailure(null)
    try {
      await endEmergency(access.id)
    } catch (error) {
      setFailure(explain(error))
    }
    loaded.reload()
  }
  return (
    <ManagedList
      lead="Who has opened the studies of a patient in an emergency, for whom and why. Each waits here until somebody else has looked into it."
      loaded={loaded}
      columns={COLUMNS}
      keyOf={(access) => access.id}
      actions={(access) => (
        <>
          {!access.ended_at && (
            <Button small look="danger" aria-label={`Close the access of ${access.account}`} onClick={() => void end(access)}>
              Close
            </Button>
          )}
          <Button small aria-label={`Review the access of ${access.account}`} onClick={() => setShown(access)}>
            {access.reviewed_at ? 'Show' : 'Review'}
          </Button>
        </>
      )}
      add=""
      onAdd={() => undefined}
      failure={failure}
      empty={
        <Empty icon="lock" title="No emergency access yet">
          Who may not see a patient opens their studies under Emergency access, in the menu of the account.
        </Empty>
      }
    >
      {shown && (
        <ReviewDialog
          access={shown}
          self={self}
          onClose={() => {
            setShown(null)
            loaded.reload()
            void refreshSession()
          }}
        />
      )}
    </ManagedList>
  )
}
