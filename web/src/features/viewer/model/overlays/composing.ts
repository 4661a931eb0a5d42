// What every object that is written here has: patient and study of its images, who made it, and when.
import type { JsonElement, JsonValue } from '../../../../dicomweb/types'
import { type Dataset, text } from '../dataset'
import type { Frame } from '../frame'
import { Tag } from '../tags'
import type { Code } from './segmentation'
import { T } from './tags'

export interface Naming {
  readonly uid: () => string
  readonly now: Date
  readonly author: string
  readonly seriesNumber: number
  readonly version: string
}

/** Of the patient and the study, as the images say (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2, C.7.4.1). */
const INHERITED = [
  '00080005', '00080020', '00080030', '00080050', '00080090', '00081030', '00100010', '00100020', '00100021', '00100030', '00100040', '00101010', '00101020', '00101030', '0020000D', '00200010',
  Tag.FrameOfReferenceUID, '00201040',
]
/** Type 2: there, if empty. */
const REQUIRED: Readonly<Record<string, string>> = { '00080020': 'DA', '00080030': 'TM', '00080050': 'SH', '00080090': 'PN', '00100010': 'PN', '00100020': 'LO', '00100030': 'DA', '00100040': 'CS', '00200010': 'SH', '00201040': 'LO' }

export const el = (vr: string, ...values: JsonValue[]): JsonElement => (values.length > 0 ? { vr, Value: values } : { vr })
export const code = ({ value, scheme, meaning }: Code): JsonElement =>
  el('SQ', { [T.CodeValue]: el('SH', value), [T.CodingSchemeDesignator]: el('SH', scheme), [T.CodeMeaning]: el('LO', meaning) })
const two = (value: number): string => String(value).padStart(2, '0')

/** A number in the 16 bytes of DS. */
export function decimal(value: number): number {
  for (let digits = 15; digits > 5; digits--) {
    const text_ = String(Number(value.toPrecision(digits)))
    if (text_.length <= 16) return Number(text_)
  }
  return 0
}

export function inherited(from: Dataset): Dataset {
  const found: Dataset = {}
  for (const tag of INHERITED) {
    const element = from[tag]
    const vr = REQUIRED[tag]
    if (element) found[tag] = element
    else if (vr) found[tag] = { vr }
  }
  return found
}

/** CS: capitals, digits, space and underscore, 16 of them. */
export const contentLabelOf = (label: string): string => label.toUpperCase().replaceAll(/[^A-Z0-9_ ]/g, '_').slice(0, 16).trim() || 'SEGMENTATION'

export const dateOf = (now: Date): string => `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
export const timeOf = (now: Date): string => `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`

/** Of the object, its series and the equipment (PS3.3 C.12.1, C.7.3.1, C.7.5.1). */
export function heading(sopClass: string, modality: string, label: string, { uid, now, seriesNumber, version }: Naming): Dataset {
  return {
    // The words may be in any script.
    '00080005': el('CS', 'ISO_IR 192'),
    [Tag.SOPClassUID]: el('UI', sopClass),
    [Tag.SOPInstanceUID]: el('UI', uid()),
    '00080021': el('DA', dateOf(now)),
    '00080031': el('TM', timeOf(now)),
    [Tag.Modality]: el('CS', modality),
    [Tag.Manufacturer]: el('LO', 'Isocenter'),
    '00081090': el('LO', 'Isocenter viewer'),
    '00181000': el('LO', 'none'),
    '00181020': el('LO', version),
    [Tag.SeriesDescription]: el('LO', label.slice(0, 64)),
    [Tag.SeriesInstanceUID]: el('UI', uid()),
    '00200011': el('IS', seriesNumber),
    '00200013': el('IS', 1),
  }
}

/** The objects that pictures are in, each once. */
export function referenced(frames: readonly Frame[]): Dataset[] {
  const classes = new Map(frames.map((frame) => [frame.instance.sopInstanceUID, text(frame.instance.dataset, Tag.SOPClassUID)]))
  return [...classes].map(([instance, sopClass]) => ({ [T.ReferencedSOPClassUID]: el('UI', sopClass), [T.ReferencedSOPInstanceUID]: el('UI', instance) }))
}
