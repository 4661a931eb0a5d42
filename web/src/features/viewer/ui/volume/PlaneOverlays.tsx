import { useEffect, useRef } from 'react'
import { useValue } from '../../../../lib/observable'
import type { Vector } from '../../model/geometry'
import type { Grid } from '../../model/overlays/grid'
import { type Orientation, type PlaneView, fromScreen } from '../../model/planes'
import { overlaysOf } from '../../session/overlays/store'
import type { ViewerSession } from '../../session/session'
import type { Size } from './cell'
import { drawOnPlane } from './planeOverlays'

interface Props {
  readonly session: ViewerSession
  readonly frameOfReference: string
  readonly view: PlaneView
  readonly orientation: Orientation
  readonly focus: Vector
  readonly size: Size
}

/** What lies on the images of other series, cut by the plane that a cell shows. */
export function PlaneOverlays({ session, frameOfReference, view, orientation, focus, size }: Props) {
  const state = useValue(overlaysOf(session).state)
  const canvas = useRef<HTMLCanvasElement>(null)
  const any = state.overlays.some((overlay) => overlay.shown)
  useEffect(() => {
    const own = canvas.current
    if (!own || size.width < 1) return
    delete own.dataset.drawn
    // Once for each picture of the screen, however many steps of the wheel lie between two of them.
    const frame = requestAnimationFrame(() => {
      const step = 1 / view.scale
      const plane: Grid = { frameOfReference, row: orientation.right, column: orientation.below, origin: fromScreen([0.5, 0.5], view, orientation, focus, size), spacing: [step, step], columns: size.width, rows: size.height }
      own.dataset.drawn = String(drawOnPlane(own, plane, state))
    })
    return () => cancelAnimationFrame(frame)
  }, [state, frameOfReference, view, orientation, focus, size])
  return any ? <canvas ref={canvas} className="volume-overlay" data-testid="plane-overlay" aria-hidden="true" /> : null
}
