// Which earlier study, and which of its series, is compared with what is on the screen. Pure; how much a study helps is the server's word.
import type { Series, Study } from '../../../api/types'
import { hasPictures } from './rail'

/** Below this an earlier study is of another part of the body, or nothing is known that would speak for it. */
export const HELPFUL = 30

/** Earlier studies that help to read this one, the best first; of equal ones the newer first. */
export function helpful(opened: Study, others: readonly Study[]): Study[] {
  return others
    .filter((each) => each.StudyInstanceUID !== opened.StudyInstanceUID && each.StudyDate <= opened.StudyDate && (each.relevance?.score ?? 0) >= HELPFUL)
    .sort((a, b) => (b.relevance?.score ?? 0) - (a.relevance?.score ?? 0) || (a.StudyDate < b.StudyDate ? 1 : -1))
}

const wordsOf = (series: Series): Set<string> => new Set(series.SeriesDescription.toLowerCase().match(/[\p{L}\d.]+/gu) ?? [])

function likeness(a: Series, b: Series): number {
  const [ours, theirs] = [wordsOf(a), wordsOf(b)]
  const common = [...ours].filter((word) => theirs.has(word)).length
  const [less, more] = [a.NumberOfSeriesRelatedInstances, b.NumberOfSeriesRelatedInstances].sort((x, y) => x - y)
  return (
    (a.Modality === b.Modality ? 40 : 0) +
    (30 * common) / Math.max(1, Math.max(ours.size, theirs.size)) +
    // A localizer is no partner of a volume.
    (15 * (less ?? 0)) / Math.max(1, more ?? 1) +
    (a.BodyPartExamined !== '' && a.BodyPartExamined === b.BodyPartExamined ? 10 : 0) +
    (a.SeriesNumber === b.SeriesNumber ? 5 : 0)
  )
}

/** The series that is most like one; undefined when there are no pictures. */
export function likeliest(series: Series, candidates: readonly Series[]): Series | undefined {
  return candidates.filter(hasPictures).reduce<Series | undefined>((best, each) => (best && likeness(series, best) >= likeness(series, each) ? best : each), undefined)
}
