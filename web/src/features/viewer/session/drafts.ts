// Sends what was drawn on one study to the server, and keeps it in the browser until the server has it.
import { type AnnotationChange, saveAnnotations, saveAnnotationsOnLeaving } from '../../../api/annotations'
import { HttpError, explain } from '../../../lib/http'
import { Observable } from '../../../lib/observable'
import { isEmpty, merged, newId, split } from '../model/annotations'

/** saved: the server has it; waiting: it is kept in this browser and tried again; refused: the server does not take it. */
export interface Saving {
  readonly state: 'saved' | 'saving' | 'waiting' | 'refused'
  readonly reason: string
}

const PREFIX = 'isocenter.annotations'
const SOON = 250 // ms: a drag is one message
const PATIENCE = [1000, 3000, 10_000, 30_000] as const // ms between attempts without a server
// The server takes 64 KiB in one body (api/endpoint.py), in bytes; a letter may have three.
const ROOM = 20_000
// What a person must be told, since trying again would change nothing.
const FINAL: ReadonlySet<string> = new Set(['invalid', 'too_large', 'missing', 'forbidden', 'unsupported'])

const NOTHING: AnnotationChange = { set: [], remove: [] }
// User names have no slash.
const prefixOf = (user: string, study = ''): string => `${PREFIX}/${user}/${study}`

function parsed(text: string | null): AnnotationChange {
  try {
    const found = JSON.parse(text ?? 'null') as AnnotationChange | null
    return found && Array.isArray(found.set) && Array.isArray(found.remove) ? found : NOTHING
  } catch {
    return NOTHING
  }
}

const keysOf = (prefix: string): string[] => Object.keys(localStorage).filter((key) => key.startsWith(prefix))

/** What windows that are gone have left of a study; it becomes ours. */
function adopted(user: string, study: string): AnnotationChange {
  return keysOf(`${prefixOf(user, study)}/`).reduce((all, key) => {
    const found = parsed(localStorage.getItem(key))
    localStorage.removeItem(key)
    return merged(all, found)
  }, NOTHING)
}

/** The studies of which this browser holds something that the server has not got from this person. */
export function studiesWaiting(user: string): string[] {
  return [...new Set(keysOf(prefixOf(user)).map((key) => key.split('/')[2] ?? ''))].filter(Boolean)
}

export class Drafts {
  readonly saving = new Observable<Saving>({ state: 'saved', reason: '' })
  private readonly study: string
  /** Of this window: another one on the same study keeps its own. */
  private readonly key: string
  private waiting: AnnotationChange
  private sending: AnnotationChange = NOTHING
  private timer = 0
  private failures = 0
  private ended = false

  constructor(user: string, study: string) {
    this.study = study
    this.key = `${prefixOf(user, study)}/${newId()}`
    this.waiting = adopted(user, study)
    this.remember()
    if (!isEmpty(this.waiting)) this.soon(0)
    window.addEventListener('online', this.now)
  }

  /** What the server has not got yet: it counts more than what the server says. */
  get pending(): AnnotationChange {
    return merged(this.sending, this.waiting)
  }

  note(change: AnnotationChange): void {
    if (isEmpty(change)) return
    this.waiting = merged(this.waiting, change)
    this.remember()
    this.soon(SOON)
  }

  private remember(): void {
    const pending = this.pending
    try {
      if (isEmpty(pending)) localStorage.removeItem(this.key)
      else localStorage.setItem(this.key, JSON.stringify(pending))
    } catch {
      // No room in the browser: the server is then the only place, and it is asked in a moment.
    }
  }

  private soon(delay: number): void {
    if (this.saving.get().state === 'saved') this.saving.set({ state: 'saving', reason: '' })
    window.clearTimeout(this.timer)
    this.timer = window.setTimeout(() => void this.flush(), delay)
  }

  private readonly now = (): void => {
    if (!isEmpty(this.waiting)) this.soon(0)
  }

  private async flush(): Promise<void> {
    if (!isEmpty(this.sending) || isEmpty(this.waiting)) return
    ;[this.sending, this.waiting] = split(this.waiting, ROOM)
    try {
      await saveAnnotations(this.study, this.sending)
      this.sending = NOTHING
      this.failures = 0
      this.remember()
      if (!isEmpty(this.waiting)) this.soon(0)
      else this.saving.set({ state: 'saved', reason: '' })
    } catch (error) {
      this.failed(error)
    }
  }

  private failed(error: unknown): void {
    this.waiting = this.pending
    this.sending = NOTHING
    this.remember()
    const { what, hint } = explain(error)
    if (error instanceof HttpError && FINAL.has(error.kind)) {
      this.saving.set({ state: 'refused', reason: [what, hint].filter(Boolean).join(' ') })
      return
    }
    this.saving.set({ state: 'waiting', reason: what })
    const pause = PATIENCE[Math.min(this.failures++, PATIENCE.length - 1)] ?? SOON
    if (!this.ended) this.timer = window.setTimeout(() => void this.flush(), pause)
  }

  /** The page is left: what is not there yet goes with the browser's own patience, and stays in it until it is known to be there. */
  leave(): void {
    if (isEmpty(this.pending)) return
    this.remember()
    saveAnnotationsOnLeaving(this.study, split(this.pending, ROOM)[0])
  }

  dispose(): void {
    this.ended = true
    window.clearTimeout(this.timer)
    window.removeEventListener('online', this.now)
    if (!isEmpty(this.pending)) void this.flush()
  }
}
