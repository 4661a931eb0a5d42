import { useEffect, useState } from 'react'
import { changes } from '../../api/events'
import { type Received, type ReceivedLook, acceptReceived, listReceived, lookAtReceived, refuseReceived } from '../../api/sharing'
import { formatDate, formatInstant } from '../../lib/dates'
import { sentence } from '../../lib/http'
import { formatName } from '../../lib/names'
import { formatBytes, plural } from '../../lib/numbers'
import { Link } from '../../lib/router'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, Skeleton, TextField } from '../../ui/controls'
import { ErrorNotice, Notice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { Dialog } from '../../ui/overlay'
import './sharing.css'

const CONCERNS = /^(instance\.quarantined|received\.(accepted|refused)|reset)/

const who = (values: Record<string, string>): string =>
  [formatName(values.PatientName ?? '') || 'No name', [values.PatientID, values.IssuerOfPatientID && `(${values.IssuerOfPatientID})`].filter(Boolean).join(' '), formatDate(values.PatientBirthDate ?? '')].filter(Boolean).join(' · ')

function Found({ look, as, onChoose }: { look: ReceivedLook; as: 'said' | 'apart'; onChoose: (as: 'said' | 'apart') => void }) {
  const { values, joins, contradicts } = look
  return (
    <>
      <p>
        The objects say: <strong data-testid="received-says">{who(values)}</strong>
        <br />
        <span className="muted">{[values.StudyDescription, values.Modality, formatDate(values.StudyDate ?? ''), values.InstitutionName].filter(Boolean).join(' · ')}</span>
      </p>
      {joins ? (
        <fieldset className="received-choice">
          <legend>The same number and issuer is here already</legend>
          <p className={contradicts.length > 0 ? 'received-differs' : undefined}>
            {who(joins)}
            {contradicts.length > 0 && <span className="faint"> · differs in {contradicts.join(', ')}</span>}
          </p>
          <label className="received-option">
            <input type="radio" name="as" checked={as === 'said'} onChange={() => onChoose('said')} />
            It is the same person: file it with their studies
          </label>
          <label className="received-option">
            <input type="radio" name="as" checked={as === 'apart'} onChange={() => onChoose('apart')} />
            It may be somebody else: file it as a patient of its own
          </label>
        </fieldset>
      ) : (
        <p className="muted">No patient here has this number: it becomes a patient of its own.</p>
      )}
    </>
  )
}

function AcceptDialog({ received, onClose, onDone }: { received: Received; onClose: () => void; onDone: () => void }) {
  const [load] = useState(() => (signal: AbortSignal) => lookAtReceived(received, signal))
  const look = useLoaded(load)
  const [chosen, setChosen] = useState<'said' | 'apart' | null>(null)
  const [accepted, setAccepted] = useState(0)
  const [left, setLeft] = useState<string[] | null>(null)
  const action = useAction()
  const proposed = look.value?.joins && look.value.contradicts.length > 0 ? 'apart' : 'said'
  const as = chosen ?? proposed
  const run = async () => {
    const reasons = await acceptReceived(received, as, setAccepted)
    setLeft(reasons)
    onDone()
  }
  if (left) {
    return (
      <Dialog title="Accepted" onClose={onClose} footer={<Button look="primary" onClick={onClose}>Done</Button>}>
        <Notice tone={left.length > 0 ? 'warn' : 'ok'} title={`${plural(accepted, 'object is', 'objects are')} in the archive.`}>
          {left.length > 0 ? `The others still wait: ${left.map(sentence).join(' ')}` : <Link to={`/viewer/${encodeURIComponent(received.StudyInstanceUID)}`}>Open the study</Link>}
        </Notice>
      </Dialog>
    )
  }
  return (
    <FormDialog title="Accept what was sent in" submit={action.busy ? `${accepted} of ${received.objects} are in…` : 'Accept'} ready={look.value !== null} action={action} run={run} onClose={onClose}>
      {look.failure && <ErrorNotice error={look.failure} />}
      {!look.value && !look.failure && <Skeleton width="70%" />}
      {look.value && <Found look={look.value} as={as} onChoose={setChosen} />}
    </FormDialog>
  )
}

function RefuseDialog({ received, onClose, onDone }: { received: Received; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState('')
  const action = useAction()
  const run = async () => {
    await refuseReceived(received, reason.trim())
    onDone()
    onClose()
  }
  return (
    <FormDialog title="Refuse what was sent in?" submit="Refuse" danger cancel="Keep waiting" ready={reason.trim() !== ''} action={action} run={run} onClose={onClose}>
      <p>It leaves this list and gets into no study. The files stay in quarantine; nothing is deleted.</p>
      <TextField label="Why" required maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
    </FormDialog>
  )
}

/** What came over upload links and waits, study by study; nothing when nothing does. */
export function ReceivedList({ canResolve }: { canResolve: boolean }) {
  const received = useLoaded(listReceived)
  const [asked, setAsked] = useState<{ what: 'accept' | 'refuse'; received: Received } | null>(null)
  const { reload } = received
  useEffect(() => {
    let timer = 0
    const stop = changes.listen((change) => {
      if (!CONCERNS.test(change.kind)) return
      window.clearTimeout(timer)
      timer = window.setTimeout(reload, 500)
    })
    return () => {
      window.clearTimeout(timer)
      stop()
    }
  }, [reload])
  return (
    <>
      {received.failure && <ErrorNotice error={received.failure} action={<Button small icon="retry" onClick={reload}>Try again</Button>} />}
      {received.value && received.value.length > 0 && (
        <section aria-label="Sent in">
          <h2 className="received-heading">Sent in over links</h2>
          <ul className="panel cases" data-testid="received">
            {received.value.map((each) => (
              <li key={`${each.link} ${each.StudyInstanceUID}`} className="case">
                <div className="case-kind">
                  <Badge tone="info">Sent in</Badge>
                </div>
                <div className="case-body">
                  <p className="case-reason">{each.label || `Link ${each.link}`}</p>
                  <p className="case-facts faint">
                    <span>{plural(each.objects, 'object')}</span>
                    <span>{formatBytes(each.bytes)}</span>
                    <span>{formatInstant(each.last_at)}</span>
                    <span className="mono truncate" title="Study Instance UID">{each.StudyInstanceUID}</span>
                  </p>
                </div>
                {canResolve && (
                  <div className="case-actions">
                    <Button small look="primary" onClick={() => setAsked({ what: 'accept', received: each })}>
                      Accept
                    </Button>
                    <Button small onClick={() => setAsked({ what: 'refuse', received: each })}>
                      Refuse
                    </Button>
                  </div>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      {asked?.what === 'accept' && <AcceptDialog received={asked.received} onClose={() => setAsked(null)} onDone={reload} />}
      {asked?.what === 'refuse' && <RefuseDialog received={asked.received} onClose={() => setAsked(null)} onDone={reload} />}
    </>
  )
}
