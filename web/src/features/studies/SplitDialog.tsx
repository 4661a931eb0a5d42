import { useCallback, useState } from 'react'
import type { CorrectedPatient } from '../../api/corrections'
import { listSplits, splitStudy, undoSplit } from '../../api/corrections'
import { readStudy } from '../../api/studies'
import type { Study } from '../../api/types'
import { formatInstant } from '../../lib/dates'
import { plural } from '../../lib/numbers'
import { navigate } from '../../lib/router'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, Modality, TextField } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import './corrections.css'

/** Takes series out of a study, into one of their own, of the same patient or of another. */
export function SplitDialog({ study, onClose }: { study: Study; onClose: () => void }) {
  const uid = study.StudyInstanceUID
  const [chosen, setChosen] = useState<string[]>([])
  const [other, setOther] = useState(false)
  const [patient, setPatient] = useState<CorrectedPatient>({ PatientName: '', PatientID: '', IssuerOfPatientID: '', PatientBirthDate: '', PatientSex: '' })
  const [reason, setReason] = useState('')
  const detail = useLoaded(useCallback((signal: AbortSignal) => readStudy(uid, { signal }), [uid]))
  const made = useLoaded(useCallback((signal: AbortSignal) => listSplits(uid, { signal }), [uid]))
  const action = useAction()
  const series = detail.value?.series ?? []
  const ready = chosen.length > 0 && chosen.length < series.length && reason.trim() !== '' && (!other || patient.PatientID.trim() !== '')
  const run = async () => {
    const { into_uid } = await splitStudy(uid, chosen, other ? patient : null, reason)
    onClose()
    navigate(`/viewer/${encodeURIComponent(into_uid)}`)
  }
  const undo = async (id: number) => {
    await undoSplit(id)
    onClose()
  }
  return (
    <FormDialog title="Split the study" submit="Split" wide ready={ready} action={action} run={run} onClose={onClose}>
      <p className="muted">The chosen series become a study of their own, with new UIDs. What arrived is kept and hidden, so that it can be taken back.</p>
      {detail.failure && <ErrorNotice error={detail.failure} />}
      {detail.value !== null && series.length < 2 && (
        <Empty icon="studies" title="One series only">
          To give all of it to somebody else, correct its patient.
        </Empty>
      )}
      {series.length > 1 && (
        <fieldset className="reject-series">
          <legend>What leaves it</legend>
          {series.map((each) => (
            <label key={each.SeriesInstanceUID} className="correction-whole">
              <input
                type="checkbox"
                checked={chosen.includes(each.SeriesInstanceUID)}
                onChange={(event) => setChosen(event.target.checked ? [...chosen, each.SeriesInstanceUID] : chosen.filter((one) => one !== each.SeriesInstanceUID))}
              />
              <Modality code={each.Modality} />
              <span className="truncate">{each.SeriesDescription || `Series ${each.SeriesNumber ?? ''}`}</span>
              <span className="faint">{plural(each.NumberOfSeriesRelatedInstances, 'image')}</span>
            </label>
          ))}
        </fieldset>
      )}
      <label className="correction-whole">
        <input type="checkbox" checked={other} onChange={(event) => setOther(event.target.checked)} />
        They are another patient&rsquo;s
      </label>
      {other && (
        <>
          <TextField label="Patient ID" value={patient.PatientID} onChange={(event) => setPatient({ ...patient, PatientID: event.target.value })} />
          <TextField label="Issuer of the ID" value={patient.IssuerOfPatientID} onChange={(event) => setPatient({ ...patient, IssuerOfPatientID: event.target.value })} />
          <TextField label="Name" hint="Family^Given" value={patient.PatientName} onChange={(event) => setPatient({ ...patient, PatientName: event.target.value })} />
          <TextField label="Born" hint="YYYYMMDD" value={patient.PatientBirthDate} onChange={(event) => setPatient({ ...patient, PatientBirthDate: event.target.value })} />
        </>
      )}
      <TextField label="Reason" hint="It is kept with the split." value={reason} onChange={(event) => setReason(event.target.value)} />
      {made.value !== null && made.value.length > 0 && (
        <section>
          <h3 className="inspector-heading">Splits so far</h3>
          <ul className="corrections">
            {made.value.map((each) => (
              <li key={each.id} className="correction">
                <div>
                  <strong>{plural(each.objects, 'image')}</strong> <span className="muted">{each.study_instance_uid === uid ? 'left this study' : 'came from another study'}</span>
                  <p className="faint">
                    {formatInstant(each.at)} · {each.actor} · {each.reason}
                  </p>
                </div>
                {each.undone_at ? (
                  <Badge>undone by {each.undone_by}</Badge>
                ) : (
                  <Button small disabled={action.busy} onClick={() => action.run(() => undo(each.id))}>
                    Undo
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
    </FormDialog>
  )
}
