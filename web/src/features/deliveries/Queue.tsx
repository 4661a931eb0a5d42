import { useState } from 'react'
import type { Delivery, DeliveryState } from '../../api/routing'
import { cancelDelivery, resendDelivery, resendFailed } from '../../api/routing'
import { formatDate, formatInstant } from '../../lib/dates'
import { explain, sentence } from '../../lib/http'
import { formatName } from '../../lib/names'
import { formatCount, plural } from '../../lib/numbers'
import { type Action, useAction } from '../../lib/useAction'
import { Badge, Button, Progress, Skeleton, type Tone } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { DeliveryDialog } from './DeliveryDialog'
import { isMoving, useDeliveries } from './useDeliveries'

const STATES: Record<DeliveryState, { title: string; tone: Tone }> = {
  waiting: { title: 'waiting', tone: 'plain' },
  queued: { title: 'next', tone: 'plain' },
  sending: { title: 'sending', tone: 'info' },
  sent: { title: 'sent', tone: 'ok' },
  failed: { title: 'failed', tone: 'danger' },
  cancelled: { title: 'cancelled', tone: 'plain' },
}

const FILTERS: [DeliveryState | '', string][] = [
  ['', 'All'],
  ['failed', 'Failed'],
  ['waiting', 'Waiting'],
  ['sending', 'Sending'],
  ['sent', 'Sent'],
]

const HELD: Record<'paused' | 'hours', { title: string; tone: Tone }> = {
  paused: { title: 'paused', tone: 'warn' },
  hours: { title: 'out of hours', tone: 'warn' },
}

export function stateOf(delivery: Delivery): { title: string; tone: Tone } {
  return delivery.held && isMoving(delivery) && delivery.state !== 'sending' ? HELD[delivery.held] : STATES[delivery.state]
}

/** What stops it, and when it is tried again. */
export function reasonOf(delivery: Delivery): string {
  const again = delivery.state === 'waiting' && delivery.reason && !delivery.held ? `Next try ${formatInstant(delivery.due_at)}.` : ''
  return [sentence(delivery.reason), again].filter(Boolean).join(' ')
}

function Row({ delivery, action, onShow, onDone }: { delivery: Delivery; action: Action; onShow: () => void; onDone: () => void }) {
  const { title, tone } = stateOf(delivery)
  const reason = reasonOf(delivery)
  const act = (what: () => Promise<void>) =>
    action.run(async () => {
      await what()
      onDone()
    })
  return (
    <>
      <tr className={reason ? 'has-reason' : undefined}>
        <td>
          <Badge tone={tone}>{title}</Badge>
        </td>
        <td className="strong truncate">{formatName(delivery.PatientName) || <span className="faint">No name</span>}</td>
        <td className="muted secondary nowrap">{formatDate(delivery.StudyDate)}</td>
        <td className="truncate secondary">{delivery.StudyDescription || <span className="faint">No description</span>}</td>
        <td className="strong">{delivery.destination}</td>
        <td className="muted secondary truncate">{delivery.route || 'by hand'}</td>
        <td>
          <span className="sent-count">
            {delivery.state === 'sending' && <Progress value={delivery.instances ? delivery.sent / delivery.instances : 0} label={`Sending to ${delivery.destination}`} />}
            <span className="nowrap">
              {formatCount(delivery.sent)} of {formatCount(delivery.instances)}
            </span>
          </span>
        </td>
        <td className="muted secondary nowrap">{formatInstant(delivery.updated_at)}</td>
        <td className="actions">
          <div className="row-actions">
            <Button small look="quiet" onClick={onShow}>
              Details
            </Button>
            {isMoving(delivery) ? (
              <Button small disabled={action.busy} onClick={() => act(() => cancelDelivery(delivery.id))}>
                Cancel
              </Button>
            ) : (
              <Button small icon="retry" disabled={action.busy} onClick={() => act(() => resendDelivery(delivery.id, delivery.state === 'sent'))}>
                {delivery.state === 'sent' ? 'Send again' : 'Resend'}
              </Button>
            )}
          </div>
        </td>
      </tr>
      {reason && (
        <tr className="reason-row">
          <td />
          <td colSpan={8} className={delivery.state === 'failed' ? 'is-bad' : undefined}>
            {reason}
          </td>
        </tr>
      )}
    </>
  )
}

function Table({ rows, action, onShow, onDone }: { rows: Delivery[]; action: Action; onShow: (delivery: Delivery) => void; onDone: () => void }) {
  return (
    <div className="panel panel-scroll">
      <table className="plain-table dense-table">
        <thead>
          <tr>
            <th>State</th>
            <th>Patient</th>
            <th className="secondary">Study date</th>
            <th className="secondary">Description</th>
            <th>To</th>
            <th className="secondary">Rule</th>
            <th>Images</th>
            <th className="secondary">Changed</th>
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((delivery) => (
            <Row key={delivery.id} delivery={delivery} action={action} onShow={() => onShow(delivery)} onDone={onDone} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Studies on their way to others: where each stands, why it failed, and sending it again. */
export function Queue() {
  const [state, setState] = useState<DeliveryState | ''>('')
  const [shown, setShown] = useState<number | null>(null)
  const queue = useDeliveries(state)
  const action = useAction()
  const failed = queue.rows?.some((delivery) => delivery.state === 'failed') ?? false
  return (
    <>
      <div className="page-head">
        <div className="chips" role="group" aria-label="State">
          {FILTERS.map(([value, title]) => (
            <button key={value} type="button" className="chip" aria-pressed={state === value} onClick={() => setState(value)}>
              {title}
            </button>
          ))}
        </div>
        {failed && (
          <Button
            icon="retry"
            disabled={action.busy}
            onClick={() =>
              action.run(async () => {
                await resendFailed()
                queue.reload()
              })
            }
          >
            Resend all that failed
          </Button>
        )}
      </div>
      {action.failure && <ErrorNotice error={action.failure} />}
      {queue.error !== null && (
        <ErrorNotice
          error={explain(queue.error)}
          action={
            <Button small icon="retry" onClick={queue.reload}>
              Try again
            </Button>
          }
        />
      )}
      {queue.rows === null && queue.error === null && (
        <div className="panel panel-skeleton" aria-hidden="true">
          <Skeleton width="60%" />
          <Skeleton width="75%" />
          <Skeleton width="50%" />
        </div>
      )}
      {queue.rows?.length === 0 && (
        <div className="panel">
          <Empty icon={state ? 'check' : 'send'} title={state ? `Nothing ${STATES[state].title}` : 'Nothing has been sent'}>
            Studies that a rule or a person sends to others are listed here until they have arrived, and for a while after.
          </Empty>
        </div>
      )}
      {queue.rows !== null && queue.rows.length > 0 && (
        <>
          <Table rows={queue.rows} action={action} onShow={(delivery) => setShown(delivery.id)} onDone={queue.reload} />
          {queue.next !== null ? (
            <div className="list-more">
              <Button onClick={queue.more}>Show more</Button>
            </div>
          ) : (
            <p className="faint" role="status">
              {plural(queue.rows.length, 'delivery', 'deliveries')}
            </p>
          )}
        </>
      )}
      {shown !== null && (
        <DeliveryDialog
          id={shown}
          onClose={() => setShown(null)}
          onResent={() => {
            setShown(null)
            queue.reload()
          }}
        />
      )}
    </>
  )
}
