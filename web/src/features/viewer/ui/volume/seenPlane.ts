// What was read on a plane counts as seen, where the plane lies on an image of the series.
import { type RefObject, useEffect } from 'react'
import type { Size } from '../../engine/volume/painter'
import { useValue } from '../../../../lib/observable'
import type { PlaneName } from '../../model/planes'
import { imageOn } from '../../model/seenOnPlanes'
import { LONG_ENOUGH, USEFUL } from '../../session/seen'
import type { ViewerSession } from '../../session/session'
import type { VolumeScene } from '../../session/volumeScene'

/** Notes the image on which a plane lies, once it is drawn whole and stayed for a moment. */
export function useSeenOn(session: ViewerSession, scene: VolumeScene, name: PlaneName, size: Size, canvas: RefObject<HTMLCanvasElement | null>): void {
  const { planes, focus, phase, projection } = useValue(scene.state)
  const { status } = useValue(scene.volume.state)
  const isUseful = status === 'ready' && Math.min(size.width, size.height) >= USEFUL
  const frameId = isUseful ? imageOn(scene.volume.plan, { orientation: planes[name], focus, phase, projection })?.id : undefined
  useEffect(() => {
    if (frameId === undefined) return
    // A plane is drawn coarse while it moves: that is no look at an image.
    const look = (): void => {
      if (canvas.current?.dataset.drawn === 'fine') session.seen.note(frameId)
      else timer = window.setTimeout(look, LONG_ENOUGH)
    }
    let timer = window.setTimeout(look, LONG_ENOUGH)
    return () => window.clearTimeout(timer)
  }, [session, frameId, canvas])
}
