// What of a study can hang in a viewport, and what is known of it; headers are read only when a protocol asks for what stands there.
import type { Series, Study } from '../../../api/types'
import { instanceMetadata, seriesMetadata } from '../../../dicomweb/client'
import type { Frame } from '../model/frame'
import { framesOf, instanceOf } from '../model/frame'
import { hangsByImage, imageFacts, seriesFacts } from '../model/hanging/facts'
import type { DisplaySet } from '../model/hanging/match'
import { text } from '../model/dataset'
import { hasPictures } from '../model/rail'
import { Tag } from '../model/tags'
import { picturesOf } from '../model/series'

export type FramesOf = (study: Study, series: Series) => Promise<readonly Frame[]>

export const askFrames =
  (signal: AbortSignal): FramesOf =>
  async (study, series) =>
    picturesOf(await seriesMetadata(study.StudyInstanceUID, series.SeriesInstanceUID, signal), study.StudyInstanceUID, series.SeriesInstanceUID)

const TOGETHER = 4

async function setsOf(study: Study, series: Series, prior: number, headers: boolean, framesIn: FramesOf, signal: AbortSignal): Promise<DisplaySet[]> {
  const common = seriesFacts(study, series)
  const at = (index: number, facts = common): DisplaySet => ({ studyInstanceUID: study.StudyInstanceUID, seriesInstanceUID: series.SeriesInstanceUID, index, prior, facts })
  if (hangsByImage(series.Modality)) {
    const frames = await framesIn(study, series)
    return frames.flatMap((frame, index) => {
      const first = frames[index - 1]?.instance !== frame.instance
      return first && frame.reason === '' ? [at(index, { ...common, ...imageFacts(frame.instance.dataset, frame) })] : []
    })
  }
  const middle = series.middle ?? series.first
  if (!headers || !middle) return [at(0)]
  const header = await instanceMetadata(study.StudyInstanceUID, series.SeriesInstanceUID, middle.SOPInstanceUID, signal)
  const frame = header && framesOf(instanceOf(header, study.StudyInstanceUID, series.SeriesInstanceUID))[0]
  if (!header || !frame) return [at(0)]
  return [{ ...at(0, { ...common, ...imageFacts(header, frame) }), frameOfReference: text(header, Tag.FrameOfReferenceUID) }]
}

/** The display sets of a study in the order of its series; a series that cannot be read now is left out. */
export async function gather(study: Study, series: readonly Series[], prior: number, headers: boolean, framesIn: FramesOf, signal: AbortSignal): Promise<DisplaySet[]> {
  const wanted = series.filter(hasPictures)
  const found: DisplaySet[] = []
  for (let from = 0; from < wanted.length; from += TOGETHER) {
    const some = wanted.slice(from, from + TOGETHER).map((each) => setsOf(study, each, prior, headers, framesIn, signal).catch((): DisplaySet[] => []))
    found.push(...(await Promise.all(some)).flat())
    signal.throwIfAborted()
  }
  return found
}
