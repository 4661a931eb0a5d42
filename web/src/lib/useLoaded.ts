import { useCallback, useEffect, useState } from 'react'
import { type Explained, explain, isAbort } from './http'

export interface Loaded<T> {
  /** What was last read; stays while it is read anew. */
  value: T | null
  error: unknown
  /** The error in words. */
  failure: Explained | null
  reload: () => void
}

/** Reads something when the component appears, and again on `reload`. `read` must be the same function from render to render. */
export function useLoaded<T>(read: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; error: unknown }>({ value: null, error: null })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const flight = new AbortController()
    read(flight.signal).then(
      (value) => setState({ value, error: null }),
      (error: unknown) => {
        if (!isAbort(error)) setState((now) => ({ ...now, error }))
      },
    )
    return () => flight.abort()
  }, [read, round])
  const reload = useCallback(() => setRound((now) => now + 1), [])
  return { ...state, failure: state.error === null ? null : explain(state.error), reload }
}
