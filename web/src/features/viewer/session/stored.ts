// Presentations, reports and key images of the open study: found, read when they are asked for, and put on the screen.
import { seriesMetadata } from '../../../dicomweb/client'
import type { Series } from '../../../api/types'
import { Observable } from '../../../lib/observable'
import { frameIdOf } from '../model/annotations'
import { type Dataset, text } from '../model/dataset'
import type { Figure } from '../model/graphics2d'
import { type Presentation, isPresentation, presentationOf } from '../model/presentations'
import { type Reference, evidenceOf, figuresOf, measurementsOf } from '../model/reports'
import type { ViewerSession } from './session'

export interface Shown {
  readonly title: string
  readonly figures: readonly Figure[]
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

export async function presentationsIn(session: ViewerSession, series: Series, signal?: AbortSignal): Promise<Presentation[]> {
  return (await readObjects(session, series, signal)).filter(isPresentation).map(presentationOf)
}

/** Shows the images of a presentation as it says; false when none of them is here. */
export async function present(session: ViewerSession, presentation: Presentation): Promise<boolean> {
  const found = [...presentation.series].find(([series]) => session.seriesOf(series) !== undefined)
  const study = found && session.studyOf(found[0])
  if (!found || study === undefined) return false
  const [series, images] = found
  const frame = presentation.figures.find((figure) => images.includes(figure.sopInstanceUID))
  const instance = frame?.sopInstanceUID ?? images[0] ?? ''
  await session.goToFrame(frameIdOf({ study, series, instance, frame: frame?.frames[0] ?? 1 }))
  const pane = session.activePane
  pane.turn(() => presentation.turn)
  pane.fit()
  if (presentation.window) pane.setWindow(presentation.window)
  if (pane.state.get().inverted !== presentation.inverted) pane.invert()
  shownOf(session).set({ title: presentation.title, figures: presentation.figures })
  return true
}

/** From a report to the image that it speaks of, with what it draws there. */
export async function goToImage(session: ViewerSession, report: Dataset, { sopInstanceUID, frame }: Reference, title: string): Promise<void> {
  const study = text(report, '0020000D')
  const series = evidenceOf(report).get(sopInstanceUID)
  if (series === undefined || !session.seriesOf(series)) return
  shownOf(session).set({ title, figures: figuresOf(report) })
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
