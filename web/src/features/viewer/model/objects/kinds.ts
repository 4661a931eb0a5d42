// What an object is that is no stack of pictures, by its SOP class (PS3.4 B.5): how it is shown, and what it is called.
import type { Series } from '../../../../api/types'
import type { Frame } from '../frame'
import { isVideo, pictureless } from '../reasons'
import { text } from '../dataset'
import { Tag } from '../tags'

/** Keys of ui/additions CONTENTS. */
export type Kind = 'document' | 'mesh' | 'waveform' | 'video' | 'slide' | 'words'

interface Named {
  readonly prefix: string
  readonly kind: Kind | null
  /** As the rail and the page call it. */
  readonly name: string
}

const STORAGE = '1.2.840.10008.5.1.4.1.1.'

// The longer prefix first where one begins another.
const NAMED: readonly Named[] = [
  { prefix: `${STORAGE}104.1`, kind: 'document', name: 'PDF document' },
  { prefix: `${STORAGE}104.2`, kind: 'document', name: 'Clinical document (CDA)' },
  { prefix: `${STORAGE}104.3`, kind: 'mesh', name: '3D model (STL)' },
  { prefix: `${STORAGE}104.4`, kind: 'mesh', name: '3D model (OBJ)' },
  { prefix: `${STORAGE}104.5`, kind: 'mesh', name: 'Materials of a 3D model (MTL)' },
  { prefix: `${STORAGE}104.`, kind: 'document', name: 'Encapsulated document' },
  { prefix: `${STORAGE}9.1.1`, kind: 'waveform', name: '12-lead ECG' },
  { prefix: `${STORAGE}9.1.2`, kind: 'waveform', name: 'ECG' },
  { prefix: `${STORAGE}9.1.3`, kind: 'waveform', name: 'Ambulatory ECG' },
  { prefix: `${STORAGE}9.1.4`, kind: 'waveform', name: '32-bit ECG' },
  { prefix: `${STORAGE}9.2.1`, kind: 'waveform', name: 'Haemodynamic waveform' },
  { prefix: `${STORAGE}9.3.1`, kind: 'waveform', name: 'Electrophysiology waveform' },
  { prefix: `${STORAGE}9.4.1`, kind: 'waveform', name: 'Voice audio' },
  { prefix: `${STORAGE}9.4.2`, kind: 'waveform', name: 'Audio' },
  { prefix: `${STORAGE}9.5.1`, kind: 'waveform', name: 'Arterial pulse waveform' },
  { prefix: `${STORAGE}9.6.`, kind: 'waveform', name: 'Respiratory waveform' },
  { prefix: `${STORAGE}9.7.1`, kind: 'waveform', name: 'EEG' },
  { prefix: `${STORAGE}9.7.2`, kind: 'waveform', name: 'Electromyogram' },
  { prefix: `${STORAGE}9.7.3`, kind: 'waveform', name: 'Electrooculogram' },
  { prefix: `${STORAGE}9.7.4`, kind: 'waveform', name: 'Sleep EEG' },
  { prefix: `${STORAGE}9.8.1`, kind: 'waveform', name: 'Body position waveform' },
  { prefix: `${STORAGE}9.`, kind: 'waveform', name: 'Waveform' },
  { prefix: `${STORAGE}77.1.1.1`, kind: null, name: 'Endoscopy video' },
  { prefix: `${STORAGE}77.1.2.1`, kind: null, name: 'Microscopy video' },
  { prefix: `${STORAGE}77.1.4.1`, kind: null, name: 'Video' },
  { prefix: `${STORAGE}77.1.6`, kind: 'slide', name: 'Whole slide' },
  { prefix: `${STORAGE}91.1`, kind: 'words', name: 'Microscopy annotations' },
  { prefix: `${STORAGE}481.5`, kind: 'words', name: 'RT plan' },
  { prefix: `${STORAGE}481.8`, kind: 'words', name: 'RT ion plan' },
  { prefix: `${STORAGE}481.4`, kind: 'words', name: 'RT beams treatment record' },
  { prefix: `${STORAGE}481.6`, kind: 'words', name: 'RT brachytherapy record' },
  { prefix: `${STORAGE}481.7`, kind: 'words', name: 'RT treatment summary' },
  { prefix: `${STORAGE}481.9`, kind: 'words', name: 'RT ion beams treatment record' },
  { prefix: `${STORAGE}481.10`, kind: 'words', name: 'RT physician intent' },
  { prefix: `${STORAGE}481.1`, kind: null, name: 'RT image' },
  { prefix: `${STORAGE}30`, kind: null, name: 'Parametric map' },
  { prefix: `${STORAGE}66.1`, kind: 'words', name: 'Spatial registration' },
  { prefix: `${STORAGE}66.2`, kind: 'words', name: 'Spatial fiducials' },
  { prefix: `${STORAGE}66.3`, kind: 'words', name: 'Deformable registration' },
  { prefix: `${STORAGE}66.4`, kind: null, name: 'Segmentation' },
  { prefix: `${STORAGE}66.5`, kind: 'words', name: 'Surface segmentation' },
  { prefix: `${STORAGE}66.6`, kind: 'words', name: 'Tractography' },
  { prefix: `${STORAGE}66.7`, kind: null, name: 'Label map segmentation' },
  { prefix: `${STORAGE}66`, kind: 'words', name: 'Raw data' },
  { prefix: `${STORAGE}67`, kind: 'words', name: 'Real world values' },
  { prefix: `${STORAGE}68.`, kind: 'words', name: 'Stereometric relationship' },
  { prefix: `${STORAGE}78.`, kind: 'words', name: 'Ophthalmic measurements' },
  { prefix: `${STORAGE}79.1`, kind: 'words', name: 'Intraocular lens calculation' },
]

/** SOP classes stand alone or go on behind a dot: 66 is not the beginning of 66.4, nor 481.1 of 481.10. */
const isOf = (sopClass: string, { prefix }: Named): boolean => sopClass === prefix || (prefix.endsWith('.') && sopClass.startsWith(prefix))

const namedBy = (sopClass: string): Named | undefined => NAMED.find((named) => isOf(sopClass, named))

/** What objects of this class are called; '' for those that are simply images, and unknown ones. */
export const nameOf = (sopClass: string): string => namedBy(sopClass)?.name ?? ''

/** What is said of a class that stands in no table of the standard known here. */
export const UNKNOWN = 'Object of an unknown kind'

/** The way a series is shown that is no stack of pictures; undefined for stacks. `frames` are empty until its headers are here. */
export function kindOf(series: Series, frames: readonly Frame[]): Kind | undefined {
  const syntaxes = new Set(frames.map((frame) => text(frame.instance.dataset, Tag.AvailableTransferSyntaxUID)))
  if (frames.length > 0 && [...syntaxes].every(isVideo)) return 'video'
  const kinds = new Set(series.SOPClassUIDs.map((sopClass) => namedBy(sopClass)?.kind ?? null))
  // Beside pictures each object says itself, at its place in the stack, why it has none.
  if (kinds.size === 0 || kinds.has(null)) return isWithoutPictures(series, frames) ? 'words' : undefined
  return (['slide', 'waveform', 'mesh', 'document', 'words'] as const).find((kind) => kinds.has(kind))
}

/** Only classes that nothing else shows: neither named here nor elsewhere (reports, presentations, overlays). */
function isWithoutPictures(series: Series, frames: readonly Frame[]): boolean {
  return (
    frames.length > 0 &&
    series.SOPClassUIDs.every((sopClass) => namedBy(sopClass) === undefined && pictureless(sopClass) === '') &&
    frames.every(({ instance: { dataset } }) => !dataset[Tag.Rows] && !dataset[Tag.PixelData] && Boolean(dataset[Tag.PatientID] ?? dataset[Tag.PatientName]))
  )
}
