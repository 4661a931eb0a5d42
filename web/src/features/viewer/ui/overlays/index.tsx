// Overlays are loaded when somebody wants one: the first image does not wait for them.
import { Suspense, lazy, useEffect, useState } from 'react'
import { useValue } from '../../../../lib/observable'
import { seriesTitle } from '../../model/rail'
import { PANEL, overlaysOf } from '../../session/overlays/store'
import type { ViewerSession } from '../../session/session'
import type { PaneProps } from '../additions'
import { Glyph } from '../icons'

const canvas = () => import('./OverlayCanvas')
const Canvas = lazy(canvas)
const Panel = lazy(() => {
  void canvas() // who opens the panel may draw next, and the first stroke is not to be lost
  return import('./OverlayPanel')
})

export function OverlayLayer(props: PaneProps) {
  const { overlays } = useValue(overlaysOf(props.session).state)
  if (overlays.length === 0) return null
  return (
    <Suspense fallback={null}>
      <Canvas {...props} />
    </Suspense>
  )
}

export function OverlayPanel({ session }: { session: ViewerSession }) {
  return (
    <Suspense fallback={<p className="rail-note">Loading…</p>}>
      <Panel session={session} />
    </Suspense>
  )
}

/** A series that lies on others was opened: those are shown, with it on them. */
export function OverlayContent({ session, pane, index }: PaneProps & { index: number }) {
  const { seriesInstanceUID } = useValue(pane.state)
  const [reason, setReason] = useState('')
  useEffect(() => {
    if (seriesInstanceUID === null) return
    let left = false
    const store = overlaysOf(session)
    const study = session.studyOf(seriesInstanceUID)
    if (study === undefined) return
    void store.load(seriesInstanceUID, study).then(async () => {
      if (left) return
      const loading = store.state.get().loading.get(seriesInstanceUID)
      if (typeof loading === 'object') setReason(loading.failed)
      const found = store.state.get().overlays.filter((overlay) => overlay.seriesInstanceUID === seriesInstanceUID)
      const on = found.map((overlay) => store.drawnOn(overlay)).find((series) => series !== undefined)
      if (on === undefined && found.length > 0) setReason('The images that this was drawn on are not in the study. Its segments and structures are in the panel at the right.')
      if (session.state.get().panel !== PANEL) session.togglePanel(PANEL)
      if (on === undefined) return
      await session.show(on, index)
      const first = found[0]
      const part = first && (first.content.kind === 'segmentation' ? first.content.segmentation.segments : first.content.kind === 'structures' ? first.content.structures.structures : [])[0]
      if (first && part) await store.jump(first.id, part.number)
    })
    return () => {
      left = true
    }
  }, [session, index, seriesInstanceUID])
  const series = seriesInstanceUID === null ? undefined : session.seriesOf(seriesInstanceUID)
  return (
    <div className="pane-message" role="status" data-testid="overlay-content">
      {reason && <Glyph name="warn" size={28} />}
      <p>{reason || `${series ? seriesTitle(series) : 'This series'} is coming…`}</p>
    </div>
  )
}
