// What stands above and below the pictures of a sheet. Pure.
import type { Study } from '../../../../api/types'
import { ageAt, formatDate, formatDateTime, formatSex } from '../../../../lib/dates'
import { formatName } from '../../../../lib/names'

export interface Heading {
  readonly text: string
  readonly bold: boolean
}

const joined = (parts: readonly string[]): string => parts.filter(Boolean).join(' · ')

export interface Wanted {
  readonly patient: boolean
  readonly study: boolean
}

/** A line for each patient and each study of the pictures. */
export function headingOf(studies: readonly Study[], wanted: Wanted): Heading[] {
  const patients = studies.map((study) =>
    joined([formatName(study.PatientName) || 'No name', study.PatientID, formatDate(study.PatientBirthDate), [formatSex(study.PatientSex), ageAt(study.PatientBirthDate, study.StudyDate)].filter(Boolean).join(', ')]),
  )
  const lines = studies.map((study) => joined([study.InstitutionName, study.StudyDescription, formatDateTime(study.StudyDate, study.StudyTime), study.AccessionNumber && `Acc ${study.AccessionNumber}`]))
  return [
    ...(wanted.patient ? [...new Set(patients)].map((text) => ({ text, bold: true })) : []),
    ...(wanted.study ? [...new Set(lines)].filter(Boolean).map((text) => ({ text, bold: false })) : []),
  ]
}

export const footOf = (page: number, pages: number, by: string, at: Date): string =>
  joined([`Page ${page} of ${pages}`, `printed ${at.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })} by ${by}`, 'Isocenter, not for diagnosis'])
