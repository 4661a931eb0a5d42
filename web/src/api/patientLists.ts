import { requestJson } from '../lib/http'

/** Lists of patients that accounts are limited to; for administrators. */

export interface Listed {
  PatientID: string
  IssuerOfPatientID: string
}

export interface PatientList {
  name: string
  about: string
  changed_at: string
  actor: string
  patients: Listed[]
}

const LISTS = '/api/v1/patient-lists'

export async function readPatientLists(signal?: AbortSignal): Promise<PatientList[]> {
  return (await requestJson<{ lists: PatientList[] }>(LISTS, { signal })).lists
}

/** The list then has these patients and no others. Throws HttpError. */
export async function putPatientList(name: string, patients: readonly Listed[], about: string): Promise<void> {
  await requestJson<null>(`${LISTS}/${encodeURIComponent(name)}`, { method: 'PUT', body: { patients, about } })
}

/** Throws HttpError: 409 while an account is limited to it. */
export async function removePatientList(name: string): Promise<void> {
  await requestJson<null>(`${LISTS}/${encodeURIComponent(name)}`, { method: 'DELETE' })
}

/** One patient a line, as people write them: the ID, and after the last @ its issuer. */
export const linesOf = (patients: readonly Listed[]): string =>
  patients.map(({ PatientID, IssuerOfPatientID }) => (IssuerOfPatientID || PatientID.includes('@') ? `${PatientID}@${IssuerOfPatientID}` : PatientID)).join('\n')

export function patientsOf(text: string): Listed[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const at = line.lastIndexOf('@')
      return at > 0 ? { PatientID: line.slice(0, at).trim(), IssuerOfPatientID: line.slice(at + 1).trim() } : { PatientID: line, IssuerOfPatientID: '' }
    })
}
