// A protocol on past studies, before anybody else sees it: what would hang where, and what would stay as it is.
import { useEffect, useRef, useState } from 'react'
import { listStudies, readStudy } from '../../../../api/studies'
import type { Study } from '../../../../api/types'
import { formatDate } from '../../../../lib/dates'
import { explain, isAbort } from '../../../../lib/http'
import { formatName } from '../../../../lib/names'
import { Button } from '../../../../ui/controls'
import { type DisplaySet, type Fit, screensOf } from '../../model/hanging/match'
import type { Protocol } from '../../model/hanging/protocol'
import { tryOn } from '../../session/hanging'

const MOST = 10

interface Tried {
  readonly study: Study
  readonly fit: Fit | null
  readonly applies: boolean
}

const nameOf = (found: DisplaySet | null | undefined): string =>
  found ? [[...(found.facts.description ?? []), ...(found.facts.modality ?? []), 'series'][0], found.facts.orientation?.[0]?.toLowerCase(), found.facts.laterality?.[0], found.facts.view?.[0], found.prior > 0 ? '(earlier)' : ''].filter(Boolean).join(' ') : '–'

function outcome({ fit }: Tried): string {
  const stage = fit?.stages[0]
  if (!stage) return 'would not hang'
  const screens = screensOf(stage).map(({ cells, shown, laid }) =>
    cells.map((cell, at) => (cell ? [nameOf(shown[at]), laid[at] && `with ${nameOf(laid[at])} over it`].filter(Boolean).join(' ') : 'empty')).join(' | '),
  )
  return screens.map((words, at) => (at === 0 ? words : `screen ${at + 1}: ${words}`)).join('; ')
}

/** at: 'once' when whoever opened it wants nothing else. */
export function TryOut({ protocol, modality, at }: { protocol: Protocol; modality: string; at?: 'once' }) {
  const [tried, setTried] = useState<readonly Tried[] | null>(null)
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState('')
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  const run = async () => {
    running.current?.abort()
    const { signal } = (running.current = new AbortController())
    setBusy(true)
    setTrouble('')
    setTried([])
    try {
      const { studies } = await listStudies(modality ? { ModalitiesInStudy: [modality] } : {}, { limit: MOST }, { signal })
      for (const study of studies) {
        const { fit } = await tryOn(protocol, study, (uid) => readStudy(uid, { signal, background: true }), signal)
        setTried((before) => [...(before ?? []), { study, fit, applies: fit !== null }])
      }
    } catch (error) {
      if (isAbort(error)) return
      setTrouble(explain(error).what)
    }
    setBusy(false)
  }
  useEffect(() => {
    if (at !== 'once') return
    const begun = setTimeout(() => void run())
    return () => clearTimeout(begun)
    // eslint-disable-next-line react-hooks/exhaustive-deps -- what is tried does not change while it is shown
  }, [])
  const hung = tried?.filter((each) => each.applies).length ?? 0
  return (
    <section>
      {at !== 'once' && (
        <Button small onClick={() => void run()} disabled={busy}>
          Try on past studies
        </Button>
      )}
      {trouble && <p role="alert" className="field-error">{trouble}</p>}
      {tried && (
        <>
          <p role="status" data-testid="hanging-tried">{busy ? `Trying… ${tried.length}` : `Hangs ${hung} of the ${tried.length} newest studies.`}</p>
          <table className="hanging-tries">
            <thead>
              <tr>
                <th scope="col">Study</th>
                <th scope="col">Would hang</th>
              </tr>
            </thead>
            <tbody>
              {tried.map((each) => (
                <tr key={each.study.StudyInstanceUID}>
                  <td>{[formatDate(each.study.StudyDate), each.study.StudyDescription || each.study.ModalitiesInStudy.join(' '), formatName(each.study.PatientName)].filter(Boolean).join(' · ')}</td>
                  <td>{outcome(each)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  )
}
