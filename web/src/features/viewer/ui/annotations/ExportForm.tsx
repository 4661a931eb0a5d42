// The way out as DICOM: what is written goes into the archive as a new series of the study.
import { type SubmitEvent, useId, useState } from 'react'
import { exportAnnotations } from '../../../../api/annotations'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import { exportedBody } from '../../session/exporting'
import type { ViewerSession } from '../../session/session'

const FORMS = [
  { form: 'SR', label: 'Measurements as a report (SR TID 1500)' },
  { form: 'PR', label: 'This view as a presentation (GSPS)' },
  { form: 'KO', label: 'Key images (KO)' },
] as const

export type Form = (typeof FORMS)[number]['form']

/** CID 7010, as far as a person who marks images means it. */
const TITLES = ['Of Interest', 'For Referring Provider', 'For Surgery', 'For Teaching', 'For Conference', 'For Therapy', 'For Research', 'Best In Set'] as const

export function ExportForm({ session, study }: { session: ViewerSession; study: string }) {
  const [form, setForm] = useState<Form>('SR')
  const [title, setTitle] = useState<string>(TITLES[0])
  const [note, setNote] = useState('')
  const [told, setTold] = useState<{ failed: boolean; text: string } | null>(null)
  const [busy, setBusy] = useState(false)
  const { all } = useValue(session.measurements.state)
  const keys = useValue(session.annotations.keys)
  const { state } = useValue(session.annotations.saving)
  const ids = { form: useId(), title: useId(), note: useId() }
  const unseen = useUnseen(session, study)
  const nothing = form === 'SR' ? all.length === 0 : form === 'KO' ? keys.length === 0 : false
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    setBusy(true)
    setTold(null)
    // What was looked at since it was ticked counts, too.
    const asked = form === 'SR' && unseen.words ? unseen.ask() : Promise.resolve()
    asked.then(() => exportAnnotations(study, { ...exportedBody(session, form, form === 'KO' ? title : '', note), ...(form === 'SR' && unseen.words ? { unseen: true } : {}) }))
      .then(
        () => setTold({ failed: false, text: 'Stored in the archive as a new series of this study.' }),
        (error: unknown) => {
          const { what, kept, hint } = explain(error)
          setTold({ failed: true, text: [what, kept, hint].filter(Boolean).join(' ') })
        },
      )
      .finally(() => setBusy(false))
  }
  return (
    <form onSubmit={submit} aria-label="Save as DICOM">
      <h3>Save as DICOM</h3>
      <label htmlFor={ids.form}>
        What
        <select id={ids.form} className="input" value={form} data-testid="export-form" onChange={(change) => setForm(change.target.value as Form)}>
          {FORMS.map((each) => (
            <option key={each.form} value={each.form}>
              {each.label}
            </option>
          ))}
        </select>
      </label>
      {form === 'KO' && (
        <label htmlFor={ids.title}>
          Title
          <select id={ids.title} className="input" value={title} data-testid="export-title" onChange={(change) => setTitle(change.target.value)}>
            {TITLES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      )}
      <label htmlFor={ids.note}>
        {form === 'PR' ? 'Name of the presentation' : 'Note'}
        <input id={ids.note} className="input" value={note} maxLength={200} data-testid="export-note" onChange={(change) => setNote(change.target.value)} />
      </label>
      {form === 'SR' && (
        <>
          <label className="annotations-check">
            <input type="checkbox" checked={unseen.words !== null || unseen.asking} data-testid="export-unseen" onChange={(change) => unseen.want(change.target.checked)} />
            Say which images were not seen
          </label>
          {unseen.words && <p className="annotations-unseen" data-testid="export-unseen-words">{unseen.words.length > 0 ? unseen.words.map((each) => `${each}.`).join(' ') : 'All images were seen.'}</p>}
          {unseen.refused && <p role="alert" className="annotations-refused">{unseen.refused}</p>}
        </>
      )}
      <button type="submit" className="button button-small button-primary" disabled={busy || nothing || unseen.asking || state !== 'saved'} data-testid="export">
        {busy ? 'Storing…' : 'Store in the archive'}
      </button>
      {told && (
        <p role={told.failed ? 'alert' : 'status'} className={told.failed ? 'annotations-refused' : 'annotations-safety'} data-testid="export-told">
          {told.text}
        </p>
      )}
    </form>
  )
}

/** What the report would say of what was not seen: asked for when somebody wants it said (null: nobody does). */
function useUnseen(session: ViewerSession, study: string) {
  const [words, setWords] = useState<readonly string[] | null>(null)
  const [asking, setAsking] = useState(false)
  const [refused, setRefused] = useState('')
  const ask = async (): Promise<void> => setWords(await session.seen.told(study))
  const want = (wanted: boolean): void => {
    setRefused('')
    setWords(null)
    setAsking(wanted)
    if (!wanted) return
    ask()
      .catch((error: unknown) => {
        const { what, hint } = explain(error)
        setRefused([what, hint].filter(Boolean).join(' '))
      })
      .finally(() => setAsking(false))
  }
  return { words, asking, refused, ask, want }
}
