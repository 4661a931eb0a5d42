import type { ReactNode, SyntheticEvent } from 'react'
import { useId } from 'react'
import { Button } from './controls'
import { type Explanation, ErrorNotice } from './feedback'
import { Dialog } from './overlay'

interface FormDialogProps {
  title: string
  /** Words of the button that does it. */
  submit: string
  danger?: boolean
  cancel?: string
  /** What must be filled in is. */
  ready?: boolean
  wide?: boolean
  /** `useAction` of whoever opens it. */
  action: { busy: boolean; failure: Explanation | null; run: (action: () => Promise<void>) => void }
  /** Does it on the server; the dialog stays, with the reason, when that fails. */
  run: () => Promise<void>
  onClose: () => void
  children: ReactNode
}

/** A question to the server in a dialog: fields or words, one button that does it, one that does not. */
export function FormDialog({ title, submit, danger = false, cancel = 'Cancel', ready = true, wide = false, action, run, onClose, children }: FormDialogProps) {
  const form = useId()
  const onSubmit = (event: SyntheticEvent) => {
    event.preventDefault()
    action.run(run)
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      wide={wide}
      footer={
        <>
          <Button onClick={onClose}>{cancel}</Button>
          <Button type="submit" form={form} look={danger ? 'danger' : 'primary'} disabled={action.busy || !ready}>
            {submit}
          </Button>
        </>
      }
    >
      <form id={form} className="form" onSubmit={onSubmit}>
        {action.failure && <ErrorNotice error={action.failure} />}
        {children}
      </form>
    </Dialog>
  )
}
