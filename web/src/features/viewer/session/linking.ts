// Viewports that move together: who follows whom, and what the reader has chosen about it. One owner; ends with dispose().
import { prefer, preferences } from '../../../api/preferences'
import { Observable } from '../../../lib/observable'
import type { Pane, Stack } from '../engine/pane'
import type { PaneState } from '../engine/paneState'
import { text } from '../model/dataset'
import type { Frame } from '../model/frame'
import type { Point, Vector } from '../model/geometry'
import { panesOf } from '../model/layout'
import { type Lead, type Placed, type Spot, counterpart, cutLine, imageAt, inImage, inPatient, leadOf, lookedAt, offsetBetween, offsetFor, parseOffsets, placedOf, sameReference, sameWay, turnedLike, viewLike, withOffset } from '../model/linking'
import { Tag } from '../model/tags'
import type { Turn } from '../model/view'
import { type Group, type Led, type LinkingState, type Links, PART, type Plane, GROUPS, linksNow } from './links'
import type { ViewerSession } from './session'

export { GROUPS, LINES, SCROLLS, linksNow } from './links'
export type { Group, Led, LinkingState, Links, Plane } from './links'

const SAID_FOR = 6000 // ms

const OFFSETS = 'link-offsets'

type Seen = PaneState & { readonly hung: unknown }

const seenOf = (pane: Pane): Seen => ({ ...pane.state.get(), hung: pane.hung })

export class Linking {
  readonly state = new Observable<LinkingState>({ groups: {}, spots: {}, cursor: null, said: '' })
  /** What was done here the last time, for the other windows. */
  readonly led = new Observable<Led | null>(null)
  /** Pictures of the other windows. */
  readonly elsewhere = new Observable<readonly Plane[]>([])
  /** Grows when any viewport shows another image; told once a frame of the screen. */
  readonly moved = new Observable(0)
  private readonly session: ViewerSession
  private telling = 0
  private silence = 0
  private readonly before = new Map<Pane, Seen>()
  private readonly stops: (() => void)[] = []
  /** Viewports are being moved by us: what they tell now is no wish of the reader. */
  private following = false

  constructor(session: ViewerSession) {
    this.session = session
    this.watch()
    this.stops.push(session.state.subscribe(() => this.watch()))
  }

  private watch(): void {
    for (const pane of this.session.engine.panes) {
      if (this.before.has(pane)) continue
      this.before.set(pane, seenOf(pane))
      this.stops.push(pane.state.subscribe(() => this.noticed(pane)))
    }
  }

  get links(): Links {
    return linksNow()
  }

  choose(change: Partial<Links>): void {
    const links = { ...linksNow(), ...change }
    // When it cannot be kept it holds for this visit.
    prefer(PART, { ...links }).catch(() => undefined)
    if (change.scroll !== undefined || change.zoom !== undefined) this.align()
    if (change.scroll === 'off') this.state.update((now) => ({ ...now, spots: {} }))
  }

  say(said: string): void {
    window.clearTimeout(this.silence)
    this.state.update((now) => ({ ...now, said }))
    this.silence = window.setTimeout(() => this.state.update((now) => ({ ...now, said: '' })), SAID_FOR)
  }

  // --- groups

  groupOf(index: number): Group {
    return this.state.get().groups[index] ?? 'A'
  }

  setGroup(index: number, group: Group): void {
    this.state.update((now) => ({ ...now, groups: { ...now.groups, [index]: group }, spots: {} }))
  }

  nextGroup(index: number): void {
    this.setGroup(index, GROUPS[(GROUPS.indexOf(this.groupOf(index)) + 1) % GROUPS.length] ?? 'A')
  }

  /** Viewports with pictures on the screen. */
  private onScreen(): Pane[] {
    const { layout, alone, active, contents } = this.session.state.get()
    return this.session.engine.panes.filter((pane, index) => index < panesOf(layout) && (!alone || index === active) && contents[index] === undefined && pane.frames.length > 0)
  }

  private indexOf(pane: Pane): number {
    return this.session.engine.panes.indexOf(pane)
  }

  /** The viewports that go with one. */
  partnersOf(pane: Pane): Pane[] {
    const group = this.groupOf(this.indexOf(pane))
    return group === '' ? [] : this.onScreen().filter((other) => other !== pane && this.groupOf(this.indexOf(other)) === group)
  }

  /** Whether anything that is done in a viewport moves another one. */
  isLinked(pane: Pane): boolean {
    const { scroll, window, zoom, turn } = linksNow()
    const partners = this.partnersOf(pane)
    const group = this.groupOf(this.indexOf(pane))
    const away = this.elsewhere.get().filter((plane) => group !== '' && plane.group === group)
    if (scroll === 'group' || window || zoom || turn) return partners.length > 0 || away.length > 0
    const here = pane.wanted && placedOf(pane.wanted)
    return scroll === 'reference' && (partners.some((other) => isOneReference(pane, other, true)) || away.some(({ placed }) => here !== null && here !== undefined && sameReference(here, placed) && sameWay(here, placed)))
  }

  /** Pictures whose planes cut that of a viewport, as chosen, with the number of their viewport. */
  linesOn(pane: Pane): readonly { readonly name: string; readonly line: readonly [Point, Point] }[] {
    const { lines } = linksNow()
    const here = placedIn(pane)
    if (lines === 'off' || !here) return []
    const ours = this.planes().filter((plane) => plane.pane !== pane)
    return [...ours, ...this.elsewhere.get()].flatMap(({ name, placed, lined }) => {
      const line = lined && sameReference(here, placed) ? cutLine(here, placed) : null
      return line ? [{ name, line }] : []
    })
  }

  /** The pictures on the screen of this window. */
  planes(): (Plane & { readonly pane: Pane })[] {
    const { lines } = linksNow()
    const { activePane } = this.session
    return this.onScreen().flatMap((pane) => {
      const placed = placedIn(pane)
      const index = this.indexOf(pane)
      return placed ? [{ pane, name: String(index + 1), group: this.groupOf(index), placed, lined: lines === 'all' || (lines === 'active' && pane === activePane) }] : []
    })
  }

  /** Where the 3D cursor lies on the picture of a viewport; null when it lies on another image. */
  cursorOn(pane: Pane): Point | null {
    const { cursor } = this.state.get()
    const here = placedIn(pane)
    if (here === null || here.reference !== cursor?.reference) return null
    const { index, shown } = pane.state.get()
    return imageAt(pane.frames, index, cursor.point)?.index === shown ? inImage(here, cursor.point) : null
  }

  // --- following

  private tell(): void {
    if (this.telling) return
    this.telling = requestAnimationFrame(() => {
      this.telling = 0
      this.moved.update((count) => count + 1)
    })
  }

  private noticed(pane: Pane): void {
    const was = this.before.get(pane)
    const now = seenOf(pane)
    this.before.set(pane, now)
    if (was?.picture !== now.picture) this.tell()
    if (this.following || was?.seriesInstanceUID !== now.seriesInstanceUID || was.hung !== now.hung || was.count !== now.count || now.count === 0) return
    if (!this.onScreen().includes(pane)) return
    // Tiles are one picture in many pieces: seen the same way, whatever is linked else.
    const links = this.session.tiling.isOn ? { ...linksNow(), window: true, zoom: true, turn: true } : linksNow()
    this.following = true
    try {
      if (was.index !== now.index && links.scroll !== 'off') this.scrollWith(pane)
      // A window or view that comes with another image is nobody's wish.
      if (was.picture !== now.picture || !now.picture || was.size !== now.size) return
      if (links.window && (was.window !== now.window || was.flipped !== now.flipped)) this.windowWith(pane, was.flipped !== now.flipped)
      if (was.view !== now.view) this.viewWith(pane, was, links)
    } finally {
      this.following = false
    }
  }

  /** Brings the viewports that go with the chosen one to where it is. */
  align(): void {
    const { activePane } = this.session
    if (this.following) return
    this.following = true
    try {
      const links = linksNow()
      if (links.scroll !== 'off') this.scrollWith(activePane)
      const now = seenOf(activePane)
      if (links.zoom && now.picture) this.viewWith(activePane, now, { ...links, turn: false })
    } finally {
      this.following = false
    }
  }


  /** The image of a stack that belongs to the one in a viewport, as if both were linked. */
  indexIn(pane: Pane, stack: Stack): number {
    const from = pane.state.get().seriesInstanceUID
    const offset = from === null ? undefined : offsetFor(parseOffsets(preferences.get()[OFFSETS]), from, stack.seriesInstanceUID)
    return counterpart(leadOf(standOf(pane)), { frames: stack.frames, index: 0 }, offset, true)?.index ?? 0
  }

  private scrollWith(pane: Pane): void {
    if (this.session.tiling.isOn) return // pages of tiles turn by themselves
    const series = pane.state.get().seriesInstanceUID
    const at = leadOf(standOf(pane))
    const group = this.groupOf(this.indexOf(pane))
    if (series === null || !at || group === '') return
    this.scrollTo(this.partnersOf(pane), series, at)
    this.led.set({ what: 'scroll', group, series, at })
  }

  private scrollTo(others: readonly Pane[], series: string, at: Lead): void {
    const spots: Record<number, Spot> = {}
    const offsets = parseOffsets(preferences.get()[OFFSETS])
    for (const other of others) {
      const to = other.state.get().seriesInstanceUID
      const spot = counterpart(at, standOf(other), to === null ? undefined : offsetFor(offsets, series, to), linksNow().scroll === 'group')
      if (!spot) continue
      spots[this.indexOf(other)] = spot
      if (spot.index !== other.state.get().index) other.goTo(spot.index)
    }
    this.state.update((now) => ({ ...now, spots }))
  }

  /** The same window only where it means the same: values of one modality in one unit. */
  private windowWith(pane: Pane, inverted: boolean): void {
    const { window, presetId, picture } = pane.state.get()
    if (!window || !picture) return
    const { flipped } = pane.state.get()
    const led = { what: 'window', group: this.groupOf(this.indexOf(pane)), meaning: meaningOf(picture.frame), color: picture.pixels.color, window, presetId, flipped, inverted } as const
    this.windowTo(this.partnersOf(pane), led)
    if (led.group !== '') this.led.set(led)
  }

  private windowTo(others: readonly Pane[], { meaning, color, window, presetId, flipped, inverted }: Extract<Led, { what: 'window' }>): void {
    for (const other of others) {
      const shown = other.state.get()
      if (!shown.picture || meaningOf(shown.picture.frame) !== meaning || shown.picture.pixels.color !== color) continue
      const own = other.presets().find((preset) => preset.id === presetId)
      if (inverted && shown.flipped !== flipped) other.invert()
      else if (own && !inverted) other.applyPreset(own)
      else if (!inverted) other.setWindow(window)
    }
  }

  private viewWith(pane: Pane, was: PaneState, links: Links): void {
    const now = pane.state.get()
    if (!now.picture) return
    const led = { what: 'view', group: this.groupOf(this.indexOf(pane)), was: was.view.turn, now: lookedAt(now.view, now.picture.frame, now.size), links } as const
    this.viewTo(this.partnersOf(pane), led)
    if (led.group !== '') this.led.set(led)
  }

  private viewTo(others: readonly Pane[], { was, now, links }: Extract<Led, { what: 'view' }>): void {
    const turned = !sameTurn(was, now.view.turn)
    for (const other of others) {
      const { picture, view, size } = other.state.get()
      if (!picture) continue
      if (links.turn && turned) other.turn((turn) => turnedLike(was, now.view.turn, turn))
      if (!links.zoom || turned) continue
      if (now.view.fitted) other.fit()
      else other.place(viewLike(now, lookedAt(view, picture.frame, size)))
    }
  }

  /** What was done in another window, by the same person. */
  follow(led: Led): void {
    const before = this.following
    this.following = true
    try {
      if (led.what === 'cursor') this.placeCursor(led.cursor)
      else {
        const others = led.group === '' ? [] : this.onScreen().filter((other) => this.groupOf(this.indexOf(other)) === led.group)
        if (led.what === 'scroll' && linksNow().scroll !== 'off' && !this.session.tiling.isOn) this.scrollTo(others, led.series, led.at)
        if (led.what === 'window' && linksNow().window) this.windowTo(others, led)
        if (led.what === 'view') this.viewTo(others, led)
      }
    } finally {
      this.following = before
    }
  }

  // --- offsets

  /** The images that are on the screen belong together from now on: remembered for these pairs of series, with the account. */
  linkHere(): void {
    const pane = this.session.activePane
    let offsets = parseOffsets(preferences.get()[OFFSETS])
    for (const other of this.partnersOf(pane)) {
      const [from, to] = [pane.state.get().seriesInstanceUID, other.state.get().seriesInstanceUID]
      const offset = offsetBetween(standOf(pane), standOf(other))
      if (from !== null && to !== null && from !== to && offset && !isOneReference(pane, other)) offsets = withOffset(offsets, from, to, offset)
    }
    this.keepOffsets(offsets)
    this.choose({ scroll: 'group' })
  }

  /** Forgets what was set by hand for what is on the screen. */
  forgetOffsets(): void {
    const shown = this.onScreen().flatMap((pane) => pane.state.get().seriesInstanceUID ?? [])
    let offsets = parseOffsets(preferences.get()[OFFSETS])
    for (const from of shown) for (const to of shown) if (from < to) offsets = withOffset(offsets, from, to, null)
    this.keepOffsets(offsets)
    this.align()
  }

  private keepOffsets(pairs: ReturnType<typeof parseOffsets>): void {
    prefer(OFFSETS, pairs.length > 0 ? { pairs } : {}).catch(() => undefined)
  }

  // --- 3D cursor

  /** Shows a point of a picture in all viewports of its frame of reference, whatever their group, and brings its image there. */
  pointAt(pane: Pane, at: Point): void {
    const { picture } = pane.state.get()
    const placed = picture && placedOf(picture.frame)
    if (!placed || placed.reference === '') {
      this.state.update((now) => ({ ...now, cursor: null }))
      return
    }
    const cursor = { point: inPatient(placed, at), reference: placed.reference }
    this.following = true
    try {
      this.placeCursor(cursor, pane)
    } finally {
      this.following = false
    }
    this.led.set({ what: 'cursor', cursor })
  }

  private placeCursor(cursor: LinkingState['cursor'], from?: Pane): void {
    this.state.update((now) => ({ ...now, cursor }))
    if (cursor) for (const other of this.onScreen()) if (other !== from) this.bring(other, cursor.reference, cursor.point)
  }

  private bring(pane: Pane, reference: string, point: Vector): void {
    const { index } = pane.state.get()
    const frames = pane.frames
    if (!frames.some((frame) => placedOf(frame)?.reference === reference)) return
    const found = imageAt(frames, index, point)
    if (found && found.index !== index) pane.goTo(found.index)
  }

  /** Takes the 3D cursor off the screen; false when there was none. */
  dropCursor(): boolean {
    const had = this.state.get().cursor !== null
    if (had) {
      this.state.update((now) => ({ ...now, cursor: null }))
      this.led.set({ what: 'cursor', cursor: null })
    }
    return had
  }

  dispose(): void {
    cancelAnimationFrame(this.telling)
    window.clearTimeout(this.silence)
    for (const stop of this.stops) stop()
    this.before.clear()
  }
}

const sameTurn = (a: Turn, b: Turn): boolean => a.a === b.a && a.b === b.b && a.c === b.c && a.d === b.d

const standOf = (pane: Pane) => ({ frames: pane.frames, index: pane.state.get().index })

const meaningOf = ({ instance, modality }: Frame): string => `${text(instance.dataset, Tag.Modality)} ${modality.unit}`

/** Of the picture on the screen. */
function placedIn(pane: Pane): Placed | null {
  const { picture } = pane.state.get()
  return picture && placedOf(picture.frame)
}

function isOneReference(pane: Pane, other: Pane, andWay = false): boolean {
  const [a, b] = [pane.wanted, other.wanted]
  const [here, there] = [a && placedOf(a), b && placedOf(b)]
  return Boolean(here && there && sameReference(here, there) && (!andWay || sameWay(here, there)))
}
