import { errorOf, requestJson } from '../lib/http'
import { post } from '../lib/post'
import { isGuest } from './session'

/** Hanging protocols that the server keeps: one's own, and those that were published for everybody. */
export interface KeptProtocol {
  id: number
  name: string
  /** For everybody. */
  shared: boolean
  /** Whose it is, or who published it. */
  owner: string
  /** Whether one may change it. */
  mine: boolean
  /** What the viewer makes of it: model/hanging/protocol. */
  protocol: unknown
  changed_at: string
}

const PATH = '/api/v1/hanging-protocols'

export async function listProtocols(signal?: AbortSignal): Promise<KeptProtocol[]> {
  if (isGuest()) return []
  return (await requestJson<{ protocols: KeptProtocol[] }>(PATH, { signal, background: true })).protocols
}

export function addProtocol(protocol: object, shared: boolean): Promise<KeptProtocol> {
  return requestJson<KeptProtocol>(PATH, { method: 'POST', body: { protocol, shared } })
}

export function changeProtocol(id: number, change: { protocol?: object; shared?: boolean }): Promise<KeptProtocol> {
  return requestJson<KeptProtocol>(`${PATH}/${id}`, { method: 'PATCH', body: change })
}

export async function removeProtocol(id: number): Promise<void> {
  await requestJson<null>(`${PATH}/${id}`, { method: 'DELETE' })
}

/** Where it is as a DICOM object (Hanging Protocol Storage). */
export const protocolAddress = (id: number): string => `${PATH}/${id}/dicom`

/** A Hanging Protocol object that a workstation or device has sent. */
export interface ReceivedProtocol {
  id: number
  uid: string
  /** '' when the viewer cannot show it. */
  name: string
  /** Why it cannot be shown. */
  problem: string
  source: string
  source_aet: string
  received_at: string
}

export async function listReceived(signal?: AbortSignal): Promise<ReceivedProtocol[]> {
  return (await requestJson<{ objects: ReceivedProtocol[] }>(`${PATH}/received`, { signal })).objects
}

/** Where it is as it came. */
export const receivedAddress = (id: number): string => `${PATH}/received/${id}/dicom`

/** Makes a protocol of one's own of what it says. */
export function takeOver(id: number): Promise<KeptProtocol> {
  return requestJson<KeptProtocol>(`${PATH}/received/${id}`, { method: 'POST' })
}

/** What a DICOM object says, as a protocol of one's own. */
export async function importProtocol(file: Blob): Promise<KeptProtocol> {
  const { status, body, header } = await post(`${PATH}/dicom`, 'application/dicom', file, { signal: new AbortController().signal, onProgress: () => undefined })
  if (status >= 400) throw errorOf(status, body, header('Retry-After'))
  return body as KeptProtocol
}
