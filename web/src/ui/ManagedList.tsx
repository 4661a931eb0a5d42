import type { Key, ReactNode } from 'react'
import { Button, Skeleton } from './controls'
import { type Explanation, ErrorNotice } from './feedback'

export interface Column<T> {
  title: string
  cell: (row: T) => ReactNode
  className?: string
}

interface ManagedListProps<T> {
  /** What the list is for, in a sentence. */
  lead: string
  /** `useLoaded` of whoever shows it. */
  loaded: { value: T[] | null; failure: Explanation | null; reload: () => void }
  columns: readonly Column<T>[]
  keyOf: (row: T) => Key
  rowClass?: (row: T) => string | undefined
  /** What can be done with one row. */
  actions: (row: T) => ReactNode
  /** Words of the button that adds a row; '' for who may not. */
  add: string
  onAdd: () => void
  /** Why the last action on a row failed. */
  failure: Explanation | null
  empty: ReactNode
  /** The dialog that is open. */
  children: ReactNode
}

/** A list somebody looks after: what it is for, adding, the rows with their actions; while it comes, when it fails, when it is empty. */
export function ManagedList<T>({ lead, loaded, add, onAdd, failure, empty, children, ...table }: ManagedListProps<T>) {
  const retry = (
    <Button small icon="retry" onClick={loaded.reload}>
      Try again
    </Button>
  )
  return (
    <>
      <div className="page-head">
        <p className="page-lead">{lead}</p>
        {add && (
          <Button look="primary" onClick={onAdd}>
            {add}
          </Button>
        )}
      </div>
      {failure && <ErrorNotice error={failure} />}
      {loaded.failure && <ErrorNotice error={loaded.failure} action={retry} />}
      {loaded.value === null && loaded.failure === null && (
        <div className="panel panel-skeleton" aria-hidden="true">
          <Skeleton width="60%" />
          <Skeleton width="75%" />
          <Skeleton width="50%" />
        </div>
      )}
      {loaded.value?.length === 0 && <div className="panel">{empty}</div>}
      {loaded.value !== null && loaded.value.length > 0 && (
        <div className="panel panel-scroll">
          <Table rows={loaded.value} {...table} />
        </div>
      )}
      {children}
    </>
  )
}

/** What of a cell's look its heading shares. */
function headClass(className = ''): string | undefined {
  const shared = className.split(' ').filter((name) => name === 'num' || name === 'secondary')
  return shared.join(' ') || undefined
}

function Table<T>({ rows, columns, keyOf, rowClass, actions }: { rows: T[] } & Pick<ManagedListProps<T>, 'columns' | 'keyOf' | 'rowClass' | 'actions'>) {
  return (
    <table className="plain-table">
      <thead>
        <tr>
          {columns.map(({ title, className }) => (
            <th key={title} className={headClass(className)}>
              {title}
            </th>
          ))}
          <th>
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} className={rowClass?.(row)}>
            {columns.map(({ title, className, cell }) => (
              <td key={title} className={className}>
                {cell(row)}
              </td>
            ))}
            <td className="actions">{actions(row)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
