// Whose picture it is, on every viewport, as soon as another patient than the one in the title is on the screen: whatever text is chosen.
import { formatDate } from '../../../../lib/dates'
import { formatName } from '../../../../lib/names'
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import { patientNumbers } from '../../model/patients'
import { Beside } from '../../session/beside'
import type { ViewerSession } from '../../session/session'
import { Glyph } from '../icons'
import './beside.css'

export function PatientSign({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const { groups, detail } = useValue(session.state)
  const { seriesInstanceUID: series } = useValue(pane.state)
  const mixed = Beside.isMixed(useValue(session.beside.onScreen))
  const group = mixed && series !== null ? groups.find((each) => each.study.StudyInstanceUID === session.studyOf(series)) : undefined
  if (!group) return null
  const { study } = group
  const number = patientNumbers(groups).get(study.StudyInstanceUID) ?? 1
  // Who has hidden the patient's text still sees that these are two.
  const facts = detail === 'all' ? [study.PatientID, formatDate(study.PatientBirthDate)].filter(Boolean).join(' · ') : ''
  return (
    <p className={number === 1 ? 'patient-sign' : 'patient-sign patient-sign-other'} data-testid="patient-sign" data-take="no">
      <b>{detail === 'all' ? formatName(study.PatientName) || 'No name' : `Patient ${number}`}</b>
      {facts && <span>{facts}</span>}
    </p>
  )
}

/** In the title: nobody may think that all of it is one patient's. */
export function PatientsWarning({ session }: { session: ViewerSession }) {
  const { groups } = useValue(session.state)
  const onScreen = useValue(session.beside.onScreen)
  if (!Beside.isMixed(onScreen)) return null
  const numbers = patientNumbers(groups)
  const names = onScreen.filter((number) => number !== 1).map((number) => formatName(groups.find((group) => numbers.get(group.study.StudyInstanceUID) === number)?.study.PatientName) || 'No name')
  const words = onScreen.includes(1) ? `Also on the screen: ${names.join('; ')}` : `On the screen: ${names.join('; ')}`
  return (
    <span className="patients-warning" role="status" data-tip={words} data-testid="patients-warning">
      <Glyph name="warn" size={12} />
      {words}
    </span>
  )
}
