// What is being drawn, kept in this browser with its undo until it is saved: a closed tab, a crash or a reload takes nothing away.
import { userName } from '../../../../api/session'
import type { Layer } from '../../model/overlays/segmentation'
import type { Overlay } from './store'

export interface Change {
  readonly segment: number
  readonly frame: string
  readonly before: Layer | undefined
  readonly after: Layer | undefined
}

export interface Kept {
  readonly overlay: Overlay
  /** Of the images that are drawn on. */
  readonly series: string
  readonly past: readonly (readonly Change[])[]
  readonly future: readonly (readonly Change[])[]
  /** Milliseconds since 1970. */
  readonly at: number
}

const STORE = 'drawings'
const MOST_STEPS = 30 // of undo: each holds masks of the size of an image

const prefixOf = (study: string): string => `${userName()}/${study}/`

const asked = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('The browser keeps nothing.'))
  })

let opened: Promise<IDBDatabase> | null = null

function database(): Promise<IDBDatabase> {
  const request = indexedDB.open('isocenter-drawings', 1)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE)
  return asked(request)
}

async function stored(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  opened ??= database()
  // A failure is not remembered: the next stroke tries again.
  opened.catch(() => (opened = null))
  return (await opened).transaction(STORE, mode, { durability: 'strict' }).objectStore(STORE)
}

/** Holds a drawing for this window, so that another one on the same study does not go on with it, too. False: another has it. */
function held(key: string): Promise<boolean> {
  const locks = (navigator as { locks?: LockManager }).locks
  // Without locks (plain HTTP) there is no way to ask.
  if (!locks) return Promise.resolve(true)
  return new Promise((resolve) => {
    void locks.request(key, { ifAvailable: true }, (lock) => {
      resolve(lock !== null)
      return lock ? new Promise<void>(() => undefined) : undefined
    })
  })
}

/** The newest drawing of a study that no window has; it is this window's then. */
export async function keptFor(study: string): Promise<Kept | undefined> {
  const prefix = prefixOf(study)
  const found = (await asked((await stored('readonly')).getAll(IDBKeyRange.bound(prefix, `${prefix}￿`)))) as Kept[]
  for (const each of found.toSorted((one, other) => other.at - one.at)) if (await held(prefix + each.overlay.id)) return each
  return undefined
}

/** Writes one after the other, and of those that wait the last only. */
export class Keeping {
  private readonly key: string
  private next: Kept | 'gone' | null = null
  private writing: Promise<void> | null = null

  constructor(study: string, overlay: string) {
    this.key = prefixOf(study) + overlay
    void held(this.key)
  }

  /** Something is not in the browser yet. */
  get isBusy(): boolean {
    return this.writing !== null
  }

  keep(kept: Kept): void {
    this.ask({ ...kept, past: kept.past.slice(-MOST_STEPS), future: kept.future.slice(-MOST_STEPS) })
  }

  forget(): void {
    this.ask('gone')
  }

  private ask(next: Kept | 'gone'): void {
    this.next = next
    this.writing ??= this.write().finally(() => (this.writing = null))
  }

  private async write(): Promise<void> {
    while (this.next !== null) {
      const now = this.next
      try {
        const store = await stored('readwrite')
        this.next = this.next === now ? null : this.next
        if (now === 'gone') await asked(store.delete(this.key))
        else await asked(store.put(now, this.key))
      } catch {
        // No room, or no database (private windows): it stays in the memory of this window, which asks before it closes.
        this.next = null
        this.failed = now !== 'gone'
        return
      }
      this.failed = false
    }
  }

  /** The browser did not take it. */
  failed = false
}
