import type { SyntheticEvent } from 'react'
import { useEffect, useState } from 'react'
import { type Enrolment, type FactorState, beginFactor, confirmFactor, factorState, removeFactor } from '../api/factors'
import { explain } from '../lib/http'
import { qrCode } from '../lib/qr'
import { Qr } from '../ui/Qr'
import { Button, Spinner, TextField } from '../ui/controls'
import { ErrorNotice, Notice } from '../ui/feedback'
import { Dialog } from '../ui/overlay'
import './factor.css'

const TITLE = 'Two-step sign-in'

function CodeField({ value, onChange, label }: { value: string; onChange: (code: string) => void; label: string }) {
  return <TextField label={label} inputMode="numeric" autoComplete="one-time-code" spellCheck={false} required value={value} onChange={(event) => onChange(event.target.value)} />
}

/** Off: what it is, and how to begin. */
function Begin({ onBegun, onClose }: { onBegun: (begun: Enrolment) => void; onClose: () => void }) {
  const [error, setError] = useState<unknown>(null)
  const begin = () => beginFactor().then(onBegun, setError)
  return (
    <Dialog
      title={TITLE}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" onClick={() => void begin()}>
            Set it up
          </Button>
        </>
      }
    >
      {error !== null && <ErrorNotice error={explain(error)} />}
      <p>After your password, a code from an app on your telephone is asked for. Who finds or guesses the password is not in yet.</p>
      <p className="muted">You need an app for one-time codes, such as Aegis, FreeOTP, Google or Microsoft Authenticator.</p>
    </Dialog>
  )
}

/** The secret is on the screen; the first code proves that the telephone has it. */
function Confirm({ begun, onConfirmed, onClose }: { begun: Enrolment; onConfirmed: (codes: string[]) => void; onClose: () => void }) {
  const [code, setCode] = useState('')
  const [error, setError] = useState<unknown>(null)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    setError(null)
    confirmFactor(code).then(onConfirmed, setError)
  }
  return (
    <Dialog
      title={TITLE}
      stubborn
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="factor-form" look="primary" disabled={!code.trim()}>
            Switch on
          </Button>
        </>
      }
    >
      <form id="factor-form" className="form" onSubmit={submit}>
        {error !== null && <ErrorNotice error={explain(error)} />}
        <p>Scan this with the app, or type the key into it; then type the code that it shows.</p>
        <Qr rows={qrCode(begun.address)} label="The key as a QR code" />
        <p className="factor-key">
          <span className="field-label">Key</span>
          <code data-testid="factor-secret">{begun.secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}</code>
        </p>
        <CodeField label="Code of the app" value={code} onChange={setCode} />
      </form>
    </Dialog>
  )
}

/** The only time they can be seen. */
function OnPaper({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <Dialog
      title="Codes for paper"
      stubborn
      onClose={onClose}
      footer={
        <>
          <Button icon="copy" onClick={() => void navigator.clipboard.writeText(codes.join('\n')).catch(() => undefined)}>
            Copy
          </Button>
          <Button look="primary" onClick={onClose}>
            I have written them down
          </Button>
        </>
      }
    >
      <Notice tone="ok" title="Two-step sign-in is on.">
        Should the telephone be lost, each of these works once in place of its code. They are shown this once.
      </Notice>
      <ul className="factor-codes" data-testid="factor-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

/** On: what is left on paper, and how to end it. */
function On({ state, onRemoved, onClose }: { state: FactorState; onRemoved: () => void; onClose: () => void }) {
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [error, setError] = useState<unknown>(null)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    setError(null)
    removeFactor(password, code).then(onRemoved, setError)
  }
  return (
    <Dialog
      title={TITLE}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button type="submit" form="factor-form" look="danger" disabled={!password || !code.trim()}>
            Switch off
          </Button>
        </>
      }
    >
      <Notice tone={state.recovery_left < 3 ? 'warn' : 'ok'} title="It is on.">
        {state.recovery_left} of the codes for paper are left{state.recovery_left < 3 ? ': switch it off and on again for new ones.' : '.'}
      </Notice>
      <form id="factor-form" className="form" onSubmit={submit}>
        {error !== null && <ErrorNotice error={explain(error)} />}
        <p className="muted">To switch it off, or to move to another telephone:</p>
        <TextField label="Password" type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
        <CodeField label="Code of the app, or from paper" value={code} onChange={setCode} />
      </form>
    </Dialog>
  )
}

export function FactorDialog({ onClose }: { onClose: () => void }) {
  const [state, setState] = useState<FactorState | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [begun, setBegun] = useState<Enrolment | null>(null)
  const [codes, setCodes] = useState<string[] | null>(null)
  useEffect(() => {
    const ended = new AbortController()
    factorState(ended.signal).then(setState, (failure: unknown) => !ended.signal.aborted && setError(failure))
    return () => ended.abort()
  }, [])
  if (codes) return <OnPaper codes={codes} onClose={onClose} />
  if (begun) return <Confirm begun={begun} onConfirmed={setCodes} onClose={onClose} />
  if (state?.enabled) return <On state={state} onRemoved={onClose} onClose={onClose} />
  if (state) return <Begin onBegun={setBegun} onClose={onClose} />
  return (
    <Dialog title={TITLE} onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
      {error !== null ? <ErrorNotice error={explain(error)} /> : <Spinner label="Loading" />}
    </Dialog>
  )
}
