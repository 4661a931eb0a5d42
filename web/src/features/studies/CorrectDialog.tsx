import { useCallback, useState } from 'react'
import type { CorrectedPatient, Correction } from '../../api/corrections'
import { correctStudies, listCorrections, mergePatient, undoCorrection } from '../../api/corrections'
import type { Study } from '../../api/types'
import { formatInstant } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { type Action, useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, TextField } from '../../ui/controls'
import { FormDialog } from '../../ui/FormDialog'
import './corrections.css'

const FIELDS: readonly [keyof CorrectedPatient, string, string][] = [
  ['PatientName', 'Name', 'Family^Given'],
  ['PatientID', 'Patient ID', ''],
  ['IssuerOfPatientID', 'Issuer of the ID', ''],
  ['PatientBirthDate', 'Born', 'YYYYMMDD'],
  ['PatientSex', 'Sex', 'F, M or O'],
]

function said(study: Study): CorrectedPatient {
  return {
    PatientName: study.PatientName,
    PatientID: study.PatientID,
    IssuerOfPatientID: study.IssuerOfPatientID,
    PatientBirthDate: study.PatientBirthDate,
    PatientSex: study.PatientSex,
  }
}

function Made({ each, action, onUndo }: { each: Correction; action: Action; onUndo: () => Promise<void> }) {
  return (
    <li className="correction">
      <div>
        <strong>{formatName(each.patient.PatientName) || 'No name'}</strong> <span className="muted">{each.patient.PatientID}</span>
        <p className="faint">
          {formatInstant(each.at)} · {each.actor} · {each.reason}
        </p>
      </div>
      {each.undone_at ? (
        <Badge>undone by {each.undone_by}</Badge>
      ) : (
        <Button small disabled={action.busy} onClick={() => action.run(onUndo)}>
          Undo
        </Button>
      )}
    </li>
  )
}

/** Says who the patient of a study is: what arrived stays as it came, and each correction can be taken back. */
export function CorrectDialog({ study, onClose }: { study: Study; onClose: () => void }) {
  const uid = study.StudyInstanceUID
  const [patient, setPatient] = useState(() => said(study))
  const [reason, setReason] = useState('')
  const [whole, setWhole] = useState(false)
  const made = useLoaded(useCallback(() => listCorrections(uid), [uid]))
  const action = useAction()
  const correct = async () => {
    await (whole ? mergePatient(said(study), patient, reason) : correctStudies([uid], patient, reason))
    onClose()
  }
  const undo = async (id: number) => {
    await undoCorrection(id)
    onClose()
  }
  const before = said(study)
  const differs = FIELDS.some(([key]) => patient[key].trim() !== before[key])
  return (
    <FormDialog title="Correct the patient" submit="Correct" ready={differs && patient.PatientID.trim() !== '' && reason.trim() !== ''} action={action} run={correct} onClose={onClose}>
      <p className="muted">The images stay as they arrived. Lists, the viewer and everything that leaves the archive say what is written here.</p>
      {FIELDS.map(([key, label, hint]) => (
        <TextField key={key} label={label} hint={hint || undefined} value={patient[key]} onChange={(event) => setPatient({ ...patient, [key]: event.target.value })} />
      ))}
      <TextField label="Reason" hint="It is kept with the correction." value={reason} onChange={(event) => setReason(event.target.value)} />
      {study.PatientID && (
        <label className="correction-whole">
          <input type="checkbox" checked={whole} onChange={(event) => setWhole(event.target.checked)} />
          All studies of {study.PatientID} (merge the patients)
        </label>
      )}
      {made.value !== null && made.value.length > 0 && (
        <section>
          <h3 className="inspector-heading">Corrections so far</h3>
          <ul className="corrections">
            {made.value.map((each) => (
              <Made key={each.id} each={each} action={action} onUndo={() => undo(each.id)} />
            ))}
          </ul>
        </section>
      )}
    </FormDialog>
  )
}
