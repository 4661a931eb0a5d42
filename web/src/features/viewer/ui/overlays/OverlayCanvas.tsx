import { useLayoutEffect, useRef } from 'react'
import { useValue } from '../../../../lib/observable'
import { overlaysOf } from '../../session/overlays/store'
import type { PaneProps } from '../additions'
import { drawOverlays } from './drawing'
import { EditPad } from './EditPad'
import './overlays.css'

/** The canvas that lies on the picture of a viewport. */
export default function OverlayCanvas({ session, pane }: PaneProps) {
  const overlays = useValue(overlaysOf(session).state)
  const { picture, size, view } = useValue(pane.state)
  const canvas = useRef<HTMLCanvasElement>(null)
  const ratio = window.devicePixelRatio || 1
  useLayoutEffect(() => {
    const affine = pane.affine()
    if (!canvas.current || !picture || !affine) return
    canvas.current.dataset.drawn = String(drawOverlays(canvas.current, picture.frame, affine, overlays))
    canvas.current.dataset.image = picture.frame.id
  }, [overlays, picture, size, view, pane])
  if (!picture) return null
  return (
    <>
      <canvas
        ref={canvas}
        className="overlay-canvas"
        data-testid="overlay-canvas"
        width={Math.max(1, Math.round(size.width * ratio))}
        height={Math.max(1, Math.round(size.height * ratio))}
        aria-hidden="true"
      />
      <EditPad session={session} pane={pane} />
    </>
  )
}
