import { useState } from 'react'
import { may, useUser } from '../../api/session'
import { type CodeUse, type MadeShare, type Opens, addShare, readSharePolicy } from '../../api/sharing'
import { readStudy } from '../../api/studies'
import { formatDate } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { CheckField, SelectField, Skeleton, TextField } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { MadeLink } from './MadeLink'
import './sharing.css'

const DAYS = [
  { days: 1, title: 'One day' },
  { days: 7, title: 'A week' },
  { days: 14, title: 'Two weeks' },
  { days: 30, title: '30 days' },
  { days: 90, title: '90 days' },
  { days: 365, title: 'A year' },
] as const

const CODE_WORDS: readonly { value: CodeUse; title: string }[] = [
  { value: 'once', title: 'Once, for one browser' },
  { value: 'always', title: 'Each time, in any browser' },
  { value: 'none', title: 'No code: whoever has the link' },
]

function Subject({ study: uid }: { study: string }) {
  const [load] = useState(() => () => readStudy(uid))
  const study = useLoaded(load)
  if (study.failure) return <ErrorNotice error={study.failure} />
  if (!study.value) return <Skeleton width="60%" />
  return (
    <p>
      <strong>{formatName(study.value.PatientName) || 'No name'}</strong>
      <span className="muted"> · {[study.value.StudyDescription || 'no description', formatDate(study.value.StudyDate)].filter(Boolean).join(', ')}</span>
    </p>
  )
}

/** A link to a study or its patient, or (without a study) for sending in. */
export function ShareDialog({ study, onClose, onMade }: { study: string; onClose: () => void; onMade?: () => void }) {
  const user = useUser()
  const [opens, setOpens] = useState<Opens>(study ? 'study' : 'upload')
  const [label, setLabel] = useState('')
  const [days, setDays] = useState(14)
  const [code, setCode] = useState<CodeUse>('once')
  const [download, setDownload] = useState(false)
  const [made, setMade] = useState<MadeShare | null>(null)
  const policy = useLoaded(readSharePolicy)
  const most = policy.value?.most_days ?? Infinity
  const lasts = Math.min(days, most)
  const choices = DAYS.filter((each) => each.days <= most)
  const choice = choices.some((each) => each.days === lasts) ? choices : [...choices, { days: lasts, title: `${lasts} days` }]
  const action = useAction()
  const run = async () => {
    setMade(await addShare({ opens, ...(study ? { StudyInstanceUID: study } : {}), label: label.trim(), days: lasts, download, code }))
    onMade?.()
  }
  if (made) return <MadeLink path={made.path} code={made.code} onClose={onClose} />
  return (
    <FormDialog title={study ? 'Share by a link' : 'A link for sending in'} submit="Make the link" ready={study !== '' || label.trim() !== ''} action={action} run={run} onClose={onClose}>
      {study ? <Subject study={study} /> : <p className="muted">Whoever has it can send files, folders or a disc in with a browser. It opens nothing of the archive; what comes waits under Exceptions until somebody accepts it.</p>}
      <TextField label={study ? 'For whom (only you see this)' : 'From whom'} required={!study} value={label} maxLength={200} onChange={(event) => setLabel(event.target.value)} />
      {study && (
        <SelectField label="It opens" value={opens} onChange={(event) => setOpens(event.target.value as Opens)}>
          <option value="study">This study</option>
          <option value="patient">All studies of the patient, later ones too</option>
        </SelectField>
      )}
      <SelectField label="Valid for" value={lasts} onChange={(event) => setDays(Number(event.target.value))}>
        {choice.map((each) => (
          <option key={each.days} value={each.days}>
            {each.title}
          </option>
        ))}
      </SelectField>
      <SelectField label="Ask for a code" hint={code === 'none' ? 'Everybody whom the link reaches can open it.' : 'You tell the code by another way than the link.'} value={code} onChange={(event) => setCode(event.target.value as CodeUse)}>
        {CODE_WORDS.filter(({ value }) => value !== 'none' || !policy.value?.needs_code).map(({ value, title }) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </SelectField>
      {study && may(user, 'study:export') && <CheckField label="May download" hint="DICOM files, pictures, films and prints; without it only looking." checked={download} onChange={setDownload} />}
    </FormDialog>
  )
}
