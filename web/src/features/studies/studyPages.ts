import type { PageRequest } from '../../api/studies'
import type { Study, StudyPage } from '../../api/types'
import { isAbort } from '../../lib/http'
import { Observable } from '../../lib/observable'

export const PAGE = 100
const MOST_PAGES = 40 // 4,000 rows of about 1 KB: scrolling through a million studies keeps a few MB

type Load = (page: PageRequest, asking: { signal: AbortSignal; background: boolean }) => Promise<StudyPage>

interface Held {
  rows: Study[]
  next: string | null
}

/** What the table draws from; a new object with every change. */
export interface ListFacts {
  /** Nothing has arrived yet. */
  loading: boolean
  total: number
  estimate: boolean
  error: unknown
  /** Grows with every change of any row. */
  version: number
}

const EMPTY: ListFacts = { loading: true, total: 0, estimate: false, error: null, version: 0 }

/**
 * The rows of one search, page by page as the table asks for them. A page that follows a loaded one continues after its last
 * row (cursor), so that studies arriving meanwhile shift nothing; a jump uses an offset. Old rows stay until new ones are there.
 */
export class StudyPages {
  readonly facts = new Observable<ListFacts>(EMPTY)
  private pages = new Map<number, Held>()
  private flights = new Map<number, AbortController>()
  private wanted = { first: 0, last: 0 }
  private generation = 0
  private readonly load: Load

  constructor(load: Load) {
    this.load = load
  }

  at(index: number): Study | undefined {
    return this.pages.get(Math.floor(index / PAGE))?.rows[index % PAGE]
  }

  /** The index of a loaded study, or -1. */
  indexOf(uid: string): number {
    for (const [page, held] of this.pages) {
      const row = held.rows.findIndex((study) => study.StudyInstanceUID === uid)
      if (row >= 0) return page * PAGE + row
    }
    return -1
  }

  /** The table shows rows first..last (exclusive): loads what is missing, forgets what is far away. */
  need(first: number, last: number): void {
    this.wanted = { first: Math.floor(first / PAGE), last: Math.floor(Math.max(first, last - 1) / PAGE) }
    for (const [page, flight] of this.flights) {
      if (page < this.wanted.first - 1 || page > this.wanted.last + 1) {
        flight.abort()
        this.flights.delete(page)
      }
    }
    for (let page = this.wanted.first; page <= this.wanted.last; page += 1) {
      if (!this.pages.has(page) && !this.flights.has(page)) void this.fetchPage(page)
    }
  }

  /** Asks again for what failed. */
  retry(): void {
    this.facts.update((now) => ({ ...now, error: null }))
    this.need(this.wanted.first * PAGE, (this.wanted.last + 1) * PAGE)
  }

  /** Reads the rows in view anew, keeping the old ones on the screen until the new are there. */
  async refresh(): Promise<boolean> {
    this.generation += 1
    const generation = this.generation
    this.abortAll()
    const flight = new AbortController()
    this.flights.set(-1, flight)
    const fresh = new Map<number, Held>()
    try {
      let answer: StudyPage | null = null
      for (let page = this.wanted.first; page <= this.wanted.last; page += 1) {
        const before = fresh.get(page - 1)
        if (before?.next === null) break
        answer = await this.load(request(page, before), { signal: flight.signal, background: true })
        if (generation !== this.generation) return false
        fresh.set(page, { rows: answer.studies, next: answer.next })
      }
      this.pages = fresh
      if (answer) this.arrived(answer, Math.max(...fresh.keys()))
      return true
    } catch (error) {
      // The rows on the screen stay; the next event or scroll asks again. Where there are none yet, the error must be told.
      const waited = generation === this.generation && this.facts.get().loading
      if (waited && !isAbort(error)) this.facts.update((now) => ({ ...now, loading: false, error }))
      return false
    } finally {
      if (this.flights.get(-1) === flight) this.flights.delete(-1)
    }
  }

  /** A study changed in place (more images arrived). */
  replace(study: Study): boolean {
    const index = this.indexOf(study.StudyInstanceUID)
    if (index < 0) return false
    const held = this.pages.get(Math.floor(index / PAGE))
    if (!held) return false
    held.rows = held.rows.with(index % PAGE, study)
    this.facts.update((now) => ({ ...now, version: now.version + 1 }))
    return true
  }

  dispose(): void {
    this.generation += 1
    this.abortAll()
  }

  private abortAll(): void {
    for (const flight of this.flights.values()) flight.abort()
    this.flights.clear()
  }

  private async fetchPage(page: number): Promise<void> {
    const generation = this.generation
    const flight = new AbortController()
    this.flights.set(page, flight)
    try {
      const answer = await this.load(request(page, this.pages.get(page - 1)), { signal: flight.signal, background: false })
      if (generation !== this.generation) return
      this.pages.set(page, { rows: answer.studies, next: answer.next })
      this.forgetFar(page)
      this.arrived(answer, page)
    } catch (error) {
      if (isAbort(error) || generation !== this.generation) return
      this.facts.update((now) => ({ ...now, loading: false, error }))
    } finally {
      if (this.flights.get(page) === flight) this.flights.delete(page)
    }
  }

  private arrived(answer: StudyPage, page: number): void {
    // The last page tells the exact number, whatever was estimated.
    const ended = answer.next === null && (answer.studies.length > 0 || page === 0)
    const total = ended ? page * PAGE + answer.studies.length : answer.total
    const estimate = answer.total_is_estimate && !ended
    this.facts.update((now) => ({ loading: false, total, estimate, error: null, version: now.version + 1 }))
  }

  private forgetFar(near: number): void {
    if (this.pages.size <= MOST_PAGES) return
    const far = [...this.pages.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near))
    for (const page of far.slice(0, this.pages.size - MOST_PAGES)) this.pages.delete(page)
  }
}

function request(page: number, before: Held | undefined): PageRequest {
  if (page === 0) return { limit: PAGE }
  if (before?.next) return { limit: PAGE, cursor: before.next }
  return { limit: PAGE, offset: page * PAGE }
}
