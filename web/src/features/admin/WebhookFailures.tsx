import { useCallback } from 'react'
import { forgetWebhookFailures, listWebhookFailures, resendWebhookFailures, type WebhookFailure } from '../../api/webhooks'
import { formatInstant } from '../../lib/dates'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Button } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { Dialog } from '../../ui/overlay'

function Row({ failure, busy, onResend, onForget }: { failure: WebhookFailure; busy: boolean; onResend: () => void; onForget: () => void }) {
  return (
    <tr>
      <td className="num">{failure.first === failure.last ? failure.first : `${failure.first}–${failure.last}`}</td>
      <td>{failure.reason}</td>
      <td className="num muted">{failure.attempts}</td>
      <td className="muted nowrap">{formatInstant(failure.failed_at)}</td>
      <td>
        <div className="row-actions">
          <Button small disabled={busy || failure.resend_asked} onClick={onResend}>
            {failure.resend_asked ? 'Being sent' : 'Send again'}
          </Button>
          <Button small look="quiet" disabled={busy} onClick={onForget}>
            Forget
          </Button>
        </div>
      </td>
    </tr>
  )
}

/** Messages that a receiver did not want: why, and what to do with them. */
export function WebhookFailures({ name, onClose }: { name: string; onClose: () => void }) {
  const read = useCallback((signal: AbortSignal) => listWebhookFailures(name, signal), [name])
  const failures = useLoaded(read)
  const action = useAction()
  const act = (what: (name: string, id?: number) => Promise<void>, id?: number) =>
    action.run(async () => {
      await what(name, id)
      failures.reload()
    })
  const failure = action.failure ?? failures.failure
  const some = failures.value !== null && failures.value.length > 0
  return (
    <Dialog
      title={`Put aside: ${name}`}
      wide
      onClose={onClose}
      footer={
        <>
          {some && (
            <Button look="danger" disabled={action.busy} onClick={() => act(forgetWebhookFailures)}>
              Forget all
            </Button>
          )}
          {some && (
            <Button disabled={action.busy} onClick={() => act(resendWebhookFailures)}>
              Send all again
            </Button>
          )}
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      {failure && <ErrorNotice error={failure} />}
      {failures.value?.length === 0 && (
        <Empty icon="check" title="Nothing is put aside">
          Every message was taken, or is still waiting for its turn.
        </Empty>
      )}
      {some && (
        <div className="panel panel-scroll">
          <table className="plain-table">
            <thead>
              <tr>
                <th className="num">Change</th>
                <th>Why</th>
                <th className="num">Tries</th>
                <th>Last</th>
                <th>
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {failures.value?.map((message) => (
                <Row
                  key={message.id}
                  failure={message}
                  busy={action.busy}
                  onResend={() => act(resendWebhookFailures, message.id)}
                  onForget={() => act(forgetWebhookFailures, message.id)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Dialog>
  )
}
