// The viewer's door. Small on purpose: it asks for the study while the heavy part (Cornerstone) is still being loaded.
import { type ReactNode, Suspense, lazy, useMemo } from 'react'
import type { WaysOut } from './session/commands'
import { beginOpening } from './session/opening'

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

export default function ViewerPage({ studyInstanceUID, series, ways, whenMissing }: ViewerProps) {
  const opening = useMemo(() => beginOpening(studyInstanceUID, series), [studyInstanceUID, series])
  return (
    <Suspense fallback={<div className="viewer-opening" role="status" aria-label="Opening the viewer" style={{ height: '100%', background: '#000' }} />}>
      <Workspace studyInstanceUID={studyInstanceUID} opening={opening} ways={ways} whenMissing={whenMissing} />
    </Suspense>
  )
}
