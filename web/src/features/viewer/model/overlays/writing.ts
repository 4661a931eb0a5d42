// A segmentation as a DICOM object: the Segmentation IOD (PS3.3 A.51), binary, one frame for each segment on each plane it is on.
import type { JsonElement, JsonValue } from '../../../../dicomweb/types'
import { type Dataset, text } from '../dataset'
import type { Frame } from '../frame'
import { Tag } from '../tags'
import { toLab } from './colors'
import type { Code, Layer, Segment } from './segmentation'
import { SEGMENTATION, T } from './tags'

export interface Made {
  readonly dataset: Dataset
  readonly pixels: Uint8Array<ArrayBuffer>
}

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

export const TISSUE: Code = { value: '85756007', scheme: 'SCT', meaning: 'Tissue' }

const el = (vr: string, ...values: JsonValue[]): JsonElement => (values.length > 0 ? { vr, Value: values } : { vr })
const code = ({ value, scheme, meaning }: Code): JsonElement =>
  el('SQ', { [T.CodeValue]: el('SH', value), [T.CodingSchemeDesignator]: el('SH', scheme), [T.CodeMeaning]: el('LO', meaning) })
const derivation: Code = { value: '113076', scheme: 'DCM', meaning: 'Segmentation' }
const purpose: Code = { value: '121322', scheme: 'DCM', meaning: 'Source image for image processing operation' }

const two = (value: number): string => String(value).padStart(2, '0')

/** @param layers each on a frame of `frames` (sources[0]); empty ones are left out. Throws when nothing is left. */
export function written(label: string, segments: readonly Segment[], layers: readonly Layer[], frames: readonly Frame[], step: number | undefined, naming: Naming): Made {
  const placed = layers.flatMap((layer) => {
    const place = frames.findIndex((frame) => frame.instance.sopInstanceUID === layer.sources[0]?.sopInstanceUID && frame.number === layer.sources[0].frame)
    const frame = frames[place]
    return frame && layer.grid && layer.mask.some((value) => value > 0) ? [{ layer, frame, place, grid: layer.grid }] : []
  })
  const first = placed[0]
  if (!first) throw new Error('There is nothing to save: no pixel is marked on a picture that says where it lies in the patient.')
  const used = segments.filter((segment) => placed.some(({ layer }) => layer.segment === segment.number))
  // Segment numbers run from 1 without gaps (PS3.3 C.8.20.2).
  const numbers = new Map(used.map((segment, index) => [segment.number, index + 1]))
  const sorted = placed.sort((a, b) => (numbers.get(a.layer.segment) ?? 0) - (numbers.get(b.layer.segment) ?? 0) || a.place - b.place)
  const places = [...new Set(sorted.map(({ place }) => place))].sort((a, b) => a - b)
  const source = first.frame.instance
  const organization = naming.uid()
  const { grid } = first
  const thickness = first.frame.thickness ?? step ?? 1
  const dataset: Dataset = {
    ...inherited(source.dataset),
    ...heading(label, naming),
    ...imageModules(grid.rows, grid.columns, sorted.length),
    [T.ReferencedSeriesSequence]: el('SQ', {
      [Tag.SeriesInstanceUID]: el('UI', source.seriesInstanceUID),
      '0008114A': el('SQ', ...referenced(sorted.map(({ frame }) => frame))),
    }),
    '00209221': el('SQ', { '00209164': el('UI', organization) }),
    '00209222': el('SQ', dimension(organization, '0062000B', '0062000A', 'Segment'), dimension(organization, Tag.ImagePositionPatient, Tag.PlanePositionSequence, 'Position')),
    '00209311': el('CS', '3D'),
    [T.SegmentSequence]: el('SQ', ...used.map((segment, index) => segmentItem(segment, index + 1))),
    [Tag.SharedFunctionalGroups]: el('SQ', {
      [Tag.PlaneOrientationSequence]: el('SQ', { '00200037': el('DS', ...[...grid.row, ...grid.column].map(decimal)) }),
      [Tag.PixelMeasuresSequence]: el('SQ', {
        [T.SliceThickness]: el('DS', decimal(thickness)),
        ...(step !== undefined && { [T.SpacingBetweenSlices]: el('DS', decimal(step)) }),
        [Tag.PixelSpacing]: el('DS', decimal(grid.spacing[1]), decimal(grid.spacing[0])),
      }),
    }),
    [Tag.PerFrameFunctionalGroups]: el(
      'SQ',
      ...sorted.map(({ layer, frame, place, grid: own }) => {
        const segment = numbers.get(layer.segment) ?? 1
        return {
          [T.DerivationImageSequence]: el('SQ', { [T.SourceImageSequence]: el('SQ', sourceItem(frame)), '00089215': code(derivation) }),
          [Tag.FrameContentSequence]: el('SQ', { '00209157': el('UL', segment, places.indexOf(place) + 1) }),
          [Tag.PlanePositionSequence]: el('SQ', { [Tag.ImagePositionPatient]: el('DS', ...own.origin.map(decimal)) }),
          [T.SegmentIdentificationSequence]: el('SQ', { [T.ReferencedSegmentNumber]: el('US', segment) }),
        }
      }),
    ),
  }
  return { dataset, pixels: packed(sorted.map(({ layer }) => layer.mask)) }
}

/** A number in the 16 bytes of DS. */
export function decimal(value: number): number {
  for (let digits = 15; digits > 5; digits--) {
    const text_ = String(Number(value.toPrecision(digits)))
    if (text_.length <= 16) return Number(text_)
  }
  return 0
}

function inherited(from: Dataset): Dataset {
  const found: Dataset = {}
  for (const tag of INHERITED) {
    const element = from[tag]
    const vr = REQUIRED[tag]
    if (element) found[tag] = element
    else if (vr) found[tag] = { vr }
  }
  return found
}

function heading(label: string, { uid, now, author, seriesNumber, version }: Naming): Dataset {
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
  // CS: capitals, digits, space and underscore, 16 of them.
  const contentLabel = label.toUpperCase().replaceAll(/[^A-Z0-9_ ]/g, '_').slice(0, 16).trim() || 'SEGMENTATION'
  return {
    // The words below may be in any script.
    '00080005': el('CS', 'ISO_IR 192'),
    '00080008': el('CS', 'DERIVED', 'PRIMARY'),
    [Tag.SOPClassUID]: el('UI', SEGMENTATION),
    [Tag.SOPInstanceUID]: el('UI', uid()),
    '00080021': el('DA', date),
    '00080031': el('TM', time),
    '00080023': el('DA', date),
    '00080033': el('TM', time),
    [Tag.Modality]: el('CS', 'SEG'),
    [Tag.Manufacturer]: el('LO', 'Isocenter'),
    '00081090': el('LO', 'Isocenter viewer'),
    '00181000': el('LO', 'none'),
    '00181020': el('LO', version),
    [Tag.SeriesDescription]: el('LO', label.slice(0, 64)),
    [Tag.SeriesInstanceUID]: el('UI', uid()),
    '00200011': el('IS', seriesNumber),
    '00200013': el('IS', 1),
    [T.ContentLabel]: el('CS', contentLabel),
    '00700081': el('LO', label.slice(0, 64)),
    '00700084': el('PN', { Alphabetic: author }),
  }
}

function imageModules(rows: number, columns: number, frames: number): Dataset {
  return {
    [Tag.SamplesPerPixel]: el('US', 1),
    [Tag.PhotometricInterpretation]: el('CS', 'MONOCHROME2'),
    [Tag.NumberOfFrames]: el('IS', frames),
    [Tag.Rows]: el('US', rows),
    [Tag.Columns]: el('US', columns),
    [Tag.BitsAllocated]: el('US', 1),
    [Tag.BitsStored]: el('US', 1),
    [Tag.HighBit]: el('US', 0),
    [Tag.PixelRepresentation]: el('US', 0),
    [Tag.LossyImageCompression]: el('CS', '00'),
    [T.SegmentationType]: el('CS', 'BINARY'),
    '00620013': el('CS', 'UNDEFINED'),
  }
}

const dimension = (organization: string, pointer: string, group: string, label: string): Dataset => ({
  '00209164': el('UI', organization),
  '00209165': el('AT', pointer),
  '00209167': el('AT', group),
  '00209421': el('LO', label),
})

function segmentItem(segment: Segment, numberNow: number): Dataset {
  return {
    [T.SegmentNumber]: el('US', numberNow),
    [T.SegmentLabel]: el('LO', segment.label.slice(0, 64)),
    [T.SegmentAlgorithmType]: el('CS', 'MANUAL'),
    [T.RecommendedDisplayCIELabValue]: el('US', ...toLab(segment.color)),
    [T.SegmentedPropertyCategory]: code(segment.category ?? TISSUE),
    [T.SegmentedPropertyType]: code(segment.type ?? TISSUE),
  }
}

function sourceItem(frame: Frame): Dataset {
  return {
    [T.ReferencedSOPClassUID]: el('UI', text(frame.instance.dataset, Tag.SOPClassUID)),
    [T.ReferencedSOPInstanceUID]: el('UI', frame.instance.sopInstanceUID),
    ...(frame.instance.frames > 1 && { [T.ReferencedFrameNumber]: el('IS', frame.number) }),
    '0040A170': code(purpose),
  }
}

function referenced(frames: readonly Frame[]): Dataset[] {
  const classes = new Map(frames.map((frame) => [frame.instance.sopInstanceUID, text(frame.instance.dataset, Tag.SOPClassUID)]))
  return [...classes].map(([instance, sopClass]) => ({ [T.ReferencedSOPClassUID]: el('UI', sopClass), [T.ReferencedSOPInstanceUID]: el('UI', instance) }))
}

/** Bits one after the other, the first in the lowest bit, frames without gaps, an even number of bytes (PS3.5 8.1.1, 8.2). */
export function packed(masks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bits = masks.reduce((sum, mask) => sum + mask.length, 0)
  const bytes = new Uint8Array(Math.ceil(bits / 16) * 2)
  let at = 0
  for (const mask of masks) {
    for (const value of mask) {
      if (value >= 128) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
      at++
    }
  }
  return bytes
}
