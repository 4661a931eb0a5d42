// One viewport: which series and image it shows and what it loads; how it shows it is in viewing.ts.
import { rateOf, stay, step } from '../model/cine'
import type { Frame } from '../model/frame'
import { NEAR, plan, withinBudget } from '../model/prefetch'
import * as views from '../model/view'
import { EMPTY, NO_VIEW, type PaneState } from './paneState'
import { type Picture, bornInverted } from './picture'
import { type Presenting, shownBy } from './presenting'
import { LATER, NEARBY, type Wish } from './queue'
import { Screen } from './screen'
import { NotShown } from './source'
import { type Look, OWN, type Stack, Viewing } from './viewing'

export type { Look, Stack }

export class Pane extends Viewing {
  private direction: 1 | -1 = 1
  private waiting: AbortController | null = null
  private timer = 0
  /** Whether others may be loaded ahead: the first image of a viewer has the line and the processor for itself. */
  private mayLoadAhead = false

  constructor(...parameters: ConstructorParameters<typeof Viewing>) {
    super(...parameters)
    void this.engine.firstImage.then(() => {
      this.mayLoadAhead = true
      this.prefetch()
    })
  }

  attach(host: HTMLElement): () => void {
    const screen = new Screen(host, this.id, this.engine.gpu, { sized: (size) => this.sized(size), drawn: () => this.noteDrawn(), crowded: () => this.engine.isCrowded() })
    this.screen = screen
    screen.measure()
    return () => this.detach()
  }

  private noteDrawn(): void {
    this.engine.noteFirstImage()
    this.drawn.update((times) => times + 1)
  }

  /** Draws for paper and files: on a plain canvas, with so many of its pixels per CSS pixel. */
  develop(host: HTMLElement, ratio: number): () => void {
    this.screen = new Screen(host, this.id, null, { sized: (size) => this.sized(size), drawn: () => undefined, ratio })
    this.screen.measure()
    return () => this.detach()
  }

  private detach(): void {
    this.screen?.dispose()
    this.screen = null
  }

  private sized(size: views.Size): void {
    const { picture, view } = this.state.get()
    this.patch({ size })
    if (picture && view.fitted) this.patch({ view: this.fitted(picture.frame.extent, size, view.turn) })
    this.draw()
    for (const mate of this.look?.mates ?? []) if (mate !== this) mate.refit()
  }

  /** Shows the pictures of the series that is open by a presentation state; null: as they are. The same state again keeps the view. */
  lay(presenting: Presenting | null): void {
    const again = presenting !== null && this.look?.presenting?.ready === presenting.ready
    this.look = presenting && { window: null, turn: () => presenting.ready.presentation.turn, justify: '', mates: [], presenting }
    if (!again) this.choice = OWN
    const { picture, index } = this.state.get()
    const found = (this.wanted && this.engine.pictures.get(this.wanted.id)) ?? picture
    if (found) this.display(found, index)
    if (!again) this.reset()
  }

  // --- content

  /** Shows that a series was chosen and its list of images is on the way. */
  opening(seriesInstanceUID: string): void {
    this.clear()
    this.patch({ seriesInstanceUID, status: 'opening' })
  }

  unopened(reason: string, again: boolean): void {
    this.patch({ status: 'failed', reason, again })
  }

  open(stack: Stack, index = 0): void {
    this.clear()
    this.stack = stack
    const first = stack.frames[0]
    const rate = first && rateOf(first.instance.dataset)
    this.patch({
      seriesInstanceUID: stack.seriesInstanceUID,
      count: stack.expected ?? stack.frames.length,
      status: 'loading',
      ...(rate === undefined ? {} : { rate }),
    })
    if (stack.frames.length === 0) this.patch({ status: 'failed', reason: 'This series holds no objects.', again: false })
    else this.goTo(index)
  }

  /** The list of images has come for a series whose first image is here already: that stays, unless somebody has gone on meanwhile. */
  complete(stack: Stack): void {
    const { index, shown } = this.state.get()
    const first = stack.frames.findIndex((frame) => frame.id === this.frames[0]?.id)
    if (first < 0) {
      this.open(stack, index)
      return
    }
    this.stack = stack
    this.patch({ count: stack.frames.length, shown: shown < 0 ? shown : first })
    if (index === 0 && first === 0) this.prefetch()
    else this.goTo(index)
  }

  /** Whether only the first image of the series that is open is known. */
  get isAhead(): boolean {
    return this.stack?.expected !== undefined
  }

  /** The series grew: keep the image that is on the screen, wherever it stands now. */
  grow(stack: Stack): void {
    const now = this.state.get()
    const before = this.frames
    this.stack = stack
    const place = (old: number): number => stack.frames.findIndex((frame) => frame.id === before[old]?.id)
    this.patch({ count: stack.frames.length, index: Math.max(0, place(now.index)), shown: place(now.shown) })
    // What held nothing to show until now has something.
    if (before.length === 0) this.goTo(0)
    else this.prefetch()
  }

  clear(): void {
    this.stop()
    this.waiting?.abort()
    this.waiting = null
    this.engine.queue.plan(this.id, [])
    this.stack = null
    this.choice = OWN
    this.look = null
    this.fallback = null
    this.mask = null
    this.guessed = true
    this.direction = 1
    const { size, loop } = this.state.get()
    this.state.set({ ...EMPTY, size, loop })
    this.screen?.hide()
  }

  goTo(index: number): void {
    const { count, index: before } = this.state.get()
    if (count === 0) return
    const target = Math.min(count - 1, Math.max(0, Math.round(index)))
    if (target !== before) this.direction = target > before ? 1 : -1
    this.patch({ index: target })
    void this.load(target)
    this.prefetch()
  }

  scroll(by: number): void {
    this.goTo(this.state.get().index + by)
  }

  retry(): void {
    this.goTo(this.state.get().index)
  }

  private async load(index: number): Promise<void> {
    const frame = this.frames[index]
    if (!frame && this.isAhead) this.patch({ status: 'loading' }) // complete() comes back to it
    if (!frame) return
    this.waiting?.abort()
    const cached = this.engine.pictures.get(frame.id)
    if (cached?.reduction === 0) {
      this.waiting = null
      this.display(cached, index)
      return
    }
    if (frame.reason) {
      this.fail(new NotShown(frame.reason, false), index)
      return
    }
    const waiting = new AbortController()
    this.waiting = waiting
    this.patch({ status: 'loading', reason: '' })
    if (cached) this.display(cached, index)
    try {
      const picture = await this.engine.queue.want(frame.id, waiting.signal)
      if (!waiting.signal.aborted) this.display(picture, this.placeOf(frame))
    } catch (error) {
      if (!waiting.signal.aborted) this.fail(error, this.placeOf(frame))
    }
  }

  /** A picture came into memory: shown when it is of the image asked for and better than what is on the screen. */
  arrived(picture: Picture): void {
    const { index, picture: now } = this.state.get()
    if (this.frames[index]?.id !== picture.frame.id) return
    if (now?.frame.id !== picture.frame.id || now.reduction > picture.reduction) this.display(picture, index)
  }

  /** Somebody wanted to measure on what is not the whole picture yet. */
  refuse(): void {
    this.patch({ refused: true })
  }

  /** Images may have arrived before this one while it was loading. */
  private placeOf(frame: Frame): number {
    return this.frames.findIndex((candidate) => candidate.id === frame.id)
  }

  private fail(error: unknown, index: number): void {
    if (error instanceof DOMException && error.name === 'AbortError') return
    this.engine.noteNoImage()
    const reason = error instanceof Error ? error.message : 'This image cannot be shown.'
    this.patch({ status: 'failed', reason, again: error instanceof NotShown && error.again, shown: index, picture: null })
    this.screen?.hide()
  }

  private display(found: Picture, index: number): void {
    const picture = this.look?.presenting ? shownBy(this.look.presenting, found) : found
    const now = this.state.get()
    const { extent } = picture.frame
    const before = now.picture?.frame.extent
    const view = !before || now.view === NO_VIEW ? this.fitted(extent, now.size, this.look?.turn(picture.frame) ?? now.view.turn) : views.sameExtent(before, extent) ? now.view : now.view.fitted ? this.fitted(extent, now.size, now.view.turn) : views.carriedOver(now.view, before, extent, now.size)
    const { window, presetId } = this.windowFor(picture)
    this.patch({ status: 'shown', reason: '', refused: picture.reduction > 0 && now.refused, picture, shown: index, view, window, presetId, inverted: bornInverted(picture) !== now.flipped })
    this.draw()
  }

  // --- cine

  play(): void {
    if (this.state.get().count < 2 || this.state.get().playing) return
    this.patch({ playing: true })
    let direction: 1 | -1 = 1
    let due = performance.now()
    const tick = (now: number): void => {
      const { playing, rate, loop, index, shown, count, status } = this.state.get()
      if (!playing) return
      const current = this.frames[index]
      const interval = current ? stay(current.instance.dataset, current.number - 1, rate) : 1000 / rate
      // Wait for an image that is not there yet instead of skipping it.
      if (now >= due && (shown === index || status === 'failed')) {
        const next = step(index, count, loop, direction)
        direction = next.direction
        due = Math.max(due + interval, now - interval)
        this.goTo(next.index)
      }
      this.timer = requestAnimationFrame(tick)
    }
    this.timer = requestAnimationFrame(tick)
  }

  stop(): void {
    cancelAnimationFrame(this.timer)
    if (this.state.get().playing) this.patch({ playing: false })
  }

  setCine(change: Partial<Pick<PaneState, 'rate' | 'loop'>>): void {
    this.patch(change)
  }

  // --- loading ahead

  prefetch(): void {
    const { index, count } = this.state.get()
    const first = this.frames[0]
    if (!this.stack || !first || !this.mayLoadAhead) return
    const sample = this.engine.pictures.get(this.frames[index]?.id ?? '')?.bytes ?? first.extent.columns * first.extent.rows * 2
    const wanted = plan(index, count, this.direction)
    const room = withinBudget(wanted.map((_, at) => at), sample, this.engine.share()).length
    const small: Wish[] = []
    const wishes = wanted.slice(0, Math.max(room, 2 * NEAR)).flatMap(({ index: at, near }) => {
      const frame = this.frames[at]
      if (!frame || frame.reason) return []
      const smaller = this.engine.smaller(frame)
      if (smaller) small.push({ id: smaller, rank: near ? NEARBY : LATER })
      // Over a slow line all of the series is there small before the rest follows.
      return [{ id: frame.id, rank: near && !smaller ? NEARBY : LATER }]
    })
    this.engine.queue.plan(this.id, [...small, ...wishes])
  }

  noteLoaded(): void {
    this.patch({ loaded: this.state.get().loaded + 1 })
  }

  /** For the scrollbar: which images are in memory. */
  isLoaded(index: number): boolean {
    const frame = this.frames[index]
    return frame !== undefined && (frame.reason !== '' || this.engine.pictures.has(frame.id))
  }

  dispose(): void {
    this.clear()
    this.detach()
  }
}
