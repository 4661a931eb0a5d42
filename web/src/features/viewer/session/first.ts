// The first image of a large series, when its header is here before the list of all images.
import type { JsonDataset } from '../../../dicomweb/types'
import type { Pane } from '../engine/pane'
import { picturesOf } from '../model/series'
import { type Opening, firstHeader } from './opening'
import type { ViewerSession } from './session'

async function headerOf(session: ViewerSession, opening: Opening, seriesInstanceUID: string, signal: AbortSignal): Promise<JsonDataset | null> {
  const early = await opening.early.catch(() => null)
  if (early?.seriesInstanceUID === seriesInstanceUID) return early.first
  const [series, study] = [session.seriesOf(seriesInstanceUID), session.studyOf(seriesInstanceUID)]
  return series && study !== undefined && !signal.aborted ? firstHeader(study, series, signal) : null
}

/** @param signal aborted when the list is here, which shows it all */
export async function showFirst(session: ViewerSession, opening: Opening, pane: Pane, seriesInstanceUID: string, signal: AbortSignal): Promise<void> {
  const header = await headerOf(session, opening, seriesInstanceUID, signal)
  const [series, study] = [session.seriesOf(seriesInstanceUID), session.studyOf(seriesInstanceUID)]
  const now = pane.state.get()
  if (!header || !series || study === undefined || signal.aborted || now.seriesInstanceUID !== seriesInstanceUID || now.status !== 'opening') return
  const frames = picturesOf([header], study, seriesInstanceUID)
  if (frames.length !== 1 || frames[0]?.reason !== '') return
  session.engine.register(frames)
  pane.open({ seriesInstanceUID, modality: series.Modality, frames, expected: series.NumberOfSeriesRelatedInstances })
}
