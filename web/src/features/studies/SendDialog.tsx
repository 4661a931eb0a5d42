import { useState } from 'react'
import type { Destination } from '../../api/routing'
import { listDestinations, sendStudies } from '../../api/routing'
import type { Study } from '../../api/types'
import { formatName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { navigate } from '../../lib/router'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, Skeleton } from '../../ui/controls'
import { Empty, ErrorNotice, Notice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { Dialog } from '../../ui/overlay'

const KINDS = { dicom: 'DICOM', dicomweb: 'DICOMweb', folder: 'Folder' } as const

function Choice({ to, chosen, onChoose }: { to: Destination; chosen: boolean; onChoose: () => void }) {
  return (
    <label className="send-choice">
      <input type="radio" name="destination" checked={chosen} onChange={onChoose} />
      <span className="truncate">{to.name}</span>
      {to.paused && <Badge tone="warn">paused</Badge>}
      <span className="faint">{KINDS[to.kind]}</span>
    </label>
  )
}

/** Sends a study to a peer or another destination, by the queue. */
export function SendDialog({ study, onClose }: { study: Study; onClose: () => void }) {
  const destinations = useLoaded(listDestinations)
  const [chosen, setChosen] = useState('')
  const [sent, setSent] = useState(false)
  const action = useAction()
  const send = async () => {
    await sendStudies([study.StudyInstanceUID], chosen)
    setSent(true)
  }
  if (sent) {
    return (
      <Dialog
        title="On its way"
        onClose={onClose}
        footer={
          <>
            <Button
              onClick={() => {
                onClose() // the list stays mounted behind the other page
                navigate('/deliveries')
              }}
            >
              See the queue
            </Button>
            <Button look="primary" onClick={onClose}>
              Done
            </Button>
          </>
        }
      >
        <Notice tone="ok" title={`The study is in the queue to ${chosen}.`}>
          It is sent in the background, and again when {chosen} cannot be reached.
        </Notice>
      </Dialog>
    )
  }
  return (
    <FormDialog title="Send study" submit="Send" ready={chosen !== ''} action={action} run={send} onClose={onClose}>
      <p>
        <strong>{formatName(study.PatientName) || 'No name'}</strong>
        <span className="muted">
          {' '}
          · {study.StudyDescription || 'no description'} · {plural(study.NumberOfStudyRelatedInstances, 'image')}
        </span>
      </p>
      {destinations.failure && <ErrorNotice error={destinations.failure} />}
      {destinations.value === null && !destinations.failure && <Skeleton width="60%" />}
      {destinations.value?.length === 0 && (
        <Empty icon="send" title="Nowhere to send to">
          An administrator adds DICOM peers and other destinations.
        </Empty>
      )}
      {destinations.value !== null && destinations.value.length > 0 && (
        <div className="send-choices" role="radiogroup" aria-label="Where to">
          {destinations.value.map((to) => (
            <Choice key={to.name} to={to} chosen={chosen === to.name} onChoose={() => setChosen(to.name)} />
          ))}
        </div>
      )}
    </FormDialog>
  )
}
