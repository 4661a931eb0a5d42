import { requestJson } from '../lib/http'

/** Who is told of changes by signed requests; for administrators. */

/** What an administrator says of a webhook. */
export interface WebhookFacts {
  url: string
  /** Names of kinds and patterns of them: study.created, instance.*, *. */
  kinds: string[]
  /** Changes of one message at most. */
  together: number
}

export interface Webhook extends WebhookFacts {
  name: string
  enabled: boolean
  /** Changes so far. */
  told: number
  told_at: string | null
  /** Changes of all kinds in the log after what it has been told. */
  waiting: number
  /** Of the message that waits, which failed. */
  attempts: number
  due_at: string
  failing_since: string | null
  /** Messages that were put aside. */
  failures: number
  /** 0: no answer. */
  last_status: number
  /** '': the last message was taken. */
  last_reason: string
  last_at: string | null
}

/** A message that was put aside. */
export interface WebhookFailure {
  id: number
  first: number
  last: number
  changes: number
  status: number
  reason: string
  attempts: number
  failed_at: string
  resend_asked: boolean
}

const path = (...parts: (string | number)[]) => ['/api/v1/webhooks', ...parts.map((part) => encodeURIComponent(part))].join('/')

/** Asked every few seconds while the page is open, which is no person's doing. */
export async function listWebhooks(signal?: AbortSignal): Promise<Webhook[]> {
  return (await requestJson<{ webhooks: Webhook[] }>(path(), { signal, background: true })).webhooks
}

/** The secret is told once. */
export async function addWebhook(name: string, facts: WebhookFacts): Promise<string> {
  return (await requestJson<{ secret: string }>(path(), { method: 'POST', body: { name, ...facts } })).secret
}

/** What waits is tried at once. */
export function changeWebhook(name: string, change: Partial<WebhookFacts & { enabled: boolean }>): Promise<Webhook> {
  return requestJson<Webhook>(path(name), { method: 'PATCH', body: change })
}

export async function removeWebhook(name: string): Promise<void> {
  await requestJson<null>(path(name), { method: 'DELETE' })
}

/** Another one; the one before signs nothing any more. */
export async function newWebhookSecret(name: string): Promise<string> {
  return (await requestJson<{ secret: string }>(path(name, 'secret'), { method: 'POST' })).secret
}

/** What came of it is in the webhook some seconds later. */
export async function testWebhook(name: string): Promise<void> {
  await requestJson<null>(path(name, 'test'), { method: 'POST' })
}

export async function listWebhookFailures(name: string, signal?: AbortSignal): Promise<WebhookFailure[]> {
  return (await requestJson<{ failures: WebhookFailure[] }>(path(name, 'failures'), { signal })).failures
}

/** One message, or all. */
export async function resendWebhookFailures(name: string, id?: number): Promise<void> {
  await requestJson<unknown>(id === undefined ? path(name, 'failures', 'resend') : path(name, 'failures', id, 'resend'), { method: 'POST' })
}

/** One message, or all. */
export async function forgetWebhookFailures(name: string, id?: number): Promise<void> {
  await requestJson<unknown>(id === undefined ? path(name, 'failures') : path(name, 'failures', id), { method: 'DELETE' })
}
