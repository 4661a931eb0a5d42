import { currentCsrfToken, noteUnauthenticated } from '../lib/http'
import { Observable, useValue } from '../lib/observable'
import { isGuest } from './session'
import type { Change } from './types'

/** One message of a text/event-stream (WHATWG HTML 9.2.6). */
export interface StreamEvent {
  event: string
  data: string
  id: string
}

/** Cuts a stream of text into events; hold one per connection and feed it what arrives. */
export class EventParser {
  private rest = ''
  private event = ''
  private data: string[] = []
  /** The newest id seen; it also counts when it came without data (a heartbeat that moves us on). */
  id = ''

  feed(chunk: string): StreamEvent[] {
    this.rest += chunk
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    return lines.flatMap((line) => this.line(line))
  }

  private line(line: string): StreamEvent[] {
    if (line === '') {
      const complete = this.data.length > 0
      const event = { event: this.event || 'message', data: this.data.join('\n'), id: this.id }
      this.event = ''
      this.data = []
      return complete ? [event] : []
    }
    const colon = line.indexOf(':')
    if (colon === 0) return [] // a comment: the heartbeat
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.event = value
    else if (field === 'data') this.data.push(value)
    else if (field === 'id') this.id = value
    return []
  }
}

export type FeedState = 'connecting' | 'live' | 'waiting'

const SILENCE_MS = 45_000 // three missed heartbeats of 15 s: the connection is dead even if nobody said so
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 20_000]

/**
 * The live feed of the change log. One connection per page however many listeners; opened with the first, closed with the last.
 * After a break it asks for everything since the last number it saw, so nothing is missed. EventSource is not used because it
 * gives up for good on an error status and then forgets where it was.
 */
export class ChangeFeed {
  readonly state = new Observable<FeedState>('connecting')
  private readonly listeners = new Set<(change: Change) => void>()
  private lastId = ''
  private attempt = 0
  private connection: AbortController | null = null
  private timer: number | undefined
  private readonly url: string

  constructor(url: string) {
    this.url = url
  }

  listen(listener: (change: Change) => void): () => void {
    this.listeners.add(listener)
    if (this.listeners.size === 1 && !isGuest()) this.open()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.close()
    }
  }

  private open(): void {
    window.clearTimeout(this.timer)
    const connection = new AbortController()
    this.connection = connection
    this.state.set('connecting')
    void this.read(connection).finally(() => {
      if (this.connection !== connection) return
      this.state.set('waiting')
      const wait = RETRY_MS[Math.min(this.attempt, RETRY_MS.length - 1)] ?? 20_000
      this.attempt += 1
      this.timer = window.setTimeout(() => this.open(), wait)
    })
  }

  private close(): void {
    window.clearTimeout(this.timer)
    const connection = this.connection
    this.connection = null
    connection?.abort()
    this.attempt = 0
    this.lastId = ''
  }

  private async read(connection: AbortController): Promise<void> {
    let watchdog = 0
    const alive = () => {
      window.clearTimeout(watchdog)
      watchdog = window.setTimeout(() => connection.abort(), SILENCE_MS)
    }
    try {
      alive()
      const headers: Record<string, string> = { Accept: 'text/event-stream', 'X-Isocenter-Background': '1' }
      if (this.lastId) headers['Last-Event-ID'] = this.lastId
      const response = await fetch(this.url, { headers, credentials: 'same-origin', cache: 'no-store', signal: connection.signal })
      if (response.status === 401 && currentCsrfToken()) noteUnauthenticated()
      if (!response.ok || !response.body) return
      this.state.set('live')
      this.attempt = 0
      const parser = new EventParser()
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        alive()
        for (const event of parser.feed(value)) this.deliver(event)
        if (parser.id) this.lastId = parser.id
      }
    } catch {
      // A broken or aborted connection ends the read; `open` tries again with Last-Event-ID.
    } finally {
      window.clearTimeout(watchdog)
    }
  }

  private deliver(event: StreamEvent): void {
    // "reset": our place in the log is gone (restored database, days asleep); whoever lists something reads it anew.
    const change = event.event === 'change' || event.event === 'reset' ? parseChange(event.data, event.event) : null
    if (!change) return
    for (const listener of [...this.listeners]) listener(change)
  }
}

function parseChange(data: string, event: string): Change | null {
  try {
    const change = JSON.parse(data) as Partial<Change>
    const kind = event === 'reset' ? 'reset' : change.kind
    if (typeof change.seq !== 'number' || typeof kind !== 'string') return null
    return { seq: change.seq, kind, study: change.study ?? null }
  } catch {
    return null
  }
}

// Guests have no feed (it is 403): `ChangeFeed.listen` holds their listeners and opens nothing.
export const changes = new ChangeFeed('/api/v1/events')

export function useFeedState(): FeedState {
  return useValue(changes.state)
}
