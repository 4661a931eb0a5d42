import { useCallback, useEffect, useState } from 'react'
import { type AuditEntry, type AuditSearch, auditFile, searchAudit } from '../../api/audit'
import { formatInstant } from '../../lib/dates'
import { parseName } from '../../lib/names'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button } from '../../ui/controls'
import { Empty } from '../../ui/feedback'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Dialog } from '../../ui/overlay'
import './audit.css'

const TYPING_MS = 400
const NOTHING: AuditSearch = { patient: '', user: '', kind: '', from: '', to: '' }

/** What people ask for; patterns of the kinds of changes. */
const ACTIONS: readonly (readonly [string, string])[] = [
  ['Everything', ''],
  ['Seen', 'study.read'],
  ['Searched', 'study.searched,order.searched,remote.searched'],
  ['Sent and taken away', 'study.sent,study.exported,delivery.*'],
  ['Received', 'instance.*,study.created,retrieval.*'],
  ['Corrected', 'correction.*,patient.*'],
  ['Logged in', 'session.*,login.*'],
  ['Accounts and set-up', 'account.*,token.*,peer.*,destination.*,route.*,webhook.*,project.*'],
]

const FIELDS = [
  { key: 'patient', label: 'Patient ID', type: 'search' },
  { key: 'user', label: 'Account or AE title', type: 'search' },
  { key: 'from', label: 'From', type: 'date' },
  { key: 'to', label: 'To', type: 'date' },
] as const

function Whom({ entry }: { entry: AuditEntry }) {
  if (!entry.patient.PatientID) return <span className="mono truncate audit-subject">{entry.subject}</span>
  return (
    <>
      {parseName(entry.patient.PatientName).main}
      <div className="faint">{entry.patient.PatientID}</div>
    </>
  )
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'Time', className: 'muted', cell: (entry) => formatInstant(entry.at) },
  {
    title: 'Who',
    cell: (entry) => (
      <>
        <strong>{entry.actor}</strong>
        <div className="faint">{entry.address}</div>
      </>
    ),
  },
  {
    title: 'Did what',
    cell: (entry) => (
      <>
        {entry.kind} {entry.outcome > 0 && <Badge tone="warn">failed</Badge>}
        <div className="faint">{entry.event}</div>
      </>
    ),
  },
  { title: 'To whom', cell: (entry) => <Whom entry={entry} /> },
]

function Details({ entry, onClose }: { entry: AuditEntry; onClose: () => void }) {
  const facts = { ...entry.payload, subject: entry.subject, ...(entry.study ? { study: entry.study } : {}) }
  return (
    <Dialog title={`Row ${entry.seq}: ${entry.kind}`} onClose={onClose}>
      <p className="muted">
        {entry.event} by {entry.actor} on {formatInstant(entry.at)}
      </p>
      <dl className="facts audit-facts">
        {Object.entries(facts).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="mono">{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}

/** A text that is asked for when typing has paused. */
function Field({ field, search, onSearch }: { field: (typeof FIELDS)[number]; search: AuditSearch; onSearch: (search: AuditSearch) => void }) {
  const said = search[field.key]
  const [text, setText] = useState(said)
  useEffect(() => {
    if (text === said) return
    const timer = setTimeout(() => onSearch({ ...search, [field.key]: text }), TYPING_MS)
    return () => clearTimeout(timer)
  }, [text, said, search, onSearch, field])
  return (
    <label className="audit-field">
      <span className="faint">{field.label}</span>
      <input className="input" type={field.type} value={text} onChange={(change) => setText(change.target.value)} />
    </label>
  )
}

function Filter({ search, onSearch }: { search: AuditSearch; onSearch: (search: AuditSearch) => void }) {
  return (
    <div className="audit-filter" role="search" aria-label="The audit">
      {FIELDS.map((field) => (
        <Field key={field.key} field={field} search={search} onSearch={onSearch} />
      ))}
      <label className="audit-field">
        <span className="faint">What</span>
        <select className="input" value={search.kind} onChange={(change) => onSearch({ ...search, kind: change.target.value })}>
          {ACTIONS.map(([title, kind]) => (
            <option key={title} value={kind}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <span className="audit-files">
        <a className="button button-small" href={auditFile('fhir', search)} download="audit.json">
          As FHIR
        </a>
        <a className="button button-small" href={auditFile('messages', search)} download="audit.xml">
          As DICOM messages
        </a>
      </span>
    </div>
  )
}

function useEntries(search: AuditSearch) {
  const [held, setHeld] = useState<{ search: AuditSearch; rows: AuditEntry[]; next: number | null } | null>(null)
  const read = useCallback((signal: AbortSignal) => searchAudit(search, null, { signal }), [search])
  const first = useLoaded(read)
  const older = held?.search === search ? held : null
  const rows = first.value && [...first.value.entries, ...(older?.rows ?? [])]
  const next = older ? older.next : (first.value?.next ?? null)
  const more = async () => {
    const page = await searchAudit(search, next)
    setHeld({ search, rows: [...(older?.rows ?? []), ...page.entries], next: page.next })
  }
  return { rows, failure: first.failure, reload: first.reload, next, more }
}

/** Who saw whose images, and whatever else happened; asking is noted, too. */
export function AuditLog() {
  const [search, setSearch] = useState(NOTHING)
  const [open, setOpen] = useState<AuditEntry | null>(null)
  const list = useEntries(search)
  const action = useAction()
  return (
    <>
      <Filter search={search} onSearch={setSearch} />
      <ManagedList
        lead="Who did what to whom. With a Patient ID: who saw this patient's images. That you ask is a row, too."
        loaded={{ value: list.rows, failure: list.failure, reload: list.reload }}
        columns={COLUMNS}
        keyOf={(entry) => entry.seq}
        actions={(entry) => (
          <Button small onClick={() => setOpen(entry)} aria-label={`Show row ${entry.seq}`}>
            Show
          </Button>
        )}
        add=""
        onAdd={() => setOpen(null)}
        failure={action.failure}
        empty={
          <Empty icon="list" title="Nothing like this">
            No row of the log is like this. Patients are looked for by their whole Patient ID.
          </Empty>
        }
      >
        {open && <Details entry={open} onClose={() => setOpen(null)} />}
      </ManagedList>
      {list.next !== null && (
        <div className="audit-more">
          <Button disabled={action.busy} onClick={() => action.run(list.more)}>
            Show more
          </Button>
        </div>
      )}
    </>
  )
}
