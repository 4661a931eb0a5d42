import { useCallback, useState } from 'react'
import type { RejectionKind } from '../../api/rejections'
import { holdStudy, listHolds, rejectStudy, releaseStudy } from '../../api/rejections'
import { readStudy } from '../../api/studies'
import type { Series, Study } from '../../api/types'
import { formatInstant } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { navigate } from '../../lib/router'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Button, Modality, TextField } from '../../ui/controls'
import { ErrorNotice, Notice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { Dialog } from '../../ui/overlay'
import './corrections.css'

/** The titles of rejection notes (CID 7011), in words of those who reject. */
const KINDS: readonly [RejectionKind, string, string][] = [
  ['quality', 'Quality', 'Blurred, cut off, not diagnostic'],
  ['safety', 'Patient safety', 'Wrong patient, wrong side: nobody may read it'],
  ['worklist', 'Wrong worklist entry', 'Another order or patient was chosen at the modality'],
  ['retention', 'Retention expired', 'Need not be kept any longer'],
]

function Scope({ series, chosen, onChange }: { series: readonly Series[]; chosen: readonly string[]; onChange: (chosen: string[]) => void }) {
  if (series.length < 2) return null
  return (
    <fieldset className="reject-series">
      <legend>What of it</legend>
      {series.map((each) => (
        <label key={each.SeriesInstanceUID} className="correction-whole">
          <input
            type="checkbox"
            checked={chosen.includes(each.SeriesInstanceUID)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, each.SeriesInstanceUID] : chosen.filter((uid) => uid !== each.SeriesInstanceUID))}
          />
          <Modality code={each.Modality} />
          <span className="truncate">{each.SeriesDescription || `Series ${each.SeriesNumber ?? ''}`}</span>
          <span className="faint">{plural(each.NumberOfSeriesRelatedInstances, 'image')}</span>
        </label>
      ))}
    </fieldset>
  )
}

interface RejectDialogProps {
  study: Study
  /** Whether the page of what was rejected can be opened. */
  canSee: boolean
  onClose: () => void
}

/** Hides a study, or some of its series, with a rejection note; nothing is deleted. */
export function RejectDialog({ study, canSee, onClose }: RejectDialogProps) {
  const uid = study.StudyInstanceUID
  const [kind, setKind] = useState<RejectionKind>('quality')
  const [reason, setReason] = useState('')
  const [left, setLeft] = useState<string[] | null>(null)
  const [hidden, setHidden] = useState<number | null>(null)
  const detail = useLoaded(useCallback((signal: AbortSignal) => readStudy(uid, { signal }), [uid]))
  const action = useAction()
  const series = detail.value?.series ?? []
  const all = series.map((each) => each.SeriesInstanceUID)
  const chosen = left ?? all
  const run = async () => {
    const made = await rejectStudy(uid, kind, reason, chosen.length < all.length ? chosen : [])
    setHidden(made.hidden)
  }
  if (hidden !== null) {
    return (
      <Dialog
        title="Rejected"
        onClose={onClose}
        footer={
          <>
            {canSee && (
              <Button
                onClick={() => {
                  onClose() // the list stays mounted behind the other page
                  navigate('/admin/rejected')
                }}
              >
                See what is rejected
              </Button>
            )}
            <Button look="primary" onClick={onClose}>
              Done
            </Button>
          </>
        }
      >
        <Notice tone="ok" title={`${plural(hidden, 'object')} hidden, none deleted.`}>
          Who was sent some of it gets the rejection note, too.
        </Notice>
      </Dialog>
    )
  }
  return (
    <FormDialog title="Reject images" submit="Reject" danger wide ready={reason.trim() !== '' && (all.length === 0 || chosen.length > 0)} action={action} run={run} onClose={onClose}>
      <p>
        <strong>{formatName(study.PatientName) || 'No name'}</strong>
        <span className="muted"> · {study.StudyDescription || 'no description'}</span>
      </p>
      <p className="muted">Rejected images are hidden from lists, the viewer and other systems at once. They are kept, and can be restored.</p>
      <div className="send-choices" role="radiogroup" aria-label="What is wrong">
        {KINDS.map(([value, title, hint]) => (
          <label key={value} className="send-choice">
            <input type="radio" name="kind" checked={kind === value} onChange={() => setKind(value)} />
            <span className="nowrap">{title}</span>
            <span className="faint truncate">{hint}</span>
          </label>
        ))}
      </div>
      {detail.failure && <ErrorNotice error={detail.failure} />}
      <Scope series={series} chosen={chosen} onChange={setLeft} />
      <TextField label="Reason" hint="It is kept with the rejection note." value={reason} onChange={(event) => setReason(event.target.value)} />
    </FormDialog>
  )
}

/** A legal hold: nothing of a study can be deleted until it is released. */
export function HoldDialog({ study, onClose }: { study: Study; onClose: () => void }) {
  const uid = study.StudyInstanceUID
  const holds = useLoaded(useCallback((signal: AbortSignal) => listHolds({ signal }), []))
  const held = holds.value?.find((each) => each.study_instance_uid === uid)
  const [reason, setReason] = useState('')
  const action = useAction()
  const run = async () => {
    await (held ? releaseStudy(uid, reason) : holdStudy(uid, reason))
    onClose()
  }
  return (
    <FormDialog title={held ? 'Release the legal hold' : 'Set a legal hold'} submit={held ? 'Release' : 'Hold'} ready={holds.value !== null && reason.trim() !== ''} action={action} run={run} onClose={onClose}>
      {holds.failure && <ErrorNotice error={holds.failure} />}
      {held ? (
        <p>
          Held by {held.actor} since {formatInstant(held.at)}: {held.reason}
        </p>
      ) : (
        <p className="muted">Nothing of this study can be deleted until somebody releases it. It can still be read, corrected and rejected.</p>
      )}
      <TextField label="Reason" hint="It is kept in the change log." value={reason} onChange={(event) => setReason(event.target.value)} />
    </FormDialog>
  )
}
