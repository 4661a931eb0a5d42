// Why an object has no picture, in words for the person in front of it.
import { type Dataset, number, text } from './dataset'
import { Tag } from './tags'

const KINDS: readonly (readonly [prefix: string, reason: string])[] = [
  ['1.2.840.10008.5.1.4.1.1.88.59', 'This is a key object selection: a list of images marked as important. It has no picture of its own.'],
  ['1.2.840.10008.5.1.4.1.1.88.', 'This is a structured report: text and measurements, no picture.'],
  ['1.2.840.10008.5.1.4.1.1.104.', 'This is an encapsulated document (PDF or CDA), not an image.'],
  ['1.2.840.10008.5.1.4.1.1.11.4', 'This is a blending presentation: it lays one series in colours over another. It is not applied here; the menu “MPR and 3D”, Fusion, shows two series so.'],
  ['1.2.840.10008.5.1.4.1.1.11.8', 'This is an advanced blending presentation: it lays several series over each other. It is not applied here; the menu “MPR and 3D”, Fusion, shows two series so.'],
  ['1.2.840.10008.5.1.4.1.1.11.5', 'This is a presentation of an X-ray run with its own masks. It is not applied here; the panel Picture subtracts the masks that the run names, or a frame of your choice.'],
  ['1.2.840.10008.5.1.4.1.1.11.6', 'This is a presentation of planes through a volume. It is not applied here; the menu “MPR and 3D” shows planes of the series.'],
  ['1.2.840.10008.5.1.4.1.1.11.7', 'This is a presentation of planes through a volume. It is not applied here; the menu “MPR and 3D” shows planes of the series.'],
  ['1.2.840.10008.5.1.4.1.1.11.9', 'This is a presentation of a rendered volume. It is not applied here; the menu “MPR and 3D” renders the series.'],
  ['1.2.840.10008.5.1.4.1.1.11.10', 'This is a presentation of a rendered volume with segments. It is not applied here; the menu “MPR and 3D” renders the series.'],
  ['1.2.840.10008.5.1.4.1.1.11.11', 'This is a presentation of several rendered volumes. It is not applied here; the menu “MPR and 3D” renders the series.'],
  ['1.2.840.10008.5.1.4.1.1.11.12', 'This is a presentation with a modality LUT for each image. It is not applied here: the images are shown by their own.'],
  ['1.2.840.10008.5.1.4.1.1.11.', 'This is a presentation state: it says how other images are to be shown and has no picture of its own.'],
  ['1.2.840.10008.5.1.4.1.1.66.5', 'This is a surface segmentation: shapes drawn over other images, no picture of its own.'],
  ['1.2.840.10008.5.1.4.1.1.66.4', 'This is a segmentation: areas marked on other images. It has no picture of its own.'],
  ['1.2.840.10008.5.1.4.1.1.66.7', 'This is a segmentation: areas marked on other images. It has no picture of its own.'],
  ['1.2.840.10008.5.1.4.1.1.66.2', 'This is a set of reference points on other images; it has no picture of its own.'],
  ['1.2.840.10008.5.1.4.1.1.66', 'This is a registration: how other images fit together. It has no picture of its own.'],
  ['1.2.840.10008.5.1.4.1.1.481.3', 'This is a radiotherapy structure set: contours on other images, no picture of its own.'],
  ['1.2.840.10008.5.1.4.1.1.481.5', 'This is a radiotherapy plan: numbers and settings, no picture.'],
  ['1.2.840.10008.5.1.4.1.1.481.8', 'This is a radiotherapy plan: numbers and settings, no picture.'],
  ['1.2.840.10008.5.1.4.1.1.9.', 'This is a waveform (ECG or similar), not an image.'],
  ['1.2.840.10008.5.1.4.38', 'This is a hanging protocol: layout instructions, no picture.'],
  ['1.2.840.10008.5.1.4.39', 'This is a colour palette, not an image.'],
]

const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.\d+)?$/

const DECODABLE = new Set([
  '1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.98', '1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.8.1',
  '1.2.840.10008.1.2.5', '1.2.840.10008.1.2.4.50', '1.2.840.10008.1.2.4.51', '1.2.840.10008.1.2.4.53', '1.2.840.10008.1.2.4.55', '1.2.840.10008.1.2.4.57', '1.2.840.10008.1.2.4.70',
  '1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.81', '1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.4.91',
  '1.2.840.10008.1.2.4.110', '1.2.840.10008.1.2.4.111', '1.2.840.10008.1.2.4.112',
  '1.2.840.10008.1.2.4.201', '1.2.840.10008.1.2.4.202', '1.2.840.10008.1.2.4.203', '3.2.840.10008.1.2.4.96',
])

export const isVideo = (transferSyntax: string): boolean => VIDEO.test(transferSyntax)
export const isDecodable = (transferSyntax: string): boolean => DECODABLE.has(transferSyntax)

export function undecodable(transferSyntax: string): string {
  return isVideo(transferSyntax)
    ? 'This is a video (MPEG). The viewer does not play this kind of video.'
    : `The pixels are stored in a form this viewer cannot decode (transfer syntax ${transferSyntax}).`
}

/** Why objects of this class have no picture; '' for classes that do, and unknown ones. */
export const pictureless = (sopClass: string): string => KINDS.find(([prefix]) => sopClass.startsWith(prefix))?.[1] ?? ''

/** Reason why an instance cannot be shown that its header already tells; '' when there is none. */
export function whyNotShown(dataset: Dataset): string {
  const kind = pictureless(text(dataset, Tag.SOPClassUID))
  if (kind) return kind
  const hasPixels = Boolean(dataset[Tag.PixelData] ?? dataset[Tag.FloatPixelData] ?? dataset[Tag.DoubleFloatPixelData])
  const rows = number(dataset, Tag.Rows) ?? 0
  const columns = number(dataset, Tag.Columns) ?? 0
  // The server gives only the UIDs of an object whose header is larger than it should hold (series_documents.py).
  if (!hasPixels && !dataset[Tag.PatientID] && !dataset[Tag.PatientName]) return 'This object has no pixel data, or too much in its header.'
  if (rows <= 0 || columns <= 0) return hasPixels ? 'The object has pixels but does not say how many rows and columns they form.' : 'This object has no pixel data.'
  if (!hasPixels) return 'The header of this object describes an image, but it holds no pixel data.'
  const syntax = text(dataset, Tag.AvailableTransferSyntaxUID)
  return syntax && !isDecodable(syntax) ? undecodable(syntax) : ''
}
