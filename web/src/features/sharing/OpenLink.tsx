import type { SyntheticEvent } from 'react'
import { useEffect, useState } from 'react'
import { openLink } from '../../api/session'
import { HttpError, explain } from '../../lib/http'
import { navigate } from '../../lib/router'
import { Button, Spinner, TextField } from '../../ui/controls'
import { ErrorNotice, Notice } from '../../ui/feedback'
import { Mark } from '../../ui/icons'
import './sharing.css'

/** What a link ends with, behind the #; '' when there is none. */
export function tokenOf(hash: string): string {
  const token = hash.replace(/^#/, '')
  return /^[\w-]{16,128}$/.test(token) ? token : ''
}

function Box({ children }: { children: React.ReactNode }) {
  return (
    <main className="guest-door">
      <div className="guest-box">
        <div className="guest-head">
          <Mark size={40} />
          <h1>Isocenter</h1>
        </div>
        {children}
      </div>
    </main>
  )
}

/** The link was closed here, has expired or was withdrawn. */
export function LinkEnded() {
  return (
    <Box>
      <Notice tone="info" title="The link is closed here.">
        To look again, open the link that you were sent. If it has expired, ask whoever sent it for a new one.
      </Notice>
    </Box>
  )
}

/** The link itself stays out of the history. */
const enter = () => navigate('/shared', { replace: true })

interface OpenLinkProps {
  token: string
  /** Who is signed in in this browser; '' for nobody. Opening the link ends that. */
  signedIn: string
}

/** Lets the browser in by a link; asks for its code when there is one. */
export function OpenLink({ token, signedIn }: OpenLinkProps) {
  const [agreed, setAgreed] = useState(signedIn === '')
  const [code, setCode] = useState('')
  const [busy, setBusy] = useState(signedIn === '')
  const [failure, setFailure] = useState<HttpError | Error | null>(null)

  const fail = (error: unknown) => {
    setFailure(error instanceof Error ? error : new Error(String(error)))
    setBusy(false)
  }
  const open = (given: string) => {
    setBusy(true)
    setFailure(null)
    openLink(token, given).then(enter, fail)
  }
  useEffect(() => {
    document.title = 'Shared with you · Isocenter'
    if (agreed) openLink(token, '').then(enter, fail)
  }, [agreed, token])

  if (!agreed) {
    return (
      <Box>
        <Notice tone="warn" title={`${signedIn} is signed in in this browser.`}>
          Opening the link signs them out here.
        </Notice>
        <Button look="primary" onClick={() => {
          setAgreed(true)
          setBusy(true)
        }}>
          Open the link
        </Button>
        <Button onClick={() => navigate('/', { replace: true })}>Stay signed in</Button>
      </Box>
    )
  }
  const asksCode = failure instanceof HttpError && failure.status === 401 && failure.where === 'code'
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    open(code)
  }
  if (asksCode || code) {
    const said = failure ? explain(failure) : null
    return (
      <Box>
        {said && <Notice tone={code ? 'danger' : 'info'} title={said.what}>{said.hint}</Notice>}
        <form className="form" onSubmit={submit}>
          <TextField label="Code" inputMode="numeric" autoComplete="one-time-code" autoFocus required value={code} onChange={(event) => setCode(event.target.value)} />
          <Button type="submit" look="primary" disabled={busy || code.trim() === ''}>
            {busy ? <Spinner label="Opening" /> : 'Open'}
          </Button>
        </form>
      </Box>
    )
  }
  return (
    <Box>
      {failure ? (
        <ErrorNotice error={explain(failure)} action={failure instanceof HttpError && failure.status < 500 && failure.status !== 429 ? undefined : <Button small icon="retry" onClick={() => open('')}>Try again</Button>} />
      ) : (
        <Spinner label="Opening the link" />
      )}
    </Box>
  )
}
