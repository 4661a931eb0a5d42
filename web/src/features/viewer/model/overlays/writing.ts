// A segmentation as a DICOM object (PS3.3 A.51): binary and fractional with a frame for each segment on each plane it is on, a label map
// (Supplement 243) with one for each plane.
import { type Dataset, text } from '../dataset'
import type { Frame } from '../frame'
import { Tag } from '../tags'
import { toLab } from './colors'
import { type Naming, code, contentLabelOf, dateOf, decimal, el, heading, inherited, referenced, timeOf } from './composing'
import type { Grid } from './grid'
import type { Code, Layer, Segment } from './segmentation'
import { LABEL_MAP, SEGMENTATION, T } from './tags'

export interface Made {
  readonly dataset: Dataset
  readonly pixels: Uint8Array<ArrayBuffer>
}

export type Form = 'BINARY' | 'FRACTIONAL' | 'LABELMAP'

/** A layer with the picture it lies on. */
export interface Placed {
  readonly layer: Layer
  readonly frame: Frame
  /** Of the picture in its stack. */
  readonly place: number
  readonly grid: Grid
}

export const TISSUE: Code = { value: '85756007', scheme: 'SCT', meaning: 'Tissue' }
const BACKGROUND: Code = { value: '125040', scheme: 'DCM', meaning: 'Background' }
const derivation: Code = { value: '113076', scheme: 'DCM', meaning: 'Segmentation' }
const purpose: Code = { value: '121322', scheme: 'DCM', meaning: 'Source image for image processing operation' }
const MOST_LABELS = 255 // a byte a pixel, and 0 is the background

/** The layers with something on them, on frames of their stack (sources[0]). Throws when there is nothing. */
export function placedOn(layers: readonly Layer[], frames: readonly Frame[]): [Placed, ...Placed[]] {
  const placed = layers.flatMap((layer): Placed[] => {
    const place = frames.findIndex((frame) => frame.instance.sopInstanceUID === layer.sources[0]?.sopInstanceUID && frame.number === layer.sources[0].frame)
    const frame = frames[place]
    return frame && layer.grid && layer.mask.some((value) => value > 0) ? [{ layer, frame, place, grid: layer.grid }] : []
  })
  const [first, ...others] = placed
  if (!first) throw new Error('There is nothing to save: no pixel is marked on a picture that says where it lies in the patient.')
  return [first, ...others]
}

/** @param layers empty ones are left out. Throws when nothing is left, or the form cannot hold it, with what to do. */
export function written(label: string, segments: readonly Segment[], layers: readonly Layer[], frames: readonly Frame[], step: number | undefined, naming: Naming, form: Form = 'BINARY'): Made {
  const placed = placedOn(layers, frames)
  const [first] = placed
  const used = segments.filter((segment) => placed.some(({ layer }) => layer.segment === segment.number))
  // Segment numbers run from 1 without gaps (PS3.3 C.8.20.2).
  const numbers = new Map(used.map((segment, index) => [segment.number, index + 1]))
  const numberOf = ({ layer }: Placed): number => numbers.get(layer.segment) ?? 1
  const sorted = [...placed].sort((a, b) => numberOf(a) - numberOf(b) || a.place - b.place)
  const places = [...new Set(sorted.map(({ place }) => place))].sort((a, b) => a - b)
  // A label map has one frame for all that lies on a plane.
  const planes = form === 'LABELMAP' ? places.map((place) => sorted.filter((each) => each.place === place)) : sorted.map((each) => [each])
  const organization = naming.uid()
  const dataset: Dataset = {
    ...inherited(first.frame.instance.dataset),
    ...heading(form === 'LABELMAP' ? LABEL_MAP : SEGMENTATION, 'SEG', label, naming),
    '00080008': el('CS', 'DERIVED', 'PRIMARY'),
    '00080023': el('DA', dateOf(naming.now)),
    '00080033': el('TM', timeOf(naming.now)),
    [T.ContentLabel]: el('CS', contentLabelOf(label)),
    '00700081': el('LO', label.slice(0, 64)),
    '00700084': el('PN', { Alphabetic: naming.author }),
    ...imageModules(first.grid.rows, first.grid.columns, planes.length, form),
    [T.ReferencedSeriesSequence]: el('SQ', {
      [Tag.SeriesInstanceUID]: el('UI', first.frame.instance.seriesInstanceUID),
      '0008114A': el('SQ', ...referenced(sorted.map(({ frame }) => frame))),
    }),
    '00209221': el('SQ', { '00209164': el('UI', organization) }),
    '00209222': el('SQ', ...(form === 'LABELMAP' ? [] : [dimension(organization, '0062000B', '0062000A', 'Segment')]), dimension(organization, Tag.ImagePositionPatient, Tag.PlanePositionSequence, 'Position')),
    '00209311': el('CS', '3D'),
    [T.SegmentSequence]: el('SQ', ...(form === 'LABELMAP' ? [backgroundItem()] : []), ...used.map((segment, index) => segmentItem(segment, index + 1))),
    [Tag.SharedFunctionalGroups]: el('SQ', sharedGroups(first, step)),
    [Tag.PerFrameFunctionalGroups]: el(
      'SQ',
      ...planes.map(([each = first]) => {
        const segment = numberOf(each)
        const position = places.indexOf(each.place) + 1
        return {
          [T.DerivationImageSequence]: el('SQ', { [T.SourceImageSequence]: el('SQ', sourceItem(each.frame)), '00089215': code(derivation) }),
          [Tag.FrameContentSequence]: el('SQ', { '00209157': el('UL', ...(form === 'LABELMAP' ? [position] : [segment, position])) }),
          [Tag.PlanePositionSequence]: el('SQ', { [Tag.ImagePositionPatient]: el('DS', ...each.grid.origin.map(decimal)) }),
          ...(form !== 'LABELMAP' && { [T.SegmentIdentificationSequence]: el('SQ', { [T.ReferencedSegmentNumber]: el('US', segment) }) }),
        }
      }),
    ),
  }
  if (form === 'BINARY') return { dataset, pixels: packed(sorted.map(({ layer }) => layer.mask)) }
  return { dataset, pixels: form === 'LABELMAP' ? labels(planes, numberOf, used) : joined(sorted.map(({ layer }) => layer.mask)) }
}

const sharedGroups = ({ grid, frame }: Placed, step: number | undefined): Dataset => ({
  [Tag.PlaneOrientationSequence]: el('SQ', { '00200037': el('DS', ...[...grid.row, ...grid.column].map(decimal)) }),
  [Tag.PixelMeasuresSequence]: el('SQ', {
    [T.SliceThickness]: el('DS', decimal(frame.thickness ?? step ?? 1)),
    ...(step !== undefined && { [T.SpacingBetweenSlices]: el('DS', decimal(step)) }),
    [Tag.PixelSpacing]: el('DS', decimal(grid.spacing[1]), decimal(grid.spacing[0])),
  }),
})

function imageModules(rows: number, columns: number, frames: number, form: Form): Dataset {
  const bits = form === 'BINARY' ? 1 : 8
  return {
    [Tag.SamplesPerPixel]: el('US', 1),
    [Tag.PhotometricInterpretation]: el('CS', 'MONOCHROME2'),
    [Tag.NumberOfFrames]: el('IS', frames),
    [Tag.Rows]: el('US', rows),
    [Tag.Columns]: el('US', columns),
    [Tag.BitsAllocated]: el('US', bits),
    [Tag.BitsStored]: el('US', bits),
    [Tag.HighBit]: el('US', bits - 1),
    [Tag.PixelRepresentation]: el('US', 0),
    [Tag.LossyImageCompression]: el('CS', '00'),
    [T.SegmentationType]: el('CS', form),
    '00620013': el('CS', form === 'LABELMAP' ? 'NO' : 'UNDEFINED'),
    ...(form === 'LABELMAP' && { [T.PixelPaddingValue]: el('US', 0) }),
    ...(form === 'FRACTIONAL' && { [T.MaximumFractionalValue]: el('US', 255), '00620010': el('CS', 'OCCUPANCY') }),
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

/** The value that is no segment has an item, too, which Pixel Padding Value names (PS3.3 C.8.20.2). */
const backgroundItem = (): Dataset => ({
  [T.SegmentNumber]: el('US', 0),
  [T.SegmentLabel]: el('LO', 'Background'),
  [T.SegmentAlgorithmType]: el('CS', 'MANUAL'),
  [T.SegmentedPropertyCategory]: code(BACKGROUND),
  [T.SegmentedPropertyType]: code(BACKGROUND),
})

function sourceItem(frame: Frame): Dataset {
  return {
    [T.ReferencedSOPClassUID]: el('UI', text(frame.instance.dataset, Tag.SOPClassUID)),
    [T.ReferencedSOPInstanceUID]: el('UI', frame.instance.sopInstanceUID),
    ...(frame.instance.frames > 1 && { [T.ReferencedFrameNumber]: el('IS', frame.number) }),
    // Without it libraries refuse to lay a segmentation on its images (PS3.3 C.7.6.16.2.6).
    '0028135A': el('CS', 'YES'),
    '0040A170': code(purpose),
  }
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

/** Bytes one after the other, an even number of them. */
function joined(masks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(masks.reduce((sum, mask) => sum + mask.length, 0) / 2) * 2)
  let at = 0
  for (const mask of masks) {
    bytes.set(mask, at)
    at += mask.length
  }
  return bytes
}

/** The number of the segment at each pixel. Throws where two lie above each other, which a label map cannot say. */
function labels(planes: readonly (readonly Placed[])[], numberOf: (placed: Placed) => number, used: readonly Segment[]): Uint8Array<ArrayBuffer> {
  if (used.length > MOST_LABELS) throw new Error(`A label map holds ${MOST_LABELS} segments here, and these are ${used.length}. Save it as a binary segmentation.`)
  return joined(
    planes.map((plane) => {
      const values = new Uint8Array(plane[0]?.layer.mask.length ?? 0)
      for (const placed of plane) {
        const own = numberOf(placed)
        placed.layer.mask.forEach((value, index) => {
          if (value < 128) return
          const other = values[index] ?? 0
          if (other > 0) throw new Error(`${used[other - 1]?.label ?? 'A segment'} and ${used[own - 1]?.label ?? 'another'} overlap, which a label map cannot hold. Save it as a binary segmentation, or erase one of them there.`)
          values[index] = own
        })
      }
      return values
    }),
  )
}
