import { queryString, requestJson } from '../lib/http'

export type RejectionKind = 'quality' | 'safety' | 'worklist' | 'retention'

/** A rejection note and what became of what it names (IHE RAD IOCM). */
export interface Rejection {
  id: number
  at: string
  actor: string
  kind: RejectionKind
  code: string
  reason: string
  study_instance_uid: string
  note_uid: string
  source: 'here' | 'received'
  undone_at: string | null
  undone_by: string
  delete_at: string | null
  deleted_by: string
  delete_reason: string
  freed_at: string | null
  objects: number
  hidden: number
  freed: number
  held: boolean
}

export interface RejectedObject {
  study_instance_uid: string
  series_instance_uid: string
  sop_instance_uid: string
  sop_class_uid: string
  state: 'absent' | 'hidden' | 'freed' | 'back'
}

export interface RejectionDetail {
  rejection: Rejection
  study: { PatientName: string; PatientID: string; StudyDate: string; StudyDescription: string; AccessionNumber: string }
  objects: RejectedObject[]
}

export interface Hold {
  study_instance_uid: string
  at: string
  actor: string
  reason: string
}

const PATH = '/api/v1/rejections'

function ofStudy(study: string): string {
  return `/api/v1/studies/${encodeURIComponent(study)}`
}

/** Rejects a study, or only these series of it. */
export function rejectStudy(study: string, kind: RejectionKind, reason: string, series: string[]): Promise<Rejection> {
  return requestJson<Rejection>(`${ofStudy(study)}/rejections`, { method: 'POST', body: { kind, reason, series } })
}

export async function listRejections(state: 'standing' | 'marked' | 'all', asking: { signal?: AbortSignal } = {}): Promise<Rejection[]> {
  return (await requestJson<{ rejections: Rejection[] }>(`${PATH}${queryString({ state, limit: 500 })}`, asking)).rejections
}

export function readRejection(id: number, asking: { signal?: AbortSignal } = {}): Promise<RejectionDetail> {
  return requestJson<RejectionDetail>(`${PATH}/${id}`, asking)
}

export function restoreRejection(id: number): Promise<Rejection> {
  return requestJson<Rejection>(`${PATH}/${id}/restore`, { method: 'POST' })
}

/** What it hides is deleted for good after the time of grace. */
export function deleteRejected(id: number, reason: string): Promise<Rejection> {
  return requestJson<Rejection>(`${PATH}/${id}/delete`, { method: 'POST', body: { reason } })
}

export function keepRejected(id: number): Promise<Rejection> {
  return requestJson<Rejection>(`${PATH}/${id}/keep`, { method: 'POST' })
}

export async function listHolds(asking: { signal?: AbortSignal } = {}): Promise<Hold[]> {
  return (await requestJson<{ holds: Hold[] }>('/api/v1/holds', asking)).holds
}

export async function holdStudy(study: string, reason: string): Promise<void> {
  await requestJson<null>(`${ofStudy(study)}/hold`, { method: 'POST', body: { reason } })
}

export async function releaseStudy(study: string, reason: string): Promise<void> {
  await requestJson<null>(`${ofStudy(study)}/hold/release`, { method: 'POST', body: { reason } })
}

/** A picture of a rejected object, for who may see it. */
export function rejectedPicture(object: RejectedObject): string {
  return `/dicom-web/studies/${object.study_instance_uid}/series/${object.series_instance_uid}/instances/${object.sop_instance_uid}/rendered?viewport=200,200`
}
