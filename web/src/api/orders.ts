import { queryString, requestJson } from '../lib/http'
import type { Asking } from './studies'

/** Orders and their scheduled steps; attribute names are the standard's keywords. */

export type OrderState = 'scheduled' | 'in_progress' | 'completed' | 'discontinued' | 'cancelled'
export type StepState = 'scheduled' | 'arrived' | 'ready' | 'in_progress' | 'completed' | 'discontinued' | 'cancelled'

export interface Performed {
  SOPInstanceUID: string
  state: string
  PerformedStationAETitle: string
  /** YYYYMMDDHHMMSS, as the modality says. */
  started: string
  ended: string
  instances: number
}

export interface StepFacts {
  Modality: string
  ScheduledStationAETitle: string[]
  ScheduledProcedureStepStartDate: string
  ScheduledProcedureStepStartTime: string
  ScheduledProcedureStepDescription: string
  ScheduledPerformingPhysicianName: string
  ScheduledProcedureStepLocation: string
}

export interface Step extends StepFacts {
  state: StepState
  ScheduledProcedureStepID: string
  performed: Performed[]
}

export interface OrderFacts {
  PatientName: string
  PatientID: string
  PatientBirthDate: string
  PatientSex: string
  AccessionNumber: string
  ReferringPhysicianName: string
  RequestedProcedureDescription: string
  RequestedProcedurePriority: string
}

export interface Order extends OrderFacts {
  id: number
  state: OrderState
  /** modality: somebody was examined whom nobody had ordered. */
  origin: 'api' | 'modality'
  StudyInstanceUID: string
  RequestedProcedureID: string
  created_at: string
  updated_at: string
  steps: Step[]
}

export interface OrderSearch {
  q?: string
  /** One or several with commas. */
  state?: string
  Modality?: string
  ScheduledStationAETitle?: string
  /** DA, or a range. */
  date?: string
}

export function listOrders(search: OrderSearch, cursor: string | null, asking: Asking = {}): Promise<{ orders: Order[]; next: string | null }> {
  return requestJson(`/api/v1/orders${queryString({ ...search, cursor, limit: 100 })}`, asking)
}

export function addOrder(facts: Partial<OrderFacts> & { steps: Partial<StepFacts>[] }): Promise<Order> {
  return requestJson<Order>('/api/v1/orders', { method: 'POST', body: facts })
}

export type StepChange = Partial<StepFacts> & { ScheduledProcedureStepID: string; state?: StepState }

export function changeOrder(id: number, change: Partial<OrderFacts> & { state?: 'cancelled'; steps?: StepChange[] }): Promise<Order> {
  return requestJson<Order>(`/api/v1/orders/${id}`, { method: 'PATCH', body: change })
}

export async function removeOrder(id: number): Promise<void> {
  await requestJson<null>(`/api/v1/orders/${id}`, { method: 'DELETE' })
}
