// How a viewport shows its picture: window, view, effects, subtraction, as a protocol or another viewport asks.
import { Observable } from '../../../lib/observable'
import { type Effects, NO_EFFECTS } from '../model/effects'
import type { Point } from '../model/geometry'
import type { Frame } from '../model/frame'
import type { Mask } from '../model/subtraction'
import * as views from '../model/view'
import { type Preset, type Window, automatic, dragStep, dragged, full, presetsFor, sameWindow } from '../model/windows'
import { inColours } from './colours'
import type { Engine } from './engine'
import { EMPTY, type PaneState } from './paneState'
import { type Picture, bornInverted, ownWindow } from './picture'
import { type Presenting, viewOf } from './presenting'
import type { Screen } from './screen'
import { maskOf, throughFilter, withoutMask } from './worked'

export interface Stack {
  readonly seriesInstanceUID: string
  readonly modality: string
  readonly frames: readonly Frame[]
  /** How many images there will be, while only the first of them is known. */
  readonly expected?: number
}

/** What the user chose for grey values; 'own' follows each image's window, 'fixed' stays. */
type Choice = { readonly kind: 'own'; readonly index: number } | { readonly kind: 'fixed'; readonly window: Window; readonly id: string }

/** What a hanging protocol asks of a viewport. */
export interface Look {
  readonly window: { readonly window: Window; readonly id: string } | null
  readonly turn: (frame: Frame) => views.Turn
  readonly justify: views.Hang['justify']
  /** Viewports, this one among them, that show a millimetre in the same length. */
  readonly mates: readonly Viewing[]
  /** Of viewports in other windows that do, too: their least scale, pixels per millimetre; Infinity without any. */
  readonly elsewhere?: () => number
  readonly presenting?: Presenting
}

const MASK_WITHIN = 60_000 // ms

export const OWN: Choice = { kind: 'own', index: 0 }

/** Millimetres of the smaller side of a pixel, which is the unit of a view. */
function unitOf(frame: Frame | undefined): number | undefined {
  const calibration = frame?.calibration
  return calibration?.kind === 'spacing' ? Math.min(calibration.x, calibration.y) : undefined
}

/** The state of a viewport and all that changes how its picture looks, not which picture it is. */
export abstract class Viewing {
  readonly id: string
  readonly state = new Observable<PaneState>(EMPTY)
  /** Grows when the screen shows what was asked for. */
  readonly drawn = new Observable(0)
  protected readonly engine: Engine
  protected stack: Stack | null = null
  protected choice: Choice = OWN
  /** Window for images that bring none, found on the first of the series so that brightness does not jump while scrolling. */
  protected fallback: Window | null = null
  protected guessed = true
  protected look: Look | null = null
  protected screen: Screen | null = null
  protected mask: Float32Array | null = null

  constructor(engine: Engine, id: string) {
    this.engine = engine
    this.id = id
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

  get hung(): Look | null {
    return this.look
  }

  /** Shows its image as another viewport shows its own: window, inversion, turn, and the same part of it unless `whole`. */
  like(other: Viewing, whole: boolean): void {
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

  /** After the viewports beside it changed: what was fitted is fitted again. */
  refit(): void {
    this.setView((view, extent, size) => (view.fitted ? this.fitted(extent, size, view.turn) : view))
  }

  protected fitted(extent: views.Extent, size: views.Size, turn: views.Turn = views.UPRIGHT): views.View {
    const area = this.look?.presenting && this.wanted && viewOf(this.look.presenting, this.wanted, size, turn)
    if (area) return area
    if (!this.look || this.look.mates.length === 0) return views.fitted(extent, size, turn)
    const scale = Math.min(this.look.elsewhere?.() ?? Number.POSITIVE_INFINITY, ...this.look.mates.map((mate) => mate.fitPerMillimetre() ?? Number.POSITIVE_INFINITY))
    const unit = unitOf(this.wanted)
    return views.hung(extent, size, turn, { justify: this.look.justify, largest: unit ? scale * unit : Number.POSITIVE_INFINITY })
  }

  /** Screen pixels per millimetre when the whole picture fits; undefined when nobody knows what its pixels are worth. */
  fitPerMillimetre(): number | undefined {
    const { size, view } = this.state.get()
    const unit = unitOf(this.wanted)
    return this.wanted && unit && size.width > 0 ? views.fitScale(this.wanted.extent, size, view.turn) / unit : undefined
  }

  protected draw(): void {
    const { picture, window, view, inverted, effects } = this.state.get()
    if (picture && window) this.screen?.draw(throughFilter(this.subtracted(inColours(picture)), effects.filter), { view, window, inverted, effects })
  }

  protected patch(change: Partial<PaneState>): void {
    this.state.update((now) => ({ ...now, ...change }))
  }

  get frames(): readonly Frame[] {
    return this.stack?.frames ?? []
  }

  /** The image that is asked for now. */
  get wanted(): Frame | undefined {
    return this.frames[this.state.get().index]
  }

  // --- grey values

  protected windowFor(picture: Picture): { window: Window; presetId: string } {
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

  protected applyChoice(): void {
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

  protected setView(change: (view: views.View, extent: views.Extent, size: views.Size) => views.View): void {
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
}
