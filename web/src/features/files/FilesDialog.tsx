import { useEffect, useState } from 'react'
import { type Option, type Project, deidentified, readProjects } from '../../api/deidentification'
import { noteExport } from '../../api/exports'
import { isGuest } from '../../api/session'
import { readStudy } from '../../api/studies'
import type { Series, StudyDetail } from '../../api/types'
import { studyArchive } from '../../dicomweb/urls'
import { formatName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { saveFile } from '../../lib/save'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { CheckField, SelectField, Skeleton } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { type All, Regions } from './Regions'
import './files.css'

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

function HowDeidentified({ study, projects, options, wishes, change }: { study: StudyDetail; projects: readonly Project[]; options: readonly Option[]; wishes: Wishes; change: (change: Partial<Wishes>) => void }) {
  const pick = (name: string, on: boolean) => change({ options: options.map((each) => each.name).filter((each) => (each === name ? on : wishes.options.includes(each))) })
  const chosen = study.series.filter((each) => wishes.series.includes(each.SeriesInstanceUID) && each.middle?.Rows && each.middle.Columns)
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
      <Regions study={study.StudyInstanceUID} series={chosen} title={titleOf} regions={wishes.regions} onChange={(regions) => change({ regions })} />
    </div>
  )
}

async function takeAway(study: StudyDetail, wishes: Wishes, signal: AbortSignal): Promise<void> {
  const uid = study.StudyInstanceUID
  const whole = wishes.series.length === study.series.length
  if (wishes.deidentify) {
    const regions = wishes.series.flatMap((series) => (wishes.regions[series] ?? []).map(({ rectangle, instance }) => ({ series, ...(instance ? { instance } : {}), rectangles: [rectangle] })))
    // Whoever makes text black wants pixels to be cleaned.
    const options = regions.length > 0 ? [...new Set([...wishes.options, 'pixels'])] : wishes.options
    saveFile(await deidentified(uid, { ...(wishes.project === ONCE ? { options } : { project: wishes.project }), series: whole ? [] : wishes.series, regions }, signal), 'deidentified.zip')
    return
  }
  const count = study.series.filter((each) => wishes.series.includes(each.SeriesInstanceUID)).reduce((sum, each) => sum + each.NumberOfSeriesRelatedInstances, 0)
  await noteExport(uid, { form: 'dicom', count: Math.max(1, count), series: wishes.series, drawings: false, patient: true })
  const link = document.createElement('a')
  link.href = studyArchive(uid, whole ? [] : wishes.series)
  link.download = ''
  link.click()
}

/** DICOM files of a study for people: all or some series as a ZIP, with or without identities. */
export function FilesDialog({ study: uid, series, onClose }: { study: string; series: string | null; onClose: () => void }) {
  const [load] = useState(() => () => readStudy(uid))
  const study = useLoaded(load)
  // Who came by a link gets files as they are: projects are the archive's own.
  const guest = isGuest()
  const [loadProjects] = useState(() => (guest ? () => Promise.resolve({ projects: [], options: [] }) : readProjects))
  const projects = useLoaded(loadProjects)
  const [held, setHeld] = useState<Partial<Wishes>>({})
  const [stopping] = useState(() => new AbortController())
  const action = useAction()
  useEffect(() => () => stopping.abort(), [stopping])
  const all = study.value?.series.map((each) => each.SeriesInstanceUID) ?? []
  const wishes: Wishes = { series: series !== null && all.includes(series) ? [series] : all, deidentify: false, project: ONCE, options: [], regions: {}, ...held }
  const change = (part: Partial<Wishes>) => setHeld({ ...held, ...part })
  const run = async () => {
    if (!study.value) return
    await takeAway(study.value, wishes, stopping.signal)
    onClose()
  }
  return (
    <FormDialog title="DICOM files" submit={action.busy ? 'The files are being made…' : 'Save as ZIP'} ready={study.value !== null && wishes.series.length > 0} wide action={action} run={run} onClose={onClose}>
      {study.failure && <ErrorNotice error={study.failure} />}
      {!study.value && !study.failure && <Skeleton width="60%" />}
      {study.value && (
        <>
          <p>
            <strong>{formatName(study.value.PatientName) || 'No name'}</strong>
            <span className="muted"> · {study.value.StudyDescription || 'no description'}</span>
          </p>
          <SeriesChoice study={study.value} wishes={wishes} change={change} />
          {!guest && <CheckField label="De-identify" checked={wishes.deidentify} onChange={(deidentify) => change({ deidentify })} />}
          {wishes.deidentify && projects.failure && <ErrorNotice error={projects.failure} />}
          {wishes.deidentify && projects.value && <HowDeidentified study={study.value} projects={projects.value.projects} options={projects.value.options} wishes={wishes} change={change} />}
          {wishes.deidentify ? <p className="field-hint">Names, numbers and dates are removed or replaced (PS3.15 Annex E); a report of what was removed goes with the files.</p> : <p className="files-warning">The files name the patient.</p>}
        </>
      )}
    </FormDialog>
  )
}
