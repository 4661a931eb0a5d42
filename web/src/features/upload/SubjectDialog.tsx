import { useEffect, useState } from 'react'
import { listStudies, readStudy } from '../../api/studies'
import type { Study } from '../../api/types'
import { formatDate, fromDateInput, toDa, toDateInput } from '../../lib/dates'
import { isAbort } from '../../lib/http'
import { formatName, toPersonName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { SelectField, TextField } from '../../ui/controls'
import { FormDialog } from '../../ui/FormDialog'
import { type Subject, isPicture, mediaTypeOf } from './media'
import type { Picked } from './pick'

const SHOWN = 6

function emptySubject(): Subject {
  return { study: '', PatientName: '', PatientID: '', PatientBirthDate: '', PatientSex: '', StudyDate: toDa(new Date()), StudyDescription: '', SeriesDescription: '', pictures: 'XC' }
}

/** The newest studies that fit what is typed, or the one that was chosen elsewhere. */
function useStudies(typed: string, given: string): Study[] {
  const [found, setFound] = useState<Study[]>([])
  useEffect(() => {
    const flight = new AbortController()
    const keep = (studies: Study[]) => setFound(studies)
    const ignore = (error: unknown) => {
      if (!isAbort(error)) setFound([])
    }
    const timer = window.setTimeout(() => {
      if (given && !typed) readStudy(given, { signal: flight.signal }).then((study) => keep([study]), ignore)
      else listStudies(typed ? { q: typed } : {}, { limit: SHOWN }, { signal: flight.signal }).then((page) => keep(page.studies), ignore)
    }, 200)
    return () => {
      window.clearTimeout(timer)
      flight.abort()
    }
  }, [typed, given])
  return found
}

function StudyChoice({ chosen, given, onChoose }: { chosen: string; given: string; onChoose: (study: string) => void }) {
  const [typed, setTyped] = useState('')
  const studies = useStudies(typed, given)
  return (
    <>
      <TextField label="Find the study" placeholder="Name, patient ID or accession number" value={typed} onChange={(event) => setTyped(event.target.value)} />
      <div className="subject-choices" role="radiogroup" aria-label="Studies">
        {studies.map((study) => (
          <label key={study.StudyInstanceUID} className="subject-choice">
            <input type="radio" name="study" checked={chosen === study.StudyInstanceUID} onChange={() => onChoose(study.StudyInstanceUID)} />
            <span className="truncate">
              {formatName(study.PatientName) || 'No name'} <span className="faint">{study.PatientID}</span>
            </span>
            <span className="truncate muted">{study.StudyDescription || 'No description'}</span>
            <span className="nowrap faint">{formatDate(study.StudyDate)}</span>
          </label>
        ))}
        {studies.length === 0 && <p className="muted subject-none">No study fits.</p>}
      </div>
    </>
  )
}

function NewStudy({ subject, change }: { subject: Subject; change: (some: Partial<Subject>) => void }) {
  return (
    <>
      <div className="form-row form-row-half">
        <TextField label="Patient name" hint="Family, given" required maxLength={64} value={subject.PatientName} onChange={(event) => change({ PatientName: event.target.value })} />
        <TextField label="Patient ID" required maxLength={64} value={subject.PatientID} onChange={(event) => change({ PatientID: event.target.value })} />
      </div>
      <div className="form-row form-row-three">
        <TextField label="Born" type="date" value={toDateInput(subject.PatientBirthDate)} onChange={(event) => change({ PatientBirthDate: fromDateInput(event.target.value) })} />
        <SelectField label="Sex" value={subject.PatientSex} onChange={(event) => change({ PatientSex: event.target.value })}>
          <option value="">Not known</option>
          <option value="F">Female</option>
          <option value="M">Male</option>
          <option value="O">Other</option>
        </SelectField>
        <TextField label="Study date" type="date" required value={toDateInput(subject.StudyDate)} onChange={(event) => change({ StudyDate: fromDateInput(event.target.value) })} />
      </div>
      <TextField label="Study description" maxLength={64} value={subject.StudyDescription} onChange={(event) => change({ StudyDescription: event.target.value })} />
    </>
  )
}

interface SubjectDialogProps {
  files: readonly Picked[]
  /** The study from which the upload was begun, '' without one. */
  study: string
  onAnswer: (subject: Subject) => void
  onClose: () => void
}

/** Whose pictures, videos and documents these are, before they become objects of a study. */
export function SubjectDialog({ files, study, onAnswer, onClose }: SubjectDialogProps) {
  const [into, setInto] = useState<'held' | 'new'>('held')
  const [subject, setSubject] = useState<Subject>(() => ({ ...emptySubject(), study }))
  const action = useAction()
  const change = (some: Partial<Subject>) => setSubject((now) => ({ ...now, ...some }))
  const ready = into === 'held' ? subject.study !== '' : subject.PatientName.trim() !== '' && subject.PatientID.trim() !== '' && subject.StudyDate !== ''
  const first = files[0]?.name ?? ''
  const answer = () => {
    onAnswer(into === 'held' ? subject : { ...subject, study: '', PatientName: toPersonName(subject.PatientName) })
    return Promise.resolve()
  }
  return (
    <FormDialog title="Whose are these?" submit={`Upload ${plural(files.length, 'file')}`} wide ready={ready} action={action} run={answer} onClose={onClose}>
      <p className="muted">
        {files.length === 1 ? first : `${first} and ${plural(files.length - 1, 'more file', 'more files')}`}: no DICOM yet. {files.length === 1 ? 'It becomes an object' : 'They become objects'} of the study you choose.
      </p>
      <SelectField label="Belongs to" value={into} onChange={(event) => setInto(event.target.value as 'held' | 'new')}>
        <option value="held">A study in the archive</option>
        <option value="new">A new study</option>
      </SelectField>
      {into === 'held' ? <StudyChoice chosen={subject.study} given={study} onChoose={(uid) => change({ study: uid })} /> : <NewStudy subject={subject} change={change} />}
      <div className="form-row form-row-half">
        <TextField label="Series description" maxLength={64} value={subject.SeriesDescription} onChange={(event) => change({ SeriesDescription: event.target.value })} />
        {files.some(({ name }) => isPicture(mediaTypeOf(name))) && (
          <SelectField label="Pictures are" value={subject.pictures} onChange={(event) => change({ pictures: event.target.value as Subject['pictures'] })}>
            <option value="XC">Photographs</option>
            <option value="OT">Scans or screenshots</option>
          </SelectField>
        )}
      </div>
    </FormDialog>
  )
}
