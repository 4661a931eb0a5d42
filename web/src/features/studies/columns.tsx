import type { ReactNode } from 'react'
import type { Study } from '../../api/types'
import { ageAt, formatDate, formatInstant, formatSex, formatTime } from '../../lib/dates'
import { parseName } from '../../lib/names'
import { formatCount } from '../../lib/numbers'
import { Badge, Modalities } from '../../ui/controls'
import type { SortColumn } from './searchState'

export interface Column {
  sort: SortColumn
  title: string
  /** Names the grid track in studies.css; narrow lists leave some out. */
  key: string
  numeric?: boolean
  cell: (study: Study) => ReactNode
}

export function PatientName({ value }: { value: string }) {
  const name = parseName(value)
  if (!name.main) return <span className="faint">No name</span>
  const others = [name.ideographic, name.phonetic].filter(Boolean).join(' · ')
  return (
    <>
      <span className="patient-name">{name.main}</span>
      {others && (
        <span className="patient-other" lang="und">
          {others}
        </span>
      )}
    </>
  )
}

/** An examination that goes on, or was broken off: more may come. */
function Procedure({ state }: { state: NonNullable<Study['procedure']> }) {
  if (state === 'in_progress') return <Badge tone="info">in progress</Badge>
  return state === 'discontinued' ? <Badge tone="warn">discontinued</Badge> : null
}

/** "54 y · F" */
export function ageAndSex(study: Study): string {
  return [ageAt(study.PatientBirthDate, study.StudyDate), formatSex(study.PatientSex)].filter(Boolean).join(' · ')
}

export const COLUMNS: readonly Column[] = [
  { sort: 'PatientName', title: 'Patient', key: 'patient', cell: (study) => <PatientName value={study.PatientName} /> },
  { sort: 'PatientID', title: 'ID', key: 'id', cell: (study) => <span className="id">{study.PatientID}</span> },
  { sort: 'PatientBirthDate', title: 'Age, sex', key: 'age', cell: ageAndSex },
  {
    sort: 'StudyDate',
    title: 'Study date',
    key: 'date',
    cell: (study) => (
      <>
        {formatDate(study.StudyDate)} <span className="time">{formatTime(study.StudyTime)}</span>
      </>
    ),
  },
  { sort: 'ModalitiesInStudy', title: 'Modality', key: 'modality', cell: (study) => <Modalities codes={study.ModalitiesInStudy} /> },
  {
    sort: 'StudyDescription',
    title: 'Description',
    key: 'description',
    cell: (study) => (
      <>
        {study.StudyDescription} <Procedure state={study.procedure ?? ''} /> {study.sensitive && <Badge tone="danger">sensitive</Badge>}
      </>
    ),
  },
  { sort: 'AccessionNumber', title: 'Accession', key: 'accession', cell: (study) => <span className="id">{study.AccessionNumber}</span> },
  { sort: 'ReferringPhysicianName', title: 'Referrer', key: 'referrer', cell: (study) => parseName(study.ReferringPhysicianName).main },
  { sort: 'NumberOfStudyRelatedSeries', title: 'Series', key: 'series', numeric: true, cell: (study) => formatCount(study.NumberOfStudyRelatedSeries) },
  { sort: 'NumberOfStudyRelatedInstances', title: 'Images', key: 'images', numeric: true, cell: (study) => formatCount(study.NumberOfStudyRelatedInstances) },
  { sort: 'received_at', title: 'Received', key: 'received', cell: (study) => formatInstant(study.received_at) },
]
