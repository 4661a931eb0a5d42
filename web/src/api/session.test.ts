import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { refreshSession, signOut, userName, whySignedOut } from './session'

const CHANNEL = 'isocenter-session'
let signedIn = 'anna'

const answer = (status: number, body: unknown) => new Response(body === null ? null : JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
const session = () => (signedIn ? answer(200, { user: { name: signedIn, role: 'radiologist', permissions: [] }, csrf_token: 't', idle_seconds: 900, link: null }) : answer(401, { error: { kind: 'unauthenticated', message: '' } }))

let other: BroadcastChannel
let heard: unknown[]

beforeEach(async () => {
  signedIn = 'anna'
  vi.stubGlobal('fetch', vi.fn((_: string, init?: RequestInit) => Promise.resolve(init?.method === 'DELETE' ? answer(204, null) : session())))
  other = new BroadcastChannel(CHANNEL)
  heard = []
  other.onmessage = ({ data }: MessageEvent<unknown>) => heard.push(data)
  await refreshSession()
})

afterEach(() => {
  other.close()
  vi.unstubAllGlobals()
})

describe('all windows of a browser have one session', () => {
  it('which ends here when another window ends it, and comes back with it', async () => {
    expect(userName()).toBe('anna')
    signedIn = ''
    other.postMessage({ out: 'expired' })
    await vi.waitFor(() => expect(whySignedOut()).toBe('expired'))
    expect(userName()).toBe('')
    signedIn = 'anna'
    other.postMessage({ in: 'anna' })
    await vi.waitFor(() => expect(userName()).toBe('anna'))
  })
  it('which is another person’s here, too, when somebody else signs in elsewhere', async () => {
    signedIn = 'berta'
    other.postMessage({ in: 'berta' })
    await vi.waitFor(() => expect(userName()).toBe('berta'))
  })
  it('of whose end the others are told', async () => {
    await signOut()
    expect(whySignedOut()).toBe('left')
    await vi.waitFor(() => expect(heard).toContainEqual({ out: 'left' }))
  })
})
