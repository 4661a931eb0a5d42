import { type RefObject, type SyntheticEvent, useState } from 'react'
import type { Archive } from '../../api/remote'
import { Button, SelectField, TextField } from '../../ui/controls'
import { MODALITIES, QUICK_DATES, type RemoteState, isSearch } from './remoteSearch'

interface FormProps {
  archives: Archive[]
  state: RemoteState
  busy: boolean
  first: RefObject<HTMLInputElement | null>
  onSearch: (state: RemoteState) => void
}

/** Nothing is asked while one types: each question costs the other archive work. */
export function RemoteForm({ archives, state, busy, first, onSearch }: FormProps) {
  const [asked, setAsked] = useState(state)
  const [typed, setTyped] = useState(state)
  if (asked !== state) {
    setAsked(state)
    setTyped(state)
  }
  const change = (some: Partial<RemoteState>) => setTyped({ ...typed, ...some })
  const text = (key: 'name' | 'id' | 'accession' | 'description') => ({
    value: typed[key],
    autoComplete: 'off',
    spellCheck: false,
    onChange: (event: { target: { value: string } }) => change({ [key]: event.target.value }),
  })
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    onSearch(typed)
  }
  return (
    <search className="remote-search">
      <form onSubmit={submit}>
        <div className="remote-fields">
          <SelectField label="Archive" value={typed.archive} onChange={(event) => change({ archive: event.target.value })}>
            {archives.map(({ aet, description }) => (
              <option key={aet} value={aet}>
                {description ? `${aet} · ${description}` : aet}
              </option>
            ))}
          </SelectField>
          <TextField label="Patient name" placeholder="Family, given" ref={first} {...text('name')} />
          <TextField label="Patient ID" {...text('id')} />
          <TextField label="Accession number" {...text('accession')} />
          <TextField label="Description" {...text('description')} />
          <SelectField label="Modality" value={typed.modality} onChange={(event) => change({ modality: event.target.value })}>
            <option value="">Any</option>
            {MODALITIES.map((code) => (
              <option key={code}>{code}</option>
            ))}
          </SelectField>
        </div>
        <div className="remote-line">
          <div className="chips" role="group" aria-label="Study date">
            {QUICK_DATES.map(([value, title]) => (
              <button key={value} type="button" className="chip" aria-pressed={typed.date === value} onClick={() => change({ date: value })}>
                {title}
              </button>
            ))}
          </div>
          <Button type="submit" look="primary" icon="search" disabled={busy || !isSearch(typed)} title={isSearch(typed) ? undefined : 'Type a name, an ID, an accession number or a description, or choose a date'}>
            {busy ? 'Asking…' : 'Search'}
          </Button>
        </div>
      </form>
    </search>
  )
}
