import { requestJson } from '../lib/http'
import type { Emergency } from './types'

const PATH = '/api/v1/emergency'

/** HL7 PurposeOfUse, as the server has them. */
export const PURPOSES: Record<string, string> = {
  ETREAT: 'Emergency treatment',
  TREAT: 'Treatment: called in, or standing in for somebody',
  COC: 'Coordination of care: handover, conference',
  PATSFTY: 'Patient safety: a mix-up, or a finding somebody must be told',
}

/** By patient ID (with its issuer when several have issued it) or by accession number. Throws HttpError: 404 unknown, 409 whose is not clear. */
export async function beginEmergency(whose: { PatientID: string; IssuerOfPatientID?: string } | { AccessionNumber: string }, purpose: string, reason: string): Promise<Emergency> {
  return requestJson<Emergency>(PATH, { method: 'POST', body: { ...whose, purpose, reason } })
}

export async function endEmergency(id: number): Promise<void> {
  await requestJson<null>(`${PATH}/${id}/end`, { method: 'POST', body: {} })
}

export async function listEmergencies(signal?: AbortSignal): Promise<Emergency[]> {
  return (await requestJson<{ accesses: Emergency[] }>(PATH, { signal })).accesses
}

export interface Looked {
  at: string
  kind: string
  study_instance_uid: string
  study_description: string
}

export async function readEmergency(id: number, signal?: AbortSignal): Promise<Looked[]> {
  return (await requestJson<{ looked: Looked[] }>(`${PATH}/${id}`, { signal })).looked
}

/** Throws HttpError: 403 for one's own, 409 when somebody else has. */
export async function reviewEmergency(id: number, note: string): Promise<void> {
  await requestJson<null>(`${PATH}/${id}/review`, { method: 'POST', body: { note } })
}
