// The second step of signing in: one's own, and what an administrator takes away.
import { requestJson } from '../lib/http'

const FACTOR = '/api/v1/session/factor'

export interface FactorState {
  enabled: boolean
  /** Codes on paper that were not used. */
  recovery_left: number
}

/** What an app is to be told, once. */
export interface Enrolment {
  secret: string
  address: string
}

export function factorState(signal?: AbortSignal): Promise<FactorState> {
  return requestJson<FactorState>(FACTOR, { signal })
}

export function beginFactor(): Promise<Enrolment> {
  return requestJson<Enrolment>(FACTOR, { method: 'POST' })
}

/** The codes for paper. Throws HttpError with `where` code when the app's was wrong. */
export async function confirmFactor(code: string): Promise<string[]> {
  return (await requestJson<{ recovery_codes: string[] }>(`${FACTOR}/confirm`, { method: 'POST', body: { code } })).recovery_codes
}

export async function removeFactor(current: string, code: string): Promise<void> {
  await requestJson<null>(`${FACTOR}/remove`, { method: 'POST', body: { current, code } })
}
