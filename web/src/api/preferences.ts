import { requestJson } from '../lib/http'
import { Observable } from '../lib/observable'
import { isGuest, userName } from './session'

/** How the signed-in person likes to work, part by part; kept with the account, so the same at every workstation. */
export type Preferences = Readonly<Record<string, unknown>>

const PREFERENCES = '/api/v1/session/preferences'

export const preferences = new Observable<Preferences>({})

interface Said {
  readonly user: string
  readonly part: string
  readonly value: Readonly<Record<string, unknown>>
}

let channel: BroadcastChannel | null = null

/** What is chosen in one window holds in all windows of that person. */
function listen(): void {
  if (channel || typeof BroadcastChannel === 'undefined') return
  channel = new BroadcastChannel('isocenter-preferences')
  channel.onmessage = ({ data: { user, part, value } }: MessageEvent<Said>) => {
    if (user !== '' && user === userName()) preferences.update((now) => ({ ...now, [part]: value }))
  }
}

/** Of whoever is signed in now. Without an answer everything is as delivered. */
export async function loadPreferences(signal: AbortSignal): Promise<void> {
  listen()
  preferences.set({})
  try {
    preferences.set(await requestJson<Preferences>(PREFERENCES, { signal, background: true }))
  } catch {
    // The next page load asks again; what is missing here is only habit.
  }
}

/** Holds at once; throws what requestJson throws when it could not be kept. */
export async function prefer(part: string, value: Readonly<Record<string, unknown>>): Promise<void> {
  preferences.update((now) => ({ ...now, [part]: value }))
  channel?.postMessage({ user: userName(), part, value } satisfies Said)
  if (isGuest()) return // for as long as the window is open
  await requestJson<null>(`${PREFERENCES}/${part}`, { method: 'PUT', body: value })
}
