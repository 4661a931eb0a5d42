import { Suspense, lazy, useCallback, useEffect, useMemo, useState } from 'react'
import type { OpenLink } from '../api/types'
import type { FilesDialogProps } from '../features/files/FilesDialog'
import { GuestBar, GuestPage } from '../features/sharing/GuestPage'
import { DropTarget } from '../features/upload/DropTarget'
import { GuestUpload } from '../features/upload/GuestUpload'
import { UploadQueue } from '../features/upload/queue'
import { sendFile } from '../features/upload/sending'
import { navigate, usePlace } from '../lib/router'
import { Crash } from './Crash'
import { ViewerDoor, preloadViewer } from './ViewerDoor'
import { routeOf } from './routes'

const FilesDialog = lazy(() => import('../features/files/FilesDialog').then((module) => ({ default: module.FilesDialog })))

/** All there is for who came by a link: the page of what it opens, and the viewer. */
export function Guest({ link }: { link: OpenLink }) {
  const place = usePlace()
  const route = routeOf(place.path)
  const only = link.opens === 'study' ? link.studies[0] : undefined
  const viewing = route.page === 'viewer' ? route.study : ''
  useEffect(() => {
    document.title = 'Shared with you · Isocenter'
    // The one study is what the link is for; the page behind it has the way out and the files.
    if (only && route.page === 'shared' && !new URLSearchParams(place.search).has('page')) navigate(`/viewer/${encodeURIComponent(only)}`, { replace: true })
    else if (!viewing && route.page !== 'shared') navigate('/shared', { replace: true })
  }, [only, route.page, viewing, place.search])
  useEffect(() => {
    if (link.opens !== 'upload') preloadViewer()
  }, [link.opens])
  if (link.opens === 'upload') return <GuestSender link={link} />
  return <GuestReader link={link} viewing={viewing} series={new URLSearchParams(place.search).get('series') ?? ''} />
}

function GuestSender({ link }: { link: OpenLink }) {
  const [queue] = useState(() => new UploadQueue(sendFile))
  return (
    <div className="guest">
      <GuestBar link={link} />
      <GuestUpload queue={queue} label={link.label} />
      <DropTarget queue={queue} onDropped={() => undefined} />
    </div>
  )
}

function GuestReader({ link, viewing, series }: { link: OpenLink; viewing: string; series: string }) {
  const [taken, setTaken] = useState<Omit<FilesDialogProps, 'onClose'> | null>(null)
  const files = useCallback((study: string, of: string | null) => setTaken({ studies: [study], series: of }), [])
  const ways = useMemo(() => ({ files, leave: () => navigate('/shared?page'), step: () => undefined }), [files])
  return (
    <>
      {viewing ? (
        <Crash resetKey={viewing}>
          <div className="guest-viewer">
            <ViewerDoor key={viewing} study={viewing} series={series} ways={ways} canFetch={false} fallback={null} />
          </div>
        </Crash>
      ) : (
        <GuestPage link={link} onTakeAway={link.download ? (study) => files(study, null) : null} />
      )}
      {taken && (
        <Suspense fallback={null}>
          <FilesDialog {...taken} onClose={() => setTaken(null)} />
        </Suspense>
      )}
    </>
  )
}
