import { formatClock } from '../lib/numbers'
import { signOut } from '../api/session'
import { Button } from '../ui/controls'
import { Dialog } from '../ui/overlay'
import { useIdleClock } from './idle'

/** Signs out after the idle time the server gave, and asks a minute before. */
export function IdleDialog({ idleSeconds }: { idleSeconds: number }) {
  const { left, stay } = useIdleClock(idleSeconds)
  if (left === null) return null
  return (
    <Dialog
      title="Are you still there?"
      stubborn
      onClose={stay}
      footer={
        <>
          <Button onClick={() => void signOut().catch(() => undefined)}>Sign out now</Button>
          <Button look="primary" autoFocus onClick={stay}>
            Stay signed in
          </Button>
        </>
      }
    >
      <p>
        Nothing happened here for a while. To keep patients' images safe you are signed out in <strong>{formatClock(left)}</strong>.
      </p>
    </Dialog>
  )
}
