// Seen or not: a frame counts when it was on the screen for a tenth of a second in a viewport of useful size, not while flown over.
import { noteSeen, noteSeenOnLeaving, readSeen } from '../../../api/seen'
import { Observable } from '../../../lib/observable'
import type { Pane } from '../engine/pane'
import { placeOf } from '../model/annotations'
import { panesOf } from '../model/layout'
import { framesOfText, textOfFrames } from '../model/seen'
import type { ViewerSession } from './session'

const LONG_ENOUGH = 100 // ms
const USEFUL = 200 // CSS pixels of the smaller side: below it a viewport is an overview
const BATCH = 3000 // ms
const MOST_AT_ONCE = 400 // images in one message: the server takes 64 KiB

/** Series -> SOP Instance UID -> frames. */
type Frames = Map<string, Map<string, Set<number>>>

export interface Covered {
  readonly seen: number
  readonly frames: number
}

function add(to: Frames, series: string, instance: string, frame: number): boolean {
  const images = to.get(series) ?? new Map<string, Set<number>>()
  const frames = images.get(instance) ?? new Set<number>()
  const isNew = !frames.has(frame)
  frames.add(frame)
  images.set(instance, frames)
  to.set(series, images)
  return isNew
}

export class Seen {
  /** By series; those of a study come when its own are known. */
  readonly state = new Observable<ReadonlyMap<string, Covered>>(new Map())
  private readonly session: ViewerSession
  private readonly signal: AbortSignal
  private readonly seen: Frames = new Map()
  /** By study: what the server has not got yet. */
  private readonly waiting = new Map<string, Frames>()
  private readonly totals = new Map<string, number>()
  private readonly asked = new Set<string>()
  private readonly timers = new Map<Pane, number>()
  private readonly shown = new Map<Pane, string>()
  private readonly stops: (() => void)[] = []
  private timer = 0

  constructor(session: ViewerSession, signal: AbortSignal) {
    this.session = session
    this.signal = signal
    this.watch()
    this.stops.push(session.state.subscribe(() => this.watch()))
    window.addEventListener('pagehide', this.leave)
  }

  private watch(): void {
    for (const pane of this.session.engine.panes) {
      if (this.shown.has(pane)) continue
      this.shown.set(pane, '')
      this.stops.push(pane.state.subscribe(() => this.look(pane)))
    }
  }

  private look(pane: Pane): void {
    const { picture, status, shown } = pane.state.get()
    const now = picture && status === 'shown' && shown >= 0 && picture.reduction === 0 ? picture.frame.id : ''
    if (now === this.shown.get(pane)) return
    this.shown.set(pane, now)
    window.clearTimeout(this.timers.get(pane))
    if (now !== '') this.timers.set(pane, window.setTimeout(() => this.count(pane, now), LONG_ENOUGH))
  }

  private isUseful(pane: Pane): boolean {
    const { layout, alone, active, contents } = this.session.state.get()
    const index = this.session.engine.panes.indexOf(pane)
    const { width, height } = pane.state.get().size
    return document.visibilityState === 'visible' && index < panesOf(layout) && (!alone || index === active) && contents[index] === undefined && Math.min(width, height) >= USEFUL
  }

  private count(pane: Pane, frameId: string): void {
    const place = placeOf(frameId)
    const frame = Number(frameId.split('/').at(-1))
    const instance = pane.state.get().picture?.frame.instance.sopInstanceUID
    if (this.shown.get(pane) !== frameId || !this.isUseful(pane) || !place || instance === undefined) return
    void this.open(place.study)
    if (!add(this.seen, place.series, instance, frame)) return
    const waiting = this.waiting.get(place.study) ?? new Map()
    add(waiting, place.series, instance, frame)
    this.waiting.set(place.study, waiting)
    this.tell()
    if (!this.timer) this.timer = window.setTimeout(() => void this.flush(), BATCH)
  }

  /** What the server knows of a study. */
  private async open(study: string): Promise<void> {
    if (this.asked.has(study)) return
    this.asked.add(study)
    try {
      for (const each of await readSeen(study, this.signal)) {
        this.totals.set(each.SeriesInstanceUID, each.frames)
        for (const [instance, text] of Object.entries(each.images)) for (const frame of framesOfText(text)) add(this.seen, each.SeriesInstanceUID, instance, frame)
      }
      this.tell()
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

  private noteOf(frames: Frames) {
    let room = MOST_AT_ONCE
    return [...frames].flatMap(([series, images]) => {
      const some = [...images].slice(0, room)
      room -= some.length
      return some.length > 0 ? [{ SeriesInstanceUID: series, images: Object.fromEntries(some.map(([instance, each]) => [instance, textOfFrames(each)])) }] : []
    })
  }

  private async flush(): Promise<void> {
    for (const [study, frames] of this.waiting) {
      const note = this.noteOf(frames)
      try {
        await noteSeen(study, note)
        for (const { SeriesInstanceUID: series, images } of note) for (const instance of Object.keys(images)) frames.get(series)?.delete(instance)
        if ([...frames.values()].every((images) => images.size === 0)) this.waiting.delete(study)
      } catch {
        // Kept, and sent with what is seen next or when the page is left.
      }
    }
    this.timer = this.waiting.size > 0 && !this.signal.aborted ? window.setTimeout(() => void this.flush(), BATCH) : 0
  }

  /** Index of the first image of a series that was not seen; -1 when all were. */
  firstUnseen(pane: Pane): number {
    return pane.frames.findIndex(({ instance, number }) => !this.seen.get(instance.seriesInstanceUID)?.get(instance.sopInstanceUID)?.has(number))
  }

  /** Brings the first image that was not seen of a series. */
  async showUnseen(series: string): Promise<void> {
    if (this.session.activePane.state.get().seriesInstanceUID !== series) await this.session.show(series)
    const pane = this.session.activePane
    const index = this.firstUnseen(pane)
    if (index >= 0) pane.goTo(index)
  }

  private readonly leave = (): void => {
    for (const [study, frames] of this.waiting) noteSeenOnLeaving(study, this.noteOf(frames))
  }

  dispose(): void {
    this.leave()
    window.clearTimeout(this.timer)
    for (const timer of this.timers.values()) window.clearTimeout(timer)
    for (const stop of this.stops) stop()
    window.removeEventListener('pagehide', this.leave)
  }
}
