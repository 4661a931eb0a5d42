// The order and the words of the series rail.
import type { Series } from '../../../api/types'
import { nameOf } from './objects/kinds'
import { pictureless } from './reasons'

/** Whether a series is likely to have something to look at, before any header is read. */
export const hasPictures = (series: Series): boolean => series.SOPClassUIDs.some((sopClass) => pictureless(sopClass) === '')

const order = (series: Series): number => {
  const raw = series.SeriesNumber
  const number = raw === null || raw === '' ? Number.NaN : Number(raw)
  return Number.isFinite(number) ? number : Number.MAX_SAFE_INTEGER
}

/** Pictures first, each part by series number. */
export function inRailOrder(series: readonly Series[]): Series[] {
  return [...series].sort(
    (a, b) => Number(hasPictures(b)) - Number(hasPictures(a)) || order(a) - order(b) || (a.SeriesInstanceUID < b.SeriesInstanceUID ? -1 : 1),
  )
}

/** The series a viewer opens with: the one that was asked for, if the study has it. */
export function firstToShow(series: readonly Series[], asked = ''): Series | undefined {
  const sorted = inRailOrder(series)
  return sorted.find((each) => each.SeriesInstanceUID === asked) ?? sorted.find(hasPictures) ?? sorted[0]
}

const NAMES: Readonly<Record<string, string>> = {
  SR: 'Structured report',
  KO: 'Key images',
  PR: 'Presentation states',
  DOC: 'Document',
  SEG: 'Segmentation',
  REG: 'Registration',
  ECG: 'ECG',
  RTSTRUCT: 'RT structure set',
  RTPLAN: 'RT plan',
  RTDOSE: 'RT dose',
}

/** What a series holds that is not simply images: "PDF document", "12-lead ECG", "Whole slide"; '' otherwise. */
export function objectName(series: Series): string {
  const names = new Set(series.SOPClassUIDs.map(nameOf))
  return names.size === 1 ? ([...names][0] ?? '') : ''
}

export function seriesTitle(series: Series): string {
  return [series.SeriesDescription, objectName(series), NAMES[series.Modality], series.BodyPartExamined].find(Boolean) ?? 'No description'
}

/** "100 images", "1 object", "67 frames". */
export function countText(series: Series): string {
  const count = series.NumberOfSeriesRelatedInstances
  const frames = series.middle?.NumberOfFrames ?? series.first?.NumberOfFrames ?? 1
  if (!hasPictures(series)) return count === 1 ? '1 object' : `${count} objects`
  if (count === 1 && frames > 1) return `${frames} frames`
  return count === 1 ? '1 image' : `${count} images`
}
