// Passkeys: signing in with a key that a telephone, a computer or a stick keeps (Web Authentication).
import { requestJson } from '../lib/http'

const PASSKEYS = '/api/v1/session/passkeys'
const ENTER = '/api/v1/session/passkey'

export interface Passkey {
  id: string
  name: string
  created_at: string
  used_at: string | null
}

interface Options {
  options: Record<string, unknown>
}

/** Browsers of before 2025 lack what reads and writes the messages; they sign in with the password. */
export const hasPasskeys = (): boolean => typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential

export async function ownPasskeys(signal?: AbortSignal): Promise<Passkey[]> {
  return (await requestJson<{ passkeys: Passkey[] }>(PASSKEYS, { signal })).passkeys
}

/** Throws HttpError (the password is wrong), or DOMException when the person or the device declines. */
export async function addPasskey(current: string, name: string): Promise<void> {
  const { options } = await requestJson<Options>(`${PASSKEYS}/begin`, { method: 'POST', body: { current } })
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON)
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential
  await requestJson<null>(PASSKEYS, { method: 'POST', body: { credential: made.toJSON(), name } })
}

export async function removePasskey(id: string): Promise<void> {
  await requestJson<null>(`${PASSKEYS}/remove`, { method: 'POST', body: { id } })
}

/** What POST /session/passkey wants. Throws DOMException when the person or the device declines. */
export async function signedPasskey(): Promise<unknown> {
  const { options } = await requestJson<Options>(`${ENTER}/begin`, { method: 'POST', quiet401: true })
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON)
  return ((await navigator.credentials.get({ publicKey })) as PublicKeyCredential).toJSON()
}

/** Whether they only thought better of it. */
export const declined = (error: unknown): boolean => error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'AbortError')
