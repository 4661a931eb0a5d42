// One viewport: which series and image it shows, how, and what it tells the page.
import { Observable } from '../../../lib/observable'
import { type Effects, NO_EFFECTS } from '../model/effects'
import { rateOf, stay, step } from '../model/cine'
import type { Point } from '../model/geometry'
import type { Frame } from '../model/frame'
import { NEAR, plan, withinBudget } from '../model/prefetch'
import type { Mask } from '../model/subtraction'
import * as views from '../model/view'
import { type Preset, type Window, automatic, dragStep, dragged, full, presetsFor, sameWindow } from '../model/windows'
import type { Engine } from './engine'
import { EMPTY, NO_VIEW, type PaneState } from './paneState'
import { type Picture, bornInverted, ownWindow } from './picture'
import { type Presenting, shownBy, viewOf } from './presenting'
import { LATER, NEARBY, type Wish } from './queue'
import { Screen } from './screen'
import { NotShown } from './source'
import { maskOf, throughFilter, withoutMask } from './worked'

export interface Stack {
  readonly seriesInstanceUID: string
  readonly modality: string
  readonly frames: readonly Frame[]
}

/** What the user chose for grey values; 'own' follows each image's window, 'fixed' stays. */
type Choice = { readonly kind: 'own'; readonly index: number } | { readonly kind: 'fixed'; readonly window: Window; readonly id: string }

/** What a hanging protocol asks of a viewport. */
export interface Look {
  readonly window: { readonly window: Window; readonly id: string } | null
  readonly turn: (frame: Frame) => views.Turn
  readonly justify: views.Hang['justify']
  /** Viewports, this one among them, that show a millimetre in the same length. */
  readonly mates: readonly Pane[]
  readonly presenting?: Presenting
}

const MASK_WITHIN = 60_000 // ms

const OWN: Choice = { kind: 'own', index: 0 }

/** Millimetres of the smaller side of a pixel, which is the unit of a view. */
function unitOf(frame: Frame | undefined): number | undefined {
  const calibration = frame?.calibration
  return calibration?.kind === 'spacing' ? Math.min(calibration.x, calibration.y) : undefined
}

export class Pane {
  readonly id: string
  readonly state = new Observable<PaneState>(EMPTY)
  /** Grows when the screen shows what was asked for. */
  readonly drawn = new Observable(0)
  private readonly engine: Engine
  private stack: Stack | null = null
  private choice: Choice = OWN
  /** Window for images that bring none, found on the first of the series so that brightness does not jump while scrolling. */
  private fallback: Window | null = null
  private guessed = true
  private direction: 1 | -1 = 1
  private look: Look | null = null
  private waiting: AbortController | null = null
  private screen: Screen | null = null
  private timer = 0
  private mask: Float32Array | null = null

  constructor(engine: Engine, id: string) {
    this.engine = engine
    this.id = id
  }

  attach(host: HTMLElement): () => void {
    const screen = new Screen(host, this.id, this.engine.core.renderer, { sized: (size) => this.sized(size), drawn: () => this.noteDrawn(), crowded: () => this.engine.isCrowded() })
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

  // --- as a hanging protocol asks

  /** Shows the series that is open as asked, until another is opened. */
  hang(look: Look): void {
    this.look = look
    const { picture } = this.state.get()
    this.choice = look.window ? { kind: 'fixed', ...look.window } : OWN
    if (picture) this.setView((_, extent, size) => this.fitted(extent, size, look.turn(picture.frame)))
    this.applyChoice()
    for (const mate of look.mates) if (mate !== this) mate.refit()
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

  get hung(): Look | null {
    return this.look
  }

  /** Shows its image as another viewport shows its own: window, inversion, turn, and the same part of it unless `whole`. */
  like(other: Pane, whole: boolean): void {
    const { seriesInstanceUID, count, index, shown, status, reason, again, picture, refused, size, playing, loaded } = this.state.get()
    if (!picture) return
    this.choice = other.choice
    this.fallback = other.fallback
    this.guessed = other.guessed
    this.mask = other.mask
    const theirs = other.state.get()
    const { extent } = picture.frame
    const { turn } = theirs.view
    const grown = views.fitScale(extent, size, turn) / views.fitScale(theirs.picture?.frame.extent ?? extent, theirs.size, turn)
    const view = whole || theirs.view.fitted || !theirs.picture ? { ...theirs.view, ...views.fitted(extent, size, turn) } : { ...theirs.view, scale: theirs.view.scale * grown }
    const own = { seriesInstanceUID, count, index, shown, status, reason, again, picture, refused, size, playing, loaded }
    this.patch({ ...theirs, ...own, inverted: bornInverted(picture) !== theirs.flipped, view })
    this.applyChoice()
  }

  /** Paper and files: so many CSS pixels per unit of the picture, its middle in the middle. */
  scaleTo(scale: number): void {
    this.setView((view, extent) => ({ ...view, scale, centre: [(extent.columns - 1) / 2, (extent.rows - 1) / 2], fitted: false }))
  }

  private refit(): void {
    this.setView((view, extent, size) => (view.fitted ? this.fitted(extent, size, view.turn) : view))
  }

  private fitted(extent: views.Extent, size: views.Size, turn: views.Turn = views.UPRIGHT): views.View {
    const area = this.look?.presenting && this.wanted && viewOf(this.look.presenting, this.wanted, size, turn)
    if (area) return area
    if (!this.look || this.look.mates.length === 0) return views.fitted(extent, size, turn)
    const scale = Math.min(...this.look.mates.map((mate) => mate.fitPerMillimetre() ?? Number.POSITIVE_INFINITY))
    const unit = unitOf(this.wanted)
    return views.hung(extent, size, turn, { justify: this.look.justify, largest: unit ? scale * unit : Number.POSITIVE_INFINITY })
  }

  /** Screen pixels per millimetre when the whole picture fits; undefined when nobody knows what its pixels are worth. */
  private fitPerMillimetre(): number | undefined {
    const { size, view } = this.state.get()
    const unit = unitOf(this.wanted)
    return this.wanted && unit && size.width > 0 ? views.fitScale(this.wanted.extent, size, view.turn) / unit : undefined
  }

  private draw(): void {
    const { picture, window, view, inverted, effects } = this.state.get()
    if (picture && window) this.screen?.draw(throughFilter(this.subtracted(picture), effects.filter), { view, window, inverted, effects })
  }

  private patch(change: Partial<PaneState>): void {
    this.state.update((now) => ({ ...now, ...change }))
  }

  // --- content

  get frames(): readonly Frame[] {
    return this.stack?.frames ?? []
  }

  /** The image that is asked for now. */
  get wanted(): Frame | undefined {
    return this.frames[this.state.get().index]
  }

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
      count: stack.frames.length,
      status: 'loading',
      ...(rate === undefined ? {} : { rate }),
    })
    if (stack.frames.length === 0) this.patch({ status: 'failed', reason: 'This series holds no objects.', again: false })
    else this.goTo(index)
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

  // --- grey values

  private windowFor(picture: Picture): { window: Window; presetId: string } {
    if (this.choice.kind === 'fixed') return { window: this.choice.window, presetId: this.choice.id }
    const own = picture.windows[this.choice.index] ?? picture.windows[0]
    if (own && !picture.pixels.color) return { window: own.window, presetId: `image-${picture.windows.indexOf(own)}` }
    // What a small picture suggested is only a guess at it.
    if (!this.fallback || (this.guessed && picture.reduction === 0)) this.fallback = ownWindow(picture)
    this.guessed &&= picture.reduction > 0
    return { window: this.fallback, presetId: 'auto' }
  }

  presets(): Preset[] {
    const { picture } = this.state.get()
    return picture && !picture.pixels.color ? presetsFor(this.stack?.modality ?? '', picture.windows) : []
  }

  applyPreset(preset: Preset): void {
    const { picture } = this.state.get()
    if (!picture || picture.pixels.color) return
    if (preset.group === 'image') this.choice = { kind: 'own', index: Number(preset.id.slice('image-'.length)) }
    else {
      const window = preset.window === 'auto' ? automatic(picture.pixels) : preset.window === 'full' ? full(picture.pixels) : preset.window
      this.choice = { kind: 'fixed', window, id: preset.id }
    }
    this.applyChoice()
  }

  setWindow(window: Window): void {
    this.choice = { kind: 'fixed', window, id: '' }
    this.applyChoice()
  }

  private applyChoice(): void {
    const { picture, window: before } = this.state.get()
    if (!picture) return
    const { window, presetId } = this.windowFor(picture)
    this.patch({ window: before && sameWindow(before, window) ? before : window, presetId })
    this.draw()
  }

  /** A drag of the window tool by screen pixels. */
  dragWindow(by: Point): void {
    const { picture, window } = this.state.get()
    if (!picture || !window) return
    const { pixels } = picture
    this.setWindow(dragged(window, by, pixels.color ? 1 : dragStep(pixels.max - pixels.min)))
  }

  invert(): void {
    this.patch({ flipped: !this.state.get().flipped, inverted: !this.state.get().inverted })
    this.draw()
  }

  /** Colours, curve and filter: for the eye only. */
  setEffects(change: Partial<Effects>): void {
    this.patch({ effects: { ...this.state.get().effects, ...change } })
    this.draw()
  }

  // --- subtraction

  private subtracted(picture: Picture): Picture {
    const { mask } = this.state.get()
    return mask && this.mask ? withoutMask(picture, this.mask, mask.shift) : picture
  }

  /** Shows frames less a mask (null: as they are), in a window that the difference suggests. Throws when its frames cannot be had. */
  async subtract(mask: Mask | null): Promise<void> {
    const before = this.state.get().mask
    if (!mask) {
      this.mask = null
      this.patch({ mask: null })
      this.choice = OWN
      this.applyChoice()
      return
    }
    if (!this.mask || before?.frames !== mask.frames) {
      const { stack } = this
      const first = this.wanted
      const frames = mask.frames.flatMap((number) => this.frames.find((frame) => frame.instance === first?.instance && frame.number === number) ?? [])
      const found = maskOf(await Promise.all(frames.map((frame) => this.engine.queue.want(frame.id, AbortSignal.timeout(MASK_WITHIN)))))
      if (this.stack !== stack || !found) return
      this.mask = found
    }
    this.patch({ mask })
    const { picture } = this.state.get()
    const made = picture && this.subtracted(picture)
    if (before || !made || made.pixels.color) this.draw()
    else this.setWindow(automatic(made.pixels))
  }

  // --- view

  private setView(change: (view: views.View, extent: views.Extent, size: views.Size) => views.View): void {
    const { picture, view, size } = this.state.get()
    if (!picture) return
    this.patch({ view: change(view, picture.frame.extent, size) })
    this.draw()
  }

  /** Shows the picture as another viewport does. */
  place(view: views.View): void {
    this.setView(() => view)
  }

  pan(by: Point): void {
    this.setView((view, extent, size) => views.panned(view, extent, size, by))
  }

  zoom(factor: number, anchor?: Point): void {
    this.setView((view, extent, size) => views.zoomed(view, extent, size, factor, anchor ?? [size.width / 2, size.height / 2]))
  }

  turn(change: (turn: views.Turn) => views.Turn): void {
    this.setView((view, extent, size) => {
      const next = change(view.turn)
      return view.fitted ? this.fitted(extent, size, next) : { ...view, turn: next }
    })
  }

  /** Turns it freely, degrees clockwise. */
  turnTo(degrees: number): void {
    this.turn((turn) => views.turnedTo(turn, degrees))
  }

  /** So many CSS pixels for the smaller side of an image pixel; what is in the middle stays there. */
  magnifyTo(scale: number): void {
    this.setView((view) => ({ ...view, scale: Math.min(views.LARGEST_SCALE, Math.max(views.SMALLEST_SCALE, scale)), fitted: false }))
  }

  fit(): void {
    this.setView((view, extent, size) => this.fitted(extent, size, view.turn))
  }

  /** One image pixel per screen pixel. */
  actualSize(): void {
    this.setView((view, extent, size) => views.snapped({ ...view, scale: 1 / (window.devicePixelRatio || 1), fitted: false }, extent, size, window.devicePixelRatio || 1))
  }

  reset(): void {
    const { picture } = this.state.get()
    this.choice = this.look?.window ? { kind: 'fixed', ...this.look.window } : OWN
    this.patch({ flipped: false, inverted: picture ? bornInverted(picture) : false, effects: NO_EFFECTS, mask: null })
    this.setView((_, extent, size) => this.fitted(extent, size, picture ? this.look?.turn(picture.frame) : undefined))
    this.applyChoice()
  }

  affine(): views.Affine | null {
    const { picture, view, size } = this.state.get()
    return picture && size.width > 0 ? views.affineOf(view, picture.frame.extent, size) : null
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
    if (!this.stack || !first) return
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
