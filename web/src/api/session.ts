import { HttpError, requestJson, setCsrfToken, whenUnauthenticated } from '../lib/http'
import { Observable, useValue } from '../lib/observable'
import { signedPasskey } from './passkeys'
import type { Emergency, OpenLink, SessionAnswer, User } from './types'

const SESSION = '/api/v1/session'

/**
 * unknown      not asked yet
 * unreachable  asked, no answer; `error` says why
 * out          nobody is signed in; `reason` is why we were sent here
 * in           signed in, or let in by a link
 */
export type Session =
  | { state: 'unknown' }
  | { state: 'unreachable'; error: unknown }
  | { state: 'out'; reason: 'never' | 'left' | 'expired' | 'idle' | 'link' }
  | { state: 'in'; user: User; idleSeconds: number; link: OpenLink | null; emergency: readonly Emergency[]; toReview: number }

const session = new Observable<Session>({ state: 'unknown' })

/** All windows of this browser have one session: who signs out in one has signed out in all of them, and comes back in all. */
type Said = { out: 'left' | 'idle' | 'expired' | 'link' } | { in: string }

let channel: BroadcastChannel | null = null

function tellOthers(said: Said): void {
  channel?.postMessage(said)
}

function listen(): void {
  if (channel || typeof BroadcastChannel === 'undefined') return
  channel = new BroadcastChannel('isocenter-session')
  channel.onmessage = ({ data }: MessageEvent<Said>) => {
    const now = session.get()
    if ('out' in data) {
      if (now.state !== 'in') return
      setCsrfToken('')
      session.set({ state: 'out', reason: data.out })
      return
    }
    // Another person: nothing of the one before may stay on the screen.
    if (now.state === 'in' && (now.user.name !== data.in || now.link)) session.set({ state: 'unknown' })
    void refreshSession()
  }
}

whenUnauthenticated(() => {
  if (session.get().state !== 'in') return
  setCsrfToken('')
  const reason = isGuest() ? 'link' : 'expired'
  session.set({ state: 'out', reason })
  tellOthers({ out: reason })
})

export function useSession(): Session {
  return useValue(session)
}

/** The signed-in user; only for parts of the page that exist behind the login. */
export function useUser(): User {
  const now = useValue(session)
  if (now.state !== 'in') throw new Error('This part of the page needs a signed-in user.')
  return now.user
}

/** Whoever is signed in; '' for nobody. */
export function userName(): string {
  const now = session.get()
  return now.state === 'in' ? now.user.name : ''
}

/** Whether whoever is there came by a link: nothing of theirs is kept on the server. */
export function isGuest(): boolean {
  const now = session.get()
  return now.state === 'in' && now.link !== null
}

/** Why nobody is signed in any more; '' while somebody is. */
export function whySignedOut(): string {
  const now = session.get()
  return now.state === 'out' ? now.reason : ''
}

export function may(user: User, permission: string): boolean {
  return user.permissions.includes(permission)
}

function accept(answer: SessionAnswer): void {
  setCsrfToken(answer.csrf_token)
  session.set({ state: 'in', user: answer.user, idleSeconds: answer.idle_seconds, link: answer.link, emergency: answer.emergency, toReview: answer.to_review })
}

/** Asks the server who we are; also tells it that somebody is there. */
export async function refreshSession(): Promise<void> {
  listen()
  try {
    accept(await requestJson<SessionAnswer>(SESSION, { quiet401: true }))
  } catch (error) {
    const before = session.get()
    if (error instanceof HttpError && error.status === 401) {
      setCsrfToken('')
      session.set({ state: 'out', reason: before.state !== 'in' ? 'never' : before.link ? 'link' : 'expired' })
    } else if (before.state !== 'in') {
      session.set({ state: 'unreachable', error })
    }
  }
}

/** Throws HttpError: 401 wrong name or password, or with `where` code: one is needed, or wrong; 429 throttled with `retryAfter`. */
export async function signIn(username: string, password: string, code: string): Promise<void> {
  accept(await requestJson<SessionAnswer>(SESSION, { method: 'POST', body: { username, password, ...(code ? { code } : {}) }, quiet401: true }))
  tellOthers({ in: userName() })
}

/** How one can sign in besides name and password. provider: the institution's accounts, with what the button says. */
export interface Ways {
  provider: { label: string } | null
  /** Browsers have passkeys for this address. */
  passkeys: boolean
}

export async function waysToSignIn(signal?: AbortSignal): Promise<Ways> {
  return await requestJson<Ways>(`${SESSION}/ways`, { signal, quiet401: true })
}

/** Addresses for links, since the browser itself goes there: to the provider and back to `to`; to sign out there, too. */
export const providerHref = (to: string): string => `${SESSION}/provider?to=${encodeURIComponent(to)}`
export const PROVIDER_LEAVE = `${SESSION}/provider/leave`

/** Throws HttpError 401 when it opens nothing here, DOMException when the person or the device declines. */
export async function signInWithPasskey(): Promise<void> {
  const credential = await signedPasskey()
  accept(await requestJson<SessionAnswer>(`${SESSION}/passkey`, { method: 'POST', body: { credential }, quiet401: true }))
  tellOthers({ in: userName() })
}

/** Lets the browser in by a link. Throws HttpError: 401 with `where` code, 404 when it opens nothing. */
export async function openLink(token: string, code: string): Promise<void> {
  accept(await requestJson<SessionAnswer>(`${SESSION}/link`, { method: 'POST', body: code ? { token, code } : { token }, quiet401: true }))
  tellOthers({ in: userName() })
}

/** Signs out here in any case; an unreachable server lets the session run into its idle time-out. */
export async function signOut(reason: 'left' | 'idle' = 'left'): Promise<void> {
  const why = isGuest() ? 'link' : reason
  try {
    await requestJson<null>(SESSION, { method: 'DELETE', quiet401: true })
  } finally {
    setCsrfToken('')
    session.set({ state: 'out', reason: why })
    tellOthers({ out: why })
  }
}

/** Throws HttpError: the current password is wrong, or the new one too weak. */
export async function changePassword(current: string, password: string): Promise<void> {
  await requestJson<unknown>(`${SESSION}/password`, { method: 'POST', body: { current, password }, quiet401: true })
}

/** A browser somebody is signed in with. `this`: it is this one. */
export interface SignedIn {
  id: string
  user: string
  address: string
  created_at: string
  seen_at: string
  this: boolean
}

export async function ownSessions(signal?: AbortSignal): Promise<SignedIn[]> {
  return (await requestJson<{ sessions: SignedIn[] }>(`${SESSION}/all`, { signal })).sessions
}

/** For who manages accounts. */
export async function everySession(signal?: AbortSignal): Promise<SignedIn[]> {
  return (await requestJson<{ sessions: SignedIn[] }>('/api/v1/sessions', { signal })).sessions
}

/** Throws HttpError: 404 when it has ended meanwhile. */
export async function endSession(id: string): Promise<void> {
  await requestJson<null>(`/api/v1/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
}
