// An open viewer while images still arrive: series grow, new ones and other studies of the patient take their place in the rail.
import { readStudy } from '../../../api/studies'
import type { Study, StudyDetail } from '../../../api/types'
import { isAbort } from '../../../lib/http'
import { inRailOrder } from '../model/rail'
import type { ViewerSession } from './session'
import type { Group } from './state'

export const closed = (study: Study): Group => ({ study, series: [], state: 'closed', reason: '' })

export class Live {
  private readonly session: ViewerSession
  private readonly studyInstanceUID: string
  private readonly signal: AbortSignal
  private timer = 0

  constructor(session: ViewerSession, studyInstanceUID: string, signal: AbortSignal) {
    this.session = session
    this.studyInstanceUID = studyInstanceUID
    this.signal = signal
  }

  /** Images arrive in bursts: one refresh a second is plenty. */
  refreshSoon(): void {
    if (this.timer) return
    this.timer = window.setTimeout(() => {
      this.timer = 0
      void this.refresh()
    }, 1000)
  }

  private async refresh(): Promise<void> {
    for (const group of this.session.state.get().groups) {
      if (group.series.length === 0) continue
      try {
        const study = await readStudy(group.study.StudyInstanceUID, { signal: this.signal, background: true })
        await this.merge(group, study)
      } catch (error) {
        // Not live for a moment; the feed will ask again with the next change.
        if (isAbort(error)) return
      }
    }
  }

  private async merge(group: Group, study: StudyDetail): Promise<void> {
    const before = new Map(group.series.map((series) => [series.SeriesInstanceUID, series.NumberOfSeriesRelatedInstances]))
    const added = study.series.filter((series) => !before.has(series.SeriesInstanceUID))
    const grown = study.series.filter((series) => (before.get(series.SeriesInstanceUID) ?? Infinity) < series.NumberOfSeriesRelatedInstances)
    this.session.setGroup(study.StudyInstanceUID, { study, series: inRailOrder(study.series) })
    if (study.StudyInstanceUID === this.studyInstanceUID) this.addPriors(study.priors)
    if (added.length > 0) {
      this.session.patch({ fresh: new Set([...this.session.state.get().fresh, ...added.map((series) => series.SeriesInstanceUID)]) })
      this.session.thumbnails.want(added)
    }
    for (const { SeriesInstanceUID: uid } of grown) {
      if (!this.session.forget(uid)) continue
      const stack = await this.session.stackOf(uid, study.StudyInstanceUID)
      for (const pane of this.session.engine.panes) if (pane.state.get().seriesInstanceUID === uid) pane.grow(stack)
    }
    // A viewer opened on a study that was still empty shows its first series when it comes.
    const first = this.session.allSeries()[0]
    if (first && this.session.engine.panes.every((pane) => pane.state.get().seriesInstanceUID === null)) await this.session.show(first.SeriesInstanceUID, 0)
  }

  /** Priors that were not there yet take their place in the server's order, newest first. */
  private addPriors(priors: readonly Study[]): void {
    const known = new Map(this.session.state.get().groups.map((group) => [group.study.StudyInstanceUID, group]))
    if (priors.every((prior) => known.has(prior.StudyInstanceUID))) return
    const listed = priors.map((prior) => known.get(prior.StudyInstanceUID) ?? closed(prior))
    const others = [...known.values()].filter((group) => !listed.includes(group))
    this.session.patch({ groups: [...others.filter((group) => !group.added), ...listed, ...others.filter((group) => group.added)] })
  }

  dispose(): void {
    window.clearTimeout(this.timer)
  }
}
