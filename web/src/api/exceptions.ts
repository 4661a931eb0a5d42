import { queryString, requestJson } from '../lib/http'

export type ExceptionKind = 'quarantined' | 'version' | 'patient_conflict' | 'unmatched' | 'refused' | 'commitment' | 'notification'

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
  proposal: Proposal
}

/** What would settle a case, by one click. */
export interface Proposal {
  action: 'file' | 'again' | 'serve' | 'correct' | 'tell' | 'settle'
  sentence: string
  /** It means a patient, whom `readWhom` tells: the list names nobody. */
  patient: boolean
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

export interface Whom {
  PatientName: string
  PatientID: string
  PatientBirthDate: string
}

/** Whom a proposal means; the change log notes the look. */
export function readWhom(id: number): Promise<Whom> {
  return requestJson<Whom>(`/api/v1/exceptions/${id}/patient`)
}

/** Does what is proposed. */
export async function resolveException(id: number, action: Proposal['action']): Promise<void> {
  await requestJson<null>(`/api/v1/exceptions/${id}/resolve`, { method: 'POST', body: { action } })
}

export async function dismissException(id: number): Promise<void> {
  await requestJson<null>(`/api/v1/exceptions/${id}/dismiss`, { method: 'POST' })
}
