// The viewer's door. Small on purpose: it asks for the study while the heavy part (Cornerstone) is still being loaded.
import { Suspense, lazy, useMemo } from 'react'
import { readStudy } from '../../api/studies'
import type { StudyDetail } from '../../api/types'

const loading = () => import('./ui/Workspace').then((module) => ({ default: module.Workspace }))
const Workspace = lazy(loading)

/** Starts loading the viewer's code, so that it is there when a study is opened. */
export function preload(): void {
  void loading()
}

function asked(studyInstanceUID: string): Promise<StudyDetail> {
  const answer = readStudy(studyInstanceUID)
  answer.catch(() => undefined) // told in the viewer, once it is there
  return answer
}

export default function ViewerPage({ studyInstanceUID }: { studyInstanceUID: string }) {
  const study = useMemo(() => asked(studyInstanceUID), [studyInstanceUID])
  return (
    <Suspense fallback={<div className="viewer-opening" role="status" aria-label="Opening the viewer" style={{ height: '100%', background: '#000' }} />}>
      <Workspace studyInstanceUID={studyInstanceUID} study={study} />
    </Suspense>
  )
}
