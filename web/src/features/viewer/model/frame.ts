// One displayable picture: a frame of an instance with everything its header says about showing it.
import { type Calibration, aspectOf, calibrationOf } from './calibration'
import { type Binary, type Dataset, binary, item, items, number, numbers, text, texts } from './dataset'
import { type Plane, planeOf, planeOfLetters } from './geometry'
import { whyNotShown } from './reasons'
import { Tag } from './tags'
import type { Extent } from './view'
import type { Shape, Window } from './windows'

export interface PixelFormat {
  readonly samples: number
  readonly photometric: string
  readonly planar: boolean
  /** 0 when the object does not say: `settled` in pixels.ts finds out. */
  readonly allocated: number
  readonly stored: number
  /** Highest bit used; stored - 1 unless a film digitiser or frame grabber put its values to the left of their words. */
  readonly high: number
  readonly signed: boolean
  readonly number: 'integer' | 'float' | 'double'
  /** Stored values that are padding, PS3.3 C.7.5.1.1.2. */
  readonly padding?: { readonly from: number; readonly to: number }
}

/** A table of the header whose data may still have to be fetched. */
export interface Table {
  readonly name: string
  readonly entries: number
  readonly first: number
  readonly bits: number
  readonly data: Binary
}

export interface Palette {
  readonly red: Table
  readonly green: Table
  readonly blue: Table
  readonly segmented: boolean
}

export interface Modality {
  readonly slope: number
  readonly intercept: number
  /** Unit of modality values, '' when the object names none. */
  readonly unit: string
  readonly table?: Table
}

export interface Instance {
  readonly dataset: Dataset
  readonly sopInstanceUID: string
  readonly seriesInstanceUID: string
  readonly number: number | undefined
  readonly frames: number
  /** Address of the instance below /dicom-web. */
  readonly address: string
  readonly format: PixelFormat
  readonly palette?: Palette
}

export interface Frame {
  readonly id: string
  readonly instance: Instance
  /** 1-based, as in the address. */
  readonly number: number
  /** '' when the frame can be shown. */
  readonly reason: string
  readonly plane: Plane | undefined
  readonly calibration: Calibration
  readonly extent: Extent
  readonly modality: Modality
  readonly windows: readonly { readonly name: string; readonly window: Window }[]
  readonly voiTables: readonly Table[]
  /** Presentation LUT (PS3.3 C.11.6.1). */
  readonly outputTable: Table | undefined
  readonly sliceLocation: number | undefined
  readonly thickness: number | undefined
  /** Functional groups of an enhanced object (PS3.3 C.7.6.16): the frame's own before those of all frames; none of a classic one. */
  readonly groups: readonly Dataset[]
  /** What says which shutters are on it: its own item, or the data set. */
  readonly shutter: Dataset
}

export const SCHEME = 'frame'

/** VL Whole Slide Microscopy Image Storage. */
const SLIDE = '1.2.840.10008.5.1.4.1.1.77.1.6'

/** How pixels are to be read as colours, as the standard writes it: digitisers and frame grabbers add spaces, or write it small. */
function photometricOf(dataset: Dataset): string {
  const said = text(dataset, Tag.PhotometricInterpretation).toUpperCase().replaceAll(/\s+/g, ' ')
  return said === '' ? 'MONOCHROME2' : said.replace(/^MONOCHROME ?([12])$/, 'MONOCHROME$1')
}

const COLORS = /^(RGB|YBR_|HSV|ARGB|CMYK)/

function formatOf(dataset: Dataset): PixelFormat {
  const allocated = number(dataset, Tag.BitsAllocated) ?? (dataset[Tag.DoubleFloatPixelData] ? 64 : dataset[Tag.FloatPixelData] ? 32 : 0)
  const photometric = photometricOf(dataset)
  const said = number(dataset, Tag.BitsStored) ?? allocated
  const stored = said > 0 && (allocated === 0 || said <= allocated) ? said : allocated
  const value = number(dataset, Tag.PixelPaddingValue)
  const limit = number(dataset, Tag.PixelPaddingRangeLimit) ?? value
  const format: PixelFormat = {
    samples: number(dataset, Tag.SamplesPerPixel) ?? (COLORS.test(photometric) ? 3 : 1),
    photometric,
    planar: number(dataset, Tag.PlanarConfiguration) === 1,
    allocated,
    stored,
    high: number(dataset, Tag.HighBit) ?? stored - 1,
    signed: number(dataset, Tag.PixelRepresentation) === 1,
    number: dataset[Tag.DoubleFloatPixelData] ? 'double' : dataset[Tag.FloatPixelData] ? 'float' : 'integer',
  }
  return value === undefined || limit === undefined ? format : { ...format, padding: { from: Math.min(value, limit), to: Math.max(value, limit) } }
}

/** LUT Descriptor: entries (0 means 65536), first value mapped, bits (PS3.3 C.11.1.1.1). */
export function tableOf(dataset: Dataset, descriptorTag: string, dataTag: string, signed: boolean): Table | undefined {
  const [entries, first, bits] = numbers(dataset, descriptorTag)
  const data = binary(dataset, dataTag)
  if (entries === undefined || first === undefined || bits === undefined || !data) return undefined
  return {
    name: text(dataset, Tag.LUTExplanation),
    entries: entries === 0 ? 65536 : entries < 0 ? entries + 65536 : entries,
    first: signed && first > 32767 ? first - 65536 : first,
    bits,
    data,
  }
}

export function paletteOf(dataset: Dataset): Palette | undefined {
  const segmented = dataset[Tag.RedSegmentedPalette] !== undefined && dataset[Tag.RedPalette] === undefined
  const red = tableOf(dataset, Tag.RedPaletteDescriptor, segmented ? Tag.RedSegmentedPalette : Tag.RedPalette, false)
  const green = tableOf(dataset, Tag.GreenPaletteDescriptor, segmented ? Tag.GreenSegmentedPalette : Tag.GreenPalette, false)
  const blue = tableOf(dataset, Tag.BluePaletteDescriptor, segmented ? Tag.BlueSegmentedPalette : Tag.BluePalette, false)
  return red && green && blue ? { red, green, blue, segmented } : undefined
}

const PET_UNITS: Readonly<Record<string, string>> = { BQML: 'Bq/ml', CNTS: 'counts', GML: 'SUV', PROPCNTS: 'prop. counts', PROPCPS: 'prop. counts/s' }

function unitOf(dataset: Dataset, rescaleType: string): string {
  const modality = text(dataset, Tag.Modality)
  if (modality === 'PT') return PET_UNITS[text(dataset, Tag.Units)] ?? text(dataset, Tag.Units)
  if (rescaleType === 'US' || rescaleType === 'unspecified') return ''
  // CT values are Hounsfield units unless the object names another unit; a localizer's are not.
  if (rescaleType === '' && modality === 'CT' && !texts(dataset, Tag.ImageType).includes('LOCALIZER')) return 'HU'
  return rescaleType
}

const ANGIOGRAMS = new Set(['1.2.840.10008.5.1.4.1.1.12.1', '1.2.840.10008.5.1.4.1.1.12.2'])

/** @param own the item that carries the values: the data set itself, or an item of PixelValueTransformationSequence */
function modalityOf(dataset: Dataset, own: Dataset, format: PixelFormat): Modality {
  const dose = number(dataset, Tag.DoseGridScaling)
  if (dose !== undefined) return { slope: dose, intercept: 0, unit: 'Gy' }
  // The Modality LUT of angiograms leads to X-ray intensities and is not for display (PS3.3 C.8.7.1.1.2).
  const sequence = ANGIOGRAMS.has(text(dataset, Tag.SOPClassUID)) ? undefined : item(dataset, Tag.ModalityLUTSequence)
  const table = sequence && tableOf(sequence, Tag.LUTDescriptor, Tag.LUTData, format.signed)
  if (table) return { slope: 1, intercept: 0, unit: unitOf(dataset, text(sequence, Tag.ModalityLUTType)), table }
  const slope = number(own, Tag.RescaleSlope)
  const intercept = number(own, Tag.RescaleIntercept) ?? 0
  const unit = slope === undefined ? (text(dataset, Tag.Modality) === 'PT' ? unitOf(dataset, '') : '') : unitOf(dataset, text(own, Tag.RescaleType))
  // A slope of 0 is a known fault of writers; it would erase the picture.
  return { slope: slope === undefined || slope === 0 ? 1 : slope, intercept, unit }
}

function shapeOf(own: Dataset, format: PixelFormat): Shape {
  const stated = text(own, Tag.VOILUTFunction)
  if (stated === 'SIGMOID' || stated === 'LINEAR_EXACT') return stated
  // LINEAR counts whole grey levels; for real numbers (0 to 1) its half steps would be the whole picture.
  return format.number === 'integer' ? 'LINEAR' : 'LINEAR_EXACT'
}

function windowsOf(own: Dataset, format: PixelFormat): { name: string; window: Window }[] {
  const widths = numbers(own, Tag.WindowWidth)
  const names = texts(own, Tag.WindowCenterWidthExplanation)
  const shape = shapeOf(own, format)
  return numbers(own, Tag.WindowCenter).flatMap((center, index) => {
    const width = widths[index]
    // LINEAR needs a width of at least 1, the others one above 0 (PS3.3 C.11.2.1.2).
    if (width === undefined || width <= 0 || (shape === 'LINEAR' && width < 1)) return []
    return [{ name: names[index] ?? '', window: { center, width, shape } }]
  })
}

function voiTablesOf(own: Dataset, signed: boolean): Table[] {
  return items(own, Tag.VOILUTSequence).flatMap((entry) => {
    const table = tableOf(entry, Tag.LUTDescriptor, Tag.LUTData, signed)
    return table ? [table] : []
  })
}

function outputTableOf(dataset: Dataset): Table | undefined {
  const entry = item(dataset, Tag.PresentationLUTSequence)
  return entry && tableOf(entry, Tag.LUTDescriptor, Tag.LUTData, false)
}

export function instanceOf(dataset: Dataset, studyInstanceUID: string, seriesInstanceUID: string): Instance {
  const sopInstanceUID = text(dataset, Tag.SOPInstanceUID)
  const palette = paletteOf(dataset)
  const instance: Instance = {
    dataset,
    sopInstanceUID,
    seriesInstanceUID,
    number: number(dataset, Tag.InstanceNumber),
    frames: Math.max(1, Math.floor(number(dataset, Tag.NumberOfFrames) ?? 1)),
    address: `/dicom-web/studies/${studyInstanceUID}/series/${seriesInstanceUID}/instances/${sopInstanceUID}`,
    format: formatOf(dataset),
  }
  return palette ? { ...instance, palette } : instance
}

/** All frames of an instance; an object without a picture gives one frame that says why. */
export function framesOf(instance: Instance): Frame[] {
  const { dataset } = instance
  const reason = whyNotShown(dataset)
  const shared = item(dataset, Tag.SharedFunctionalGroups)
  const each = items(dataset, Tag.PerFrameFunctionalGroups)
  // Tiles of a slide are no pictures of a stack, and may be a million (PS3.3 A.32.8).
  const count = reason || text(dataset, Tag.SOPClassUID) === SLIDE ? 1 : instance.frames
  const frames: Frame[] = []
  for (let index = 0; index < count; index++) frames.push(frameOf(instance, index, reason, shared, each[index]))
  return frames
}

function frameOf(instance: Instance, index: number, reason: string, shared: Dataset | undefined, own: Dataset | undefined): Frame {
  const { dataset, format } = instance
  const group = (tag: string): Dataset | undefined => item(own, tag) ?? item(shared, tag)
  const measures = group(Tag.PixelMeasuresSequence)
  const position = group(Tag.PlanePositionSequence) ?? dataset
  const orientation = group(Tag.PlaneOrientationSequence) ?? dataset
  const voi = group(Tag.FrameVOILUTSequence) ?? dataset
  const groups = [own, shared].filter((each) => each !== undefined)
  const calibration = calibrationOf(dataset, measures, groups)
  const multi = instance.frames > 1 && !own
  return {
    id: `${SCHEME}:${instance.address}/frames/${index + 1}`,
    instance,
    number: index + 1,
    reason,
    // A position in the header of a classic multi-frame object is that of its first frame only.
    plane:
      planeOf(numbers(orientation, Tag.ImageOrientationPatient), multi && index > 0 ? [] : numbers(position, Tag.ImagePositionPatient)) ??
      planeOfLetters(texts(dataset, Tag.PatientOrientation)),
    calibration,
    extent: { columns: number(dataset, Tag.Columns) ?? 1, rows: number(dataset, Tag.Rows) ?? 1, aspect: aspectOf(dataset, calibration) },
    modality: modalityOf(dataset, group(Tag.PixelValueTransformationSequence) ?? dataset, format),
    windows: windowsOf(voi, format),
    voiTables: voiTablesOf(voi, format.signed),
    outputTable: outputTableOf(dataset),
    sliceLocation: own ? undefined : number(dataset, Tag.SliceLocation),
    thickness: number(measures ?? dataset, Tag.SliceThickness),
    groups,
    shutter: group(Tag.FrameDisplayShutterSequence) ?? dataset,
  }
}
