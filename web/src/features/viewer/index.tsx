// The viewer's door. Small on purpose: it asks for the study while the heavy part (Cornerstone) is still being loaded.
import { type ReactNode, Suspense, lazy, useMemo } from 'react'
import type { WaysOut } from './session/commands'
import { beginOpening } from './session/opening'
import { askStep, placeNow } from './session/place'

const loading = () => import('./ui/Workspace').then((module) => ({ default: module.Workspace }))
const Workspace = lazy(loading)

/** Starts loading the viewer's code, so that it is there when a study is opened. */
export function preload(): void {
  void loading()
}

interface ViewerProps {
  studyInstanceUID: string
  /** To begin with; '' for the first. */
  series: string
  ways: WaysOut
  /** What can be done when the archive does not have the study. */
  whenMissing?: ReactNode
}

/** Out of a further window: it closes; the first one alone knows the study list, and all follow it. */
const furtherWays = (ways: WaysOut): WaysOut => ({ ...ways, leave: () => window.close(), step: (by) => askStep(by) })

export default function ViewerPage({ studyInstanceUID, series, ways, whenMissing }: ViewerProps) {
  const own = useMemo(() => (placeNow() ? furtherWays(ways) : ways), [ways])
  const opening = useMemo(() => beginOpening(studyInstanceUID, series), [studyInstanceUID, series])
  return (
    <Suspense fallback={<div className="viewer-opening" role="status" aria-label="Opening the viewer" style={{ height: '100%', background: '#000' }} />}>
      <Workspace studyInstanceUID={studyInstanceUID} opening={opening} ways={own} whenMissing={whenMissing} />
    </Suspense>
  )
}
