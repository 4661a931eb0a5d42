// What can be asked of the server while the viewer's code is still on its way: the study, the first series' list of images and its first image.
import { readStudy } from '../../../api/studies'
import type { Series, StudyDetail } from '../../../api/types'
import { instanceMetadata, seriesMetadata } from '../../../dicomweb/client'
import type { JsonDataset } from '../../../dicomweb/types'
import { firstToShow, hasPictures } from '../model/rail'

/** Images whose list is small enough to be waited for. */
const FEW = 16

export interface Early {
  readonly seriesInstanceUID: string
  readonly metadata: Promise<JsonDataset[]>
  /** The header of the first image, where it is likely to be here before the list. */
  readonly first: Promise<JsonDataset | null>
}

export interface Opening {
  /** The series that was asked for by name, '' for whichever comes first. */
  readonly series: string
  readonly study: Promise<StudyDetail>
  /** Resolves as soon as it is known which series comes first. */
  readonly early: Promise<Early | null>
}

const quietly = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined) // told by whoever waits for it
  return promise
}

/** The header of the first image of a series of many, so that it need not wait for the list of all; else null. */
export async function firstHeader(studyInstanceUID: string, series: Series, signal?: AbortSignal): Promise<JsonDataset | null> {
  const { first, NumberOfSeriesRelatedInstances: count } = series
  if (!first || count <= FEW || (first.NumberOfFrames ?? 1) > 1 || !hasPictures(series)) return null
  return instanceMetadata(studyInstanceUID, series.SeriesInstanceUID, first.SOPInstanceUID, signal).catch(() => null) // the list will tell
}

function beginOpening(studyInstanceUID: string, series: string): Opening {
  const study = quietly(readStudy(studyInstanceUID))
  const early = study.then((answer): Early | null => {
    const first = firstToShow(answer.series, series)
    if (!first) return null
    const { SeriesInstanceUID: seriesInstanceUID } = first
    return { seriesInstanceUID, first: firstHeader(studyInstanceUID, first), metadata: quietly(seriesMetadata(studyInstanceUID, seriesInstanceUID)) }
  })
  return { series, study, early: quietly(early) }
}

/** The last one, and until when whoever asks for the same study means it: React may ask several times before it shows a page. */
let begun: { readonly study: string; readonly until: number; readonly opening: Opening } | null = null
const ONE_CLICK = 2000

function forget(opening: Opening): void {
  if (begun?.opening === opening) begun = null
}

/** What is asked of the server for a study that is being opened. */
export function openingOf(studyInstanceUID: string, series: string): Opening {
  const now = performance.now()
  if (begun?.study === studyInstanceUID && begun.opening.series === series && now < begun.until) return begun.opening
  const opening = beginOpening(studyInstanceUID, series)
  begun = { study: studyInstanceUID, until: now + ONE_CLICK, opening }
  opening.study.catch(() => forget(opening)) // it may be fetched from another archive within the time of one click, and is asked for again
  return opening
}
