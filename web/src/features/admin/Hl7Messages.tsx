import { useCallback, useEffect, useState } from 'react'
import type { Hl7Message, Hl7Search, Hl7State } from '../../api/hl7'
import { listHl7Messages, readHl7Message, replayHl7Message } from '../../api/hl7'
import { formatInstant } from '../../lib/dates'
import { sentence } from '../../lib/http'
import { formatBytes, formatCount } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, Skeleton, type Tone } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Dialog } from '../../ui/overlay'
import './hl7.css'

const STATES: Record<Hl7State, { title: string; tone: Tone }> = {
  received: { title: 'Being done', tone: 'info' },
  done: { title: 'Done', tone: 'ok' },
  failed: { title: 'Failed', tone: 'danger' },
}

/** Between two looks while the page is open. */
const LOOK_AGAIN_MS = 5000
const TYPING_MS = 300

const COLUMNS: readonly Column<Hl7Message>[] = [
  { title: 'Received', className: 'muted', cell: (message) => formatInstant(message.received_at) },
  {
    title: 'Message',
    cell: (message) => (
      <>
        <strong>{message.type}</strong>
        <div className="faint truncate">{message.sender.replace('|', ' at ')}</div>
      </>
    ),
  },
  { title: 'Patient ID', cell: (message) => message.PatientID },
  { title: 'Order', className: 'secondary', cell: (message) => message.order_number },
  { title: 'State', cell: (message) => <Outcome message={message} /> },
]

/** What became of it, and where it is wrong. */
function Outcome({ message }: { message: Hl7Message }) {
  const { title, tone } = STATES[message.state]
  return (
    <>
      <Badge tone={tone}>{title}</Badge>
      {message.attempts > 1 && <span className="faint"> {formatCount(message.attempts)} times</span>}
      {message.reason && (
        <div className="hl7-reason">
          {message.where && <span className="mono">{message.where} </span>}
          {sentence(message.reason)}
        </div>
      )}
    </>
  )
}

/** The segments as they came, one a line, each field with its number on hover. */
function Content({ id, onClose }: { id: number; onClose: () => void }) {
  const read = useCallback((signal: AbortSignal) => readHl7Message(id, { signal }), [id])
  const { value, failure } = useLoaded(read)
  const lines = value?.content.split(/\r\n|\r|\n/).filter(Boolean) ?? []
  return (
    <Dialog wide title={value ? `${value.message.type} of ${formatInstant(value.message.received_at)}` : 'Message'} onClose={onClose}>
      {failure && <ErrorNotice error={failure} />}
      {value === null && failure === null && <Skeleton width="80%" />}
      {value && (
        <>
          <p className="muted">
            Control ID {value.message.control_id || 'none'} · from {value.message.address || 'here'} · {formatBytes(value.size)} · answered {value.message.acknowledgement || 'not yet'}
          </p>
          {/* Focusable, so that the keyboard scrolls it. */}
          <div className="hl7-content mono" role="region" aria-label="Segments" tabIndex={0}>
            {lines.map((line, index) => (
              <div key={index} className="hl7-segment">
                <strong>{line.slice(0, 3)}</strong>
                {line.slice(3)}
              </div>
            ))}
          </div>
        </>
      )}
    </Dialog>
  )
}

function ReplayDialog({ message, onClose, onDone }: { message: Hl7Message; onClose: () => void; onDone: () => void }) {
  const action = useAction()
  const run = async () => {
    await replayHl7Message(message.id)
    onDone()
  }
  return (
    <FormDialog title={`Replay ${message.type}?`} submit="Replay" cancel="Leave it" action={action} run={run} onClose={onClose}>
      <p>What it asks for is done once more, within seconds. Nothing is made twice, but what later messages changed is changed back.</p>
    </FormDialog>
  )
}

function useMessages(search: Hl7Search) {
  const [held, setHeld] = useState<{ search: Hl7Search; rows: Hl7Message[]; next: number | null } | null>(null)
  const older = held?.search === search ? held : null
  const read = useCallback((signal: AbortSignal) => listHl7Messages(search, null, { signal, background: true }), [search])
  const first = useLoaded(read)
  const { reload } = first
  useEffect(() => {
    const timer = setInterval(reload, LOOK_AGAIN_MS)
    return () => clearInterval(timer)
  }, [reload])
  const seen = new Set(first.value?.messages.map((message) => message.id))
  const rows = first.value && [...first.value.messages, ...(older?.rows.filter((message) => !seen.has(message.id)) ?? [])]
  const next = older ? older.next : (first.value?.next ?? null)
  const more = async () => {
    const page = await listHl7Messages(search, next)
    setHeld({ search, rows: [...(older?.rows ?? []), ...page.messages], next: page.next })
  }
  return { rows, failure: first.failure, reload, next, more }
}

function Filter({ search, onSearch }: { search: Hl7Search; onSearch: (search: Hl7Search) => void }) {
  const [text, setText] = useState(search.q)
  useEffect(() => {
    if (text === search.q) return
    const timer = setTimeout(() => onSearch({ ...search, q: text }), TYPING_MS)
    return () => clearTimeout(timer)
  }, [text, search, onSearch])
  return (
    <div className="hl7-filter">
      <input className="input" type="search" placeholder="Patient ID, order, control ID, sender" aria-label="Search messages" value={text} onChange={(change) => setText(change.target.value)} />
      <div role="group" aria-label="State" className="hl7-states">
        {(['', 'failed', 'done', 'received'] as const).map((state) => (
          <button key={state} type="button" className="chip" aria-pressed={search.state === state} onClick={() => onSearch({ ...search, state })}>
            {state === '' ? 'All' : STATES[state].title}
          </button>
        ))}
      </div>
    </div>
  )
}

export function Hl7Messages() {
  const [search, setSearch] = useState<Hl7Search>({ q: '', state: '' })
  const [open, setOpen] = useState<{ kind: 'content' | 'replay'; message: Hl7Message } | null>(null)
  const list = useMessages(search)
  const action = useAction()
  const close = () => setOpen(null)
  const replayed = () => {
    close()
    list.reload()
  }
  return (
    <>
      <Filter search={search} onSearch={setSearch} />
      <ManagedList
        lead="What RIS and HIS have sent, as it came, and what became of it. A message that failed was answered with the reason."
        loaded={{ value: list.rows, failure: list.failure, reload: list.reload }}
        columns={COLUMNS}
        keyOf={(message) => message.id}
        actions={(message) => (
          <div className="row-actions">
            <Button small onClick={() => setOpen({ kind: 'content', message })} aria-label={`Show message ${message.id}`}>
              Show
            </Button>
            <Button small disabled={message.state === 'received'} onClick={() => setOpen({ kind: 'replay', message })} aria-label={`Replay message ${message.id}`}>
              Replay
            </Button>
          </div>
        )}
        add=""
        onAdd={close}
        failure={action.failure}
        empty={
          <Empty icon="list" title="No messages">
            {search.q || search.state ? 'None is like this.' : 'Start Isocenter with --hl7 HOST:PORT, and name who may send in hl7_senders.'}
          </Empty>
        }
      >
        {open?.kind === 'content' && <Content id={open.message.id} onClose={close} />}
        {open?.kind === 'replay' && <ReplayDialog message={open.message} onClose={close} onDone={replayed} />}
      </ManagedList>
      {list.next !== null && (
        <div className="hl7-more">
          <Button disabled={action.busy} onClick={() => action.run(list.more)}>
            Show more
          </Button>
        </div>
      )}
    </>
  )
}
