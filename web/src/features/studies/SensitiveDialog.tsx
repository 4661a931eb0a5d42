import { useState } from 'react'
import { markSensitive } from '../../api/sensitive'
import type { Study } from '../../api/types'
import { formatName } from '../../lib/names'
import { useAction } from '../../lib/useAction'
import { TextField } from '../../ui/controls'
import { FormDialog } from '../../ui/FormDialog'

interface SensitiveDialogProps {
  study: Study
  /** The mark is set or gone: the list says otherwise. */
  onDone: () => void
  onClose: () => void
}

/** Marks a study or its patient as sensitive, or takes the mark off. */
export function SensitiveDialog({ study, onDone, onClose }: SensitiveDialogProps) {
  const [patient, setPatient] = useState(false)
  const [reason, setReason] = useState('')
  const action = useAction()
  const marking = !study.sensitive
  const run = async () => {
    await markSensitive(study.StudyInstanceUID, marking, patient, reason)
    onDone()
    onClose()
  }
  const choices: [boolean, string, string][] = [
    [false, 'This study', study.StudyDescription || 'no description'],
    [true, 'The patient', 'all studies, also those that come later'],
  ]
  return (
    <FormDialog title={marking ? 'Mark as sensitive' : 'Sensitive no more'} submit={marking ? 'Mark' : 'Take the mark off'} ready={reason.trim() !== ''} action={action} run={run} onClose={onClose}>
      <p>
        <strong>{formatName(study.PatientName) || 'No name'}</strong>
      </p>
      <p className="muted">
        {marking
          ? 'Whoever may not see sensitive studies no longer finds it: not in lists, counts, searches of devices or links. Nothing is altered or deleted.'
          : 'Everybody who may see the study otherwise finds it again.'}
      </p>
      <div className="send-choices" role="radiogroup" aria-label="What is sensitive">
        {choices.map(([value, title, hint]) => (
          <label key={title} className="send-choice">
            <input type="radio" name="what" checked={patient === value} onChange={() => setPatient(value)} />
            <span className="nowrap">{title}</span>
            <span className="faint truncate">{hint}</span>
          </label>
        ))}
      </div>
      <TextField label="Reason" hint="It is kept in the change log." value={reason} onChange={(event) => setReason(event.target.value)} />
    </FormDialog>
  )
}
