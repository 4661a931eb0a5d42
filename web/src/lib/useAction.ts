import { useState } from 'react'
import { type Explained, explain } from './http'

export interface Action {
  busy: boolean
  /** Why the last one failed. */
  failure: Explained | null
  run: (action: () => Promise<void>) => void
}

/** Something a button does on the server: whether it runs, and why it failed. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Explained | null>(null)
  const run = (action: () => Promise<void>) => {
    setBusy(true)
    setFailure(null)
    action()
      .catch((error: unknown) => setFailure(explain(error)))
      .finally(() => setBusy(false))
  }
  return { busy, failure, run }
}
