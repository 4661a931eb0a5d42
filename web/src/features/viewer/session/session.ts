// One open viewer: the study and its priors, the viewports, what is chosen. One owner of all of it; dispose() ends it.
import { changes } from '../../../api/events'
import { userName } from '../../../api/session'
import { readStudy } from '../../../api/studies'
import type { Series, StudyDetail } from '../../../api/types'
import { seriesMetadata } from '../../../dicomweb/client'
import type { JsonDataset } from '../../../dicomweb/types'
import { HttpError, explain, isAbort } from '../../../lib/http'
import { Observable } from '../../../lib/observable'
import { Engine } from '../engine/engine'
import type { Pane, Stack } from '../engine/pane'
import { placeOf } from '../model/annotations'
import { type Layout, MOST_PANES, panesOf } from '../model/layout'
import { type Relation, nextDetail, relationOf } from '../model/overlay'
import { firstToShow, hasPictures, inRailOrder } from '../model/rail'
import { picturesOf } from '../model/series'
import { Hanging } from './hanging'
import { Annotations } from './annotations'
import { Beside } from './beside'
import { prepare } from './comparing'
import { keptLayout } from './layouts'
import { Measurements } from './measurements'
import { Linking } from './linking'
import { Live, closed } from './live'
import { showFirst } from './first'
import type { Opening } from './opening'
import { paceNow } from './pace'
import { Seen } from './seen'
import type { Group, Tool, ViewerState } from './state'
import { Thumbnails } from './thumbnails'
import { Tiling } from './tiling'
import { Windows } from './windows'

export type { Group, Tool, ViewerState }

/** Aborted when a promise has come to its end. */
function settled(promise: Promise<unknown>): AbortSignal {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  promise.then(end, end)
  return ended.signal
}

const coarse = (): boolean => typeof matchMedia === 'function' && matchMedia('(pointer: coarse)').matches

export class ViewerSession {
  readonly engine: Engine
  readonly state: Observable<ViewerState>
  readonly measurements: Measurements
  readonly annotations: Annotations
  readonly thumbnails: Thumbnails
  readonly hanging: Hanging
  readonly linking: Linking
  readonly tiling: Tiling
  readonly seen: Seen
  readonly beside: Beside
  readonly windows: Windows
  private readonly studyInstanceUID: string
  private readonly ended = new AbortController()
  private readonly stacks = new Map<string, Promise<Stack>>()
  private readonly stopListening: () => void
  private readonly opening: Opening
  private early: Opening['early']
  private readonly live: Live

  /** @param opening what was asked of the server before this code was even loaded */
  constructor(studyInstanceUID: string, opening: Opening) {
    this.studyInstanceUID = studyInstanceUID
    this.opening = opening
    this.early = opening.early
    this.engine = new Engine(MOST_PANES, paceNow)
    this.measurements = new Measurements()
    this.annotations = new Annotations(userName(), this.measurements, (frameId) => this.engine.pictures.get(frameId), this.ended.signal)
    this.state = new Observable<ViewerState>({
      status: 'loading',
      failure: null,
      groups: [],
      layout: '1x1',
      active: 0,
      alone: false,
      // A finger scrolls, a mouse sets the window (FIELD 5.1).
      tool: coarse() ? 'scroll' : 'window',
      detail: 'all',
      help: false,
      contents: {},
      panel: null,
      menu: null,
      fresh: new Set(),
    })
    this.thumbnails = new Thumbnails(this.engine, (series) => this.studyOf(series), (series) => this.stacks.get(series), this.ended.signal)
    this.hanging = new Hanging(this, this.ended.signal)
    this.linking = new Linking(this)
    this.tiling = new Tiling(this)
    this.seen = new Seen(this, this.ended.signal)
    this.beside = new Beside(this, this.ended.signal)
    this.windows = new Windows(this, studyInstanceUID)
    this.live = new Live(this, studyInstanceUID, this.ended.signal)
    this.stopListening = changes.listen((change) => {
      // A new study may be another one of this patient.
      const isOurs = this.state.get().groups.some((group) => group.study.StudyInstanceUID === change.study)
      if (change.study && (isOurs || change.kind === 'study.created')) this.live.refreshSoon()
    })
    void this.begin(opening)
  }

  /** For the parts of the session; nothing changes after its end. */
  patch(change: Partial<ViewerState>): void {
    if (!this.ended.signal.aborted) this.state.update((now) => ({ ...now, ...change }))
  }

  // --- opening

  private async begin(opening: Opening): Promise<void> {
    try {
      const study = await opening.study
      if (this.ended.signal.aborted) return
      this.patch({ status: 'ready', groups: [this.opened(study), ...study.priors.map((prior) => closed(prior))] })
      const series = this.allSeries()
      const first = firstToShow(study.series, opening.series)
      if (first) await this.show(first.SeriesInstanceUID, 0)
      this.thumbnails.want(series)
      void this.beside.begin()
      // A series that was asked for by name stays where it is; what a further window shows is what the first one leaves.
      void this.hanging.begin(opening.series === '' && this.windows.isFirst).then((hung) => {
        const layout = this.windows.isFirst ? keptLayout() : null
        if (!hung && layout && this.state.get().layout === '1x1') this.setLayout(layout)
        this.windows.settle()
        // The earlier study to compare with comes last.
        return prepare(this)
      })
    } catch (error) {
      if (isAbort(error)) return
      const { what, hint } = explain(error)
      this.patch({ status: 'failed', failure: { what, hint, missing: error instanceof HttpError && error.kind === 'missing' } })
    }
  }

  private opened(study: StudyDetail): Group {
    return { study, series: inRailOrder(study.series), state: 'open', reason: '' }
  }

  /** Opens or closes another study of the patient in the rail. */
  async toggleGroup(studyInstanceUID: string): Promise<void> {
    const group = this.state.get().groups.find((candidate) => candidate.study.StudyInstanceUID === studyInstanceUID)
    if (!group) return
    if (group.state === 'open' || group.state === 'loading') {
      this.setGroup(studyInstanceUID, { state: 'closed' })
      return
    }
    this.setGroup(studyInstanceUID, { state: group.series.length > 0 ? 'open' : 'loading', reason: '' })
    if (group.series.length > 0) return
    try {
      const study = await readStudy(studyInstanceUID, { signal: this.ended.signal })
      this.setGroup(studyInstanceUID, { state: 'open', series: inRailOrder(study.series) })
      this.thumbnails.want(inRailOrder(study.series))
    } catch (error) {
      if (!isAbort(error)) this.setGroup(studyInstanceUID, { state: 'failed', reason: explain(error).what })
    }
  }

  /** The series of a study in the rail, asked for when they are not known yet; the rail stays as it is. */
  async seriesIn(studyInstanceUID: string): Promise<readonly Series[]> {
    const known = this.state.get().groups.find((group) => group.study.StudyInstanceUID === studyInstanceUID)
    if (!known || known.series.length > 0) return known?.series ?? []
    const study = await readStudy(studyInstanceUID, { signal: this.ended.signal, background: true })
    this.setGroup(studyInstanceUID, { series: inRailOrder(study.series) })
    return inRailOrder(study.series)
  }

  setGroup(studyInstanceUID: string, change: Partial<Group>): void {
    this.patch({ groups: this.state.get().groups.map((group) => (group.study.StudyInstanceUID === studyInstanceUID ? { ...group, ...change } : group)) })
  }

  allSeries(): Series[] {
    return this.state.get().groups.flatMap((group) => group.series)
  }

  seriesOf(seriesInstanceUID: string): Series | undefined {
    return this.allSeries().find((series) => series.SeriesInstanceUID === seriesInstanceUID)
  }

  studyOf(seriesInstanceUID: string): string | undefined {
    return this.state.get().groups.find((group) => group.series.some((series) => series.SeriesInstanceUID === seriesInstanceUID))?.study.StudyInstanceUID
  }

  // --- series into viewports

  /** Shows a series in a viewport (default: the active one). Failures are told in that viewport. */
  async show(seriesInstanceUID: string, at = this.state.get().active, index = 0): Promise<void> {
    const pane = this.engine.panes[at]
    const study = this.studyOf(seriesInstanceUID)
    if (!pane || !study) return
    const fresh = new Set(this.state.get().fresh)
    fresh.delete(seriesInstanceUID)
    this.patch({ active: at, fresh })
    this.setContent(at, null)
    pane.opening(seriesInstanceUID)
    try {
      const asked = this.stackOf(seriesInstanceUID, study)
      if (index === 0) void showFirst(this, this.opening, pane, seriesInstanceUID, AbortSignal.any([this.ended.signal, settled(asked)]))
      const stack = await asked
      // Another series may have been dropped here meanwhile.
      if (this.ended.signal.aborted || pane.state.get().seriesInstanceUID !== seriesInstanceUID) return
      if (pane.isAhead) pane.complete(stack)
      else pane.open(stack, index)
    } catch (error) {
      if (isAbort(error) || pane.state.get().seriesInstanceUID !== seriesInstanceUID) return
      const { what, hint } = explain(error)
      pane.unopened([what, hint].filter(Boolean).join(' '), true)
    }
  }

  /** The images of a series, for what shows more than one of them at a time. */
  async imagesOf(seriesInstanceUID: string): Promise<Stack> {
    const study = this.studyOf(seriesInstanceUID)
    if (!study) throw new Error('This series is no longer part of an open study.')
    return this.stackOf(seriesInstanceUID, study)
  }

  stackOf(seriesInstanceUID: string, study: string): Promise<Stack> {
    const known = this.stacks.get(seriesInstanceUID)
    if (known) return known
    const modality = this.seriesOf(seriesInstanceUID)?.Modality ?? ''
    const asked = this.metadataOf(study, seriesInstanceUID).then((metadata): Stack => {
      const frames = picturesOf(metadata, study, seriesInstanceUID)
      this.engine.register(frames)
      // The first image does not wait for what was drawn on it.
      void this.engine.firstImage.then(() => this.annotations.open(study))
      return { seriesInstanceUID, modality, frames }
    })
    this.stacks.set(seriesInstanceUID, asked)
    // A failure is told once and asked again next time.
    asked.catch(() => this.stacks.delete(seriesInstanceUID))
    return asked
  }

  /** The list of images is asked for again next time; false: it was not known. */
  forget(seriesInstanceUID: string): boolean {
    return this.stacks.delete(seriesInstanceUID)
  }

  /** The first series' metadata may be here already; it is used once, later requests want what is new. */
  private async metadataOf(study: string, seriesInstanceUID: string): Promise<JsonDataset[]> {
    const early = await this.early.catch(() => null)
    if (early?.seriesInstanceUID !== seriesInstanceUID) return seriesMetadata(study, seriesInstanceUID, this.ended.signal)
    this.early = Promise.resolve(null)
    return early.metadata
  }

  /** How the study of a series stands to the one that was opened. */
  relationOf(seriesInstanceUID: string): Relation {
    const study = this.studyOf(seriesInstanceUID) ?? this.studyInstanceUID
    if (study === this.studyInstanceUID) return 'this'
    const groupOf = (uid: string): Group | undefined => this.state.get().groups.find((group) => group.study.StudyInstanceUID === uid)
    return groupOf(study)?.foreign ? 'other' : relationOf(groupOf(study)?.study.StudyDate ?? '', groupOf(this.studyInstanceUID)?.study.StudyDate ?? '')
  }

  /** Tries again what failed in a viewport. */
  retry(pane: Pane): void {
    const { seriesInstanceUID, count } = pane.state.get()
    if (count > 0) pane.retry()
    else if (seriesInstanceUID) void this.show(seriesInstanceUID, this.engine.panes.indexOf(pane))
  }

  stepSeries(by: 1 | -1): void {
    const open = this.state.get().groups.filter((group) => group.state === 'open').flatMap((group) => group.series)
    const current = open.findIndex((series) => series.SeriesInstanceUID === this.activePane.state.get().seriesInstanceUID)
    const next = open[Math.min(open.length - 1, Math.max(0, current + by))]
    if (next && next.SeriesInstanceUID !== open[current]?.SeriesInstanceUID) void this.show(next.SeriesInstanceUID)
  }

  /** The neighbouring study in the rail, into the active viewport. */
  async stepStudy(by: 1 | -1): Promise<void> {
    const { groups } = this.state.get()
    const shown = this.activePane.state.get().seriesInstanceUID
    const here = Math.max(0, groups.findIndex((group) => group.series.some((series) => series.SeriesInstanceUID === shown)))
    const next = groups[here + by]
    if (next) await this.showStudy(next.study.StudyInstanceUID)
  }

  private async showStudy(studyInstanceUID: string): Promise<void> {
    const at = this.state.get().active
    const find = () => this.state.get().groups.find((group) => group.study.StudyInstanceUID === studyInstanceUID)
    const state = find()?.state
    if (state === 'closed' || state === 'failed') await this.toggleGroup(studyInstanceUID)
    const first = firstToShow(find()?.series ?? [])
    if (first) await this.show(first.SeriesInstanceUID, at)
  }

  // --- viewports

  get activePane(): Pane {
    const { panes } = this.engine
    const pane = panes[this.state.get().active] ?? panes[0]
    if (!pane) throw new Error('A viewer has at least one viewport.')
    return pane
  }

  setActive(active: number): void {
    if (active !== this.state.get().active) this.patch({ active })
  }

  stepActive(by: 1 | -1): void {
    const count = panesOf(this.state.get().layout)
    this.patch({ active: (this.state.get().active + by + count) % count })
  }

  /** New viewports are filled with the series that follow; those that leave the screen let go of their images. */
  setLayout(layout: Layout, fill = true): void {
    const count = panesOf(layout)
    const { active } = this.state.get()
    if (active >= count) this.swap(active, 0)
    this.engine.arrange(count)
    this.patch({ layout, alone: false, active: active < count ? active : 0 })
    this.engine.panes.forEach((pane, index) => {
      if (index >= count) pane.clear()
    })
    if (!fill) return
    const open = this.state.get().groups.filter((group) => group.state === 'open').flatMap((group) => group.series.filter(hasPictures))
    const shown = new Set(this.engine.panes.map((pane) => pane.state.get().seriesInstanceUID))
    const spare = open.filter((series) => !shown.has(series.SeriesInstanceUID))
    const before = this.state.get().active
    for (const [index, pane] of this.engine.panes.entries()) {
      const next = index < count && pane.state.get().seriesInstanceUID === null ? spare.shift() : undefined
      if (next) void this.show(next.SeriesInstanceUID, index)
    }
    this.patch({ active: before })
  }

  /** The active viewport's series moves to a place that stays. */
  private swap(from: number, to: number): void {
    const series = this.engine.panes[from]?.state.get()
    if (series?.seriesInstanceUID) void this.show(series.seriesInstanceUID, to)
  }

  toggleAlone(): void {
    this.patch({ alone: panesOf(this.state.get().layout) > 1 && !this.state.get().alone })
  }

  /** Marks the image in the active viewport as a key image, or no longer. */
  markKey(): void {
    const { picture } = this.activePane.state.get()
    if (picture) this.annotations.toggleKey(picture.frame.id)
  }

  /** Shows a frame where its series is, else in the active viewport. */
  async goToFrame(frameId: string): Promise<void> {
    const place = placeOf(frameId)
    if (!place) return
    const shows = (pane: Pane): boolean => pane.state.get().seriesInstanceUID === place.series
    if (!shows(this.activePane) && !this.engine.panes.some(shows)) await this.show(place.series)
    const pane = shows(this.activePane) ? this.activePane : this.engine.panes.find(shows)
    const index = pane?.frames.findIndex((frame) => frame.id === frameId) ?? -1
    if (!pane || index < 0) return
    this.setActive(this.engine.panes.indexOf(pane))
    pane.goTo(index)
  }

  // --- choices

  setTool(tool: Tool): void {
    this.patch({ tool })
  }

  cycleDetail(): void {
    this.patch({ detail: nextDetail[this.state.get().detail] })
  }

  /** What a viewport shows instead of its stack; null: the stack again. */
  setContent(at: number, content: string | null): void {
    const { [at]: before, ...others } = this.state.get().contents
    if ((before ?? null) !== content) this.patch({ contents: content === null ? others : { ...others, [at]: content } })
  }

  /** Opens a panel at the right edge, or closes it. */
  togglePanel(id: string): void {
    this.patch({ panel: this.state.get().panel === id ? null : id })
  }

  setHelp(help: boolean): void {
    this.patch({ help })
  }

  openMenu(menu: ViewerState['menu']): void {
    this.patch({ menu })
  }

  dispose(): void {
    this.ended.abort()
    this.live.dispose()
    this.stopListening()
    this.annotations.dispose()
    this.windows.dispose()
    this.linking.dispose()
    this.tiling.dispose()
    this.seen.dispose()
    this.engine.dispose()
    this.stacks.clear()
  }
}
