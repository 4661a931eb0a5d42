import { useState } from 'react'

/** Something a button does on the server: whether it runs, and why it failed. */
export function useAction(): { busy: boolean; error: unknown; run: (action: () => Promise<void>) => void } {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const run = (action: () => Promise<void>) => {
    setBusy(true)
    setError(null)
    action()
      .catch((failure: unknown) => setError(failure))
      .finally(() => setBusy(false))
  }
  return { busy, error, run }
}
