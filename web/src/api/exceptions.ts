import { queryString, requestJson } from '../lib/http'

export type ExceptionKind = 'quarantined' | 'version' | 'patient_conflict' | 'refused' | 'commitment' | 'notification'

/** Something that came in and needs a person's eye; what a sender repeats is one row. */
export interface ExceptionRow {
  id: number
  kind: ExceptionKind
  reason: string
  where: string
  StudyInstanceUID: string
  SeriesInstanceUID: string
  SOPInstanceUID: string
  SOPClassUID: string
  /** Its bytes were kept. */
  kept: boolean
  size: number
  source: string
  source_aet: string
  address: string
  actor: string
  occurrences: number
  first_at: string
  last_at: string
  dismissed_at: string | null
  dismissed_by: string
}

export interface ExceptionPage {
  exceptions: ExceptionRow[]
  next: number | null
}

export function listExceptions(kind: ExceptionKind | '', cursor: number | null, asking: { signal?: AbortSignal; background?: boolean } = {}): Promise<ExceptionPage> {
  return requestJson<ExceptionPage>(`/api/v1/exceptions${queryString({ kind, cursor, limit: 100 })}`, asking)
}

/** The bytes of a quarantined object as they came. */
export function exceptionFile(id: number): string {
  return `/api/v1/exceptions/${id}/file`
}

export async function dismissException(id: number): Promise<void> {
  await requestJson<null>(`/api/v1/exceptions/${id}/dismiss`, { method: 'POST' })
}
