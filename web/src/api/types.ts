/** What /api/v1 answers. Attribute names are the standard's keywords; our own facts are snake_case, as on the wire. */

export type Role = 'admin' | 'radiologist' | 'technologist' | 'referrer' | 'service'

export interface User {
  name: string
  role: string
  permissions: string[]
}

/** What a link opens for who came by one instead of an account. */
export interface OpenLink {
  opens: 'study' | 'patient' | 'upload'
  label: string
  /** Who made it; '' for the command line. */
  maker: string
  expires_at: string
  download: boolean
  studies: string[]
}

export interface SessionAnswer {
  user: User
  csrf_token: string
  idle_seconds: number
  link: OpenLink | null
  /** What is open to this session in an emergency. */
  emergency: Emergency[]
  /** Emergency accesses that nobody has reviewed; 0 for who does not review. */
  to_review: number
}

/** The studies of a patient that somebody has opened in an emergency. */
export interface Emergency {
  id: number
  at: string
  until: string
  account: string
  address: string
  patient_id: string
  issuer_of_patient_id: string
  purpose: string
  reason: string
  ended_at: string | null
  ended_by: string
  reviewed_at: string | null
  reviewed_by: string
  note: string
}

export interface Study {
  StudyInstanceUID: string
  PatientName: string
  PatientID: string
  IssuerOfPatientID: string
  PatientBirthDate: string
  PatientSex: string
  StudyDate: string
  StudyTime: string
  AccessionNumber: string
  StudyDescription: string
  ModalitiesInStudy: string[]
  ReferringPhysicianName: string
  InstitutionName: string
  NumberOfStudyRelatedSeries: number
  NumberOfStudyRelatedInstances: number
  received_at: string
  /** Where its order is; '' without one. */
  /** Only few may see it, or its patient's studies. */
  sensitive?: boolean
  procedure?: '' | 'scheduled' | 'in_progress' | 'completed' | 'discontinued' | 'cancelled'
  /** Of another study of the same patient: how much it helps to read the one that was asked for (0 to 100), and why. */
  relevance?: { score: number; reason: string }
}

export interface StudyPage {
  studies: Study[]
  next: string | null
  total: number
  total_is_estimate: boolean
  latest_change: number
}

/** An instance that can stand for its series in a thumbnail. */
export interface InstanceSummary {
  SOPInstanceUID: string
  NumberOfFrames?: number
  Rows?: number | null
  Columns?: number | null
}

export interface Series {
  SeriesInstanceUID: string
  Modality: string
  SeriesNumber: number | string | null
  SeriesDescription: string
  BodyPartExamined: string
  NumberOfSeriesRelatedInstances: number
  SOPClassUIDs: string[]
  first?: InstanceSummary | null
  middle?: InstanceSummary | null
}

export interface StudyDetail extends Study {
  series: Series[]
  /** Other studies of the same patient, newest first. */
  priors: Study[]
}

/** One row of the change log, as the event stream tells it. */
export interface Change {
  seq: number
  kind: string
  /** StudyInstanceUID, when the change is about a study. */
  study?: string | null
}

export type UploadStatus = 'stored' | 'duplicate' | 'version' | 'quarantined' | 'refused'

export interface UploadResult {
  name: string
  status: UploadStatus
  reason: string
  StudyInstanceUID?: string
  SOPInstanceUID?: string
}
