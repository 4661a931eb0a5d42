import { queryString, requestJson } from '../lib/http'

/** HL7 messages that came in; for administrators. */

export type Hl7State = 'received' | 'done' | 'failed'

export interface Hl7Message {
  id: number
  state: Hl7State
  /** MSH-9: ORM^O01. */
  type: string
  /** MSH-3|MSH-4. */
  sender: string
  /** MSH-10. */
  control_id: string
  PatientID: string
  order_number: string
  address: string
  /** AA, AE or AR; '': not answered yet. */
  acknowledgement: string
  /** Of HL7 table 0357. */
  code: string
  /** Where it is wrong: PID-3.1. */
  where: string
  reason: string
  attempts: number
  received_at: string
  settled_at: string | null
}

export interface Hl7Search {
  q: string
  state: Hl7State | ''
}

export interface Hl7Page {
  messages: Hl7Message[]
  next: number | null
}

export function listHl7Messages(search: Hl7Search, before: number | null, asking: { signal?: AbortSignal; background?: boolean } = {}): Promise<Hl7Page> {
  return requestJson<Hl7Page>(`/api/v1/hl7-messages${queryString({ ...search, before, limit: 50 })}`, asking)
}

/** The message as it came, at most 1 MiB of it; that it was read is in the change log. */
export function readHl7Message(id: number, asking: { signal?: AbortSignal } = {}): Promise<{ message: Hl7Message; content: string; size: number }> {
  return requestJson(`/api/v1/hl7-messages/${id}`, asking)
}

export async function replayHl7Message(id: number): Promise<void> {
  await requestJson<null>(`/api/v1/hl7-messages/${id}/replay`, { method: 'POST' })
}
