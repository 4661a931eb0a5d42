// What can be asked of the server while the viewer's code is still on its way: the study, and the first series' list of images.
import { readStudy } from '../../../api/studies'
import type { StudyDetail } from '../../../api/types'
import { seriesMetadata } from '../../../dicomweb/client'
import type { JsonDataset } from '../../../dicomweb/types'
import { firstToShow } from '../model/rail'

export interface Early {
  readonly seriesInstanceUID: string
  readonly metadata: Promise<JsonDataset[]>
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

export function beginOpening(studyInstanceUID: string, series: string): Opening {
  const study = quietly(readStudy(studyInstanceUID))
  const early = study.then((answer): Early | null => {
    const first = firstToShow(answer.series, series)
    return first ? { seriesInstanceUID: first.SeriesInstanceUID, metadata: quietly(seriesMetadata(studyInstanceUID, first.SeriesInstanceUID)) } : null
  })
  return { series, study, early: quietly(early) }
}
