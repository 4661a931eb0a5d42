import { useId, useState } from 'react'
import { type PatientList, linesOf, patientsOf, putPatientList, readPatientLists, removePatientList } from '../../api/patientLists'
import { formatInstant } from '../../lib/dates'
import { formatCount } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Button, TextField } from '../../ui/controls'
import { Empty } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { type Column, ManagedList } from '../../ui/ManagedList'

type Open = { kind: 'edit'; list: PatientList | null } | { kind: 'remove'; list: PatientList } | null

function EditDialog({ list, onClose, onDone }: { list: PatientList | null; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState(list?.name ?? '')
  const [about, setAbout] = useState(list?.about ?? '')
  const [lines, setLines] = useState(list ? linesOf(list.patients) : '')
  const action = useAction()
  const id = useId()
  const save = async () => {
    await putPatientList(name.trim(), patientsOf(lines), about.trim())
    onDone()
  }
  return (
    <FormDialog title={list ? `Patients of ${list.name}` : 'A new list of patients'} submit="Save" ready={name.trim() !== ''} action={action} run={save} onClose={onClose}>
      {!list && <TextField label="Name" hint="Accounts are limited to it by list=NAME." required maxLength={64} value={name} onChange={(event) => setName(event.target.value)} />}
      <TextField label="What it is for" maxLength={1000} value={about} onChange={(event) => setAbout(event.target.value)} />
      <div className="field">
        <label className="field-label" htmlFor={id}>
          Patients
        </label>
        <textarea id={id} className="input mono" rows={8} spellCheck={false} aria-describedby={`${id}-hint`} value={lines} onChange={(event) => setLines(event.target.value)} />
        <span id={`${id}-hint`} className="field-hint">
          One patient ID a line; where IDs have an issuer, ID@ISSUER.
        </span>
      </div>
    </FormDialog>
  )
}

function RemoveDialog({ list, onClose, onDone }: { list: PatientList; onClose: () => void; onDone: () => void }) {
  const action = useAction()
  const remove = async () => {
    await removePatientList(list.name)
    onDone()
  }
  return (
    <FormDialog title={`Remove ${list.name}?`} submit="Remove" danger cancel="Keep it" action={action} run={remove} onClose={onClose}>
      <p>Nothing happens to the patients and their studies. It cannot be removed while an account is limited to it.</p>
    </FormDialog>
  )
}

const COLUMNS: readonly Column<PatientList>[] = [
  {
    title: 'List',
    cell: (list) => (
      <>
        <strong>{list.name}</strong>
        {list.about && <div className="faint truncate">{list.about}</div>}
      </>
    ),
  },
  { title: 'Patients', className: 'num', cell: (list) => formatCount(list.patients.length) },
  { title: 'Changed', className: 'muted secondary', cell: (list) => `${formatInstant(list.changed_at)} by ${list.actor}` },
]

/** Lists of patients; an account limited to one sees their studies and no others. */
export function PatientLists() {
  const lists = useLoaded(readPatientLists)
  const [open, setOpen] = useState<Open>(null)
  const close = () => setOpen(null)
  const done = () => {
    close()
    lists.reload()
  }
  return (
    <ManagedList
      lead="Patients of a trial, a board, a study nurse. A user limited to a list (Users, Only studies of: list=NAME) sees the studies of its patients and no others."
      loaded={lists}
      columns={COLUMNS}
      keyOf={(list) => list.name}
      actions={(list) => (
        <>
          <Button small look="quiet" aria-label={`Edit ${list.name}`} onClick={() => setOpen({ kind: 'edit', list })}>
            Edit
          </Button>
          <Button small look="quiet" aria-label={`Remove ${list.name}`} onClick={() => setOpen({ kind: 'remove', list })}>
            Remove
          </Button>
        </>
      )}
      add="New list"
      onAdd={() => setOpen({ kind: 'edit', list: null })}
      failure={null}
      empty={
        <Empty icon="account" title="No lists">
          Nobody is limited to a list of patients.
        </Empty>
      }
    >
      {open?.kind === 'edit' && <EditDialog list={open.list} onClose={close} onDone={done} />}
      {open?.kind === 'remove' && <RemoveDialog list={open.list} onClose={close} onDone={done} />}
    </ManagedList>
  )
}
