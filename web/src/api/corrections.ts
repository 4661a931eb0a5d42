import { requestJson } from '../lib/http'

/** Who a study's patient is, as a person says it. */
export interface CorrectedPatient {
  PatientName: string
  PatientID: string
  IssuerOfPatientID: string
  PatientBirthDate: string
  PatientSex: string
}

/** One correction of whose studies are; what arrived stays as it is, and it can be taken back. */
export interface Correction {
  id: number
  at: string
  actor: string
  reason: string
  patient: CorrectedPatient
  studies: string[]
  undone_at: string | null
  undone_by: string
}

const PATH = '/api/v1/corrections'

export async function listCorrections(study: string): Promise<Correction[]> {
  return (await requestJson<{ corrections: Correction[] }>(`${PATH}?study=${encodeURIComponent(study)}`)).corrections
}

export function correctStudies(studies: string[], patient: CorrectedPatient, reason: string): Promise<Correction> {
  return requestJson<Correction>(PATH, { method: 'POST', body: { studies, patient, reason } })
}

/** Every study that the patient of this ID has now becomes another's. */
export function mergePatient(from: { PatientID: string; IssuerOfPatientID: string }, into: CorrectedPatient, reason: string): Promise<Correction> {
  return requestJson<Correction>(`${PATH}/merge`, { method: 'POST', body: { ...from, into, reason } })
}

export function undoCorrection(id: number): Promise<Correction> {
  return requestJson<Correction>(`${PATH}/${id}/undo`, { method: 'POST' })
}

/** Series that were taken out of a study. */
export interface Split {
  id: number
  at: string
  actor: string
  reason: string
  objects: number
  study_instance_uid: string
  into_uid: string
  undone_at: string | null
  undone_by: string
}

function splitsOf(study: string): string {
  return `/api/v1/studies/${encodeURIComponent(study)}/splits`
}

export async function listSplits(study: string, asking: { signal?: AbortSignal } = {}): Promise<Split[]> {
  return (await requestJson<{ splits: Split[] }>(splitsOf(study), asking)).splits
}

/** Takes series out of a study, into a new one; patient: whose that is, when it is somebody else's. */
export function splitStudy(study: string, series: string[], patient: CorrectedPatient | null, reason: string): Promise<Split> {
  return requestJson<Split>(splitsOf(study), { method: 'POST', body: { series, reason, ...(patient && { patient }) } })
}

export async function undoSplit(id: number): Promise<void> {
  await requestJson<null>(`/api/v1/splits/${id}/undo`, { method: 'POST' })
}
