import { useCallback, useEffect, useState } from 'react'
import { changes } from '../../api/events'
import type { Delivery, DeliveryState } from '../../api/routing'
import { listDeliveries } from '../../api/routing'
import { isAbort } from '../../lib/http'

interface Listed {
  rows: Delivery[] | null
  next: number | null
  error: unknown
}

const LOOK_MS = 1_500

export function isMoving(delivery: Delivery): boolean {
  return delivery.state === 'waiting' || delivery.state === 'queued' || delivery.state === 'sending'
}

/** The queue, read again while something in it moves, and when the change log tells of a delivery. */
export function useDeliveries(state: DeliveryState | '') {
  const [listed, setListed] = useState<Listed>({ rows: null, next: null, error: null })
  const [round, setRound] = useState(0)
  const reload = useCallback(() => setRound((now) => now + 1), [])
  const moving = listed.rows?.some(isMoving) ?? false

  useEffect(() => {
    const flight = new AbortController()
    listDeliveries({ state }, null, { signal: flight.signal, background: round > 0 }).then(
      (page) => setListed({ rows: page.deliveries, next: page.next, error: null }),
      (error: unknown) => {
        if (!isAbort(error)) setListed((now) => ({ ...now, error }))
      },
    )
    return () => flight.abort()
  }, [state, round])
  useEffect(() => {
    if (!moving) return
    const timer = window.setTimeout(reload, LOOK_MS)
    return () => window.clearTimeout(timer)
  }, [moving, listed, reload])
  useEffect(() => changes.listen((change) => change.kind.startsWith('delivery.') && reload()), [reload])

  const more = () => {
    listDeliveries({ state }, listed.next).then(
      (page) => setListed((now) => ({ rows: [...(now.rows ?? []), ...page.deliveries], next: page.next, error: null })),
      (error: unknown) => setListed((now) => ({ ...now, error })),
    )
  }
  return { ...listed, reload, more }
}
