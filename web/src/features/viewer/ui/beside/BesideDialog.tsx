// Finding a study to lay beside the one that is read.
import { useEffect, useState } from 'react'
import { listStudies } from '../../../../api/studies'
import type { Study } from '../../../../api/types'
import { formatDate } from '../../../../lib/dates'
import { isAbort } from '../../../../lib/http'
import { formatName } from '../../../../lib/names'
import { TextField } from '../../../../ui/controls'
import { Dialog } from '../../../../ui/overlay'
import { samePatient } from '../../model/patients'
import { wordsOfFailure } from '../../session/beside'
import type { ViewerSession } from '../../session/session'
import './beside.css'

const MOST = 20
const TYPED = 200 // ms without another key

interface Answer {
  readonly studies: readonly Study[]
  readonly more: boolean
}

function useAnswer(typed: string): { answer: Answer | null; trouble: string } {
  const [answer, setAnswer] = useState<Answer | null>(null)
  const [trouble, setTrouble] = useState('')
  useEffect(() => {
    const flight = new AbortController()
    const ask = async () => {
      try {
        const { studies, next } = await listStudies(typed ? { q: typed } : {}, { limit: MOST }, { signal: flight.signal })
        setAnswer({ studies, more: next !== null })
        setTrouble('')
      } catch (error) {
        if (!isAbort(error)) setTrouble(wordsOfFailure(error))
      }
    }
    const timer = window.setTimeout(() => void ask(), TYPED)
    return () => {
      window.clearTimeout(timer)
      flight.abort()
    }
  }, [typed])
  return { answer, trouble }
}

function Found({ study, opened, onChoose }: { study: Study; opened: Study; onChoose: () => void }) {
  const other = !samePatient(opened, study, [])
  return (
    <li>
      <button type="button" className="beside-study" onClick={onChoose} data-testid="beside-study">
        <span className="beside-who">
          <b>{formatName(study.PatientName) || 'No name'}</b>
          <span>{[study.PatientID, formatDate(study.PatientBirthDate)].filter(Boolean).join(' · ')}</span>
          {other && <em>another patient</em>}
        </span>
        <span className="beside-what">{[formatDate(study.StudyDate), study.ModalitiesInStudy.join(' '), study.StudyDescription].filter(Boolean).join(' · ')}</span>
      </button>
    </li>
  )
}

export function BesideDialog({ session, onClose }: { session: ViewerSession; onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const [failed, setFailed] = useState('')
  const { answer, trouble } = useAnswer(typed.trim())
  const opened = session.state.get().groups[0]?.study
  if (!opened) return null
  const choose = (study: Study) =>
    session.beside.open(study).then(onClose, (error: unknown) => {
      if (!isAbort(error)) setFailed(wordsOfFailure(error))
    })
  const found = answer?.studies.filter((study) => study.StudyInstanceUID !== opened.StudyInstanceUID) ?? []
  const said = failed || trouble || (session.beside.isFull ? 'There are as many studies beside this one as the viewer takes. Take one out of the rail first.' : '')
  return (
    <Dialog title="Open a study beside" onClose={onClose}>
      <TextField label="Name, patient ID or accession number" value={typed} autoComplete="off" onChange={(change) => setTyped(change.target.value)} />
      {said && (
        <p className="field-error" role="alert">
          {said}
        </p>
      )}
      <ul className="beside-list" aria-label="Studies" aria-busy={answer === null}>
        {!session.beside.isFull && found.map((study) => <Found key={study.StudyInstanceUID} study={study} opened={opened} onChoose={() => void choose(study)} />)}
      </ul>
      <p className="faint" role="status">
        {answer && found.length === 0 ? 'No other study is found.' : answer?.more ? `The ${MOST} newest; type more to find others.` : ''}
      </p>
    </Dialog>
  )
}
