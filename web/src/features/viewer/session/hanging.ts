// The hanging protocols of an open viewer: which apply to its study, and which stage of which hangs. Nothing here comes before the first image.
import { type KeptProtocol, listProtocols } from '../../../api/hanging'
import { prefer, preferences } from '../../../api/preferences'
import type { Study } from '../../../api/types'
import { Observable } from '../../../lib/observable'
import type { Look, Pane } from '../engine/pane'
import type { Frame } from '../model/frame'
import { markersOf } from '../model/geometry'
import { DEFAULTS } from '../model/hanging/defaults'
import type { Example, Hung } from '../model/hanging/example'
import { studyFacts } from '../model/hanging/facts'
import { ofOnePatient } from '../model/patients'
import { helpful } from '../model/priors'
import { type DisplaySet, type Fit, fitOf, needsHeaders, priorsOf, scoreOf, screensOf } from '../model/hanging/match'
import { type Cell, type Protocol, WAYS, gridOf, parseProtocol } from '../model/hanging/protocol'
import type { Layout } from '../model/layout'
import { TURNS, type Turn, UPRIGHT } from '../model/view'
import { CT_PRESETS } from '../model/windows'
import { type FramesOf, askFrames, gather } from './displaySets'
import { laidAt, laidOf, lay, overlaysFor } from './fused'
import type { Group, ViewerSession } from './session'

/** Whose a protocol is; one's own goes before the site's, and that before those that come with the viewer. */
export interface Entry {
  readonly key: string
  readonly protocol: Protocol
  readonly from: 'own' | 'site' | 'viewer'
  readonly kept: KeptProtocol | null
}

export interface Fitting extends Fit {
  readonly entry: Entry
}

export interface HangingState {
  readonly entries: readonly Entry[]
  /** Those that fit the study, the best first. */
  readonly fitting: readonly Fitting[]
  readonly current: Fitting | null
  readonly stage: number
  /** Studies are still being looked at. */
  readonly busy: boolean
}

/** What lies in a viewport by a protocol, for another window to hang it. */
interface SheetCell {
  readonly cell: Cell
  readonly shown: DisplaySet
  readonly laid: DisplaySet | null
}

/** What a window hangs on its screen. */
export interface Sheet {
  /** Grows with each time something is hung. */
  readonly round: number
  readonly layout: string
  readonly cells: readonly (SheetCell | null)[]
}

const PART = 'hanging'
/** Earlier studies that are looked through for comparison. */
const MOST_PRIORS = 4

export const hangsByItself = (): boolean => (preferences.get()[PART] as { automatic?: unknown } | undefined)?.automatic !== false

/** Whether studies are hung without being asked; kept with the account. */
export const keepAutomatic = (automatic: boolean): Promise<void> => prefer(PART, automatic ? { automatic: true } : { automatic: false })

const RANK: Readonly<Record<Entry['from'], number>> = { own: 0, site: 1, viewer: 2 }

export function entriesOf(kept: readonly KeptProtocol[]): Entry[] {
  const ours = kept.flatMap((each): Entry[] => {
    const protocol = parseProtocol(each.protocol)
    return protocol ? [{ key: `kept-${each.id}`, protocol, from: each.shared ? 'site' : 'own', kept: each }] : []
  })
  const theirs = DEFAULTS.map((protocol): Entry => ({ key: `viewer-${protocol.name}`, protocol, from: 'viewer', kept: null }))
  return [...ours, ...theirs].sort((a, b) => RANK[a.from] - RANK[b.from])
}

/** Other studies that were made before this one, the newest first. */
export const earlierThan = (study: Study, others: readonly Study[]): Study[] =>
  others.filter((each) => each.StudyInstanceUID !== study.StudyInstanceUID && each.StudyDate <= study.StudyDate).sort((a, b) => (b.StudyDate + b.StudyTime < a.StudyDate + a.StudyTime ? -1 : 1))

/**
 * Earlier studies with the same kind of images, the newest first: the n-th of them is what a protocol calls the n-th.
 * Where the server knows of some that help to read this one, the others (another part of the body) are not counted.
 */
export function alike(study: Study, others: readonly Study[]): Study[] {
  const same = earlierThan(study, others).filter((each) => each.ModalitiesInStudy.some((modality) => study.ModalitiesInStudy.includes(modality)))
  const best = new Set(helpful(study, same))
  return best.size > 0 ? same.filter((each) => best.has(each)) : same
}

/** The earlier studies worth looking through: same kind of images, the newest and, for comparisons with it, the oldest. */
export function priorsFor(study: Study, others: readonly Study[], protocols: readonly Protocol[]): Study[] {
  if (Math.max(0, ...protocols.map(priorsOf)) === 0) return []
  const found = alike(study, others)
  const oldest = protocols.some((protocol) => priorsOf(protocol) === Number.POSITIVE_INFINITY) ? found.slice(MOST_PRIORS).slice(-1) : []
  return [...found.slice(0, MOST_PRIORS), ...oldest]
}

export class Hanging {
  readonly state = new Observable<HangingState>({ entries: entriesOf([]), fitting: [], current: null, stage: 0, busy: false })
  private readonly session: ViewerSession
  private readonly signal: AbortSignal
  private all: readonly DisplaySet[] = []
  private round = 0

  constructor(session: ViewerSession, signal: AbortSignal) {
    this.session = session
    this.signal = signal
  }

  private patch(change: Partial<HangingState>): void {
    if (!this.signal.aborted) this.state.update((now) => ({ ...now, ...change }))
  }

  /** After the first image: what fits is found, and hung if nobody has arranged anything meanwhile. False when the screen is as it was. */
  async begin(mayHang: boolean): Promise<boolean> {
    await this.session.engine.firstImage
    const untouched = this.whatIsShown()
    await this.refresh()
    const [first] = this.state.get().fitting
    // Somebody has arranged something meanwhile: as good as hung.
    if (this.whatIsShown() !== untouched) return true
    if (!first || !mayHang || !hangsByItself()) return false
    // Windows open only when a person does something: rather a stage for those that are here.
    const here = first.stages.findIndex((stage) => this.session.windows.hasRoom(stage.screens.length))
    this.apply(first, Math.max(0, here), false)
    return true
  }

  private whatIsShown(): string {
    const { layout, active } = this.session.state.get()
    return JSON.stringify([layout, active, ...this.session.engine.panes.map((pane) => [pane.state.get().seriesInstanceUID, pane.state.get().index])])
  }

  /** Asks for the protocols that are kept, and looks which fit. */
  async refresh(): Promise<void> {
    this.patch({ busy: true })
    try {
      // Without an answer those that come with the viewer do.
      const kept = await listProtocols(this.signal).catch((): KeptProtocol[] => [])
      this.signal.throwIfAborted()
      const entries = entriesOf(kept)
      const fitting = await this.fittingOf(entries)
      const { current } = this.state.get()
      this.patch({ entries, fitting, current: fitting.find((each) => each.entry.key === current?.entry.key) ?? null })
    } catch {
      // The viewer was closed, or the study cannot be looked through now: it is read without a protocol.
    } finally {
      this.patch({ busy: false })
    }
  }

  private readonly framesIn: FramesOf = async (study, series) => (await this.session.stackOf(series.SeriesInstanceUID, study.StudyInstanceUID)).frames

  private async fittingOf(entries: readonly Entry[]): Promise<Fitting[]> {
    const { groups } = this.session.state.get()
    const opened = groups[0]
    if (!opened) return []
    const facts = studyFacts(opened.study, opened.series)
    const applying = entries.filter(({ protocol }) => scoreOf(protocol.applies, facts) !== null)
    const protocols = applying.map(({ protocol }) => protocol)
    if (protocols.length === 0) return []
    const headers = protocols.some(needsHeaders)
    const all = await gather(opened.study, opened.series, 0, headers, this.framesIn, this.signal)
    const priors = priorsFor(opened.study, ofOnePatient(groups).slice(1).map((group) => group.study), protocols)
    for (const [at, prior] of priors.entries()) {
      all.push(...(await gather(prior, await this.session.seriesIn(prior.StudyInstanceUID), at + 1, headers, this.framesIn, this.signal)))
    }
    this.all = all
    const room = this.session.engine.panes.length
    return rankedFits(applying, facts, all).flatMap((each) => {
      const stages = each.stages.filter((stage) => stage.cells.length <= room)
      return stages.length > 0 ? [{ ...each, stages }] : []
    })
  }

  /** Hangs a stage of a protocol that fits; its further screens in further windows, which may be opened on a click or a key. */
  apply(fitting: Fitting, stage = 0, mayOpen = true): void {
    const wanted = fitting.stages[stage]
    if (!wanted) return
    this.patch({ current: fitting, stage })
    this.round++
    const [own, ...further] = screensOf(wanted).map(({ layout, cells, shown, laid }): Sheet => ({
      round: this.round,
      layout,
      cells: cells.map((cell, at) => {
        const found = shown[at]
        return cell && found ? { cell, shown: found, laid: laid[at] ?? null } : null
      }),
    }))
    if (own) this.hangSheet(own)
    void this.session.windows.hang(further, mayOpen)
  }

  /** In a further window: hangs what the first one says. */
  async follow(sheet: Sheet): Promise<void> {
    const opened = this.session.state.get().groups[0]?.study.StudyInstanceUID
    const others = new Set(sheet.cells.flatMap((each) => (each ? [each.shown, ...(each.laid ? [each.laid] : [])] : [])).map((each) => each.studyInstanceUID))
    others.delete(opened ?? '')
    try {
      for (const study of others) await this.session.seriesIn(study)
    } catch (error) {
      // What is of the opened study hangs all the same.
      this.session.linking.say(error instanceof Error ? `The earlier study cannot be opened: ${error.message}` : 'The earlier study cannot be opened.')
    }
    if (!this.signal.aborted) this.hangSheet(sheet)
  }

  private hangSheet({ layout, cells }: Sheet): void {
    this.session.setLayout(layout as Layout, false)
    const { panes } = this.session.engine
    const mates = panes.filter((_, at) => cells[at]?.cell.equalScale)
    for (const [at, wanted] of cells.entries()) {
      const pane = panes[at]
      if (!pane) continue
      if (wanted) void this.hang(pane, at, wanted.cell, wanted.shown, mates, wanted.laid)
      else {
        this.session.setContent(at, null)
        pane.clear()
      }
    }
    this.session.setActive(0)
  }

  private async hang(pane: Pane, at: number, cell: Cell, shown: DisplaySet, mates: readonly Pane[], laid: DisplaySet | null): Promise<void> {
    const { seriesInstanceUID: uid, index } = shown
    // What hangs there already stays, so that nothing flickers.
    if (pane.state.get().seriesInstanceUID === uid && pane.state.get().count > 0) pane.goTo(pane.state.get().index === 0 || shown.index > 0 || pane.hung ? index : pane.state.get().index)
    else await this.session.show(uid, at, index)
    this.session.setActive(0)
    if (pane.state.get().seriesInstanceUID !== uid) return
    if (laid) lay(this.session, at, uid, laid.seriesInstanceUID)
    this.session.setContent(at, cell.as || null)
    pane.hang({ ...lookOf(cell, cell.equalScale ? mates : []), elsewhere: () => this.session.windows.leastScale() })
  }

  step(by: 1 | -1): void {
    const { current, stage, fitting } = this.state.get()
    const chosen = current ?? fitting[0]
    if (!chosen) return
    const count = chosen.stages.length
    this.apply(chosen, current ? (stage + by + count) % count : 0)
  }

  // --- by example

  /** What hangs in each viewport of the layout, as an example for a protocol. */
  async example(): Promise<Example> {
    const { layout, groups } = this.session.state.get()
    const { rows, columns } = gridOf(layout)
    const hung = await Promise.all(
      this.session.engine.panes.slice(0, rows * columns).map(async (pane, at): Promise<Hung | null> => {
        const { seriesInstanceUID: uid, index } = pane.state.get()
        const group = groups.find((each) => each.series.some((series) => series.SeriesInstanceUID === uid))
        const series = group?.series.find((each) => each.SeriesInstanceUID === uid)
        if (!group || !series) return null
        const sets = await gather(group.study, [series], this.priorOf(group), true, this.framesIn, this.signal)
        const shown = sets.findLast((each) => each.index <= index) ?? sets[0]
        return shown ? { shown, ...lookedAt(pane), ...(await this.volumeAt(at, uid ?? '')) } : null
      }),
    )
    return { layout, hung }
  }

  /** 0 for the study that was opened, n for the n-th earlier one with the same kind of images. */
  private priorOf({ study }: Group): number {
    const [opened, ...others] = ofOnePatient(this.session.state.get().groups)
    if (!opened || opened.study.StudyInstanceUID === study.StudyInstanceUID) return 0
    return alike(opened.study, others.map((group) => group.study)).findIndex((each) => each.StudyInstanceUID === study.StudyInstanceUID) + 1
  }

  /** How a viewport shows its series as a volume, and what is laid over it there. */
  private async volumeAt(at: number, uid: string): Promise<Pick<Hung, 'as' | 'over'>> {
    const { contents, groups } = this.session.state.get()
    const as = WAYS.find((each) => each === contents[at]) ?? ''
    const over = as === 'fusion' ? (laidAt(laidOf(this.session).get(), at, uid) ?? overlaysFor(groups, uid)[0]?.uid) : undefined
    const group = groups.find((each) => each.series.some((series) => series.SeriesInstanceUID === over))
    const series = group?.series.find((each) => each.SeriesInstanceUID === over)
    const found = group && series ? await gather(group.study, [series], this.priorOf(group), true, this.framesIn, this.signal) : []
    return { as, over: found[0] ?? null }
  }

  /** How a protocol that is not kept yet would hang this study. */
  tryHere(protocol: Protocol): Fit | null {
    const opened = this.session.state.get().groups[0]
    return opened ? fitOf(protocol, studyFacts(opened.study, opened.series), this.all) : null
  }
}

export function rankedFits(entries: readonly Entry[], facts: Parameters<typeof fitOf>[1], all: readonly DisplaySet[]): Fitting[] {
  return entries
    .flatMap((entry) => {
      const fit = fitOf(entry.protocol, facts, all)
      return fit ? [{ ...fit, entry }] : []
    })
    .sort((a, b) => RANK[a.entry.from] - RANK[b.entry.from] || b.score - a.score)
}

/** How a study of the archive would be hung by a protocol. */
export async function tryOn(protocol: Protocol, study: Study, read: (uid: string) => Promise<{ series: Parameters<typeof gather>[1]; priors: readonly Study[] }>, signal: AbortSignal): Promise<{ fit: Fit | null; all: readonly DisplaySet[] }> {
  const detail = await read(study.StudyInstanceUID)
  const headers = needsHeaders(protocol)
  const framesIn = askFrames(signal)
  const all = await gather(study, detail.series, 0, headers, framesIn, signal)
  for (const [at, prior] of priorsFor(study, detail.priors, [protocol]).entries()) {
    all.push(...(await gather(prior, (await read(prior.StudyInstanceUID)).series, at + 1, headers, framesIn, signal)))
  }
  return { fit: fitOf(protocol, studyFacts(study, detail.series), all), all }
}

function lookOf(cell: Cell, mates: readonly Pane[]): Look {
  const { window: wanted } = cell
  const preset = typeof wanted === 'string' ? CT_PRESETS.findIndex((each) => each.name === wanted) : -1
  const found = CT_PRESETS[preset]
  const window = typeof wanted !== 'string' ? { window: { ...wanted, shape: 'LINEAR' as const }, id: '' } : found ? { window: found.window, id: `modality-${preset}` } : null
  return { window, turn: (frame) => turnFor(frame, cell.orientation), justify: cell.justify, mates }
}

/** The turn that brings the patient's directions to the right and the bottom edge; as it came when no turn does. */
export function turnFor(frame: Pick<Frame, 'plane'>, [right = 'X', bottom = 'X']: readonly string[]): Turn {
  const fits = (at: string, wanted: string): boolean => wanted === 'X' || at.startsWith(wanted.charAt(0))
  return (
    TURNS.find((turn) => {
      const markers = markersOf(frame.plane, turn)
      return markers !== undefined && fits(markers.right, right) && fits(markers.bottom, bottom)
    }) ?? UPRIGHT
  )
}

function lookedAt(pane: Pane): Pick<Hung, 'window' | 'orientation' | 'justify' | 'equalScale'> {
  const { window, presetId, view, picture } = pane.state.get()
  const preset = /^modality-(\d+)$/.exec(presetId)?.[1]
  const markers = picture && markersOf(picture.frame.plane, view.turn)
  const turned = view.turn.a !== 1 || view.turn.d !== 1
  return {
    window: preset !== undefined ? (CT_PRESETS[Number(preset)]?.name ?? '') : presetId === '' && window && !window.table ? { center: window.center, width: window.width } : '',
    orientation: turned && markers ? [markers.right.charAt(0) || 'X', markers.bottom.charAt(0) || 'X'] : [],
    justify: pane.hung?.justify ?? '',
    equalScale: (pane.hung?.mates.length ?? 0) > 1,
  }
}
