import type { JsonDataset, JsonValue, PersonNameValue } from './types'

/** The tags the client reads, by keyword; PS3.6. */
export const TAG = {
  SpecificCharacterSet: '00080005',
  ImageType: '00080008',
  SOPClassUID: '00080016',
  SOPInstanceUID: '00080018',
  StudyDate: '00080020',
  SeriesDate: '00080021',
  AcquisitionDate: '00080022',
  ContentDate: '00080023',
  StudyTime: '00080030',
  SeriesTime: '00080031',
  AcquisitionTime: '00080032',
  ContentTime: '00080033',
  AccessionNumber: '00080050',
  Modality: '00080060',
  ModalitiesInStudy: '00080061',
  Manufacturer: '00080070',
  InstitutionName: '00080080',
  ReferringPhysicianName: '00080090',
  StudyDescription: '00081030',
  SeriesDescription: '0008103E',
  ManufacturerModelName: '00081090',
  RetrieveURL: '00081190',
  AvailableTransferSyntaxUID: '00083002',
  PatientName: '00100010',
  PatientID: '00100020',
  IssuerOfPatientID: '00100021',
  PatientBirthDate: '00100030',
  PatientSex: '00100040',
  PatientAge: '00101010',
  BodyPartExamined: '00180015',
  SliceThickness: '00180050',
  KVP: '00180060',
  RecommendedDisplayFrameRate: '00082144',
  CineRate: '00180040',
  FrameTime: '00181063',
  ProtocolName: '00181030',
  PatientPosition: '00185100',
  StudyInstanceUID: '0020000D',
  SeriesInstanceUID: '0020000E',
  StudyID: '00200010',
  SeriesNumber: '00200011',
  AcquisitionNumber: '00200012',
  InstanceNumber: '00200013',
  ImagePositionPatient: '00200032',
  ImageOrientationPatient: '00200037',
  FrameOfReferenceUID: '00200052',
  Laterality: '00200060',
  SliceLocation: '00201041',
  NumberOfStudyRelatedSeries: '00201206',
  NumberOfStudyRelatedInstances: '00201208',
  NumberOfSeriesRelatedInstances: '00201209',
  SamplesPerPixel: '00280002',
  PhotometricInterpretation: '00280004',
  NumberOfFrames: '00280008',
  Rows: '00280010',
  Columns: '00280011',
  PixelSpacing: '00280030',
  BitsAllocated: '00280100',
  BitsStored: '00280101',
  PixelRepresentation: '00280103',
  WindowCenter: '00281050',
  WindowWidth: '00281051',
  RescaleIntercept: '00281052',
  RescaleSlope: '00281053',
  LossyImageCompression: '00282110',
  LossyImageCompressionRatio: '00282112',
  LossyImageCompressionMethod: '00282114',
  PixelData: '7FE00010',
  FloatPixelData: '7FE00008',
  DoubleFloatPixelData: '7FE00009',
} as const

function first(dataset: JsonDataset, tag: string): JsonValue {
  return dataset[tag]?.Value?.[0] ?? null
}

function isPersonName(value: JsonValue): value is PersonNameValue {
  return typeof value === 'object' && value !== null && ('Alphabetic' in value || 'Ideographic' in value || 'Phonetic' in value)
}

/** The first value as text; a person name as its DICOM form (groups joined by "="); "" when absent. */
export function text(dataset: JsonDataset, tag: string): string {
  const value = first(dataset, tag)
  if (value === null) return ''
  if (isPersonName(value)) {
    return [value.Alphabetic ?? '', value.Ideographic ?? '', value.Phonetic ?? ''].join('=').replace(/=+$/, '')
  }
  return typeof value === 'object' ? '' : String(value)
}

/** Every value as text. */
export function texts(dataset: JsonDataset, tag: string): string[] {
  return (dataset[tag]?.Value ?? []).filter((value) => value !== null && typeof value !== 'object').map(String)
}

/** The first value as a number, null when absent or no number (DS and IS may arrive as text, PS3.18 F.2.2). */
export function number(dataset: JsonDataset, tag: string): number | null {
  const value = first(dataset, tag)
  if (value === null || typeof value === 'object' || value === '') return null
  const parsed = Number(value)
  return Number.isFinite(parsed) ? parsed : null
}

export function numbers(dataset: JsonDataset, tag: string): number[] {
  return texts(dataset, tag).map(Number).filter(Number.isFinite)
}

/** The items of a sequence. */
export function items(dataset: JsonDataset, tag: string): JsonDataset[] {
  const values = dataset[tag]?.Value ?? []
  return values.filter((value): value is JsonDataset => typeof value === 'object' && value !== null && !isPersonName(value))
}
