import { type RefObject, useEffect, useRef, useState } from 'react'
import { type Job, type Size, Painter } from '../../engine/volume/painter'
import type { Point } from '../../model/geometry'

export type { Size }

/** The size of an element on the screen, as it changes. */
export function useSize(element: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useEffect(() => {
    const watched = element.current
    if (!watched) return
    const observer = new ResizeObserver(() => setSize({ width: watched.clientWidth, height: watched.clientHeight }))
    observer.observe(watched)
    return () => observer.disconnect()
  }, [element])
  return size
}

/** Keeps a canvas showing a job. */
export function usePainter(canvas: RefObject<HTMLCanvasElement | null>, job: Job | null, size: Size): void {
  const painter = useRef<Painter | null>(null)
  useEffect(() => {
    if (!canvas.current) return
    const own = new Painter(canvas.current)
    painter.current = own
    return () => {
      own.dispose()
      painter.current = null
    }
  }, [canvas])
  useEffect(() => {
    if (job && size.width > 1) painter.current?.show(job, size)
  })
}

export interface Hand {
  /** What a press at a point begins: told the way from the last point and where the pointer is. */
  readonly press: (at: Point, event: PointerEvent) => ((by: Point, at: Point) => void) | null
  /** Pressed and let go without moving. */
  readonly click?: (at: Point) => void
  /** The button is up again, after a drag or a click. */
  readonly release?: (at: Point, moved: boolean) => void
  /** The pointer moves without a button. */
  readonly hover?: (at: Point) => void
  readonly wheel: (event: WheelEvent) => void
  readonly double?: () => void
}

const TREMBLE = 4 // pixels

/**
 * Pointers of a cell. Native listeners that stop here: the viewport's own input listens on an element around it
 * and would scroll the stack behind.
 */
export function useHand(element: RefObject<HTMLElement | null>, hand: Hand): void {
  const latest = useRef(hand)
  useEffect(() => {
    latest.current = hand
  })
  useEffect(() => {
    const host = element.current
    if (!host) return
    const ending = new AbortController()
    const { signal } = ending
    const at = (event: PointerEvent): Point => {
      const box = host.getBoundingClientRect()
      return [event.clientX - box.left, event.clientY - box.top]
    }
    let drag: { go: ((by: Point, at: Point) => void) | null; last: Point; from: Point; moved: boolean; id: number; main: boolean } | null = null
    host.addEventListener('pointerdown', (event) => {
      host.setPointerCapture(event.pointerId)
      const point = at(event)
      drag = { go: latest.current.press(point, event), last: point, from: point, moved: false, id: event.pointerId, main: event.button === 0 }
    }, { signal })
    host.addEventListener('pointermove', (event) => {
      if (drag?.id !== event.pointerId) {
        latest.current.hover?.(at(event))
        return
      }
      const point = at(event)
      if (!drag.moved && Math.hypot(point[0] - drag.from[0], point[1] - drag.from[1]) < TREMBLE) return
      drag.moved = true
      drag.go?.([point[0] - drag.last[0], point[1] - drag.last[1]], point)
      drag.last = point
    }, { signal })
    const end = (event: PointerEvent): void => {
      if (drag?.id !== event.pointerId) return
      const { moved, main, from, last } = drag
      drag = null
      latest.current.release?.(moved ? last : from, moved)
      if (!moved && main && event.type === 'pointerup') latest.current.click?.(from)
    }
    host.addEventListener('pointerup', end, { signal })
    host.addEventListener('pointercancel', end, { signal })
    host.addEventListener('wheel', (event) => {
      event.preventDefault()
      latest.current.wheel(event)
    }, { signal, passive: false })
    host.addEventListener('dblclick', () => latest.current.double?.(), { signal })
    return () => ending.abort()
  }, [element])
}

/** Nothing that happens inside reaches the viewport's own mouse and fingers. */
export function useOwnInput(element: RefObject<HTMLElement | null>, pressed: () => void): void {
  const latest = useRef(pressed)
  useEffect(() => {
    latest.current = pressed
  })
  useEffect(() => {
    const host = element.current
    if (!host) return
    const ending = new AbortController()
    for (const type of ['pointerdown', 'pointermove', 'pointerup', 'pointercancel', 'wheel', 'dblclick', 'contextmenu', 'mousedown'] as const) {
      host.addEventListener(type, (event) => {
        event.stopPropagation()
        if (type === 'pointerdown') latest.current()
        if (type === 'contextmenu' || (type === 'mousedown' && (event).button === 1)) event.preventDefault()
      }, { signal: ending.signal })
    }
    return () => ending.abort()
  }, [element])
}
