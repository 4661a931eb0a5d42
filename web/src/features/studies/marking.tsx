// Several studies at once: marked in the list, then taken away together.
import { useCallback, useState } from 'react'
import { noteExport } from '../../api/exports'
import type { Study } from '../../api/types'
import { studiesArchive } from '../../dicomweb/urls'
import { formatDate } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { Button } from '../../ui/controls'
import { FormDialog } from '../../ui/FormDialog'

/** As many as the server puts into one archive. */
const MOST = 50

export interface Marking {
  readonly studies: ReadonlyMap<string, Study>
  readonly toggle: (study: Study) => void
  readonly clear: () => void
}

export function useMarking(): Marking {
  const [studies, setStudies] = useState<ReadonlyMap<string, Study>>(new Map())
  const toggle = useCallback((study: Study) => {
    setStudies((now) => {
      const next = new Map(now)
      if (!next.delete(study.StudyInstanceUID)) next.set(study.StudyInstanceUID, study)
      return next
    })
  }, [])
  const clear = useCallback(() => setStudies(new Map()), [])
  return { studies, toggle, clear }
}

/** Each study is asked for and noted by itself: when one may not leave, nothing does. */
async function takeAway(studies: readonly Study[]): Promise<void> {
  for (const study of studies) {
    await noteExport(study.StudyInstanceUID, { form: 'dicom', count: Math.max(1, study.NumberOfStudyRelatedInstances), series: [], drawings: false, patient: true })
  }
  const link = document.createElement('a')
  link.href = studiesArchive(studies.map((each) => each.StudyInstanceUID))
  link.download = ''
  link.click()
}

function TakeSeveral({ studies, onClose, onDone }: { studies: readonly Study[]; onClose: () => void; onDone: () => void }) {
  const action = useAction()
  const run = async () => {
    await takeAway(studies)
    onDone()
  }
  const objects = studies.reduce((sum, each) => sum + each.NumberOfStudyRelatedInstances, 0)
  return (
    <FormDialog title={`DICOM files of ${plural(studies.length, 'study', 'studies')}`} submit="Save as ZIP" ready={studies.length <= MOST} action={action} run={run} onClose={onClose}>
      <ul className="marked-studies">
        {studies.map((each) => (
          <li key={each.StudyInstanceUID}>{[formatName(each.PatientName) || 'No name', formatDate(each.StudyDate), each.StudyDescription || each.ModalitiesInStudy.join(' ')].filter(Boolean).join(' · ')}</li>
        ))}
      </ul>
      {studies.length > MOST ? (
        <p role="alert" className="field-error">{`One archive holds ${MOST} studies. Mark fewer of them.`}</p>
      ) : (
        <p className="field-hint">{`${plural(objects, 'object')} in one archive that can be put on a disc. The files name the patients; a single study can leave without, by “Take away” in its details.`}</p>
      )}
    </FormDialog>
  )
}

/** Below the list, as long as studies are marked. */
export function MarkedBar({ marking, mayTakeAway }: { marking: Marking; mayTakeAway: boolean }) {
  const [taking, setTaking] = useState(false)
  const studies = [...marking.studies.values()]
  if (studies.length === 0) return null
  return (
    <div className="marked-bar" data-testid="marked-bar">
      <span role="status">{`${plural(studies.length, 'study', 'studies')} marked`}</span>
      {mayTakeAway && (
        <Button small icon="download" onClick={() => setTaking(true)}>
          Take away
        </Button>
      )}
      <Button small onClick={marking.clear}>
        Unmark
      </Button>
      {taking && (
        <TakeSeveral
          studies={studies}
          onClose={() => setTaking(false)}
          onDone={() => {
            setTaking(false)
            marking.clear()
          }}
        />
      )}
    </div>
  )
}
