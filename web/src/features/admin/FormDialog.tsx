import type { ReactNode, SyntheticEvent } from 'react'
import { useId } from 'react'
import { explain } from '../../lib/http'
import { Button } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'
import { Dialog } from '../../ui/overlay'
import { useAction } from './useAction'

interface FormDialogProps {
  title: string
  /** Words of the button that does it. */
  submit: string
  danger?: boolean
  cancel?: string
  /** What must be filled in is. */
  ready?: boolean
  /** Does it on the server; the dialog stays, with the reason, when that fails. */
  run: () => Promise<void>
  onClose: () => void
  children: ReactNode
}

/** A question to the server in a dialog: fields or words, one button that does it, one that does not. */
export function FormDialog({ title, submit, danger = false, cancel = 'Cancel', ready = true, run, onClose, children }: FormDialogProps) {
  const form = useId()
  const action = useAction()
  const onSubmit = (event: SyntheticEvent) => {
    event.preventDefault()
    action.run(run)
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
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
        {action.error !== null && <ErrorNotice error={explain(action.error)} />}
        {children}
      </form>
    </Dialog>
  )
}
