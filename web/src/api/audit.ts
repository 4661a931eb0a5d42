import { queryString, requestJson } from '../lib/http'

/** Who did what to whom: the change log, for administrators. */

export interface AuditEntry {
  seq: number
  at: string
  /** study.read */
  kind: string
  /** Of PS3.15 A.5.3: DICOM Instances Accessed. */
  event: string
  action: 'C' | 'R' | 'U' | 'D' | 'E'
  /** 0: success. */
  outcome: number
  actor: string
  /** Where the actor sits. */
  address: string
  subject: string
  study: string
  patient: { PatientID?: string; PatientName?: string }
  payload: Record<string, unknown>
}

/** Empty: it matters not. Dates as 2026-11-23. */
export interface AuditSearch {
  patient: string
  user: string
  kind: string
  from: string
  to: string
}

export interface AuditPage {
  entries: AuditEntry[]
  next: number | null
}

export function searchAudit(search: AuditSearch, before: number | null, asking: { signal?: AbortSignal } = {}): Promise<AuditPage> {
  return requestJson<AuditPage>(`/api/v1/audit${queryString({ ...search, before, limit: 100 })}`, asking)
}

/** Where the same is as a file: FHIR AuditEvents, or DICOM audit messages. */
export const auditFile = (form: 'fhir' | 'messages', search: AuditSearch): string => `/api/v1/audit/${form}${queryString({ ...search })}`
