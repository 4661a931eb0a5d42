// Windows of one viewer on several screens: a first one that leads, and further ones that follow its study. They speak over a
// BroadcastChannel, which only pages of this origin in this browser hear; each has its own images and its own part of the memory.
import { prefer, preferences } from '../../../api/preferences'
import { userName, whySignedOut } from '../../../api/session'
import { Observable } from '../../../lib/observable'
import { navigate } from '../../../lib/router'
import type { Example } from '../model/hanging/example'
import { type Layout, panesOf } from '../model/layout'
import { type Box, type KeptWindow, MOST_WINDOWS, type Shows, type WindowPlace, featuresOf, freePlaces, missing, nameOfScreens, parseSets, placeText, withSet } from '../model/screens'
import type { Sheet } from './hanging'
import type { Led, Plane } from './links'
import { CHANNEL, PARAMETER, placeNow } from './place'
import { takePlace } from './placing'
import { beside, screensNow } from './screens'
import type { ViewerSession } from './session'

const FAMILY = 'isocenter.family'
const PART = 'windows'
const SOON = 50 // ms
const PATIENCE = 3000 // ms for the answer of a window that may be gone; a click lets windows open for five seconds

/** How a window stands: what all others know of it. */
export interface WindowStand {
  readonly number: number
  readonly study: string
  readonly layout: Layout
  readonly shows: Shows
  readonly box: Box
  /** Series in its viewports, the chosen one's first. */
  readonly shown: readonly string[]
  /** Nothing will be arranged by itself any more. */
  readonly settled: boolean
  readonly planes: readonly Plane[]
  /** The least scale of viewports of equal scale when all of the picture fits, pixels per millimetre; null without any. */
  readonly scale: number | null
  /** Of the first window: what a hanging protocol puts into the others; the first of them for window 2. */
  readonly hangs: readonly Sheet[]
}

type Said =
  | { readonly kind: 'hello' | 'gone' | 'example' }
  | { readonly kind: 'exampled'; readonly example: Example }
  | { readonly kind: 'stand'; readonly stand: WindowStand }
  | { readonly kind: 'led'; readonly led: Led }
  | { readonly kind: 'open' | 'drawn'; readonly study: string }
  | { readonly kind: 'step'; readonly by: 1 | -1 }
  | { readonly kind: 'close'; readonly number: number }

interface Message {
  readonly user: string
  readonly family: string
  readonly from: number
  readonly said: Said
}

/** Of the first window: the same after a reload, so that its further windows still know it. */
function ownFamily(): string {
  const kept = sessionStorage.getItem(FAMILY)
  const family = kept && /^[a-z0-9]{4,16}$/.test(kept) ? kept : Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => (byte % 36).toString(36)).join('')
  sessionStorage.setItem(FAMILY, family)
  return family
}

function leastOf(scales: readonly (number | undefined)[]): number | null {
  const known = scales.filter((each) => each !== undefined)
  return known.length > 0 ? Math.min(...known) : null
}

export class Windows {
  readonly others = new Observable<ReadonlyMap<number, WindowStand>>(new Map())
  readonly number: number
  private readonly session: ViewerSession
  private readonly study: string
  private readonly place: WindowPlace | null
  private readonly family: string
  private readonly user = userName()
  private readonly channel = new BroadcastChannel(CHANNEL)
  private readonly stops: (() => void)[]
  private step: (by: 1 | -1) => void = () => undefined
  private timer = 0
  /** Numbers that windows have been given which have not said anything yet. */
  private readonly opening = new Set<number>()
  private settled = false
  private placed = false
  /** It goes on to another study: no window less. */
  private moving = false
  private hangs: readonly Sheet[] = []
  private hungAt = 0
  private words = 0
  private readonly examples = new Map<number, Example>()
  private heard: (() => void) | null = null

  constructor(session: ViewerSession, study: string) {
    this.session = session
    this.study = study
    this.place = placeNow()
    this.number = this.place?.number ?? 1
    this.family = this.place?.family ?? ownFamily()
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.hear(data)
    const tell = () => this.tellSoon()
    this.stops = [session.state.subscribe(tell), session.linking.state.subscribe(tell), session.linking.moved.subscribe(tell), preferences.subscribe(tell)]
    this.stops.push(session.linking.led.subscribe(() => this.lead()), ...session.engine.panes.map((pane) => pane.state.subscribe(tell)))
    session.annotations.onKept = (drawn) => this.say({ kind: 'drawn', study: drawn })
    window.addEventListener('resize', tell)
    window.addEventListener('pagehide', this.leave)
    this.stops.push(() => window.removeEventListener('resize', tell), () => window.removeEventListener('pagehide', this.leave))
    this.say({ kind: 'hello' })
    if (this.isFirst) this.say({ kind: 'open', study })
  }

  /** The window that leads; a further one closes with it. */
  get isFirst(): boolean {
    return this.place === null
  }

  /** @param step to the study list's neighbours; the first window knows how */
  leads(step: (by: 1 | -1) => void): void {
    this.step = step
  }

  private say(said: Said): void {
    this.channel.postMessage({ user: this.user, family: this.family, from: this.number, said } satisfies Message)
  }

  private get stand(): WindowStand {
    const { layout, active } = this.session.state.get()
    const panes = this.session.engine.panes.slice(0, panesOf(layout))
    const chosen = panes[active]
    const shown = [...(chosen ? [chosen] : []), ...panes.filter((pane) => pane !== chosen)].flatMap((pane) => pane.state.get().seriesInstanceUID ?? [])
    const planes = this.session.linking.planes().map(({ name, group, placed, lined }): Plane => ({ name: `${this.number}·${name}`, group, placed, lined }))
    const box = { left: window.screenX, top: window.screenY, width: window.innerWidth, height: window.innerHeight }
    return { number: this.number, study: this.study, layout, shows: this.place?.shows ?? 'series', box, shown, settled: this.settled, planes, scale: leastOf(panes.map((pane) => (pane.hung?.mates.length ? pane.fitPerMillimetre() : undefined))), hangs: this.hangs }
  }

  private tellSoon(): void {
    if (this.timer || this.others.get().size === 0) return
    this.timer = window.setTimeout(() => {
      this.timer = 0
      this.say({ kind: 'stand', stand: this.stand })
    }, SOON)
  }

  private lead(): void {
    const led = this.session.linking.led.get()
    if (led && this.others.get().size > 0) this.say({ kind: 'led', led })
  }

  // --- what others say

  private hear({ user, family, from, said }: Message): void {
    if (user !== this.user) return
    if (said.kind === 'drawn') void this.session.annotations.again(said.study)
    else if (family === this.family && from !== this.number) this.hearKin(from, said)
  }

  private hearKin(from: number, said: Said): void {
    if (said.kind === 'hello') this.say({ kind: 'stand', stand: this.stand })
    else if (said.kind === 'stand') this.know(from, said.stand)
    else if (said.kind === 'gone') this.know(from, null)
    else if (said.kind === 'example') void this.session.hanging.example().then((example) => this.say({ kind: 'exampled', example }), () => undefined)
    else if (said.kind === 'exampled') {
      this.examples.set(from, said.example)
      this.heard?.()
    } else if (said.kind === 'led') this.session.linking.follow(said.led)
    else if (said.kind === 'step' && this.isFirst) this.step(said.by)
    else if (said.kind === 'close' && said.number === this.number) window.close()
    else if (said.kind === 'open' && from === 1 && this.place && said.study !== this.study) {
      this.moving = true
      navigate(this.addressOf(said.study, this.place), { replace: true })
    }
  }

  private know(from: number, stand: WindowStand | null): void {
    const others = new Map(this.others.get())
    const least = this.leastScale()
    const isNew = stand !== null && !others.has(from)
    if (stand) others.set(from, stand)
    else others.delete(from)
    this.others.set(others)
    if (this.leastScale() !== least) for (const pane of this.session.engine.panes) if (pane.hung?.mates.length) pane.refit()
    this.session.linking.elsewhere.set([...others.values()].flatMap((each) => each.planes))
    if (isNew) this.say({ kind: 'stand', stand: this.stand })
    this.heard?.()
    this.takePlace()
  }

  /** Of viewports of equal scale in the other windows on this study; Infinity without any. */
  leastScale(): number {
    const others = [...this.others.get().values()].filter((each) => each.study === this.study)
    return leastOf(others.map((each) => each.scale ?? undefined)) ?? Number.POSITIVE_INFINITY
  }

  // --- its place

  /** The screen is arranged as it will be: a first window tells the others what is left for them. */
  settle(): void {
    this.settled = true
    if (this.isFirst) this.tellSoon()
    else this.takePlace()
  }

  private takePlace(): void {
    const first = this.others.get().get(1)
    if (!this.settled || !this.place || !first?.settled || first.study !== this.study) return
    const sheet = first.hangs[this.number - 2]
    if (sheet && sheet.round !== this.hungAt) {
      this.hungAt = sheet.round
      this.placed = true
      void this.session.hanging.follow(sheet)
    }
    if (this.placed) return
    this.placed = true
    const between = [...this.others.get().values()].filter((each) => each.number > 1 && each.number < this.number && each.shows === 'series')
    void takePlace(this.session, this.place, first.shown, between.reduce((sum, each) => sum + panesOf(each.layout), 0))
  }

  private addressOf(study: string, place: WindowPlace): string {
    const layout = place.number === this.number ? this.session.state.get().layout : place.layout
    return `/viewer/${encodeURIComponent(study)}?${PARAMETER}=${placeText({ ...place, layout })}`
  }

  // --- opening and closing

  private isTaken(number: number): boolean {
    return this.others.get().has(number) || this.opening.has(number)
  }

  /** A further window; false when the browser does not let it open. */
  open(kept: KeptWindow): boolean {
    const number = Array.from({ length: MOST_WINDOWS - 1 }, (_, at) => at + 2).find((each) => !this.isTaken(each))
    return number === undefined || this.openAs(number, kept)
  }

  private openAs(number: number, { box, layout, shows }: KeptWindow): boolean {
    const opened = window.open(this.addressOf(this.study, { family: this.family, number, layout, shows }), `${this.family}-${number}`, featuresOf(box))
    if (!opened) return false
    this.opening.add(number)
    window.setTimeout(() => this.opening.delete(number), PATIENCE)
    return true
  }

  /** Whether there is a window for each of so many further screens of a hanging protocol. */
  hasRoom(screens: number): boolean {
    return this.without(screens).length === 0
  }

  /** Numbers of windows that so many further screens want and that are not open. */
  private without(screens: number): number[] {
    return Array.from({ length: screens }, (_, at) => at + 2).filter((number) => !this.isTaken(number))
  }

  /**
   * What a hanging protocol puts on further screens: the n-th of them in window n + 1, wherever that lies.
   * @param mayOpen windows that are missing; only on a click or a key of the person
   */
  async hang(sheets: readonly Sheet[], mayOpen: boolean): Promise<void> {
    window.clearTimeout(this.words)
    if (!this.isFirst) {
      if (sheets.length > 0) this.session.linking.say('The further screens of a hanging protocol are hung from the first window.')
      return
    }
    this.hangs = sheets
    this.tellSoon()
    if (mayOpen && !this.hasRoom(sheets.length)) await this.openFor(sheets)
    // A window that follows to this study says so in a moment.
    else if (!this.hasRoom(sheets.length)) this.words = window.setTimeout(() => this.sayWithout(sheets.length), PATIENCE)
  }

  private async openFor(sheets: readonly Sheet[]): Promise<void> {
    const { state, places } = await screensNow(true)
    const numbers = this.without(sheets.length)
    const free = freePlaces(places, this.further.map((each) => each.box))
    const blocked = numbers.filter((number, at) => !this.openAs(number, { box: free[at] ?? beside(at), layout: sheets[number - 2]?.layout as Layout, shows: 'protocol' }))
    if (blocked.length > 0) this.session.linking.say(BLOCKED)
    else if (state !== 'told') this.session.linking.say('The browser does not say which screens there are: drag each new window to its screen. Layout, "Windows on other screens…" remembers them.')
    else if (numbers.length > free.length) this.session.linking.say('The protocol has more screens than there are here: its further windows opened beside this one.')
  }

  private sayWithout(screens: number): void {
    const count = this.without(screens).length
    if (count > 0) this.session.linking.say(`This stage of the hanging protocol has ${count} more ${count === 1 ? 'screen' : 'screens'}: choose it in the list of protocols, and its windows open.`)
  }

  /** What lies in the further windows, by their number, as examples for a protocol. */
  async furtherExamples(): Promise<readonly Example[]> {
    this.examples.clear()
    if (this.isFirst) await this.until(() => this.further.every((each) => this.examples.has(each.number)), { kind: 'example' })
    return [...this.examples].sort(([a], [b]) => a - b).map(([, example]) => example)
  }

  /** Says something and waits for answers, not for ever. */
  private async until(isDone: () => boolean, said: Said): Promise<void> {
    if (isDone()) return
    await new Promise<void>((done) => {
      const timer = window.setTimeout(done, PATIENCE)
      this.heard = () => {
        if (!isDone()) return
        window.clearTimeout(timer)
        done()
      }
      this.say(said)
    })
    this.heard = null
  }

  close(number: number): void {
    this.say({ kind: 'close', number })
  }

  /** Asks the further windows how they stand, and tells which have not said anything: closed by a crash, or very busy. */
  private async ask(): Promise<readonly number[]> {
    const before = this.others.get()
    const silent = (): number[] => [...before.keys()].filter((number) => number > 1 && this.others.get().get(number) === before.get(number))
    await this.until(() => silent().length === 0, { kind: 'hello' })
    return silent()
  }

  private get further(): WindowStand[] {
    return [...this.others.get().values()].filter((each) => each.number > 1).sort((a, b) => a.number - b.number)
  }

  /** Keeps where the further windows lie now with the account, for these screens. */
  async remember(): Promise<void> {
    await this.ask()
    await this.keep(this.further.map(({ box, layout, shows }) => ({ box, layout, shows })))
  }

  async keep(windows: readonly KeptWindow[]): Promise<void> {
    const name = nameOfScreens((await screensNow()).screens)
    await prefer(PART, { sets: withSet(parseSets(preferences.get()[PART]), name, windows) })
  }

  /** Opens what is kept for these screens and not open yet; tells how it went in the chosen viewport. */
  async openKept(): Promise<void> {
    const kept = await keptWindows()
    for (const silent of await this.ask()) this.know(silent, null)
    const blocked = missing(kept, this.further).filter((each) => !this.open(each)).length
    if (kept.length === 0) this.session.linking.say('No windows are remembered for these screens. Layout, "Windows on other screens…" opens and remembers them.')
    else if (blocked > 0) this.session.linking.say(BLOCKED)
  }

  private readonly leave = (): void => {
    if (!this.moving) this.say({ kind: 'gone' })
  }

  dispose(): void {
    this.leave()
    window.clearTimeout(this.timer)
    window.clearTimeout(this.words)
    for (const stop of this.stops) stop()
    this.channel.close()
    // Who has signed out leaves no windows behind; a session that ran out is locked by the page to sign in, and comes back.
    if (!this.isFirst && ['left', 'link'].includes(whySignedOut())) window.close()
  }
}

export const BLOCKED = 'The browser did not let a window open. Allow pop-up windows for this address (the sign in the address bar), then try again.'

/** What is kept for the screens that are here now. */
export async function keptWindows(): Promise<readonly KeptWindow[]> {
  const name = nameOfScreens((await screensNow()).screens)
  return parseSets(preferences.get()[PART]).find((each) => each.screens === name)?.windows ?? []
}
