import { TAG } from '../../dicomweb/dataset'
import { CONTENT, newUid } from '../../dicomweb/store'
import type { JsonDataset, JsonElement } from '../../dicomweb/types'
import { toDa } from '../../lib/dates'
import type { Picked } from './pick'

/** What is no DICOM and becomes it: docs/storing.md. By its name, since browsers know no type of half of them. */
const TYPES: Record<string, string> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  pdf: 'application/pdf',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  mpg: 'video/mpeg',
  mpeg: 'video/mpeg',
  stl: 'model/stl',
  obj: 'model/obj',
}

/**
 * The media type of a picture, video or document; '' for what is sent as it is. What lies in folders is: patient CDs are full of icons
 * and handbooks that nobody means to archive, and each is refused by name.
 */
export function mediaTypeOf(name: string): string {
  const ending = /^[^/]+\.([^./]+)$/.exec(name)?.[1] ?? ''
  return TYPES[ending.toLowerCase()] ?? ''
}

export function isPicture(mediaType: string): boolean {
  return mediaType.startsWith('image/')
}

/** Whose things are: a study that is there, or what a new one is to say. */
export interface Subject {
  /** '' for a new study. */
  study: string
  PatientName: string
  PatientID: string
  PatientBirthDate: string
  PatientSex: string
  StudyDate: string
  StudyDescription: string
  SeriesDescription: string
  /** XC for what a camera took, OT for scans and screenshots. */
  pictures: 'XC' | 'OT'
}

/** How one of several things is sent. Made once, so that a second try is the same object. */
export interface Wrapping {
  mediaType: string
  study: string
  metadata: JsonDataset
}

function put(dataset: JsonDataset, tag: string, vr: string, value: JsonElement['Value'] | string): void {
  if (value) dataset[tag] = { vr, Value: typeof value === 'string' ? [value] : value }
}

function timeOf(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join('')
}

/** The objects that these files become: one study, a series for pictures, one for videos, one for each other kind. */
export function wrap(files: readonly Picked[], subject: Subject, now: Date): Wrapping[] {
  const study = subject.study || newUid()
  const series = new Map<string, string>()
  return files.map(({ file, name }, index) => {
    const mediaType = mediaTypeOf(name)
    const kind = /^(image|video)\//.exec(mediaType)?.[1] ?? mediaType
    if (!series.has(kind)) series.set(kind, newUid())
    const metadata: JsonDataset = {}
    const made = new Date(file.lastModified)
    if (!subject.study) {
      if (subject.PatientName) put(metadata, TAG.PatientName, 'PN', [{ Alphabetic: subject.PatientName }])
      put(metadata, TAG.PatientID, 'LO', subject.PatientID)
      put(metadata, TAG.PatientBirthDate, 'DA', subject.PatientBirthDate)
      put(metadata, TAG.PatientSex, 'CS', subject.PatientSex)
      put(metadata, TAG.StudyDate, 'DA', subject.StudyDate)
      put(metadata, TAG.StudyTime, 'TM', timeOf(now))
      put(metadata, TAG.StudyDescription, 'LO', subject.StudyDescription)
    }
    put(metadata, TAG.StudyInstanceUID, 'UI', study)
    put(metadata, TAG.SeriesInstanceUID, 'UI', series.get(kind) ?? '')
    put(metadata, TAG.SOPInstanceUID, 'UI', newUid())
    put(metadata, TAG.InstanceNumber, 'IS', [index + 1])
    put(metadata, TAG.SeriesDescription, 'LO', subject.SeriesDescription)
    put(metadata, TAG.ContentDate, 'DA', toDa(made))
    put(metadata, TAG.ContentTime, 'TM', timeOf(made))
    if (isPicture(mediaType)) put(metadata, TAG.Modality, 'CS', subject.pictures)
    const shown = kind === 'image' || kind === 'video'
    if (!shown) put(metadata, '00420010', 'ST', name.slice(0, 1024))
    metadata[shown ? TAG.PixelData : '00420011'] = { vr: 'OB', BulkDataURI: CONTENT }
    return { mediaType, study: subject.study, metadata }
  })
}
