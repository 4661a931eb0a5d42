// Studies that a person lays beside the one that was opened, of the same or of another patient; the address remembers them.
import { readStudy } from '../../../api/studies'
import type { Study } from '../../../api/types'
import { explain, isAbort } from '../../../lib/http'
import { Observable } from '../../../lib/observable'
import { panesOf } from '../model/layout'
import { patientNumbers, samePatient } from '../model/patients'
import { firstToShow, inRailOrder } from '../model/rail'
import type { ViewerSession } from './session'
import type { Group } from './state'

const PARAMETER = 'beside'
const UID = /^[0-9.]{1,64}$/
const MOST = 8 // each is a rail section and holds its series' lists of images

const inAddress = (): string[] => (new URLSearchParams(window.location.search).get(PARAMETER) ?? '').split(',').filter((uid) => UID.test(uid)).slice(0, MOST)

/** Patients in the viewports on the screen, by number (model/patients.ts); more than [1] is told on every viewport. */
export class Beside {
  readonly onScreen = new Observable<readonly number[]>([])
  private readonly session: ViewerSession
  private readonly signal: AbortSignal
  private gone = false

  constructor(session: ViewerSession, signal: AbortSignal) {
    this.session = session
    this.signal = signal
    const stops = [session.state.subscribe(() => this.look()), ...session.engine.panes.map((pane) => pane.state.subscribe(() => this.look()))]
    signal.addEventListener('abort', () => stops.forEach((stop) => stop()))
  }

  private look(): void {
    const { groups, layout, alone, active } = this.session.state.get()
    const numbers = patientNumbers(groups)
    const shown = this.session.engine.panes.filter((_, at) => at < panesOf(layout) && (!alone || at === active)).flatMap((pane) => {
      const series = pane.state.get().seriesInstanceUID
      return series === null ? [] : (numbers.get(this.session.studyOf(series) ?? '') ?? [])
    })
    const now = [...new Set(shown)].sort((a, b) => a - b)
    const before = this.onScreen.get()
    if (now.length !== before.length || now.some((number, at) => number !== before[at])) this.onScreen.set(now)
  }

  /** Another patient than the one in the title is on the screen. */
  static isMixed = (onScreen: readonly number[]): boolean => onScreen.some((number) => number !== 1)

  /** What the address names, after the first image. */
  async begin(): Promise<void> {
    await this.session.engine.firstImage
    for (const uid of inAddress()) {
      try {
        await this.add(uid)
      } catch (error) {
        if (isAbort(error)) return
        this.gone = true
      }
    }
    if (this.gone) {
      this.session.linking.say('A study that lay beside this one is not here any more, or you may not see it.')
      this.remember()
    }
  }

  /** Into the rail, opened. Throws what the server says. */
  private async add(uid: string): Promise<Group | null> {
    const [opened] = this.session.state.get().groups
    if (!opened) return null
    const known = this.session.state.get().groups.find((group) => group.study.StudyInstanceUID === uid)
    if (known) {
      if (known.state !== 'open') await this.session.toggleGroup(uid)
    } else {
      const { series, priors, ...study } = await readStudy(uid, { signal: this.signal })
      const foreign = !samePatient(opened.study, study, priors)
      const group: Group = { study, series: inRailOrder(series), state: 'open', reason: '', added: true, ...(foreign && { foreign }) }
      this.session.patch({ groups: [...this.session.state.get().groups, group] })
      this.session.thumbnails.want(group.series)
      this.remember()
    }
    return this.session.state.get().groups.find((group) => group.study.StudyInstanceUID === uid) ?? null
  }

  /** Opens a study beside what is on the screen: in an empty viewport, else in a second one, else in the last. Throws what the server says. */
  async open(study: Study): Promise<void> {
    const group = await this.add(study.StudyInstanceUID)
    const first = firstToShow(group?.series ?? [])
    if (!first) return
    const { session } = this
    if (session.state.get().alone) session.toggleAlone()
    if (session.state.get().layout === '1x1') session.setLayout('1x2', false)
    const room = session.engine.panes.slice(0, panesOf(session.state.get().layout))
    const empty = room.findIndex((pane) => pane.state.get().seriesInstanceUID === null)
    await session.show(first.SeriesInstanceUID, empty < 0 ? room.length - 1 : empty)
  }

  /** Takes a study that was laid beside out of the rail and off the screen; nothing of it changes in the archive. */
  remove(uid: string): void {
    const { groups } = this.session.state.get()
    const group = groups.find((each) => each.study.StudyInstanceUID === uid && each.added)
    if (!group) return
    const its = new Set(group.series.map((each) => each.SeriesInstanceUID))
    for (const [at, pane] of this.session.engine.panes.entries()) {
      if (!its.has(pane.state.get().seriesInstanceUID ?? '')) continue
      this.session.setContent(at, null)
      pane.clear()
    }
    this.session.patch({ groups: groups.filter((each) => each !== group) })
    this.remember()
  }

  get isFull(): boolean {
    return this.session.state.get().groups.filter((group) => group.added).length >= MOST
  }

  /** A reload, and whoever is given the address, finds them again. */
  private remember(): void {
    const added = this.session.state.get().groups.filter((group) => group.added).map((group) => group.study.StudyInstanceUID)
    const address = new URL(window.location.href)
    if (added.length > 0) address.searchParams.set(PARAMETER, added.join(','))
    else address.searchParams.delete(PARAMETER)
    // Not by the router: nothing of the page is another one for it.
    window.history.replaceState(window.history.state, '', address)
  }
}

export const wordsOfFailure = (error: unknown): string => [explain(error).what, explain(error).hint].filter(Boolean).join(' ')
