// Tells the server what was seen, and keeps it in the browser until the server has it: also when the tab is closed or killed.
import { type SeenNote, noteSeen, noteSeenOnLeaving } from '../../../api/seen'
import { HttpError } from '../../../lib/http'
import { type Frames, add, addNote, isEmpty, noteOf, takeNote } from '../model/seen'
import { newId } from '../model/annotations'

const PREFIX = 'isocenter.seen'
const SOON = 2000 // ms: what is looked at in that time is one message
const PATIENCE = [5000, 15_000, 60_000] as const // ms between attempts without a server
const MOST_AT_ONCE = 400 // images: with two UIDs of 64 letters each they are far below the 64 KiB of a message
// Trying again would change nothing: the study has gone, or the account may not see it any more.
const FINAL: ReadonlySet<string> = new Set(['invalid', 'missing', 'forbidden'])

const nothing = (): Frames => new Map<string, Map<string, Set<number>>>()

/** Study -> what the server has not got. User names have no slash. */
function adopted(prefix: string): Map<string, Frames> {
  const found = new Map<string, Frames>()
  for (const key of Object.keys(localStorage).filter((each) => each.startsWith(prefix))) {
    try {
      const kept = JSON.parse(localStorage.getItem(key) ?? '{}') as Record<string, SeenNote>
      for (const [study, note] of Object.entries(kept)) {
        const frames: Frames = found.get(study) ?? nothing()
        addNote(frames, note)
        found.set(study, frames)
      }
    } catch {
      // Not ours, or half written: nothing can be read from it.
    }
    localStorage.removeItem(key)
  }
  return found
}

export class SeenDrafts {
  /** Of this window: another one keeps its own. */
  private readonly key: string
  private readonly waiting: Map<string, Frames>
  private timer = 0
  private failures = 0
  private ended = false
  private sending: Promise<void> | null = null

  constructor(user: string) {
    const prefix = `${PREFIX}/${user}/`
    this.key = prefix + newId()
    this.waiting = adopted(prefix)
    if (this.waiting.size === 0) return
    this.remember()
    this.soon(0)
  }

  /** What is not on the server yet, into the same shape. */
  pendingOf(study: string): SeenNote {
    return noteOf(this.waiting.get(study) ?? nothing())
  }

  note(study: string, series: string, instance: string, frame: number): void {
    const frames: Frames = this.waiting.get(study) ?? nothing()
    add(frames, series, instance, frame)
    this.waiting.set(study, frames)
    this.remember()
    if (!this.timer && !this.sending) this.soon(SOON)
  }

  private remember(): void {
    try {
      const kept = [...this.waiting].filter(([, frames]) => !isEmpty(frames)).map(([study, frames]): [string, SeenNote] => [study, noteOf(frames)])
      if (kept.length === 0) localStorage.removeItem(this.key)
      else localStorage.setItem(this.key, JSON.stringify(Object.fromEntries(kept)))
    } catch {
      // No room in the browser: the server is then the only place, and it is told in a moment.
    }
  }

  /** Tells the server at once. False: some of it is still only here. */
  async hurry(study: string): Promise<boolean> {
    for (;;) {
      window.clearTimeout(this.timer)
      await this.flush()
      if (isEmpty(this.waiting.get(study) ?? nothing())) return true
      if (this.failures > 0) return false
    }
  }

  private soon(delay: number): void {
    window.clearTimeout(this.timer)
    this.timer = window.setTimeout(() => void this.flush(), delay)
  }

  private flush(): Promise<void> {
    this.timer = 0
    this.sending ??= this.send().finally(() => {
      this.sending = null
    })
    return this.sending
  }

  private async send(): Promise<void> {
    for (const [study, frames] of this.waiting) {
      const note = noteOf(frames, MOST_AT_ONCE)
      try {
        if (note.length > 0) await noteSeen(study, note)
        takeNote(frames, note)
        this.failures = 0
      } catch (error) {
        if (error instanceof HttpError && FINAL.has(error.kind)) frames.clear()
        else this.failures += 1
      }
      if (isEmpty(frames)) this.waiting.delete(study)
    }
    this.remember()
    if (this.waiting.size > 0 && !this.ended) this.soon(this.failures > 0 ? (PATIENCE[Math.min(this.failures, PATIENCE.length) - 1] ?? SOON) : SOON)
  }

  /** The page is left: what is not there yet goes with the browser's own patience, and stays in it until it is known to be there. */
  leave(): void {
    for (const [study, frames] of this.waiting) {
      const note = noteOf(frames, MOST_AT_ONCE)
      if (note.length > 0) noteSeenOnLeaving(study, note)
    }
  }

  dispose(): void {
    this.ended = true
    window.clearTimeout(this.timer)
    if (this.waiting.size > 0) void this.flush()
  }
}
