import { useState } from 'react'
import { type Action, useAction } from './useAction'

export interface Opened<T> extends Action {
  /** What is open, of a list of which one is at a time. */
  open: { id: number; value: T } | null
  toggle: (id: number) => void
}

/** A list of which one entry is open at a time, and read when it is opened. */
export function useOpened<T>(read: (id: number) => Promise<T>): Opened<T> {
  const [open, setOpen] = useState<{ id: number; value: T } | null>(null)
  const action = useAction()
  const toggle = (id: number) => {
    if (open?.id === id) setOpen(null)
    else action.run(async () => setOpen({ id, value: await read(id) }))
  }
  return { ...action, open, toggle }
}
