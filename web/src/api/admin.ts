import { requestJson } from '../lib/http'
import type { Role } from './types'

/** Accounts, bearer tokens, DICOM peers and the state of the system; for administrators. */

export interface Account {
  name: string
  role: Role
  referrer_name: string
  /** All it may see: institution=NAME; department=NAME. Empty: no limit. */
  studies: string
  disabled: boolean
  /** Signs in with the institution's provider, too. */
  provider: boolean
  created_at: string
  password_changed_at: string | null
}

export interface Token {
  id: number
  user: string
  name: string
  /** Null: as much as its account. */
  role: Role | null
  /** What it may do of that; none: all. */
  permissions: string[]
  created_at: string
  expires_at: string | null
  used_at: string | null
}

/** Whether people search a peer as an archive: not; when they choose it; and it is also asked for what is not here. */
export type AskedWhen = '' | 'search' | 'fetch'

/** What an administrator says of a peer. */
export interface PeerFacts {
  host: string
  port: number
  description: string
  /** Networks it may call from; none: its own address. */
  allowed_ips: string[]
  /** At once, in each DICOM process; 0: as the settings have it. */
  max_associations: number
  /** UIDs of transfer syntaxes, the dearest first. */
  preferred_syntaxes: string[]
  tls: boolean
  /** What it may use of this archive; none: everything. */
  services: string[]
  /** Specific Character Set of what it writes without saying so. */
  character_set: string
  /** Issuer of Patient ID of what it sends without one. */
  issuer: string
  /** Bytes a second it is sent at most; 0: no limit. */
  throttle: number
  /** Associations opened at once to send to it. */
  parallel: number
  /** Nothing is sent to it by itself. */
  paused: boolean
  archive: AskedWhen
  /** After something was sent to it, it is asked whether it keeps that. */
  asks_commitment: boolean
  /** It is told when instances have become available. */
  notify_availability: boolean
}

export interface Peer extends PeerFacts {
  aet: string
  created_at: string
  /** When an association of it last began or ended; null: never since it was added. */
  last_seen_at: string | null
  associations: number
  instances: number
}

/** What came of asking a peer whether it is there (C-ECHO). */
export interface EchoResult {
  ok: boolean
  message: string
  milliseconds: number
}

const path = (...parts: (string | number)[]) => `/api/v1/${parts.map((part) => encodeURIComponent(part)).join('/')}`

export async function listAccounts(signal?: AbortSignal): Promise<Account[]> {
  return (await requestJson<{ users: Account[] }>(path('users'), { signal })).users
}

export interface NewAccount {
  name: string
  role: Role
  password?: string
  referrer_name?: string
  studies?: string
}

/** Without a password one is generated and told here, once. */
export function addAccount(account: NewAccount): Promise<{ user: Account; generated_password: string | null }> {
  return requestJson(path('users'), { method: 'POST', body: account })
}

/** Lets an account sign in with the institution's provider, too; or not any more, which ends its sessions. */
export async function setProvider(name: string, on: boolean): Promise<void> {
  await requestJson<null>(path('users', name, 'provider'), { method: on ? 'PUT' : 'DELETE' })
}

export function changeAccount(name: string, change: Partial<Pick<Account, 'role' | 'referrer_name' | 'studies' | 'disabled'>>): Promise<Account> {
  return requestJson<Account>(path('users', name), { method: 'PATCH', body: change })
}

/** Ends the account's sessions. */
export async function newPassword(name: string): Promise<string> {
  return (await requestJson<{ generated_password: string }>(path('users', name, 'password'), { method: 'POST' })).generated_password
}

export async function listTokens(signal?: AbortSignal): Promise<Token[]> {
  return (await requestJson<{ tokens: Token[] }>(path('tokens'), { signal })).tokens
}

export interface NewToken {
  user: string
  name: string
  role: Role | null
  /** None: all that account and role have. */
  permissions: readonly string[]
  days: number | null
}

/** The secret is told once. */
export async function addToken(token: NewToken): Promise<string> {
  return (await requestJson<{ secret: string }>(path('tokens'), { method: 'POST', body: token })).secret
}

export async function revokeToken(id: number): Promise<void> {
  await requestJson<null>(path('tokens', id), { method: 'DELETE' })
}

export async function listPeers(signal?: AbortSignal): Promise<Peer[]> {
  return (await requestJson<{ peers: Peer[] }>(path('peers'), { signal })).peers
}

export function addPeer(aet: string, facts: PeerFacts): Promise<Peer> {
  return requestJson<Peer>(path('peers'), { method: 'POST', body: { aet, ...facts } })
}

/** Holds for associations that begin from now on. */
export function changePeer(aet: string, facts: Partial<PeerFacts>): Promise<Peer> {
  return requestJson<Peer>(path('peers', aet), { method: 'PATCH', body: facts })
}

export async function removePeer(aet: string): Promise<void> {
  await requestJson<null>(path('peers', aet), { method: 'DELETE' })
}

/** Waits until the peer has answered, or for some seconds. */
export function echoPeer(aet: string): Promise<EchoResult> {
  return requestJson<EchoResult>(path('peers', aet, 'echo'), { method: 'POST' })
}

export interface SystemFacts {
  version: string
  aet: string
  dicom_address: string
  /** '': no DICOM over TLS. */
  dicom_tls_address: string
  /** When certificates end; null: none. */
  dicom_tls_expires: string | null
  http_tls_expires: string | null
  http_address: string
  database: string
  counts: Record<'patients' | 'studies' | 'series' | 'instances' | 'exceptions', number>
  free_bytes: number
}

export function readSystem(signal?: AbortSignal): Promise<SystemFacts> {
  return requestJson<SystemFacts>(path('system'), { signal })
}

/** A file that was not what the index says. */
export interface DamagedFile {
  file: string
  sop_instance_uid: string
  kind: 'missing' | 'damaged'
  detail: string
  found_at: string
  mended_at: string | null
  mended_by: '' | 'replica' | 'other'
}

export interface Renewal {
  place: string
  key: string
  began_at: string
  ended_at: string | null
  expected: number
  files: number
  changed: number
  faults: number
  /** It was broken off. */
  stopped: boolean
}

/** Whether every file is what it was. */
export interface Integrity {
  /** Bytes a second; 0: nobody looks. */
  rate: number
  expected: number
  round: { began_at: string; files: number; bytes: number; reason: string; last_ended_at: string | null; last_files: number; last_bytes: number } | null
  replica: { place: string; behind: number; reason: string } | null
  /** place: where the worker makes them; empty: it makes none. late: the last one is too old, or there is none. */
  backup: { place: string; every_hours: number; made_at: string | null; faults: number; failing_since: string | null; reason: string; late: boolean }
  /** Where the head of the change log is noted, so that its end cannot be cut off unseen. */
  anchors: { places: string[]; every_hours: number; at: string | null; head: string; failing_since: string | null; reason: string }
  /** Files brought under another key, the last time of each place ('': the archive). */
  renewals: Renewal[]
  damaged: number
  mended: number
  files: DamagedFile[]
}

export function readIntegrity(signal?: AbortSignal): Promise<Integrity> {
  return requestJson<Integrity>(path('system', 'integrity'), { signal })
}

/** Begin the next round over all files now. */
export async function beginRound(): Promise<void> {
  await requestJson(path('system', 'integrity'), { method: 'POST' })
}

/** An attribute that is indexed by declaration; `names`: how names sound. */
export interface IndexAttribute {
  name: string
  vr: string
  level: string
  state: 'filling' | 'complete' | 'removing'
  /** Of what was held when it was declared, 0 to 1. */
  fraction: number
  looked_at: number
  errors: number
  last_error: string
  declared_at: string
  finished_at: string | null
}

export function readIndexAttributes(signal?: AbortSignal): Promise<{ attributes: IndexAttribute[] }> {
  return requestJson<{ attributes: IndexAttribute[] }>(path('index-attributes'), { signal })
}
