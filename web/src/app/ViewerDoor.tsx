import { type ComponentProps, Suspense, useCallback, useState } from 'react'
import { FetchMissing } from '../features/remote/FetchMissing'
import { preloadable } from '../lib/preloadable'

const load = () => import('../features/viewer')
const { Component: ViewerPage, preload } = preloadable(async () => (await load()).default)

/** The viewer's code is large: it is fetched while the reader is still choosing, so that opening a study starts at once. */
export function preloadViewer(): void {
  void preload().then(load).then((viewer) => viewer.preload()).catch(() => undefined) // told when a study is opened
}

type Ways = ComponentProps<typeof ViewerPage>['ways']

interface DoorProps {
  study: string
  series: string
  ways: Ways
  /** May have a study that is not here fetched from where it is. */
  canFetch: boolean
  fallback: React.ReactNode
}

/** The viewer of a study; one that is not here is fetched first, and then opened. */
export function ViewerDoor({ study, series, ways, canFetch, fallback }: DoorProps) {
  const [round, setRound] = useState(0)
  const arrived = useCallback(() => setRound((now) => now + 1), [])
  return (
    <Suspense fallback={fallback}>
      <ViewerPage
        key={`${study} ${series} ${round}`}
        studyInstanceUID={study}
        series={series}
        ways={ways}
        whenMissing={canFetch && <FetchMissing study={study} onArrived={arrived} />}
      />
    </Suspense>
  )
}
