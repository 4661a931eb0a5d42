// The magnifying glass: the picture around the pointer, larger, while the button is held.
import { useEffect, useRef, useState } from 'react'
import { useValue } from '../../../lib/observable'
import { CanvasSurface } from '../engine/canvasSurface'
import type { Pane } from '../engine/pane'
import type { Point } from '../model/geometry'
import { apply, invert } from '../model/view'
import type { ViewerSession } from '../session/session'
import './measuring.css'

const SIDE = 220
const LARGER = 3

/** Where the pointer holds the glass; null while it does not. */
function useGlass(pane: Element | null, wanted: boolean): Point | null {
  const [at, setAt] = useState<Point | null>(null)
  useEffect(() => {
    if (!pane || !wanted) return
    const ending = new AbortController()
    const { signal } = ending
    const follow = (event: Event) => {
      if (!(event instanceof PointerEvent) || (event.buttons & 1) === 0) {
        setAt(null)
        return
      }
      const box = pane.getBoundingClientRect()
      setAt([event.clientX - box.left, event.clientY - box.top])
    }
    for (const kind of ['pointerdown', 'pointermove']) pane.addEventListener(kind, follow, { signal })
    for (const kind of ['pointerup', 'pointercancel']) pane.addEventListener(kind, () => setAt(null), { signal })
    return () => {
      ending.abort()
      setAt(null)
    }
  }, [pane, wanted])
  return at
}

export function LensLayer({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const { tool } = useValue(session.state)
  const { picture, window, view, inverted, effects } = useValue(pane.state)
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const at = useGlass(anchor?.closest('.pane') ?? null, tool === 'magnify')
  const host = useRef<HTMLDivElement>(null)
  const surface = useRef<CanvasSurface | null>(null)
  const shown = at !== null
  useEffect(() => {
    if (!shown || !host.current) return
    const made = new CanvasSurface(host.current)
    made.resize({ width: SIDE, height: SIDE })
    surface.current = made
    return () => {
      surface.current = null
      made.dispose()
    }
  }, [shown])
  useEffect(() => {
    const affine = pane.affine()
    if (!at || !picture || !window || !affine) return
    const centre = apply(invert(affine), at)
    surface.current?.draw(picture, { view: { ...view, centre, scale: view.scale * LARGER, fitted: false }, window, inverted, effects })
  }, [at, pane, picture, window, view, inverted, effects])
  return (
    <>
      <span ref={setAnchor} hidden />
      {at && <div ref={host} className="lens" data-testid="lens" style={{ left: at[0], top: at[1] }} />}
    </>
  )
}
