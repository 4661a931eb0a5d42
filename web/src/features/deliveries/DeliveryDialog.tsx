import { useCallback } from 'react'
import { readReport, readReports } from '../../api/deidentification'
import type { SentInstance } from '../../api/routing'
import { readDelivery, resendDelivery } from '../../api/routing'
import { formatInstant } from '../../lib/dates'
import { sentence } from '../../lib/http'
import { formatName } from '../../lib/names'
import { formatCount, plural } from '../../lib/numbers'
import { saveText } from '../../lib/save'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { useOpened } from '../../lib/useOpened'
import { Badge, Button } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'
import { Dialog } from '../../ui/overlay'
import { RemovalReports } from '../../ui/RemovalReports'
import { reasonOf, stateOf } from './Queue'
import { isMoving } from './useDeliveries'

const TONES = { waiting: 'plain', sent: 'ok', failed: 'danger' } as const

/** PS3.7 Annex C writes them so. */
function status(code: number): string {
  return code ? `${code.toString(16).toUpperCase().padStart(4, '0')}H` : ''
}

function Instances({ rows }: { rows: SentInstance[] }) {
  return (
    <div className="panel panel-scroll delivery-instances" role="region" aria-label="Images" tabIndex={0}>
      <table className="plain-table dense-table">
        <thead>
          <tr>
            <th>State</th>
            <th>SOP Instance UID</th>
            <th>Answer</th>
            <th className="num">Tries</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.SOPInstanceUID}>
              <td>
                <Badge tone={TONES[row.state]}>{row.state}</Badge>
              </td>
              <td className="mono truncate" title={row.SOPInstanceUID}>
                {row.SOPInstanceUID}
              </td>
              <td className="delivery-answer">{[status(row.status), sentence(row.reason)].filter(Boolean).join(' ')}</td>
              <td className="num muted">{row.attempts}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What was removed, where it went by a project; nothing for who may not know. */
function Removed({ delivery }: { delivery: number }) {
  const read = useCallback((signal: AbortSignal) => readReports({ delivery }, signal), [delivery])
  const { value } = useLoaded(read)
  const { open, busy, failure, toggle } = useOpened(readReport)
  if (!value?.length) return null
  return (
    <section aria-label="Without identities">
      <h3>Left without identities</h3>
      {failure && <ErrorNotice error={failure} />}
      <RemovalReports reports={value} open={open} busy={busy} onToggle={toggle} onSave={() => open && saveText(open.value.text, 'REPORT.TXT')} />
    </section>
  )
}

/** One delivery: what became of each of its images, and why. */
export function DeliveryDialog({ id, onClose, onResent }: { id: number; onClose: () => void; onResent: () => void }) {
  const read = useCallback((signal: AbortSignal) => readDelivery(id, { signal }), [id])
  const { value, failure } = useLoaded(read)
  const action = useAction()
  const resend = (all: boolean) =>
    action.run(async () => {
      await resendDelivery(id, all)
      onResent()
    })
  const delivery = value?.delivery
  const canResend = delivery !== undefined && !isMoving(delivery)
  return (
    <Dialog
      title={delivery ? `${formatName(delivery.PatientName) || 'Study'} to ${delivery.destination}` : 'Delivery'}
      wide
      onClose={onClose}
      footer={
        <>
          {canResend && (
            <Button disabled={action.busy} onClick={() => resend(true)}>
              Send everything again
            </Button>
          )}
          {canResend && delivery.sent < delivery.instances && (
            <Button look="primary" disabled={action.busy} onClick={() => resend(false)}>
              Send what has not arrived
            </Button>
          )}
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      {(failure ?? action.failure) && <ErrorNotice error={failure ?? action.failure ?? { what: '' }} />}
      {delivery && (
        <>
          <dl className="facts">
            <dt>State</dt>
            <dd>
              <Badge tone={stateOf(delivery).tone}>{stateOf(delivery).title}</Badge> {reasonOf(delivery)}
            </dd>
            <dt>Images</dt>
            <dd>
              {formatCount(delivery.sent)} of {formatCount(delivery.instances)} arrived{delivery.failed > 0 && `, ${formatCount(delivery.failed)} did not`}
            </dd>
            <dt>Sent by</dt>
            <dd>{delivery.route ? `rule ${delivery.route}` : 'a person'}</dd>
            <dt>Asked for</dt>
            <dd>
              {formatInstant(delivery.created_at)}
              {delivery.attempts > 0 && `, ${plural(delivery.attempts, 'failed try', 'failed tries')} since`}
            </dd>
            <dt>Study</dt>
            <dd className="mono">{delivery.StudyInstanceUID}</dd>
          </dl>
          {/* What scrolls by itself would give all its height to what follows. */}
          <div>
            <Instances rows={value.instances} />
          </div>
          <Removed delivery={id} />
        </>
      )}
    </Dialog>
  )
}
