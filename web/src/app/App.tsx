import type { RefObject } from 'react'
import { Suspense, lazy, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { loadPreferences } from '../api/preferences'
import type { Session } from '../api/session'
import { may, refreshSession, useSession } from '../api/session'
import type { Emergency, Study, User } from '../api/types'
import { AdminPage } from '../features/admin/AdminPage'
import { DeliveriesPage } from '../features/deliveries/DeliveriesPage'
import { ExceptionsPage } from '../features/exceptions/ExceptionsPage'
import type { FilesDialogProps } from '../features/files/FilesDialog'
import { LoginPage } from '../features/login/LoginPage'
import { OrdersPage } from '../features/orders/OrdersPage'
import { RemotePage } from '../features/remote/RemotePage'
import type { Step } from '../features/studies/StudiesPage'
import { StudiesPage } from '../features/studies/StudiesPage'
import { LinkEnded, OpenLink, tokenOf } from '../features/sharing/OpenLink'
import { ReceivedList } from '../features/sharing/ReceivedList'
import { ShareDialog } from '../features/sharing/ShareDialog'
import { SharesPage } from '../features/sharing/SharesPage'
import { DropTarget } from '../features/upload/DropTarget'
import { UploadPage } from '../features/upload/UploadPage'
import { sendFile } from '../features/upload/sending'
import { UploadStatus } from '../features/upload/UploadStatus'
import { UploadQueue } from '../features/upload/queue'
import { explain } from '../lib/http'
import { navigate, usePlace } from '../lib/router'
import { Button } from '../ui/controls'
import { Empty } from '../ui/feedback'
import { Mark } from '../ui/icons'
import { Crash } from './Crash'
import { EmergencyBars } from './EmergencyBar'
import { EmergencyDialog } from './EmergencyDialog'
import { Guest } from './Guest'
import { IdleDialog } from './IdleDialog'
import { LeftUnseen } from './LeftUnseen'
import { NotFound } from './NotFound'
import { Shell } from './Shell'
import { ViewerDoor, preloadViewer } from './ViewerDoor'
import type { Route } from './routes'
import { routeOf, safeReturn } from './routes'

const FilesDialog = lazy(() => import('../features/files/FilesDialog').then((module) => ({ default: module.FilesDialog })))

const TITLES: Record<Route['page'], string> = {
  studies: 'Studies',
  viewer: 'Viewer',
  remote: 'Remote archives',
  orders: 'Orders',
  upload: 'Upload',
  deliveries: 'Deliveries',
  exceptions: 'Exceptions',
  shares: 'Shared',
  shared: 'Shared with you',
  admin: 'Administration',
  login: 'Sign in',
  unknown: 'Not found',
}

export function App() {
  const session = useSession()
  const place = usePlace()
  useEffect(() => void refreshSession(), [])
  if (session.state === 'unknown') return <Boot />
  if (session.state === 'unreachable') return <Unreachable error={session.error} />
  const token = place.path === '/shared' ? tokenOf(window.location.hash) : ''
  if (token) return <OpenLink key={token} token={token} signedIn={session.state === 'in' && !session.link ? session.user.name : ''} />
  if (session.state === 'in' && session.link) return <Guest link={session.link} />
  if (session.state === 'out' && (session.reason === 'link' || place.path === '/shared')) return <LinkEnded />
  return session.state === 'out' ? <SignedOut reason={session.reason} /> : <SignedIn user={session.user} idleSeconds={session.idleSeconds} emergency={session.emergency} toReview={session.toReview} />
}

function Boot() {
  return (
    <div className="boot">
      <div className="boot-mark" role="status" aria-label="Starting">
        <Mark size={40} />
      </div>
    </div>
  )
}

function Unreachable({ error }: { error: unknown }) {
  const { what, hint } = explain(error)
  return (
    <main className="boot">
      <Empty
        icon="alert"
        title={what}
        actions={
          <Button look="primary" icon="retry" onClick={() => void refreshSession()}>
            Try again
          </Button>
        }
      >
        {hint}
      </Empty>
    </main>
  )
}

/** Whoever is sent to the login comes back to where they were. */
function SignedOut({ reason }: { reason: Extract<Session, { state: 'out' }>['reason'] }) {
  const place = usePlace()
  useEffect(() => {
    document.title = 'Sign in · Isocenter'
    if (place.path === '/login') return
    const back = `${place.path}${place.search}`
    navigate(back === '/' || reason === 'left' ? '/login' : `/login?to=${encodeURIComponent(back)}`, { replace: true })
  }, [place, reason])
  return <LoginPage reason={reason === 'link' ? 'left' : reason} />
}

function usePreloadedViewer(): void {
  useEffect(() => {
    if (typeof window.requestIdleCallback === 'function') {
      const handle = window.requestIdleCallback(preloadViewer, { timeout: 4_000 })
      return () => window.cancelIdleCallback(handle)
    }
    const timer = window.setTimeout(preloadViewer, 1_500)
    return () => window.clearTimeout(timer)
  }, [])
}

function openStudy(study: Study): void {
  navigate(`/viewer/${encodeURIComponent(study.StudyInstanceUID)}`)
}

/** From the viewer back to the list as it was, search and all, or on to its next study. */
function useWaysOut(route: Route, search: string, steps: RefObject<Step | null>, files: (study: string, series: string | null) => void, share: ((study: string) => void) | undefined) {
  const [list, setList] = useState('')
  if (route.page === 'studies' && search !== list) setList(search)
  const study = route.page === 'viewer' ? route.study : ''
  return useMemo(
    () => ({
      files,
      share,
      leave: () => navigate(`/${list}`),
      step: (by: 1 | -1) => {
        const next = steps.current?.(study, by)
        // Replaced, so that "back" leads to the list and not through all that was read.
        if (next) navigate(`/viewer/${encodeURIComponent(next.StudyInstanceUID)}`, { replace: true })
      },
    }),
    [list, study, steps, files, share],
  )
}

function SignedIn({ user, idleSeconds, emergency, toReview }: { user: User; idleSeconds: number; emergency: readonly Emergency[]; toReview: number }) {
  const place = usePlace()
  const route = routeOf(place.path)
  const [queue] = useState(() => new UploadQueue(sendFile))
  const [visited, setVisited] = useState(false)
  const steps = useRef<Step | null>(null)
  const [taken, setTaken] = useState<Omit<FilesDialogProps, 'onClose'> | null>(null)
  const take = useCallback((uid: string, series: string | null) => setTaken({ studies: [uid], series }), [])
  const [sharing, setSharing] = useState('')
  const [breaking, setBreaking] = useState(false)
  const onEmergency = may(user, 'study:emergency') ? () => setBreaking(true) : null
  const ways = useWaysOut(route, place.search, steps, take, may(user, 'study:share') ? setSharing : undefined)
  usePreloadedViewer()
  useEffect(() => {
    const leaving = new AbortController()
    void loadPreferences(leaving.signal)
    return () => leaving.abort()
  }, [user.name])

  useEffect(() => {
    document.title = `${TITLES[route.page]} · Isocenter`
  }, [route.page])
  useEffect(() => {
    if (route.page === 'login') navigate(safeReturn(new URLSearchParams(place.search).get('to')), { replace: true })
  }, [route.page, place.search])

  const onStudies = route.page === 'studies'
  if (onStudies && !visited) setVisited(true)
  const canUpload = may(user, 'study:store')
  const rights = { upload: canUpload, send: may(user, 'delivery:manage'), correct: may(user, 'study:correct'), reject: may(user, 'study:reject'), hold: may(user, 'study:hold'), seeRejected: may(user, 'rejected:read'), askOthers: may(user, 'remote:query'), retrieve: may(user, 'remote:retrieve'), takeAway: may(user, 'study:export'), share: may(user, 'study:share'), mark: may(user, 'sensitive:manage') }
  return (
    <>
      <Shell user={user} route={route} bare={route.page === 'viewer'} status={<UploadStatus queue={queue} />} onEmergency={onEmergency} notice={<EmergencyBars open={emergency} toReview={toReview} quiet={route.page === 'viewer'} />}>
        {(visited || onStudies) && (
          // The list stays where it was, rows, selection and all, while another page is in front of it.
          <div className="kept" inert={!onStudies}>
            <StudiesPage key={emergency.map((each) => each.id).join()} onEmergency={onEmergency} active={onStudies} may={rights} onOpen={openStudy} onTakeAway={(studies, onDone) => setTaken({ studies: studies.map((each) => each.StudyInstanceUID), series: null, onDone })} onShare={(study) => setSharing(study.StudyInstanceUID)} stepRef={steps} />
          </div>
        )}
        <Crash resetKey={place.path}>
          <Page route={route} series={new URLSearchParams(place.search).get('series') ?? ''} study={new URLSearchParams(place.search).get('study') ?? ''} ways={ways} user={user} queue={queue} />
        </Crash>
        {canUpload && (onStudies || route.page === 'upload') && <DropTarget queue={queue} onDropped={() => navigate('/upload')} />}
      </Shell>
      {taken && (
        <Suspense fallback={null}>
          <FilesDialog {...taken} onClose={() => setTaken(null)} />
        </Suspense>
      )}
      {breaking && <EmergencyDialog onClose={() => setBreaking(false)} />}
      {sharing && <ShareDialog study={sharing} onClose={() => setSharing('')} />}
      <LeftUnseen study={route.page === 'viewer' ? route.study : null} />
      <IdleDialog idleSeconds={idleSeconds} />
    </>
  )
}

function Page({ route, series, study, ways, user, queue }: { route: Route; series: string; study: string; ways: ReturnType<typeof useWaysOut>; user: User; queue: UploadQueue }) {
  if (route.page === 'viewer') {
    return <ViewerDoor key={route.study} study={route.study} series={series} ways={ways} canFetch={may(user, 'remote:retrieve')} fallback={<Boot />} />
  }
  if (route.page === 'remote' && may(user, 'remote:query')) return <RemotePage canRetrieve={may(user, 'remote:retrieve')} canManage={may(user, 'peer:manage')} />
  if (route.page === 'orders' && may(user, 'order:read')) return <OrdersPage canManage={may(user, 'order:manage')} />
  if (route.page === 'upload' && may(user, 'study:store')) return <UploadPage queue={queue} study={study} />
  if (route.page === 'deliveries' && may(user, 'delivery:manage')) return <DeliveriesPage tab={route.tab} canManage={may(user, 'route:manage')} />
  if (route.page === 'exceptions' && may(user, 'quarantine:read')) return <ExceptionsPage canDismiss={may(user, 'quarantine:resolve')} canSeeRejected={may(user, 'rejected:read')} received={<ReceivedList canResolve={may(user, 'quarantine:resolve')} />} />
  if (route.page === 'shares' && may(user, 'study:share')) return <SharesPage user={user} />
  if (route.page === 'admin') return <AdminPage user={user} tab={route.tab} />
  if (route.page === 'studies' || route.page === 'login') return null
  return <NotFound />
}
