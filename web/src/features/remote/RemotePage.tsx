import { useEffect, useMemo, useRef, useState } from 'react'
import type { Archive, RemoteFound, RemoteStudy, Retrieval } from '../../api/remote'
import { cancelRetrieval, listArchives, retrieve, searchArchive, useRetrievals } from '../../api/remote'
import { useHotkeys } from '../../lib/hotkeys'
import { explain, isAbort } from '../../lib/http'
import { keep, recall } from '../../lib/media'
import { navigate, usePlace } from '../../lib/router'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Button, Spinner } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { RemoteForm } from './RemoteForm'
import { RemoteResults } from './RemoteResults'
import { RetrievalList } from './RetrievalList'
import { type RemoteState, formatRemote, isSearch, parseRemote, toRemoteSearch } from './remoteSearch'
import './remote.css'

interface Asked {
  found: RemoteFound | null
  error: unknown
  busy: boolean
}

const NOTHING: Asked = { found: null, error: null, busy: false }

/** The answer to what the address asks; asked again on `again`. */
function useAnswer(state: RemoteState): Asked & { again: () => void } {
  const [answer, setAnswer] = useState<Asked & { key: string }>({ ...NOTHING, key: '' })
  const [round, setRound] = useState(0)
  const key = state.archive && isSearch(state) ? `${formatRemote(state)} ${round}` : ''
  useEffect(() => {
    if (!key) return
    const asked = parseRemote(key.slice(0, key.lastIndexOf(' ')))
    const flight = new AbortController()
    searchArchive(asked.archive, toRemoteSearch(asked, new Date()), flight.signal).then(
      (found) => setAnswer({ found, error: null, busy: false, key }),
      (error: unknown) => {
        if (!isAbort(error)) setAnswer({ found: null, error, busy: false, key })
      },
    )
    return () => flight.abort()
  }, [key])
  const again = () => setRound(round + 1)
  if (!key) return { ...NOTHING, again }
  // While a new answer is on its way, the old one is not shown as if it were the new.
  return answer.key === key ? { ...answer, again } : { ...NOTHING, busy: true, again }
}

function NoArchives({ canManage }: { canManage: boolean }) {
  return (
    <Empty
      icon="remote"
      title="No other archives"
      actions={canManage && <Button onClick={() => navigate('/admin/peers')}>DICOM peers</Button>}
    >
      A DICOM peer that is marked as an archive can be searched here, and its studies retrieved. {canManage ? 'Mark one in its settings.' : 'An administrator marks them.'}
    </Empty>
  )
}

export function RemotePage({ canRetrieve, canManage }: { canRetrieve: boolean; canManage: boolean }) {
  const archives = useLoaded(listArchives)
  if (archives.failure) {
    return (
      <div className="page">
        <div className="page-inner">
          <ErrorNotice
            error={archives.failure}
            action={
              <Button small icon="retry" onClick={archives.reload}>
                Try again
              </Button>
            }
          />
        </div>
      </div>
    )
  }
  if (archives.value === null) return null
  return archives.value.length === 0 ? <NoArchives canManage={canManage} /> : <Remote archives={archives.value} canRetrieve={canRetrieve} />
}

function Remote({ archives, canRetrieve }: { archives: Archive[]; canRetrieve: boolean }) {
  const place = usePlace()
  const state = useMemo(() => {
    const asked = parseRemote(place.search)
    const known = (aet: string | null) => archives.find((archive) => archive.aet === aet)?.aet
    return { ...asked, archive: known(asked.archive) ?? known(recall('archive')) ?? archives[0]?.aet ?? '' }
  }, [place.search, archives])
  const answer = useAnswer(state)
  const retrievals = useRetrievals()
  const action = useAction()
  const first = useRef<HTMLInputElement>(null)
  const latest = useMemo(() => {
    const whole = (retrievals.rows ?? []).filter((row) => row.SeriesInstanceUID === '' && row.aet === state.archive)
    return new Map(whole.toReversed().map((row) => [row.StudyInstanceUID, row]))
  }, [retrievals.rows, state.archive])
  useHotkeys({
    '/': (key) => {
      key.preventDefault()
      first.current?.focus()
      first.current?.select()
    },
  })
  const search = (typed: RemoteState) => {
    keep('archive', typed.archive)
    if (formatRemote(typed) === formatRemote(state)) answer.again()
    else navigate(`/remote${formatRemote(typed)}`, { replace: true })
  }
  const ask = ({ aet, StudyInstanceUID }: Pick<RemoteStudy | Retrieval, 'aet' | 'StudyInstanceUID'>) =>
    action.run(async () => {
      await retrieve(aet, StudyInstanceUID)
      retrievals.reload()
    })
  const cancel = ({ id }: Retrieval) =>
    action.run(async () => {
      await cancelRetrieval(id)
      retrievals.reload()
    })
  return (
    <div className="remote">
      <h1 className="visually-hidden">Remote archives</h1>
      <RemoteForm archives={archives} state={state} busy={answer.busy} first={first} onSearch={search} />
      <div className="remote-main">
        <div className="remote-found" aria-busy={answer.busy}>
          {action.failure && <ErrorNotice error={action.failure} />}
          <Answer answer={answer} archive={state.archive} latest={latest} busy={action.busy} canRetrieve={canRetrieve} onRetrieve={ask} />
        </div>
        {canRetrieve && <RetrievalList rows={retrievals.rows ?? []} onCancel={cancel} onAgain={ask} />}
      </div>
    </div>
  )
}

interface AnswerProps {
  answer: ReturnType<typeof useAnswer>
  archive: string
  latest: ReadonlyMap<string, Retrieval>
  busy: boolean
  canRetrieve: boolean
  onRetrieve: (study: RemoteStudy) => void
}

function Answer({ answer, archive, latest, busy, canRetrieve, onRetrieve }: AnswerProps) {
  if (answer.error !== null) {
    return (
      <ErrorNotice
        error={explain(answer.error)}
        action={
          <Button small icon="retry" onClick={answer.again}>
            Try again
          </Button>
        }
      />
    )
  }
  if (answer.busy) {
    return (
      <div className="remote-asking">
        <Spinner label={`Asking ${archive}`} /> Asking {archive}
      </div>
    )
  }
  if (answer.found === null) {
    return (
      <Empty icon="search" title={`Search ${archive}`}>
        By name, ID, accession number, description or date. Names match from their beginning; * stands for any letters.
      </Empty>
    )
  }
  if (answer.found.studies.length === 0) {
    return (
      <Empty icon="search" title="No study matches">
        {archive} answered, and has none. Fewer letters or a wider date range find more.
      </Empty>
    )
  }
  return <RemoteResults found={answer.found} retrievals={latest} busy={busy} canRetrieve={canRetrieve} onRetrieve={onRetrieve} />
}
