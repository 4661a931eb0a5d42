import { useState } from 'react'
import { PURPOSES, beginEmergency } from '../api/emergency'
import { refreshSession } from '../api/session'
import { navigate } from '../lib/router'
import { useAction } from '../lib/useAction'
import { SelectField, TextField } from '../ui/controls'
import { FormDialog } from '../ui/FormDialog'
import { Icon } from '../ui/icons'
import './emergency.css'

const SHORTEST = 10

/** Opens the studies of a patient whom one may not see ("break-glass"). */
export function EmergencyDialog({ onClose }: { onClose: () => void }) {
  const [by, setBy] = useState<'patient' | 'accession'>('patient')
  const [number, setNumber] = useState('')
  const [issuer, setIssuer] = useState('')
  const [purpose, setPurpose] = useState('')
  const [reason, setReason] = useState('')
  const action = useAction()
  const run = async () => {
    const whose = by === 'accession' ? { AccessionNumber: number.trim() } : { PatientID: number.trim(), ...(issuer.trim() ? { IssuerOfPatientID: issuer.trim() } : {}) }
    const opened = await beginEmergency(whose, purpose, reason)
    await refreshSession()
    navigate(`/?q=${encodeURIComponent(opened.patient_id)}`)
    onClose()
  }
  const ready = number.trim() !== '' && purpose !== '' && reason.trim().length >= SHORTEST
  return (
    <FormDialog title="Emergency access" submit="Open the patient’s studies" danger ready={ready} action={action} run={run} onClose={onClose}>
      <div className="emergency-warning" role="note">
        <Icon name="alert" size={20} />
        <div>
          <strong>Only when a patient needs it now.</strong>
          <p>Administrators are told at once that you have opened this, for whom and why. Everything you then look at is listed, and reviewed.</p>
        </div>
      </div>
      <SelectField label="The patient is named by" value={by} onChange={(event) => setBy(event.target.value === 'accession' ? 'accession' : 'patient')}>
        <option value="patient">Patient ID</option>
        <option value="accession">Accession number</option>
      </SelectField>
      <TextField label={by === 'accession' ? 'Accession number' : 'Patient ID'} hint="The exact number, letter by letter." autoFocus value={number} onChange={(event) => setNumber(event.target.value)} />
      {action.failure?.where === 'IssuerOfPatientID' && by === 'patient' && <TextField label="Issuer of the ID" value={issuer} onChange={(event) => setIssuer(event.target.value)} />}
      <SelectField label="Purpose" value={purpose} onChange={(event) => setPurpose(event.target.value)}>
        <option value="">Choose…</option>
        {Object.entries(PURPOSES).map(([code, meaning]) => (
          <option key={code} value={code}>
            {meaning}
          </option>
        ))}
      </SelectField>
      <TextField label="Reason" hint="In words, so that whoever reviews it understands." value={reason} onChange={(event) => setReason(event.target.value)} />
    </FormDialog>
  )
}
