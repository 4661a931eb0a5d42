import { cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Explanation } from './feedback'
import { type Column, ManagedList } from './ManagedList'

interface Thing {
  name: string
  size: number
}

const COLUMNS: readonly Column<Thing>[] = [
  { title: 'Name', cell: (thing) => <strong>{thing.name}</strong> },
  { title: 'Size', className: 'muted secondary', cell: (thing) => thing.size },
]

function show(loaded: { value?: Thing[]; failure?: Explanation }, failure: Explanation | null = null) {
  const onAdd = vi.fn()
  const reload = vi.fn()
  render(
    <ManagedList
      lead="Things of the house."
      loaded={{ value: null, failure: null, reload, ...loaded }}
      columns={COLUMNS}
      keyOf={(thing) => thing.name}
      rowClass={(thing) => (thing.size === 0 ? 'is-off' : undefined)}
      actions={(thing) => <button type="button">Remove {thing.name}</button>}
      add="Add a thing"
      onAdd={onAdd}
      failure={failure}
      empty={<p>No things</p>}
    >
      <p>the open dialog</p>
    </ManagedList>,
  )
  return { onAdd, reload }
}

afterEach(cleanup)

describe('a list somebody looks after', () => {
  it('shows each row with its cells and its action', () => {
    const { onAdd } = show({ value: [{ name: 'table', size: 3 }, { name: 'chair', size: 0 }] })
    expect(screen.getAllByRole('columnheader').map((head) => head.textContent)).toEqual(['Name', 'Size', 'Actions'])
    const rows = screen.getAllByRole('row').slice(1)
    expect(rows.map((row) => within(row).getAllByRole('cell').map((cell) => cell.textContent))).toEqual([
      ['table', '3', 'Remove table'],
      ['chair', '0', 'Remove chair'],
    ])
    expect(rows.map((row) => row.className)).toEqual(['', 'is-off'])
    expect(screen.getAllByRole('columnheader').map((head) => head.className)).toEqual(['', 'secondary', ''])
    fireEvent.click(screen.getByRole('button', { name: 'Add a thing' }))
    expect(onAdd).toHaveBeenCalledOnce()
    expect(screen.getByText('the open dialog')).toBeTruthy()
  })

  it('says that there are none, and neither while it is read', () => {
    show({ value: [] })
    expect(screen.getByText('No things')).toBeTruthy()
    cleanup()
    show({})
    expect(screen.queryByText('No things')).toBeNull()
    expect(screen.queryByRole('table')).toBeNull()
  })

  it('tells why it could not be read and asks again, and why an action failed', () => {
    const { reload } = show({ failure: { what: 'Away.' } }, { what: 'Not now.' })
    expect(screen.getAllByRole('alert')).toHaveLength(2)
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }))
    expect(reload).toHaveBeenCalledOnce()
  })
})
