import { useCallback, useEffect, useMemo, useState } from 'react'
import { changes } from '../../api/events'
import type { Order, OrderSearch } from '../../api/orders'
import { listOrders } from '../../api/orders'
import { explain, isAbort } from '../../lib/http'
import { plural } from '../../lib/numbers'
import { Button, Skeleton } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { OrderDialog } from './OrderDialog'
import { OrderTable } from './OrderTable'
import { type OrderFilter, toSearch } from './orderForm'
import './orders.css'

const DATES: [OrderFilter['date'], string][] = [
  ['', 'Any day'],
  ['today', 'Today'],
  ['tomorrow', 'Tomorrow'],
  ['7d', '7 days'],
]
const STATES: [string, string][] = [
  ['', 'All'],
  ['scheduled', 'Scheduled'],
  ['in_progress', 'In progress'],
  ['completed', 'Completed'],
  ['discontinued,cancelled', 'Not done'],
]
const MODALITIES = ['CR', 'CT', 'DX', 'MG', 'MR', 'NM', 'PT', 'RF', 'US', 'XA']
const TYPING_MS = 250

interface Listed {
  rows: Order[] | null
  next: string | null
  error: unknown
}

/** The orders of a search, read again when the change log tells of one. */
function useOrders(search: OrderSearch) {
  const [listed, setListed] = useState<Listed>({ rows: null, next: null, error: null })
  const [round, setRound] = useState(0)
  const key = JSON.stringify(search)
  useEffect(() => {
    const flight = new AbortController()
    listOrders(JSON.parse(key) as OrderSearch, null, { signal: flight.signal, background: round > 0 }).then(
      (page) => setListed({ rows: page.orders, next: page.next, error: null }),
      (error: unknown) => {
        if (!isAbort(error)) setListed((now) => ({ ...now, error }))
      },
    )
    return () => flight.abort()
  }, [key, round])
  const reload = useCallback(() => setRound((now) => now + 1), [])
  useEffect(() => {
    let timer = 0
    const stop = changes.listen((change) => {
      if (!/^(order|procedure)\./.test(change.kind)) return
      window.clearTimeout(timer)
      timer = window.setTimeout(reload, 300)
    })
    return () => {
      window.clearTimeout(timer)
      stop()
    }
  }, [reload])
  const more = () => {
    listOrders(search, listed.next).then(
      (page) => setListed((now) => ({ rows: [...(now.rows ?? []), ...page.orders], next: page.next, error: null })),
      (error: unknown) => setListed((now) => ({ ...now, error })),
    )
  }
  return { ...listed, reload, more }
}

function Choices<T extends string>({ label, choices, value, onChoose }: { label: string; choices: readonly [T, string][]; value: T; onChoose: (value: T) => void }) {
  return (
    <div className="chips" role="group" aria-label={label}>
      {choices.map(([choice, title]) => (
        <button key={choice} type="button" className="chip" aria-pressed={choice === value} onClick={() => onChoose(choice)}>
          {title}
        </button>
      ))}
    </div>
  )
}

function Filters({ filter, change, onAdd }: { filter: OrderFilter; change: (some: Partial<OrderFilter>) => void; onAdd: (() => void) | null }) {
  const [text, setText] = useState(filter.q)
  useEffect(() => {
    if (text === filter.q) return
    const timer = window.setTimeout(() => change({ q: text }), TYPING_MS)
    return () => window.clearTimeout(timer)
  }, [text, filter.q, change])
  return (
    <search className="orders-search">
      <input type="search" className="input" aria-label="Search by name, patient ID or accession number" placeholder="Name, patient ID or accession" autoComplete="off" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />
      <Choices label="Day" choices={DATES} value={filter.date} onChoose={(date) => change({ date })} />
      <Choices label="State" choices={STATES} value={filter.state} onChoose={(state) => change({ state })} />
      <select className="input orders-modality" aria-label="Modality" value={filter.modality} onChange={(event) => change({ modality: event.target.value })}>
        <option value="">Any modality</option>
        {MODALITIES.map((code) => (
          <option key={code}>{code}</option>
        ))}
      </select>
      {onAdd && (
        <Button look="primary" onClick={onAdd}>
          New order
        </Button>
      )}
    </search>
  )
}

/** What is to be done, and how far it is: the scheduled steps that modalities see as their worklist. */
export function OrdersPage({ canManage }: { canManage: boolean }) {
  const [filter, setFilter] = useState<OrderFilter>({ q: '', date: '', state: '', modality: '' })
  const search = useMemo(() => toSearch(filter, new Date()), [filter])
  const orders = useOrders(search)
  const [open, setOpen] = useState<{ order?: Order } | null>(null)
  const change = useCallback((some: Partial<OrderFilter>) => setFilter((now) => ({ ...now, ...some })), [])
  const searching = Object.values(filter).some(Boolean)
  return (
    <div className="orders">
      <h1 className="visually-hidden">Orders</h1>
      <Filters filter={filter} change={change} onAdd={canManage ? () => setOpen({}) : null} />
      <div className="orders-list">
        {orders.error !== null && (
          <ErrorNotice
            error={explain(orders.error)}
            action={
              <Button small icon="retry" onClick={orders.reload}>
                Try again
              </Button>
            }
          />
        )}
        {orders.rows === null && orders.error === null && (
          <div className="panel-skeleton" aria-hidden="true">
            <Skeleton width="60%" />
            <Skeleton width="75%" />
            <Skeleton width="50%" />
          </div>
        )}
        {orders.rows?.length === 0 && (
          <Empty icon="orders" title={searching ? 'No order matches' : 'No orders'}>
            {searching ? 'Another day or another state may have it.' : 'What is ordered here is on the worklist of the modalities (DICOM Modality Worklist), and moves on as they report.'}
          </Empty>
        )}
        {orders.rows !== null && orders.rows.length > 0 && (
          <>
            <OrderTable orders={orders.rows} canManage={canManage} onEdit={(order) => setOpen({ order })} onChanged={orders.reload} />
            <div className="orders-foot faint" role="status">
              {plural(orders.rows.length, 'order')}
              {orders.next !== null && (
                <Button small onClick={orders.more}>
                  Show more
                </Button>
              )}
            </div>
          </>
        )}
      </div>
      {open && (
        <OrderDialog
          {...(open.order ? { order: open.order } : {})}
          onClose={() => setOpen(null)}
          onSaved={() => {
            setOpen(null)
            orders.reload()
          }}
        />
      )}
    </div>
  )
}
