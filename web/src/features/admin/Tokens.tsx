import { useState } from 'react'
import type { Token } from '../../api/admin'
import { addToken, listAccounts, listTokens, revokeToken } from '../../api/admin'
import type { Role } from '../../api/types'
import { formatInstant } from '../../lib/dates'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Button, SelectField, TextField } from '../../ui/controls'
import { Empty } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { SecretDialog } from './Secret'
import { ROLES } from './roles'

const LIFETIMES = [
  { days: 30, title: '30 days' },
  { days: 365, title: 'One year' },
  { days: 3650, title: 'Ten years' },
] as const

/** What programs usually are for; others are made with `isocenter token create --permission`. */
const PURPOSES = [
  { title: 'all that the role may', permissions: [] },
  { title: 'look and retrieve', permissions: ['study:query', 'study:read', 'study:export'] },
  { title: 'look, and no whole objects', permissions: ['study:query', 'study:read'] },
  { title: 'send in', permissions: ['study:store'] },
  { title: 'read figures and state (Prometheus)', permissions: ['system:read'] },
] as const

function AddDialog({ self, onClose, onAdded }: { self: string; onClose: () => void; onAdded: (secret: string) => void }) {
  const accounts = useLoaded(listAccounts)
  const [user, setUser] = useState(self)
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role | ''>('')
  const [purpose, setPurpose] = useState(0)
  const [days, setDays] = useState(365)
  const action = useAction()
  const add = async () => onAdded(await addToken({ user, name: name.trim(), role: role || null, permissions: PURPOSES[purpose]?.permissions ?? [], days }))
  return (
    <FormDialog title="Make an access token" submit="Make token" ready={name.trim() !== ''} action={action} run={add} onClose={onClose}>
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
      <SelectField label="May" hint="Nothing else, even when the account comes to do more." value={purpose} onChange={(event) => setPurpose(Number(event.target.value))}>
        {PURPOSES.map((each, index) => (
          <option key={each.title} value={index}>
            {each.title}
          </option>
        ))}
      </SelectField>
      <SelectField label="Valid for" value={days} onChange={(event) => setDays(Number(event.target.value))}>
        {LIFETIMES.map((lifetime) => (
          <option key={lifetime.days} value={lifetime.days}>
            {lifetime.title}
          </option>
        ))}
      </SelectField>
    </FormDialog>
  )
}

function RevokeDialog({ token, onClose, onRevoked }: { token: Token; onClose: () => void; onRevoked: () => void }) {
  const action = useAction()
  const revoke = async () => {
    await revokeToken(token.id)
    onRevoked()
  }
  return (
    <FormDialog title="Revoke this token?" submit="Revoke" danger cancel="Keep it" action={action} run={revoke} onClose={onClose}>
      <p>
        Programs that use <strong>{token.name || `token ${token.id}`}</strong> are refused from now on. This cannot be undone; a new token can be made.
      </p>
    </FormDialog>
  )
}

const COLUMNS: readonly Column<Token>[] = [
  { title: 'For', cell: (token) => <strong>{token.name || <span className="faint">unnamed</span>}</strong> },
  { title: 'Acts as', cell: (token) => token.user },
  {
    title: 'Role',
    className: 'secondary',
    cell: (token) => (
      <>
        {token.role ?? <span className="faint">as the account</span>}
        {token.permissions.length > 0 && <div className="faint">only {token.permissions.join(', ')}</div>}
      </>
    ),
  },
  { title: 'Made', className: 'muted secondary', cell: (token) => formatInstant(token.created_at) },
  { title: 'Expires', className: 'muted', cell: (token) => (token.expires_at ? formatInstant(token.expires_at) : 'never') },
  { title: 'Last used', className: 'muted secondary', cell: (token) => (token.used_at ? formatInstant(token.used_at) : 'not yet') },
]

export function Tokens({ self }: { self: string }) {
  const tokens = useLoaded(listTokens)
  const [adding, setAdding] = useState(false)
  const [secret, setSecret] = useState('')
  const [revoking, setRevoking] = useState<Token | null>(null)
  return (
    <ManagedList
      lead="For programs that use DICOMweb or this API: they send the token instead of a password."
      loaded={tokens}
      columns={COLUMNS}
      keyOf={(token) => token.id}
      actions={(token) => (
        <Button small look="danger" onClick={() => setRevoking(token)}>
          Revoke
        </Button>
      )}
      add="Make a token"
      onAdd={() => setAdding(true)}
      failure={null}
      empty={
        <Empty icon="lock" title="No access tokens">
          A program needs one to query, retrieve or store over the web.
        </Empty>
      }
    >
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
    </ManagedList>
  )
}
