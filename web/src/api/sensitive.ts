import { requestJson } from '../lib/http'

/** Marks a study, or with `patient` the patient it is of; `marked`: or takes that mark off. Throws HttpError. */
export async function markSensitive(study: string, marked: boolean, patient: boolean, reason: string): Promise<void> {
  const path = `/api/v1/studies/${encodeURIComponent(study)}/sensitive${marked ? '' : '/release'}`
  await requestJson<null>(path, { method: 'POST', body: { reason, patient } })
}

export interface SensitiveMark {
  study_instance_uid: string
  patient_id: string
  issuer_of_patient_id: string
  at: string
  actor: string
  reason: string
}

/** Everything that is marked, newest first. */
export async function listSensitive(asking: { signal: AbortSignal }): Promise<SensitiveMark[]> {
  return (await requestJson<{ marks: SensitiveMark[] }>('/api/v1/sensitive', asking)).marks
}
