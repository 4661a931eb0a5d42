import { Sessions } from '../features/admin/Sessions'
import { Button } from '../ui/controls'
import { Dialog } from '../ui/overlay'

export function SessionsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog
      title="Where you are signed in"
      onClose={onClose}
      footer={
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <Sessions everyone={false} />
    </Dialog>
  )
}
