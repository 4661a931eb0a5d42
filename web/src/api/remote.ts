import { useCallback, useEffect, useState } from 'react'
import { isAbort, queryString, requestJson } from '../lib/http'
import { changes } from './events'
import type { Asking } from './studies'
import type { Study } from './types'

/** Other archives: searched and fetched from. */

export interface Archive {
  aet: string
  description: string
  /** It is also asked for what is not here. */
  fetch: boolean
}

export type RetrievalState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

/** A study, or one series of it, that comes from another archive. */
export interface Retrieval {
  id: number
  aet: string
  StudyInstanceUID: string
  SeriesInstanceUID: string
  state: RetrievalState
  /** C-GET or C-MOVE, when it has ended. */
  how: string
  remaining: number
  completed: number
  failed: number
  warning: number
  reason: string
  attempts: number
  asked_by: string
  asked_at: string
  begun_at: string | null
  ended_at: string | null
  /** As far as the study is here already. */
  PatientName: string
  StudyDescription: string
}

/** A study as another archive tells it. */
export interface RemoteStudy extends Omit<Study, 'NumberOfStudyRelatedSeries' | 'NumberOfStudyRelatedInstances' | 'received_at' | 'procedure'> {
  aet: string
  NumberOfStudyRelatedSeries: number | null
  NumberOfStudyRelatedInstances: number | null
  /** Images of it that are here; null: no such study. */
  here: number | null
  retrieval?: Retrieval
}

export interface RemoteSearch {
  PatientName?: string
  PatientID?: string
  AccessionNumber?: string
  StudyDate?: string
  ModalitiesInStudy?: string
  StudyDescription?: string
}

export interface RemoteFound {
  studies: RemoteStudy[]
  /** There are more than are shown. */
  limited: boolean
}

export interface Elsewhere {
  studies: RemoteStudy[]
  silent: { aet: string; reason: string }[]
}

const study = (uid: string) => `/api/v1/studies/${encodeURIComponent(uid)}`

export async function listArchives(signal?: AbortSignal): Promise<Archive[]> {
  return (await requestJson<{ archives: Archive[] }>('/api/v1/remote', { signal })).archives
}

/** Waits for the archive's answer. */
export function searchArchive(aet: string, search: RemoteSearch, signal?: AbortSignal): Promise<RemoteFound> {
  return requestJson<RemoteFound>(`/api/v1/remote/${encodeURIComponent(aet)}/studies${queryString({ ...search })}`, { signal })
}

/** The patient's studies in the archives that are asked by themselves, without those that are here. */
export function listElsewhere(uid: string, signal?: AbortSignal): Promise<Elsewhere> {
  return requestJson<Elsewhere>(`${study(uid)}/elsewhere`, { signal })
}

/** A study that is not here, from the archive that has it; null: none has it. */
export async function fetchMissing(uid: string, signal?: AbortSignal): Promise<Retrieval | null> {
  return (await requestJson<{ retrieval?: Retrieval }>(`${study(uid)}/fetch`, { method: 'POST', signal })).retrieval ?? null
}

export function retrieve(aet: string, uid: string): Promise<Retrieval> {
  return requestJson<Retrieval>('/api/v1/retrievals', { method: 'POST', body: { aet, StudyInstanceUID: uid } })
}

export async function cancelRetrieval(id: number): Promise<void> {
  await requestJson<null>(`/api/v1/retrievals/${id}/cancel`, { method: 'POST' })
}

export async function listRetrievals(asking: Asking & { study?: string } = {}): Promise<Retrieval[]> {
  const { study: uid = '', ...options } = asking
  return (await requestJson<{ retrievals: Retrieval[] }>(`/api/v1/retrievals${queryString({ StudyInstanceUID: uid, limit: 50 })}`, options)).retrievals
}

export function isUnderWay(retrieval: Retrieval): boolean {
  return retrieval.state === 'waiting' || retrieval.state === 'running'
}

/** How much of it has come, 0 to 1; what the archive does not say counts as nothing yet. */
export function progressOf(retrieval: Retrieval): number {
  if (retrieval.state === 'done') return 1
  const come = retrieval.completed + retrieval.warning
  const total = come + retrieval.failed + retrieval.remaining
  return total > 0 ? come / total : 0
}

const LOOK_MS = 1_000

/** The newest retrievals (of one study), read again while one is under way and when one begins or ends. */
export function useRetrievals(uid = ''): { rows: Retrieval[] | null; error: unknown; reload: () => void } {
  const [state, setState] = useState<{ rows: Retrieval[] | null; error: unknown }>({ rows: null, error: null })
  const [round, setRound] = useState(0)
  const reload = useCallback(() => setRound((now) => now + 1), [])
  const busy = state.rows?.some(isUnderWay) ?? false
  useEffect(() => {
    const flight = new AbortController()
    listRetrievals({ study: uid, signal: flight.signal, background: round > 0 }).then(
      (rows) => setState({ rows, error: null }),
      (error: unknown) => {
        if (!isAbort(error)) setState((now) => ({ ...now, error }))
      },
    )
    return () => flight.abort()
  }, [uid, round])
  useEffect(() => {
    if (!busy) return
    const timer = window.setTimeout(reload, LOOK_MS)
    return () => window.clearTimeout(timer)
  }, [busy, state, reload])
  useEffect(() => changes.listen((change) => change.kind.startsWith('retrieval.') && reload()), [reload])
  return { ...state, reload }
}
