import type { KeyboardEvent, SyntheticEvent } from 'react'
import { useEffect, useRef, useState } from 'react'
import { declined, hasPasskeys } from '../../api/passkeys'
import { PROVIDER_LEAVE, providerHref, signIn, signInWithPasskey, waysToSignIn } from '../../api/session'
import { HttpError, explain } from '../../lib/http'
import { formatClock } from '../../lib/numbers'
import { usePlace } from '../../lib/router'
import { useLoaded } from '../../lib/useLoaded'
import { Button, Spinner, TextField } from '../../ui/controls'
import { ErrorNotice, Notice } from '../../ui/feedback'
import { Mark } from '../../ui/icons'
import { refusalOf } from './refusals'
import './login.css'

/** Why the person stands here, said once above the form. */
const REASONS = {
  never: null,
  left: 'You are signed out.',
  idle: 'You were signed out because nothing happened for a while.',
  expired: 'Your session has ended. Sign in to go on where you were.',
} as const

/** Seconds left of a pause that `begin` starts, counted down. */
function useCountdown(): { left: number; begin: (seconds: number) => void } {
  const [{ until, now }, setClock] = useState({ until: 0, now: 0 })
  useEffect(() => {
    if (until <= Date.now()) return
    const timer = window.setInterval(() => setClock({ until, now: Date.now() }), 250)
    return () => window.clearInterval(timer)
  }, [until])
  // "Now" begins with the pause: an older one would show minutes too many for a moment.
  const begin = (seconds: number) => setClock({ until: Date.now() + seconds * 1000, now: Date.now() })
  return { left: Math.max(0, Math.ceil((until - now) / 1000)), begin }
}

type Failure = { kind: 'wrong' } | { kind: 'passkey' } | { kind: 'code'; given: boolean } | { kind: 'throttled' } | { kind: 'other'; error: unknown }

function failureOf(error: unknown, code: string): Failure {
  if (error instanceof HttpError && error.status === 401 && error.where === 'code') return { kind: 'code', given: code !== '' }
  if (error instanceof HttpError && error.status === 401) return { kind: 'wrong' }
  if (error instanceof HttpError && error.status === 429) return { kind: 'throttled' }
  return { kind: 'other', error }
}

function FailureNotice({ failure, wait }: { failure: Failure; wait: number }) {
  if (failure.kind === 'wrong') {
    return (
      <Notice tone="danger" title="Name and password do not match.">
        Check both; the password minds capital letters.
      </Notice>
    )
  }
  if (failure.kind === 'passkey') {
    return (
      <Notice tone="danger" title="This passkey opens nothing here.">
        Sign in with name and password, and look at your passkeys.
      </Notice>
    )
  }
  if (failure.kind === 'code') {
    return failure.given ? (
      <Notice tone="danger" title="The code is wrong, or was used.">
        Wait for the next one of the app; each works once.
      </Notice>
    ) : (
      <Notice tone="info" title="One more step.">
        Type the code that the app on your telephone shows, or one from paper.
      </Notice>
    )
  }
  if (failure.kind === 'other') return <ErrorNotice error={explain(failure.error)} />
  if (wait === 0) return <Notice tone="info" title="You can try again now." />
  return (
    <Notice tone="warn" title="Too many attempts.">
      For safety, signing in pauses for <strong>{formatClock(wait)}</strong>. Nothing is locked; an administrator can set a new password.
    </Notice>
  )
}

/** Signing in without the password; nothing where there is no other way, or while nobody knows yet. */
function OtherWays({ reason, to, onFailed }: { reason: keyof typeof REASONS; to: string; onFailed: (error: unknown) => void }) {
  const { value } = useLoaded(waysToSignIn)
  const passkeys = value?.passkeys === true && hasPasskeys()
  const provider = value?.provider
  if (!provider && !passkeys) return null
  const enter = () =>
    signInWithPasskey().catch((error: unknown) => {
      if (!declined(error)) onFailed(error)
    })
  return (
    <div className="login-ways">
      <span className="login-or faint">or</span>
      {passkeys && <Button onClick={() => void enter()}>Sign in with a passkey</Button>}
      {provider && (
        <a className="button" href={providerHref(to)}>
          {provider.label}
        </a>
      )}
      {provider && reason === 'left' && (
        <a className="login-leave" href={PROVIDER_LEAVE}>
          Sign out there, too
        </a>
      )}
    </div>
  )
}

export function LoginPage({ reason }: { reason: keyof typeof REASONS }) {
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const [failure, setFailure] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const [capsLock, setCapsLock] = useState(false)
  const [asksCode, setAsksCode] = useState(false)
  const [code, setCode] = useState('')
  const codeBox = useRef<HTMLInputElement>(null)
  const passwordBox = useRef<HTMLInputElement>(null)
  const { left: wait, begin: beginWaiting } = useCountdown()

  const watchCaps = (key: KeyboardEvent) => setCapsLock(key.getModifierState('CapsLock'))

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault()
    setBusy(true)
    setFailure(null)
    try {
      await signIn(username.trim(), password, asksCode ? code : '')
    } catch (error) {
      const what = failureOf(error, asksCode ? code : '')
      setFailure(what)
      if (what.kind === 'code') setAsksCode(true)
      setCode('')
      if (error instanceof HttpError && error.status === 429) beginWaiting(error.retryAfter ?? 30)
      setBusy(false)
      if (what.kind === 'code') return
      passwordBox.current?.focus()
      passwordBox.current?.select()
    }
  }
  useEffect(() => {
    if (asksCode && !busy) codeBox.current?.focus()
  }, [asksCode, busy])

  const why = REASONS[reason]
  const search = new URLSearchParams(usePlace().search)
  const refused = refusalOf(search.get('refused'))
  return (
    <main className="login">
      <form className="login-box" onSubmit={(event) => void submit(event)} aria-labelledby="login-title">
        <div className="login-head">
          <Mark size={40} />
          <h1 id="login-title">Isocenter</h1>
          <p className="muted">Picture archive and viewer</p>
        </div>
        {failure ? (
          <FailureNotice failure={failure} wait={wait} />
        ) : refused ? (
          <Notice tone="danger" title={refused.title}>
            {refused.hint}
          </Notice>
        ) : (
          why && <Notice tone="info" title={why} />
        )}
        <TextField
          label="Name"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={username}
          onChange={(event) => {
            setUsername(event.target.value)
            setAsksCode(false) // another account may have none
          }}
        />
        <TextField
          ref={passwordBox}
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          hint={capsLock ? <span className="login-caps">Caps Lock is on</span> : undefined}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          onKeyDown={watchCaps}
          onKeyUp={watchCaps}
          onBlur={() => setCapsLock(false)}
        />
        {asksCode && (
          <TextField ref={codeBox} label="Code" name="code" inputMode="numeric" autoComplete="one-time-code" spellCheck={false} required value={code} onChange={(event) => setCode(event.target.value)} />
        )}
        <Button type="submit" look="primary" disabled={busy || wait > 0 || !username.trim() || !password || (asksCode && !code.trim())}>
          {busy ? <Spinner label="Signing in" /> : wait > 0 ? `Try again in ${formatClock(wait)}` : 'Sign in'}
        </Button>
        <OtherWays
          reason={reason}
          to={search.get('to') ?? '/'}
          onFailed={(error) => setFailure(error instanceof HttpError && error.status === 401 ? { kind: 'passkey' } : { kind: 'other', error })}
        />
      </form>
      <p className="login-foot faint">Every access is recorded. Use your own account.</p>
    </main>
  )
}
