import { requestJson } from '../lib/http'

/** Links for people without an account, and what came in over them. */
export type Opens = 'study' | 'patient' | 'upload'
export type CodeUse = 'none' | 'once' | 'always'
export type ShareState = 'open' | 'used' | 'locked' | 'expired' | 'withdrawn'

export interface Share {
  id: number
  opens: Opens
  label: string
  state: ShareState
  StudyInstanceUID: string
  /** What it names, where one may see that. */
  study: { PatientName?: string; PatientID?: string; StudyDate?: string; StudyDescription?: string }
  download: boolean
  code: CodeUse
  /** '' is the command line. */
  maker: string
  created_at: string
  expires_at: string
  withdrawn_at: string | null
  withdrawn_by: string
  openings: number
  opened_at: string | null
  most_bytes: number
  bytes: number
}

export interface ShareWish {
  opens: Opens
  StudyInstanceUID?: string
  label: string
  days: number
  download: boolean
  code: CodeUse
}

/** `path` and `code` are told this once. */
export interface MadeShare {
  share: Share
  path: string
  code: string
}

export interface ShareEntry {
  at: string
  kind: string
  study: string
  address: string
  reason: string
  count: number
}

export interface Received {
  link: number
  label: string
  StudyInstanceUID: string
  objects: number
  bytes: number
  first_at: string
  last_at: string
}

export interface ReceivedLook {
  values: Record<string, string>
  joins: Record<string, string> | null
  contradicts: string[]
}

const SHARES = '/api/v1/shares'

export async function listShares(signal: AbortSignal): Promise<Share[]> {
  return (await requestJson<{ shares: Share[] }>(`${SHARES}?limit=500`, { signal })).shares
}

/** What the settings ask of new links. */
export interface SharePolicy {
  most_days: number
  needs_code: boolean
}

export function readSharePolicy(signal: AbortSignal): Promise<SharePolicy> {
  return requestJson<SharePolicy>(`${SHARES}?limit=1`, { signal })
}

export function addShare(wish: ShareWish): Promise<MadeShare> {
  return requestJson<MadeShare>(SHARES, { method: 'POST', body: wish })
}

export async function withdrawShare(id: number): Promise<void> {
  await requestJson<null>(`${SHARES}/${id}`, { method: 'DELETE' })
}

export async function newShareCode(id: number): Promise<string> {
  return (await requestJson<{ code: string }>(`${SHARES}/${id}/code`, { method: 'POST' })).code
}

export async function readShareHistory(id: number, signal: AbortSignal): Promise<ShareEntry[]> {
  return (await requestJson<{ entries: ShareEntry[] }>(`${SHARES}/${id}/history`, { signal })).entries
}

export async function listReceived(signal?: AbortSignal): Promise<Received[]> {
  return (await requestJson<{ received: Received[] }>('/api/v1/received', { signal, background: true })).received
}

const group = ({ link, StudyInstanceUID }: Received): string => `/api/v1/received/${link}/studies/${encodeURIComponent(StudyInstanceUID)}`

export function lookAtReceived(received: Received, signal?: AbortSignal): Promise<ReceivedLook> {
  return requestJson<ReceivedLook>(group(received), { signal })
}

/** All of it, some hundred objects a request; `onDone` is told how many are in. Returns why some were not taken. */
export async function acceptReceived(received: Received, as: 'said' | 'apart', onDone: (accepted: number) => void): Promise<string[]> {
  let after: number | null = 0
  let accepted = 0
  const reasons = new Set<string>()
  while (after !== null) {
    const done: { accepted: number; failed: { reason: string }[]; next: number | null } = await requestJson(`${group(received)}/accept`, { method: 'POST', body: { as, after } })
    accepted += done.accepted
    for (const { reason } of done.failed) reasons.add(reason)
    onDone(accepted)
    after = done.next
  }
  return [...reasons]
}

export async function refuseReceived(received: Received, reason: string): Promise<void> {
  await requestJson<unknown>(`${group(received)}/refuse`, { method: 'POST', body: { reason } })
}
