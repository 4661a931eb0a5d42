// Putting a drawing into the archive: as a segmentation of its type, or as RT structures.
import { CONTENT, newUid, storeContent } from '../../../../dicomweb/store'
import { type Dataset, text } from '../../model/dataset'
import type { Frame } from '../../model/frame'
import type { Naming } from '../../model/overlays/composing'
import type { Segmentation } from '../../model/overlays/segmentation'
import { T } from '../../model/overlays/tags'
import { written } from '../../model/overlays/writing'
import { structuresFrom } from '../../model/overlays/writingStructures'
import { Tag } from '../../model/tags'
import type { ViewerSession } from '../session'

export interface Stored {
  readonly sopInstanceUID: string
  readonly series: string
  readonly contentLabel: string
}

export interface Drawn {
  readonly label: string
  readonly author: string
  readonly seriesNumber: number
  readonly segmentation: Segmentation
  /** The stack it was drawn on. */
  readonly frames: readonly Frame[]
}

/** A series of its own in the study of its images. Throws what the archive says, or why the form cannot hold it. */
export async function stored({ label, author, seriesNumber, segmentation, frames }: Drawn, as: 'segmentation' | 'structures'): Promise<Stored> {
  const naming: Naming = { uid: newUid, now: new Date(), author, seriesNumber, version: '1' }
  const { segments, layers, step, type } = segmentation
  if (as === 'structures') return sent(structuresFrom(label, segments, layers, frames, naming), null)
  const { dataset, pixels } = written(label, segments, layers, frames, step, naming, type)
  return sent({ ...dataset, [Tag.PixelData]: { vr: 'OB', BulkDataURI: CONTENT } }, new Blob([pixels]))
}

async function sent(dataset: Dataset, content: Blob | null): Promise<Stored> {
  const outcome = await storeContent(content, 'application/octet-stream', dataset, text(dataset, Tag.StudyInstanceUID), { signal: new AbortController().signal, onProgress: () => undefined })
  if (outcome.status !== 'stored') throw new Error(`The archive did not keep it: ${outcome.reason || outcome.status}.`)
  return { sopInstanceUID: text(dataset, Tag.SOPInstanceUID), series: text(dataset, Tag.SeriesInstanceUID), contentLabel: text(dataset, T.ContentLabel) }
}

export function nextSeriesNumber(session: ViewerSession): number {
  const numbers = session.state.get().groups.flatMap((group) => group.series.map((series) => Number(series.SeriesNumber)))
  return Math.max(0, ...numbers.filter(Number.isFinite)) + 1
}
