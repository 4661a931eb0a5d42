import { useState } from 'react'
import { type Passkey, addPasskey, declined, hasPasskeys, ownPasskeys, removePasskey } from '../api/passkeys'
import { waysToSignIn } from '../api/session'
import { formatInstant } from '../lib/dates'
import { useAction } from '../lib/useAction'
import { useLoaded } from '../lib/useLoaded'
import { Button, TextField } from '../ui/controls'
import { Empty, Notice } from '../ui/feedback'
import { FormDialog } from '../ui/FormDialog'
import { type Column, ManagedList } from '../ui/ManagedList'
import { Dialog } from '../ui/overlay'

const COLUMNS: readonly Column<Passkey>[] = [
  { title: 'Device', cell: (held) => <strong>{held.name}</strong> },
  { title: 'Added', className: 'muted secondary', cell: (held) => formatInstant(held.created_at) },
  { title: 'Last used', className: 'muted', cell: (held) => (held.used_at ? formatInstant(held.used_at) : 'not yet') },
]

function AddDialog({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const action = useAction()
  const add = async () => {
    try {
      await addPasskey(password, name.trim())
      onAdded()
    } catch (error) {
      if (!declined(error)) throw error
      throw new Error('The device made no passkey; nothing was changed.', { cause: error })
    }
  }
  return (
    <FormDialog title="Add a passkey" submit="Go on" ready={name.trim() !== '' && password !== ''} action={action} run={add} onClose={onClose}>
      <TextField label="Which device it is" hint="Telephone, workstation in room 3, blue stick" maxLength={64} required value={name} onChange={(event) => setName(event.target.value)} />
      <TextField label="Your password" type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
    </FormDialog>
  )
}

/** One's own passkeys: which there are, one more, one less. */
export function PasskeysDialog({ onClose }: { onClose: () => void }) {
  const held = useLoaded(ownPasskeys)
  const ways = useLoaded(waysToSignIn)
  const [adding, setAdding] = useState(false)
  const action = useAction()
  const remove = (id: string) =>
    action.run(async () => {
      await removePasskey(id)
      held.reload()
    })
  const possible = hasPasskeys() && ways.value?.passkeys !== false
  if (adding) {
    const close = () => setAdding(false)
    return (
      <AddDialog
        onClose={close}
        onAdded={() => {
          close()
          held.reload()
        }}
      />
    )
  }
  return (
    <Dialog
      title="Passkeys"
      onClose={onClose}
      footer={
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      {!possible && (
        <Notice tone="info" title="Not with this browser or address.">
          Passkeys need a current browser, and a server that is reached by its name over HTTPS.
        </Notice>
      )}
      <ManagedList
        lead="Sign in with your finger, face or PIN instead of the password. The key never leaves the device, and no false page can ask for it."
        loaded={held}
        columns={COLUMNS}
        keyOf={(each) => each.id}
        actions={(each) => (
          <Button small look="danger" aria-label={`Remove ${each.name}`} onClick={() => remove(each.id)}>
            Remove
          </Button>
        )}
        add={possible ? 'Add a passkey' : ''}
        onAdd={() => setAdding(true)}
        failure={action.failure}
        empty={
          <Empty icon="lock" title="No passkeys">
            You sign in with your password.
          </Empty>
        }
      >
        {null}
      </ManagedList>
    </Dialog>
  )
}
