/**
 * One way to talk to the server: same origin, JSON in and out, typed errors, the CSRF header on everything that changes something.
 *
 *   HttpError      the server answered with an error; `kind` is the closed set of domain/errors.py
 *   OfflineError   no answer came at all
 */

/** The kinds of domain/errors.py. */
export type ErrorKind =
  | 'invalid'
  | 'unsupported'
  | 'missing'
  | 'conflict'
  | 'forbidden'
  | 'unauthenticated'
  | 'too_large'
  | 'no_space'
  | 'busy'
  | 'broken'

/** What an error tells a person: what happened, where, what was kept, what to do. */
export interface ErrorFacts {
  kind: ErrorKind
  message: string
  where?: string
  kept?: string
  hint?: string
}

export class HttpError extends Error {
  readonly kind: ErrorKind
  readonly status: number
  readonly where: string
  readonly kept: string
  readonly hint: string
  /** Seconds to wait before trying again, when the server said so. */
  readonly retryAfter: number | null

  constructor(status: number, facts: ErrorFacts, retryAfter: number | null = null) {
    super(facts.message)
    this.name = 'HttpError'
    this.status = status
    this.kind = facts.kind
    this.where = facts.where ?? ''
    this.kept = facts.kept ?? ''
    this.hint = facts.hint ?? ''
    this.retryAfter = retryAfter
  }
}

export class OfflineError extends Error {
  readonly kept = 'Nothing on this page was lost.'
  readonly hint = 'Check the network and that Isocenter is running, then try again.'

  constructor(cause?: unknown) {
    super('The server cannot be reached.', { cause })
    this.name = 'OfflineError'
  }
}

const KIND_OF_STATUS: Record<number, ErrorKind> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'missing',
  406: 'unsupported',
  409: 'conflict',
  413: 'too_large',
  415: 'unsupported',
  429: 'busy',
  501: 'unsupported',
  503: 'busy',
  507: 'no_space',
}

const PLAIN: Record<ErrorKind, string> = {
  invalid: 'The server did not understand the request.',
  unsupported: 'The server does not do this.',
  missing: 'This is not in the archive, or you may not see it.',
  conflict: 'This contradicts what the archive already holds.',
  forbidden: 'Your account may not do this.',
  unauthenticated: 'You are not signed in.',
  too_large: 'This is larger than the server takes.',
  no_space: 'The archive is full.',
  busy: 'The server is busy.',
  broken: 'Something went wrong on the server.',
}

let csrfToken = ''
let onUnauthenticated: () => void = () => undefined

/** Held in memory only: a reload asks GET /session for it again. */
export function setCsrfToken(token: string): void {
  csrfToken = token
}

export function currentCsrfToken(): string {
  return csrfToken
}

/** Called once for every answer 401, whichever part of the page asked; the session has one owner (api/session). */
export function whenUnauthenticated(handler: () => void): void {
  onUnauthenticated = handler
}

export function noteUnauthenticated(): void {
  onUnauthenticated()
}

function isFacts(value: unknown): value is { error: Partial<ErrorFacts> } {
  return typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'object' && value.error !== null
}

/** The error an answer stands for; `body` is its parsed JSON, or null when it had none. */
export function errorOf(status: number, body: unknown, retryAfter: string | null): HttpError {
  const kind = KIND_OF_STATUS[status] ?? (status >= 500 ? 'broken' : 'invalid')
  const seconds = retryAfter === null || retryAfter === '' ? NaN : Number(retryAfter)
  const wait = Number.isFinite(seconds) ? seconds : null
  if (!isFacts(body)) return new HttpError(status, { kind, message: PLAIN[kind] }, wait)
  const facts = body.error
  return new HttpError(status, { ...facts, kind: facts.kind ?? kind, message: facts.message ?? PLAIN[kind] }, wait)
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Sent as JSON. */
  body?: unknown
  /** Sent as it is; `headers` say what it is. */
  raw?: Blob
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
  /** A 401 is an ordinary answer here (the login form), not an expired session. */
  quiet401?: boolean
  /** No person did this (a refresh after an event): it must not prolong the session's idle time-out. */
  background?: boolean
}

/** The raw answer; throws HttpError for 4xx/5xx, OfflineError when none came, AbortError when aborted. */
export async function send(url: string, options: RequestOptions = {}): Promise<Response> {
  const method = options.method ?? 'GET'
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.background) headers['X-Isocenter-Background'] = '1'
  if (method !== 'GET' && csrfToken) headers['X-CSRF-Token'] = csrfToken
  let response: Response
  try {
    response = await fetch(url, {
      method,
      headers,
      credentials: 'same-origin',
      ...(options.raw ? { body: options.raw } : options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    })
  } catch (cause) {
    if (isAbort(cause)) throw cause
    throw new OfflineError(cause)
  }
  if (response.ok) return response
  const body: unknown = await response.json().catch(() => null)
  if (response.status === 401 && !options.quiet401) onUnauthenticated()
  throw errorOf(response.status, body, response.headers.get('Retry-After'))
}

/** The JSON of the answer; `null` for 204. */
export async function requestJson<T>(url: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(url, options)
  if (response.status === 204) return null as T
  return (await response.json()) as T
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

/** The server's clauses as sentences: "the disk is full" -> "The disk is full." */
export function sentence(text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') return ''
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1)
  return /[.!?…]$/.test(first) ? first : `${first}.`
}

/** What happened, what was kept, what to do, and where. */
export interface Explained {
  what: string
  kept: string
  hint: string
  where: string
}

/** Any thrown thing as the facts a person is shown. */
export function explain(error: unknown): Explained {
  if (error instanceof HttpError) return { what: sentence(error.message), kept: sentence(error.kept), hint: sentence(error.hint), where: error.where }
  if (error instanceof OfflineError) return { what: error.message, kept: error.kept, hint: error.hint, where: '' }
  const what = error instanceof Error && error.message ? error.message : 'Something unexpected happened on this page.'
  return { what, kept: 'Everything in the archive is unchanged.', hint: 'Load the page again; if it comes back, tell whoever runs Isocenter.', where: '' }
}

/** `?a=1&b=2`, leaving out what is empty; arrays repeat joined by commas. */
export function queryString(values: Record<string, string | number | boolean | readonly string[] | null | undefined>): string {
  const parameters = new URLSearchParams()
  for (const [key, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === '') continue
    const text = Array.isArray(value) ? value.join(',') : String(value)
    if (text !== '') parameters.set(key, text)
  }
  const text = parameters.toString()
  return text ? `?${text}` : ''
}
