import { useEffect, useState } from 'react'
import { changeWebhook, listWebhooks, newWebhookSecret, removeWebhook, testWebhook, type Webhook } from '../../api/webhooks'
import { formatInstant } from '../../lib/dates'
import { formatCount } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button } from '../../ui/controls'
import { Empty } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { Icon } from '../../ui/icons'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Menu } from '../../ui/overlay'
import { SecretDialog } from './Secret'
import { WebhookDialog } from './WebhookDialog'
import { WebhookFailures } from './WebhookFailures'

type Open = { kind: 'add' } | { kind: 'edit' | 'remove' | 'failures' | 'secret'; webhook: Webhook } | { kind: 'shown'; secret: string } | null

/** Between two looks while the page is open: a test takes a second or two. */
const LOOK_AGAIN_MS = 3000

/** How it goes with it, in a word or two. */
export function State({ webhook }: { webhook: Webhook }) {
  const since = webhook.failing_since ? ` since ${formatInstant(webhook.failing_since)}` : ''
  return (
    <span className="badges">
      {!webhook.enabled && <Badge tone="warn" title="It goes on from where it stood">stopped</Badge>}
      {webhook.enabled && webhook.attempts > 0 && <Badge tone="danger" title={`Tried again ${formatInstant(webhook.due_at)}`}>{`not reached${since}`}</Badge>}
      {webhook.enabled && webhook.attempts === 0 && webhook.last_at !== null && webhook.last_reason === '' && <Badge tone="ok">told</Badge>}
      {webhook.failures > 0 && <Badge tone="danger">{`${formatCount(webhook.failures)} put aside`}</Badge>}
    </span>
  )
}

const COLUMNS: readonly Column<Webhook>[] = [
  {
    title: 'Name',
    cell: (webhook) => (
      <>
        <strong>{webhook.name}</strong>
        <div className="faint truncate">{webhook.url}</div>
      </>
    ),
  },
  { title: 'Told of', className: 'secondary', cell: (webhook) => webhook.kinds.join(', ') },
  { title: 'How it goes', cell: (webhook) => <State webhook={webhook} /> },
  { title: 'Last answer', className: 'muted secondary', cell: (webhook) => (webhook.last_at === null ? 'not yet' : webhook.last_reason || formatInstant(webhook.last_at)) },
  { title: 'Told', className: 'num muted secondary', cell: (webhook) => formatCount(webhook.told) },
]

function RemoveDialog({ webhook, onClose, onRemoved }: { webhook: Webhook; onClose: () => void; onRemoved: () => void }) {
  const action = useAction()
  const remove = async () => {
    await removeWebhook(webhook.name)
    onRemoved()
  }
  return (
    <FormDialog title={`Remove ${webhook.name}?`} submit="Remove" danger cancel="Keep it" action={action} run={remove} onClose={onClose}>
      <p>It is told nothing more, and what was put aside is forgotten. To stop it for a while, stop it instead.</p>
    </FormDialog>
  )
}

function NewSecretDialog({ webhook, onClose, onMade }: { webhook: Webhook; onClose: () => void; onMade: (secret: string) => void }) {
  const action = useAction()
  const make = async () => onMade(await newWebhookSecret(webhook.name))
  return (
    <FormDialog title={`A new secret for ${webhook.name}?`} submit="Make it" danger cancel="Keep the old one" action={action} run={make} onClose={onClose}>
      <p>Messages are signed with it from now on: the receiver refuses them until it knows the new one, and they wait.</p>
    </FormDialog>
  )
}

function RowMenu({ webhook, onOpen, onToggle }: { webhook: Webhook; onOpen: (kind: 'edit' | 'remove' | 'failures' | 'secret') => void; onToggle: () => void }) {
  return (
    <Menu
      button={(open, toggle) => (
        <button type="button" className="button button-quiet button-small" aria-haspopup="true" aria-expanded={open} aria-label={`Actions for ${webhook.name}`} onClick={toggle}>
          Actions <Icon name="chevronDown" size={12} />
        </button>
      )}
    >
      <button type="button" className="menu-item" onClick={() => onOpen('edit')}>
        Edit
      </button>
      <button type="button" className="menu-item" onClick={onToggle}>
        {webhook.enabled ? 'Stop' : 'Go on'}
      </button>
      <button type="button" className="menu-item" onClick={() => onOpen('failures')}>
        What was put aside
      </button>
      <button type="button" className="menu-item" onClick={() => onOpen('secret')}>
        New secret
      </button>
      <button type="button" className="menu-item" onClick={() => onOpen('remove')}>
        Remove
      </button>
    </Menu>
  )
}

export function Webhooks() {
  const webhooks = useLoaded(listWebhooks)
  const { reload } = webhooks
  const [open, setOpen] = useState<Open>(null)
  const action = useAction()
  useEffect(() => {
    const timer = setInterval(reload, LOOK_AGAIN_MS)
    return () => clearInterval(timer)
  }, [reload])
  const close = () => {
    setOpen(null)
    reload()
  }
  const act = (what: Promise<unknown>) =>
    action.run(async () => {
      await what
      reload()
    })
  return (
    <ManagedList
      lead="Programs that are told of what happens here, by signed requests, in order. What they do not take waits, or is put aside."
      loaded={webhooks}
      columns={COLUMNS}
      keyOf={(webhook) => webhook.name}
      actions={(webhook) => (
        <div className="row-actions">
          <Button small disabled={action.busy} onClick={() => act(testWebhook(webhook.name))}>
            Test
          </Button>
          <RowMenu
            webhook={webhook}
            onOpen={(kind) => setOpen({ kind, webhook })}
            onToggle={() => act(changeWebhook(webhook.name, { enabled: !webhook.enabled }))}
          />
        </div>
      )}
      add="Add a webhook"
      onAdd={() => setOpen({ kind: 'add' })}
      failure={action.failure}
      empty={
        <Empty icon="send" title="No webhooks">
          Add the address of a program that wants to know when something arrives.
        </Empty>
      }
    >
      {open?.kind === 'add' && <WebhookDialog onClose={close} onSaved={(secret) => setOpen({ kind: 'shown', secret })} />}
      {open?.kind === 'edit' && <WebhookDialog webhook={open.webhook} onClose={close} onSaved={close} />}
      {open?.kind === 'remove' && <RemoveDialog webhook={open.webhook} onClose={close} onRemoved={close} />}
      {open?.kind === 'failures' && <WebhookFailures name={open.webhook.name} onClose={close} />}
      {open?.kind === 'secret' && <NewSecretDialog webhook={open.webhook} onClose={close} onMade={(secret) => setOpen({ kind: 'shown', secret })} />}
      {open?.kind === 'shown' && <SecretDialog title="Secret of the webhook" label="The secret" secret={open.secret} onClose={close} />}
    </ManagedList>
  )
}
