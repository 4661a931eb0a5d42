import { useState } from 'react'
import type { SignedIn } from '../../api/session'
import { endSession, everySession, ownSessions } from '../../api/session'
import { formatInstant } from '../../lib/dates'
import { explain } from '../../lib/http'
import { useLoaded } from '../../lib/useLoaded'
import { Button } from '../../ui/controls'
import { Empty, type Explanation } from '../../ui/feedback'
import { type Column, ManagedList } from '../../ui/ManagedList'

const USER: Column<SignedIn> = { title: 'User', cell: (session) => <strong>{session.user}</strong> }

const COLUMNS: readonly Column<SignedIn>[] = [
  {
    title: 'From',
    cell: (session) => (
      <>
        {session.address || <span className="faint">unknown</span>}
        {session.this && <span className="faint"> (this browser)</span>}
      </>
    ),
  },
  { title: 'Signed in', className: 'muted secondary', cell: (session) => formatInstant(session.created_at) },
  { title: 'Last used', className: 'muted', cell: (session) => formatInstant(session.seen_at) },
]

/** Who is signed in, oneself or everyone, each to be ended but this one, which "Sign out" ends. */
export function Sessions({ everyone }: { everyone: boolean }) {
  const sessions = useLoaded(everyone ? everySession : ownSessions)
  const [failure, setFailure] = useState<Explanation | null>(null)
  const end = async (session: SignedIn) => {
    setFailure(null)
    try {
      await endSession(session.id)
    } catch (error) {
      setFailure(explain(error))
    }
    sessions.reload()
  }
  return (
    <ManagedList
      lead={everyone ? 'Everyone who is signed in with a browser. Who is signed out must give the password again.' : 'The browsers you are signed in with. Sign out what you do not know, then change your password.'}
      loaded={sessions}
      columns={everyone ? [USER, ...COLUMNS] : COLUMNS}
      keyOf={(session) => session.id}
      actions={(session) =>
        !session.this && (
          <Button small look="danger" aria-label={`Sign out ${session.user} at ${session.address}`} onClick={() => void end(session)}>
            Sign out
          </Button>
        )
      }
      add=""
      onAdd={() => undefined}
      failure={failure}
      empty={
        <Empty icon="lock" title="Nobody is signed in">
          Programs with a token are under Access tokens.
        </Empty>
      }
    >
      {null}
    </ManagedList>
  )
}
