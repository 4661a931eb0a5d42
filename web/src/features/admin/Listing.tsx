import type { ReactNode } from 'react'
import { explain } from '../../lib/http'
import type { Loaded } from '../../lib/useLoaded'
import { Button, Skeleton } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'

/** A list with its states: coming, failed, empty, there. */
export function Listing<T>({ loaded, empty, children }: { loaded: Loaded<T[]>; empty: ReactNode; children: (rows: T[]) => ReactNode }) {
  const { value, error, reload } = loaded
  const retry = (
    <Button small icon="retry" onClick={reload}>
      Try again
    </Button>
  )
  return (
    <>
      {error !== null && <ErrorNotice error={explain(error)} action={retry} />}
      {value === null && error === null && (
        <div className="panel admin-skeleton" aria-hidden="true">
          <Skeleton width="60%" />
          <Skeleton width="75%" />
          <Skeleton width="50%" />
        </div>
      )}
      {value !== null && (value.length === 0 ? <div className="panel">{empty}</div> : <div className="panel panel-scroll">{children(value)}</div>)}
    </>
  )
}
