import { useEffect, useState } from 'react'
import { type Option, type Project, deidentified, readProjects } from '../../api/deidentification'
import { noteExport } from '../../api/exports'
import { isGuest } from '../../api/session'
import { readStudy } from '../../api/studies'
import type { Series, StudyDetail } from '../../api/types'
import { archiveUrl } from '../../dicomweb/urls'
import { formatDate } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { saveFile } from '../../lib/save'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { CheckField, SelectField, Skeleton } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { type All, type Pictured, Regions } from './Regions'
import './files.css'

/** As many as the server puts into one archive. */
const MOST = 50
const ONCE = '' // no project: pseudonyms of this export only

interface Wishes {
  readonly series: readonly string[]
  readonly deidentify: boolean
  readonly project: string
  readonly options: readonly string[]
  readonly regions: All
}

const titleOf = (series: Series): string => [series.SeriesNumber, series.SeriesDescription || series.BodyPartExamined || series.Modality].filter(Boolean).join(' ')

function SeriesChoice({ study, wishes, change }: { study: StudyDetail; wishes: Wishes; change: (change: Partial<Wishes>) => void }) {
  const all = study.series.map((each) => each.SeriesInstanceUID)
  const pick = (uid: string, on: boolean) => change({ series: all.filter((each) => (each === uid ? on : wishes.series.includes(each))) })
  return (
    <div className="files-series" role="group" aria-label="Series" data-testid="files-series">
      <CheckField label={`All of the study (${study.series.length} series)`} checked={wishes.series.length === all.length} onChange={(on) => change({ series: on ? all : [] })} />
      {study.series.map((each) => (
        <CheckField key={each.SeriesInstanceUID} label={`${titleOf(each)} · ${each.Modality} · ${plural(each.NumberOfSeriesRelatedInstances, 'object')}`} checked={wishes.series.includes(each.SeriesInstanceUID)} onChange={(on) => pick(each.SeriesInstanceUID, on)} />
      ))}
    </div>
  )
}

/** Series of all that leave that have pictures to draw on. */
const pictured = (studies: readonly StudyDetail[], wishes: Wishes): Pictured[] =>
  studies.flatMap((study) =>
    study.series
      .filter((each) => wishes.series.includes(each.SeriesInstanceUID) && each.middle?.Rows && each.middle.Columns)
      .map((series) => ({ study: study.StudyInstanceUID, series, title: [...(studies.length > 1 ? [formatName(study.PatientName) || 'No name', formatDate(study.StudyDate)] : []), titleOf(series)].filter(Boolean).join(' · ') })),
  )

function HowDeidentified({ studies, projects, options, wishes, change }: { studies: readonly StudyDetail[]; projects: readonly Project[]; options: readonly Option[]; wishes: Wishes; change: (change: Partial<Wishes>) => void }) {
  const pick = (name: string, on: boolean) => change({ options: options.map((each) => each.name).filter((each) => (each === name ? on : wishes.options.includes(each))) })
  return (
    <div className="files-how">
      <SelectField label="For" value={wishes.project} data-testid="files-project" onChange={(event) => change({ project: event.target.value })}>
        <option value={ONCE}>Once, with pseudonyms of its own</option>
        {projects.filter((each) => !each.closed).map((each) => (
          <option key={each.name} value={each.name}>
            {each.description ? `${each.name}: ${each.description}` : each.name}
          </option>
        ))}
      </SelectField>
      {wishes.project === ONCE && (
        <details>
          <summary>What may stay ({wishes.options.length || 'as little as can be'})</summary>
          {options.map((each) => (
            <CheckField key={each.name} label={each.words} checked={wishes.options.includes(each.name)} onChange={(on) => pick(each.name, on)} />
          ))}
        </details>
      )}
      <Regions series={pictured(studies, wishes)} regions={wishes.regions} onChange={(regions) => change({ regions })} />
    </div>
  )
}

const seriesOf = (studies: readonly StudyDetail[]): string[] => studies.flatMap((study) => study.series.map((each) => each.SeriesInstanceUID))

async function takeAway(studies: readonly StudyDetail[], wishes: Wishes, signal: AbortSignal): Promise<void> {
  const uids = studies.map((each) => each.StudyInstanceUID)
  const series = wishes.series.length === seriesOf(studies).length ? [] : wishes.series
  if (wishes.deidentify) {
    const regions = wishes.series.flatMap((series) => (wishes.regions[series] ?? []).map(({ rectangle, instance }) => ({ series, ...(instance ? { instance } : {}), rectangles: [rectangle] })))
    // Whoever makes text black wants pixels to be cleaned.
    const options = regions.length > 0 ? [...new Set([...wishes.options, 'pixels'])] : wishes.options
    saveFile(await deidentified(uids, { ...(wishes.project === ONCE ? { options } : { project: wishes.project }), series, regions }, signal), 'deidentified.zip')
    return
  }
  // Each study is asked for and noted by itself: when one may not leave, nothing does.
  for (const study of studies) {
    const chosen = study.series.filter((each) => wishes.series.includes(each.SeriesInstanceUID))
    const count = chosen.reduce((sum, each) => sum + each.NumberOfSeriesRelatedInstances, 0)
    await noteExport(study.StudyInstanceUID, { form: 'dicom', count: Math.max(1, count), series: chosen.map((each) => each.SeriesInstanceUID), drawings: false, patient: true })
  }
  const link = document.createElement('a')
  link.href = archiveUrl(uids, series)
  link.download = ''
  link.click()
}

/** What leaves: a study and which of its series, or several studies whole. */
function Chosen({ studies, wishes, change }: { studies: readonly StudyDetail[]; wishes: Wishes; change: (change: Partial<Wishes>) => void }) {
  const [study, second] = studies
  if (!study) return null
  if (second)
    return (
      <ul className="files-studies">
        {studies.map((each) => (
          <li key={each.StudyInstanceUID}>{[formatName(each.PatientName) || 'No name', formatDate(each.StudyDate), each.StudyDescription || each.ModalitiesInStudy.join(' '), plural(each.NumberOfStudyRelatedInstances, 'object')].filter(Boolean).join(' · ')}</li>
        ))}
      </ul>
    )
  return (
    <>
      <p>
        <strong>{formatName(study.PatientName) || 'No name'}</strong>
        <span className="muted"> · {study.StudyDescription || 'no description'}</span>
      </p>
      <SeriesChoice study={study} wishes={wishes} change={change} />
    </>
  )
}

const NOBODY: readonly StudyDetail[] = []

export interface FilesDialogProps {
  readonly studies: readonly string[]
  /** One series of a single study; null: all. */
  readonly series: string | null
  /** When the files have left. */
  readonly onDone?: () => void
  readonly onClose: () => void
}

/** DICOM files for people as one ZIP, with or without identities: a study, some of its series, or several studies. */
export function FilesDialog({ studies: uids, series, onDone, onClose }: FilesDialogProps) {
  const tooMany = uids.length > MOST
  const [load] = useState(() => (signal: AbortSignal) => (tooMany ? Promise.resolve(NOBODY) : Promise.all(uids.map((uid) => readStudy(uid, { signal })))))
  const { value: studies, failure } = useLoaded(load)
  // Who came by a link gets files as they are: projects are the archive's own.
  const guest = isGuest()
  const [loadProjects] = useState(() => (guest ? () => Promise.resolve({ projects: [], options: [] }) : readProjects))
  const projects = useLoaded(loadProjects)
  const [held, setHeld] = useState<Partial<Wishes>>({})
  const [stopping] = useState(() => new AbortController())
  const action = useAction()
  useEffect(() => () => stopping.abort(), [stopping])
  const all = seriesOf(studies ?? NOBODY)
  const wishes: Wishes = { series: series !== null && all.includes(series) ? [series] : all, deidentify: false, project: ONCE, options: [], regions: {}, ...held }
  const change = (part: Partial<Wishes>) => setHeld({ ...held, ...part })
  const run = async () => {
    if (!studies) return
    await takeAway(studies, wishes, stopping.signal)
    onDone?.()
    onClose()
  }
  const title = uids.length > 1 ? `DICOM files of ${plural(uids.length, 'study', 'studies')}` : 'DICOM files'
  return (
    <FormDialog title={title} submit={action.busy ? 'The files are being made…' : 'Save as ZIP'} ready={wishes.series.length > 0} wide action={action} run={run} onClose={onClose}>
      {tooMany && <p role="alert" className="field-error">{`One archive holds ${MOST} studies. Mark fewer of them.`}</p>}
      {failure && <ErrorNotice error={failure} />}
      {!studies && !failure && <Skeleton width="60%" />}
      {studies && !tooMany && (
        <>
          <Chosen studies={studies} wishes={wishes} change={change} />
          {!guest && <CheckField label="De-identify" checked={wishes.deidentify} onChange={(deidentify) => change({ deidentify })} />}
          {wishes.deidentify && projects.failure && <ErrorNotice error={projects.failure} />}
          {wishes.deidentify && projects.value && <HowDeidentified studies={studies} projects={projects.value.projects} options={projects.value.options} wishes={wishes} change={change} />}
          {wishes.deidentify ? <p className="field-hint">Names, numbers and dates are removed or replaced (PS3.15 Annex E); a report of what was removed goes with the files.</p> : <p className="files-warning">{`The files name the ${uids.length > 1 ? 'patients' : 'patient'}.`}</p>}
        </>
      )}
    </FormDialog>
  )
}
