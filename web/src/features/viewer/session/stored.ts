// Presentations, reports and key images of the open study: found, read when they are asked for, and put on the screen.
import { seriesMetadata } from '../../../dicomweb/client'
import type { Series } from '../../../api/types'
import { Observable } from '../../../lib/observable'
import { frameIdOf } from '../model/annotations'
import { type Dataset, text } from '../model/dataset'
import type { Figure } from '../model/graphics2d'
import type { Outline } from '../model/outlines'
import { type Reference, evidenceOf, figuresOf, measurementsOf, outlinesIn3d } from '../model/reports'
import type { ViewerSession } from './session'

export interface Shown {
  readonly title: string
  readonly figures: readonly Figure[]
  readonly outlines: readonly Outline[]
}

const shown = new WeakMap<ViewerSession, Observable<Shown | null>>()

/** What a stored object draws on the images at present. */
export function shownOf(session: ViewerSession): Observable<Shown | null> {
  const known = shown.get(session) ?? new Observable<Shown | null>(null)
  shown.set(session, known)
  return known
}

export const isReport = (series: Series): boolean => series.Modality === 'KO' || series.Modality === 'SR' || series.SOPClassUIDs.some((each) => each.startsWith('1.2.840.10008.5.1.4.1.1.88.'))

export const readObjects = (session: ViewerSession, series: Series, signal?: AbortSignal): Promise<readonly Dataset[]> =>
  seriesMetadata(session.studyOf(series.SeriesInstanceUID) ?? '', series.SeriesInstanceUID, signal)

/** From a report to the image that it speaks of, with what it draws there. */
export async function goToImage(session: ViewerSession, report: Dataset, { sopInstanceUID, frame }: Reference, title: string): Promise<void> {
  const study = text(report, '0020000D')
  const series = evidenceOf(report).get(sopInstanceUID)
  if (series === undefined || !session.seriesOf(series)) return
  shownOf(session).set({ title, figures: figuresOf(report), outlines: outlinesIn3d(report) })
  // The report stays where it is when there is another viewport.
  await session.goToFrame(frameIdOf({ study, series, instance: sopInstanceUID, frame }))
}

/** Takes a report's measurements over as one's own; how many there were. */
export function adopt(session: ViewerSession, report: Dataset): number {
  const evidence = evidenceOf(report)
  const found = measurementsOf(report, (instance) => evidence.get(instance))
  if (found.length > 0) session.annotations.adopt(found)
  return found.length
}
