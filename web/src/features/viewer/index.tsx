// The viewer's door. Small on purpose: it asks for the study while the heavy part (Cornerstone) is still being loaded.
import { type ReactNode, Suspense, useMemo } from 'react'
import { preloadable } from '../../lib/preloadable'
import { loadCornerstone } from './engine/cornerstone'
import type { WaysOut } from './session/commands'
import { openingOf } from './session/opening'
import { askStep, placeNow } from './session/place'

const { Component: Workspace, preload: preloadWorkspace } = preloadable(async () => (await import('./ui/Workspace')).Workspace)

/** Loads the viewer's code, so that it is there when a study is opened. */
export async function preload(): Promise<void> {
  await preloadWorkspace()
  await loadCornerstone()
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
  const opening = useMemo(() => openingOf(studyInstanceUID, series), [studyInstanceUID, series])
  return (
    <Suspense fallback={<div className="viewer-opening" role="status" aria-label="Opening the viewer" style={{ height: '100%', background: '#000' }} />}>
      <Workspace studyInstanceUID={studyInstanceUID} opening={opening} ways={own} whenMissing={whenMissing} />
    </Suspense>
  )
}
