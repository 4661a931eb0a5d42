// Tile mode: one series over all viewports, an image in each; scrolling in any of them turns the page.
import { Observable } from '../../../lib/observable'
import type { Stack } from '../engine/pane'
import { type Layout, panesOf } from '../model/layout'
import { pageAfter, pageAt } from '../model/tiles'
import type { ViewerSession } from './session'

const USUAL: Layout = '3x3' // from one viewport

/** The screen as it was, to come back to. */
interface Before {
  readonly layout: Layout
  readonly active: number
  readonly shown: readonly { readonly series: string | null; readonly index: number }[]
}

export interface Tiles {
  readonly stack: Stack
  /** The image in the first viewport. */
  readonly first: number
  readonly size: number
}

export class Tiling {
  readonly state = new Observable<Tiles | null>(null)
  private readonly session: ViewerSession
  private before: Before | null = null
  private stops: (() => void)[] = []
  private alone = false
  /** Viewports are being filled by us. */
  private filling = false

  constructor(session: ViewerSession) {
    this.session = session
  }

  get isOn(): boolean {
    return this.state.get() !== null
  }

  async toggle(): Promise<void> {
    if (this.isOn) this.back()
    else await this.start()
  }

  /** The series of the active viewport into all of them. */
  private async start(): Promise<void> {
    const { session } = this
    const { seriesInstanceUID: uid, index } = session.activePane.state.get()
    if (uid === null) return
    const stack = await session.imagesOf(uid)
    if (this.isOn || session.activePane.state.get().seriesInstanceUID !== uid || stack.frames.length === 0) return
    const { layout, active } = session.state.get()
    const shown = session.engine.panes.slice(0, panesOf(layout)).map((pane) => pane.state.get())
    this.before = { layout, active, shown: shown.map((each) => ({ series: each.seriesInstanceUID, index: each.index })) }
    session.setLayout(layout === '1x1' ? USUAL : layout, false)
    const size = panesOf(session.state.get().layout)
    this.fill({ stack, size, first: pageAt(Math.floor(index / size) * size, stack.frames.length, size) })
    this.stops = [session.state.subscribe(() => this.arranged()), ...session.engine.panes.map((pane, at) => pane.state.subscribe(() => this.noticed(at)))]
  }

  private fill(tiles: Tiles): void {
    const { stack, first, size } = tiles
    this.filling = true
    try {
      this.state.set(tiles)
      for (const [at, pane] of this.session.engine.panes.slice(0, size).entries()) {
        const index = first + at
        this.session.setContent(at, null)
        if (index >= stack.frames.length) pane.clear()
        else if (pane.state.get().seriesInstanceUID !== stack.seriesInstanceUID || pane.state.get().count === 0) pane.open(stack, index)
        else if (pane.state.get().index !== index) pane.goTo(index)
      }
    } finally {
      this.filling = false
    }
  }

  private noticed(at: number): void {
    const tiles = this.state.get()
    const pane = this.session.engine.panes[at]
    if (!tiles || !pane || this.filling || at >= tiles.size || this.session.state.get().alone) return
    const { stack, first } = tiles
    const { seriesInstanceUID, count, index } = pane.state.get()
    if (seriesInstanceUID !== null && seriesInstanceUID !== stack.seriesInstanceUID) this.end()
    else if (count > 0 && count !== stack.frames.length) this.state.set({ ...tiles, stack: { ...stack, frames: pane.frames } })
    else if (count > 0 && index !== first + at) queueMicrotask(() => this.turn(at)) // it is still on its way to that image
  }

  /** Somebody has gone on in this viewport: the page that belongs to it. */
  private turn(at: number): void {
    const tiles = this.state.get()
    const shown = this.session.engine.panes[at]?.state.get()
    if (!tiles || !shown || shown.index === tiles.first + at) return
    this.fill({ ...tiles, first: pageAfter(tiles.first, shown.count, tiles.size, at, shown.index) })
  }

  /** Other layouts hold pages of other sizes; an image that was looked at alone is on the page that comes after. */
  private arranged(): void {
    const tiles = this.state.get()
    if (!tiles || this.filling) return
    const { layout, alone, active } = this.session.state.get()
    const size = panesOf(layout)
    const came = this.alone && !alone
    this.alone = alone
    if (size === 1) this.end()
    else if (size !== tiles.size) this.fill({ ...tiles, size, first: pageAt(tiles.first, tiles.stack.frames.length, size) })
    else if (came) this.fill({ ...tiles, first: pageAt((this.session.engine.panes[active]?.state.get().index ?? 0) - active, tiles.stack.frames.length, size) })
  }

  private end(): void {
    for (const stop of this.stops) stop()
    this.stops = []
    this.alone = false
    this.state.set(null)
  }

  /** The screen as it was before. */
  private back(): void {
    const { before, session } = this
    this.end()
    if (!before) return
    session.setLayout(before.layout, false)
    for (const [at, { series, index }] of before.shown.entries()) {
      if (series === null) session.engine.panes[at]?.clear()
      else void session.show(series, at, index)
    }
    session.setActive(before.active)
  }

  dispose(): void {
    this.end()
  }
}
