// The text in the corners of a viewport.
import { ageAt, formatDate, formatTime } from '../../../lib/dates'
import { type Dataset, fullName, numbers, text, texts } from './dataset'
import type { Frame } from './frame'
import { Tag } from './tags'
import { frameLaterality, frameTerms, locationOf } from './frameTerms'
import { techniqueOf } from './technique'
import { type Window, rangeOf } from './windows'

const SEX: Readonly<Record<string, string>> = { M: 'male', F: 'female', O: 'other' }

const short = (value: number): string => (Number.isInteger(value) ? String(value) : Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(1) : value.toPrecision(2))

export function windowText(window: Window): string {
  if (!window.table) return `W ${short(window.width)}  L ${short(window.center)}`
  const { lower, upper } = rangeOf(window)
  return `LUT ${short(lower)} … ${short(upper)}`
}

export type Relation = 'this' | 'prior' | 'later' | 'other'

/** How another study of the patient stands to the one that was opened; by date (DA), '' counts as unknown and so as prior. */
export const relationOf = (studyDate: string, openedDate: string): Relation => (studyDate > openedDate ? 'later' : 'prior')

export const RELATION_WORDS: Readonly<Record<Relation, string>> = { this: '', prior: 'Prior study', later: 'Later study', other: 'Other patient' }

export interface Shown {
  readonly frame: Frame
  /** 0-based. */
  readonly index: number
  readonly count: number
  readonly window: Window | undefined
  readonly inverted: boolean
  /** Screen pixels per image pixel. */
  readonly magnification: number
  readonly color: boolean
  /** For an image of another study than the one that was opened: 'prior' or 'later' of the patient, 'other' of another patient. */
  readonly relation: Relation
  /** Where its millimetres come from (calibration.ts provenance), '' when they are simply those of the patient. */
  readonly measured?: string
  /** What its ICC profile does to its colours, '' when they are simply those of the screen. */
  readonly profile?: string
}

export interface Corners {
  readonly topLeft: readonly string[]
  readonly topRight: readonly string[]
  readonly bottomLeft: readonly string[]
  readonly bottomRight: readonly string[]
}

export type Detail = 'all' | 'image' | 'none'

/** The three states of the overlay: everything, nothing that names the patient, nothing at all. */
export const nextDetail: Readonly<Record<Detail, Detail>> = { all: 'image', image: 'none', none: 'all' }

const present = (lines: readonly string[]): string[] => lines.filter((line) => line !== '')

const AGE_UNITS: Readonly<Record<string, string>> = { D: 'd', W: 'wk', M: 'mo', Y: 'y' }

/** AS, "062Y", as "62 y". */
function statedAge(raw: string): string {
  const [, count = '', unit = ''] = /^0*(\d+)([DWMY])$/.exec(raw) ?? []
  return count && `${count} ${AGE_UNITS[unit] ?? ''}`
}

function patientLines(dataset: Dataset): string[] {
  const birth = text(dataset, Tag.PatientBirthDate)
  const age = ageAt(birth, text(dataset, Tag.StudyDate)) || statedAge(text(dataset, Tag.PatientAge))
  const sex = text(dataset, Tag.PatientSex)
  return present([fullName(dataset, Tag.PatientName), text(dataset, Tag.PatientID), present([formatDate(birth), age && `(${age})`, SEX[sex] ?? sex]).join('  ')])
}

function studyLines(dataset: Dataset): string[] {
  return present([
    text(dataset, Tag.InstitutionName),
    present([formatDate(text(dataset, Tag.StudyDate)), formatTime(text(dataset, Tag.StudyTime))]).join('  '),
    text(dataset, Tag.StudyDescription),
    text(dataset, Tag.AccessionNumber) && `Acc ${text(dataset, Tag.AccessionNumber)}`,
  ])
}

/** PS3.3 C.7.6.1.1.5.1; what is not listed there is said as it stands. */
const LOSSY_METHODS: Readonly<Record<string, string>> = {
  ISO_10918_1: 'JPEG', ISO_14495_1: 'JPEG-LS', ISO_15444_1: 'JPEG 2000', ISO_15444_15: 'HTJ2K', ISO_18181_1: 'JPEG XL', ISO_13818_2: 'MPEG-2', ISO_14496_10: 'H.264', ISO_23008_2: 'HEVC',
}

/** Transfer syntaxes that are lossy whatever the object says: JPEG baseline and extended, and all films (PS3.5 8.2, A.4). */
const LOSSY_SYNTAX = /^1\.2\.840\.10008\.1\.2\.4\.(50|51|10[0-8])(\.1)?$/

/** That pixels were lossy compressed, and by what: each step has its ratio and method (PS3.3 C.7.6.1.1.5). */
export function lossyText(dataset: Dataset): string {
  if (text(dataset, Tag.LossyImageCompression) !== '01') return LOSSY_SYNTAX.test(text(dataset, Tag.AvailableTransferSyntaxUID)) ? 'LOSSY' : ''
  const ratios = numbers(dataset, Tag.LossyImageCompressionRatio)
  const methods = texts(dataset, Tag.LossyImageCompressionMethod)
  const steps = Array.from({ length: Math.max(ratios.length, methods.length) }, (_, step) => {
    const [ratio = 0, method = ''] = [ratios[step], methods[step]]
    return present([ratio > 1 ? `${ratio.toFixed(ratio < 10 ? 1 : 0)}:1` : '', LOSSY_METHODS[method] ?? method]).join(' ')
  })
  return ['LOSSY', present(steps).join(', ')].join(' ').trim()
}

function positionLine(frame: Frame): string {
  const place = locationOf(frame)
  return present([place !== undefined ? `Loc ${place.toFixed(1)} mm` : '', frame.thickness ? `Thick ${short(frame.thickness)} mm` : '']).join('  ')
}

export function cornersOf(shown: Shown, detail: Detail): Corners {
  const { dataset } = shown.frame.instance
  if (detail === 'none') return { topLeft: [], topRight: [], bottomLeft: [], bottomRight: [] }
  const view = text(dataset, Tag.ViewPosition)
  const side = text(dataset, Tag.ImageLaterality) || text(dataset, Tag.Laterality) || frameLaterality(shown.frame)
  const series = present([text(dataset, Tag.SeriesNumber) && `Se ${text(dataset, Tag.SeriesNumber)}`, text(dataset, Tag.SeriesDescription)]).join('  ')
  const frameOf = shown.frame.instance.frames > 1 && shown.frame.instance.frames !== shown.count ? `  frame ${shown.frame.number}` : ''
  return {
    topLeft: detail === 'all' ? patientLines(dataset) : [],
    // Never mistaken for today's: the word stays when the rest is hidden.
    topRight: present([RELATION_WORDS[shown.relation], ...(detail === 'all' ? studyLines(dataset) : [])]),
    // On a small viewport the first lines go first.
    bottomLeft: present([...techniqueOf(shown.frame), present([side, view]).join(' '), series, `Im ${shown.index + 1}/${shown.count}${frameOf}`, frameTerms(shown.frame), positionLine(shown.frame)]),
    bottomRight: present([
      lossyText(dataset),
      shown.measured ?? '',
      shown.profile ?? '',
      `${shown.frame.extent.columns} × ${shown.frame.extent.rows}`,
      `Zoom ${Math.round(shown.magnification * 100)} %`,
      present([shown.window ? windowText(shown.window) : '', shown.inverted ? 'inverted' : '']).join('  '),
    ]),
  }
}
