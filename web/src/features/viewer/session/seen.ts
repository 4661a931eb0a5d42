// Seen or not: a frame counts when it was drawn in a viewport of useful size and stayed for a moment, not while flown over.
import { type Unfinished, left, readSeen } from '../../../api/seen'
import { userName } from '../../../api/session'
import { Observable } from '../../../lib/observable'
import type { Pane } from '../engine/pane'
import { placeOf } from '../model/annotations'
import { panesOf } from '../model/layout'
import { type Frames, add, addNote, unseenWords } from '../model/seen'
import { SeenDrafts } from './seenDrafts'
import type { ViewerSession } from './session'

export const LONG_ENOUGH = 150 // ms; a run that plays is read as it plays
export const USEFUL = 200 // CSS pixels of the smaller side: below it a viewport is an overview

export interface Covered {
  readonly seen: number
  readonly frames: number
}

interface Watched {
  frameId: string
  timer: number
}

export class Seen {
  /** By series; those of a study are here once one of its images has been seen. */
  readonly state = new Observable<ReadonlyMap<string, Covered>>(new Map())
  private readonly session: ViewerSession
  private readonly signal: AbortSignal
  private readonly drafts = new SeenDrafts(userName())
  private readonly seen: Frames = new Map()
  private readonly totals = new Map<string, number>()
  private readonly asked = new Set<string>()
  private readonly watched = new Map<Pane, Watched>()
  private readonly stops: (() => void)[] = []
  /** Asked for by the address, once: go on where the reader stopped. */
  private goingOn = new URLSearchParams(window.location.search).get('image') === 'unseen'

  constructor(session: ViewerSession, signal: AbortSignal) {
    this.session = session
    this.signal = signal
    for (const pane of session.engine.panes) {
      this.watched.set(pane, { frameId: '', timer: 0 })
      this.stops.push(pane.state.subscribe(() => this.look(pane)), pane.drawn.subscribe(() => this.drawn(pane)))
    }
    window.addEventListener('pagehide', this.leave)
  }

  private shownIn(pane: Pane): string {
    const { picture, status, shown } = pane.state.get()
    return picture && status === 'shown' && shown >= 0 && picture.reduction === 0 ? picture.frame.id : ''
  }

  private look(pane: Pane): void {
    const watched = this.watched.get(pane)
    const now = this.shownIn(pane)
    this.grow(pane)
    if (!watched || now === watched.frameId) return
    window.clearTimeout(watched.timer)
    this.watched.set(pane, { frameId: now, timer: 0 })
  }

  /** What is asked for is on the screen now. */
  private drawn(pane: Pane): void {
    const watched = this.watched.get(pane)
    if (!watched || watched.frameId === '' || watched.timer) return
    const { frameId } = watched
    if (pane.state.get().playing) this.count(pane, frameId)
    else watched.timer = window.setTimeout(() => this.count(pane, frameId), LONG_ENOUGH)
  }

  private isUseful(pane: Pane): boolean {
    const { layout, alone, active, contents } = this.session.state.get()
    const index = this.session.engine.panes.indexOf(pane)
    const { width, height } = pane.state.get().size
    return document.visibilityState === 'visible' && index < panesOf(layout) && (!alone || index === active) && contents[index] === undefined && Math.min(width, height) >= USEFUL
  }

  private count(pane: Pane, frameId: string): void {
    const watched = this.watched.get(pane)
    if (watched) watched.timer = 0
    if (this.shownIn(pane) === frameId && this.isUseful(pane)) this.note(frameId)
  }

  /** An image was on the screen, whole, for long enough to be looked at. */
  note(frameId: string): void {
    const place = placeOf(frameId)
    if (!place || document.visibilityState !== 'visible') return
    void this.open(place.study)
    if (!add(this.seen, place.series, place.instance, place.frame)) return
    this.drafts.note(place.study, place.series, place.instance, place.frame)
    this.tell()
  }

  /** Images that arrive while one reads are not seen yet. */
  private grow(pane: Pane): void {
    const { seriesInstanceUID: series, count } = pane.state.get()
    if (!series || (this.totals.get(series) ?? Infinity) >= count) return
    this.totals.set(series, count)
    this.tell()
  }

  /** What the server knows of a study. */
  private async open(study: string): Promise<void> {
    if (this.asked.has(study)) return
    this.asked.add(study)
    try {
      const known = await readSeen(study, this.signal)
      for (const { SeriesInstanceUID: series, frames } of known) this.totals.set(series, frames)
      addNote(this.seen, known)
      addNote(this.seen, this.drafts.pendingOf(study))
      this.session.engine.panes.forEach((pane) => this.grow(pane))
      this.tell()
      if (this.goingOn) void this.showUnseen(this.session.activePane.state.get().seriesInstanceUID ?? '')
      this.goingOn = false
    } catch {
      // Asked again with the next image.
      this.asked.delete(study)
    }
  }

  private tell(): void {
    if (this.signal.aborted) return
    const told = [...this.totals].map(([series, frames]): [string, Covered] => [series, { frames, seen: Math.min(frames, this.seenOf(series)) }])
    this.state.set(new Map(told))
  }

  private seenOf(series: string): number {
    return [...(this.seen.get(series)?.values() ?? [])].reduce((sum, frames) => sum + frames.size, 0)
  }

  /** Series that were begun and not finished, in words. */
  unfinished(): Unfinished[] {
    return [...this.state.get()].flatMap(([series, { seen, frames }]) => {
      const study = this.session.studyOf(series)
      if (seen === 0 || seen >= frames || !study) return []
      return [{ study, series, seen, words: unseenWords(frames - seen, this.session.seriesOf(series)?.SeriesNumber ?? null) }]
    })
  }

  /** What a report would say now, series by series, also of those that were not begun; throws when the server cannot be asked. */
  async told(study: string): Promise<readonly string[]> {
    if (!(await this.drafts.hurry(study))) throw new Error('The server does not have all of what was seen yet.')
    return (await readSeen(study, this.signal)).map(({ words }) => words).filter(Boolean)
  }

  /** Brings the first image of a series that was not seen. */
  async showUnseen(series: string): Promise<void> {
    if (this.session.activePane.state.get().seriesInstanceUID !== series) await this.session.show(series)
    const pane = this.session.activePane
    const index = pane.frames.findIndex(({ id }) => {
      const place = placeOf(id)
      return place && !this.seen.get(series)?.get(place.instance)?.has(place.frame)
    })
    if (index >= 0) pane.goTo(index)
  }

  private readonly leave = (): void => this.drafts.leave()

  dispose(): void {
    for (const { timer } of this.watched.values()) window.clearTimeout(timer)
    for (const stop of this.stops) stop()
    window.removeEventListener('pagehide', this.leave)
    // A glance at one image of each series is no reading that was broken off.
    const begun = this.unfinished().filter(({ seen }) => seen > 1)
    if (begun.length > 0) left.set(begun)
    this.drafts.dispose()
  }
}
