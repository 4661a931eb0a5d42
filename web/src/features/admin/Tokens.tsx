import type { SyntheticEvent } from 'react'
import { useState } from 'react'
import type { Token } from '../../api/admin'
import { addToken, listAccounts, listTokens, revokeToken } from '../../api/admin'
import type { Role } from '../../api/types'
import { formatInstant } from '../../lib/dates'
import { explain } from '../../lib/http'
import { useLoaded } from '../../lib/useLoaded'
import { Button, SelectField, TextField } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { Dialog } from '../../ui/overlay'
import { Listing } from './Listing'
import { SecretDialog } from './Secret'
import { ROLES } from './roles'
import { useAction } from './useAction'

const LIFETIMES = [
  { days: 30, title: '30 days' },
  { days: 365, title: 'One year' },
  { days: 3650, title: 'Ten years' },
] as const

function AddDialog({ self, onClose, onAdded }: { self: string; onClose: () => void; onAdded: (secret: string) => void }) {
  const accounts = useLoaded(listAccounts)
  const [user, setUser] = useState(self)
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role | ''>('')
  const [days, setDays] = useState(365)
  const action = useAction()
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    action.run(async () => onAdded(await addToken({ user, name: name.trim(), role: role || null, days })))
  }
  return (
    <Dialog
      title="Make an access token"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="add-token" look="primary" disabled={action.busy || !name.trim()}>
            Make token
          </Button>
        </>
      }
    >
      <form id="add-token" className="form" onSubmit={submit}>
        {action.error !== null && <ErrorNotice error={explain(action.error)} />}
        <TextField label="What it is for" required value={name} onChange={(event) => setName(event.target.value)} />
        <SelectField label="Acts as" value={user} onChange={(event) => setUser(event.target.value)}>
          {(accounts.value?.filter((account) => !account.disabled).map((account) => account.name) ?? [self]).map((option) => (
            <option key={option}>{option}</option>
          ))}
        </SelectField>
        <SelectField label="Role" hint="A narrower role makes a stolen token worth less." value={role} onChange={(event) => setRole(event.target.value as Role | '')}>
          <option value="">as the account</option>
          {ROLES.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </SelectField>
        <SelectField label="Valid for" value={days} onChange={(event) => setDays(Number(event.target.value))}>
          {LIFETIMES.map((lifetime) => (
            <option key={lifetime.days} value={lifetime.days}>
              {lifetime.title}
            </option>
          ))}
        </SelectField>
      </form>
    </Dialog>
  )
}

function RevokeDialog({ token, onClose, onRevoked }: { token: Token; onClose: () => void; onRevoked: () => void }) {
  const action = useAction()
  const revoke = () =>
    action.run(async () => {
      await revokeToken(token.id)
      onRevoked()
    })
  return (
    <Dialog
      title="Revoke this token?"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" disabled={action.busy} onClick={revoke}>
            Revoke
          </Button>
        </>
      }
    >
      {action.error !== null && <ErrorNotice error={explain(action.error)} />}
      <p>
        Programs that use <strong>{token.name || `token ${token.id}`}</strong> are refused from now on. This cannot be undone; a new token can be made.
      </p>
    </Dialog>
  )
}

export function Tokens({ self }: { self: string }) {
  const tokens = useLoaded(listTokens)
  const [adding, setAdding] = useState(false)
  const [secret, setSecret] = useState('')
  const [revoking, setRevoking] = useState<Token | null>(null)
  return (
    <>
      <div className="page-head">
        <p className="page-lead">For programs that use DICOMweb or this API: they send the token instead of a password.</p>
        <Button look="primary" onClick={() => setAdding(true)}>
          Make a token
        </Button>
      </div>
      <Listing loaded={tokens} empty={<Empty icon="lock" title="No access tokens">A program needs one to query, retrieve or store over the web.</Empty>}>
        {(rows) => (
          <table className="plain-table">
            <thead>
              <tr>
                <th>For</th>
                <th>Acts as</th>
                <th className="secondary">Role</th>
                <th className="secondary">Made</th>
                <th>Expires</th>
                <th className="secondary">Last used</th>
                <th>
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((token) => (
                <tr key={token.id}>
                  <td>
                    <strong>{token.name || <span className="faint">unnamed</span>}</strong>
                  </td>
                  <td>{token.user}</td>
                  <td className="secondary">{token.role ?? <span className="faint">as the account</span>}</td>
                  <td className="muted secondary">{formatInstant(token.created_at)}</td>
                  <td className="muted">{token.expires_at ? formatInstant(token.expires_at) : 'never'}</td>
                  <td className="muted secondary">{token.used_at ? formatInstant(token.used_at) : 'not yet'}</td>
                  <td className="actions">
                    <Button small look="danger" onClick={() => setRevoking(token)}>
                      Revoke
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Listing>
      {adding && (
        <AddDialog
          self={self}
          onClose={() => setAdding(false)}
          onAdded={(made) => {
            setAdding(false)
            setSecret(made)
            tokens.reload()
          }}
        />
      )}
      {secret && <SecretDialog title="Access token" label="The token" secret={secret} onClose={() => setSecret('')} />}
      {revoking && (
        <RevokeDialog
          token={revoking}
          onClose={() => setRevoking(null)}
          onRevoked={() => {
            setRevoking(null)
            tokens.reload()
          }}
        />
      )}
    </>
  )
}
