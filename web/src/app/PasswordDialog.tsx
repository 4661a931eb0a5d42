import type { SyntheticEvent } from 'react'
import { useState } from 'react'
import { changePassword } from '../api/session'
import { explain } from '../lib/http'
import { Button, TextField } from '../ui/controls'
import { ErrorNotice, Notice } from '../ui/feedback'
import { Dialog } from '../ui/overlay'

export function PasswordDialog({ onClose }: { onClose: () => void }) {
  const [current, setCurrent] = useState('')
  const [wanted, setWanted] = useState('')
  const [again, setAgain] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [state, setState] = useState<'asking' | 'sending' | 'done'>('asking')
  const differs = again !== '' && again !== wanted

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault()
    setState('sending')
    setError(null)
    try {
      await changePassword(current, wanted)
      setState('done')
    } catch (failure) {
      setError(failure)
      setState('asking')
    }
  }

  if (state === 'done') {
    return (
      <Dialog
        title="Change password"
        onClose={onClose}
        footer={
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <Notice tone="ok" title="Your password is changed.">
          You stay signed in here; other browsers you were signed in with must sign in again.
        </Notice>
      </Dialog>
    )
  }
  return (
    <Dialog
      title="Change password"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="password-form" look="primary" disabled={state === 'sending' || !current || !wanted || again !== wanted}>
            Change password
          </Button>
        </>
      }
    >
      <form id="password-form" className="form" onSubmit={(event) => void submit(event)}>
        {error !== null && <ErrorNotice error={explain(error)} />}
        <TextField label="Current password" type="password" autoComplete="current-password" required value={current} onChange={(event) => setCurrent(event.target.value)} />
        <TextField label="New password" type="password" autoComplete="new-password" required value={wanted} onChange={(event) => setWanted(event.target.value)} />
        <TextField
          label="New password again"
          type="password"
          autoComplete="new-password"
          required
          error={differs ? 'The two differ.' : undefined}
          value={again}
          onChange={(event) => setAgain(event.target.value)}
        />
      </form>
    </Dialog>
  )
}
