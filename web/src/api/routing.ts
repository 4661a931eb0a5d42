import { queryString, requestJson } from '../lib/http'
import type { Asking } from './studies'

/** What is sent to others: destinations, the rules that send by themselves, and the queue. */

export type DestinationKind = 'dicom' | 'dicomweb' | 'folder'

export interface Destination {
  name: string
  kind: DestinationKind
  /** AE title, URL or path. */
  address: string
  username: string
  has_secret: boolean
  paused: boolean
  /** Bytes a second; 0: no limit. */
  throttle: number
  /** "22:00-06:00"; '': always. */
  hours: string
  waiting: number
  failed: number
  sent: number
}

export interface Place {
  address: string
  username: string
  secret?: string
  throttle: number
  hours: string
}

export interface Condition {
  attribute: string
  values: string[]
  excludes: boolean
}

export interface Rule {
  name: string
  enabled: boolean
  senders: string[]
  called: string[]
  conditions: Condition[]
  hours: string
  destinations: string[]
  quiet_seconds: number
}

export interface Route extends Rule {
  id: number
  created_at: string
  updated_at: string
}

export interface TriedStudy {
  StudyInstanceUID: string
  PatientName: string
  PatientID: string
  StudyDate: string
  StudyDescription: string
  ModalitiesInStudy: string[]
  instances: number
  /** Of these, what would have been sent. */
  matched: number
  destinations: string[]
}

export interface Tried {
  studies: TriedStudy[]
  studies_matched: number
  instances_matched: number
}

export type DeliveryState = 'waiting' | 'queued' | 'sending' | 'sent' | 'failed' | 'cancelled'

export interface Delivery {
  id: number
  StudyInstanceUID: string
  PatientName: string
  PatientID: string
  StudyDate: string
  StudyDescription: string
  destination: string
  /** The rule that sends it; '' when a person does. */
  route: string
  state: DeliveryState
  /** Why it may not go just now. */
  held: '' | 'paused' | 'hours'
  reason: string
  attempts: number
  instances: number
  sent: number
  failed: number
  created_at: string
  updated_at: string
  due_at: string
}

export interface SentInstance {
  SOPInstanceUID: string
  state: 'waiting' | 'sent' | 'failed'
  status: number
  reason: string
  attempts: number
}

const path = (...parts: (string | number)[]) => `/api/v1/${parts.map((part) => encodeURIComponent(part)).join('/')}`

export async function listDestinations(signal?: AbortSignal): Promise<Destination[]> {
  return (await requestJson<{ destinations: Destination[] }>(path('destinations'), { signal })).destinations
}

export function addDestination(name: string, kind: DestinationKind, place: Place): Promise<Destination> {
  return requestJson<Destination>(path('destinations'), { method: 'POST', body: { name, kind, ...place } })
}

export function changeDestination(name: string, change: Partial<Place & { paused: boolean }>): Promise<Destination> {
  return requestJson<Destination>(path('destinations', name), { method: 'PATCH', body: change })
}

export async function removeDestination(name: string): Promise<void> {
  await requestJson<null>(path('destinations', name), { method: 'DELETE' })
}

export async function listRoutes(signal?: AbortSignal): Promise<Route[]> {
  return (await requestJson<{ routes: Route[] }>(path('routes'), { signal })).routes
}

export function addRoute(rule: Rule): Promise<Route> {
  return requestJson<Route>(path('routes'), { method: 'POST', body: rule })
}

export function changeRoute(id: number, change: Partial<Rule>): Promise<Route> {
  return requestJson<Route>(path('routes', id), { method: 'PATCH', body: change })
}

export async function removeRoute(id: number): Promise<void> {
  await requestJson<null>(path('routes', id), { method: 'DELETE' })
}

/** What the rule would have done with the studies that came last; nothing is sent. */
export function tryRule(rule: Rule, last: number): Promise<Tried> {
  return requestJson<Tried>(path('routes', 'try'), { method: 'POST', body: { rule, last } })
}

export async function listAttributes(signal?: AbortSignal): Promise<string[]> {
  return (await requestJson<{ attributes: string[] }>(path('routes', 'attributes'), { signal })).attributes
}

export interface DeliveryFilter {
  state?: DeliveryState | ''
  destination?: string
}

export function listDeliveries(filter: DeliveryFilter, cursor: number | null, asking: Asking = {}): Promise<{ deliveries: Delivery[]; next: number | null }> {
  return requestJson(`${path('deliveries')}${queryString({ ...filter, cursor, limit: 100 })}`, asking)
}

export function readDelivery(id: number, asking: Asking = {}): Promise<{ delivery: Delivery; instances: SentInstance[] }> {
  return requestJson(path('deliveries', id), asking)
}

/** By the queue: retried, seen and sent again there. */
export async function sendStudies(studies: string[], destination: string): Promise<number[]> {
  return (await requestJson<{ deliveries: number[] }>(path('deliveries'), { method: 'POST', body: { studies, destination } })).deliveries
}

/** What has not arrived; with `all`, everything once more. */
export async function resendDelivery(id: number, all: boolean): Promise<void> {
  await requestJson<null>(path('deliveries', id, 'resend'), { method: 'POST', body: { all } })
}

export async function resendFailed(destination = ''): Promise<number> {
  return (await requestJson<{ deliveries: number }>(path('deliveries', 'resend'), { method: 'POST', body: destination ? { destination } : {} })).deliveries
}

export async function cancelDelivery(id: number): Promise<void> {
  await requestJson<null>(path('deliveries', id, 'cancel'), { method: 'POST' })
}
