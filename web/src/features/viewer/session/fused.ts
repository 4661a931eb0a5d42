// By viewport: which series is laid over the one that hangs there as a volume. Chosen by hand, or by a hanging protocol.
import { Observable } from '../../../lib/observable'
import { patientNumbers } from '../model/patients'
import type { Group, ViewerSession } from './session'

export interface Laid {
  /** The series below. */
  readonly on: string
  /** The series above; '' for none. */
  readonly over: string
}

const known = new WeakMap<ViewerSession, Observable<Readonly<Record<number, Laid>>>>()

export function laidOf(session: ViewerSession): Observable<Readonly<Record<number, Laid>>> {
  const laid = known.get(session) ?? new Observable<Readonly<Record<number, Laid>>>({})
  known.set(session, laid)
  return laid
}

export function lay(session: ViewerSession, at: number, on: string, over: string): void {
  laidOf(session).update((now) => ({ ...now, [at]: { on, over } }))
}

/** What is laid over the series `on` in a viewport; undefined when nobody has chosen. */
export function laidAt(laid: Readonly<Record<number, Laid>>, at: number, on: string): string | undefined {
  const found = laid[at]
  return found?.on === on ? found.over : undefined
}

const KINDS = ['PT', 'NM', 'MR', 'CT']

/** What may be laid over a series, the likeliest first: functional images before anatomy. */
export function overlaysFor(groups: readonly Group[], own: string): { readonly uid: string; readonly name: string }[] {
  const numbers = patientNumbers(groups)
  const patientOf = (uid: string) => numbers.get(groups.find((group) => group.series.some((each) => each.SeriesInstanceUID === uid))?.study.StudyInstanceUID ?? '')
  // One patient's pictures are never laid over another's.
  const series = groups.filter((group) => numbers.get(group.study.StudyInstanceUID) === patientOf(own)).flatMap((group) => group.series).filter(({ SeriesInstanceUID: uid, Modality, NumberOfSeriesRelatedInstances: count }) => uid !== own && KINDS.includes(Modality) && count > 2)
  return series.sort((a, b) => KINDS.indexOf(a.Modality) - KINDS.indexOf(b.Modality)).map(({ SeriesInstanceUID: uid, Modality, SeriesDescription }) => ({ uid, name: [Modality, SeriesDescription].filter(Boolean).join(' ') }))
}
