import type { Ref } from 'react'
import { useCallback, useEffect, useState } from 'react'
import { formatDate, parseTypedDate } from '../../lib/dates'
import { Button, IconButton, Kbd, SelectField, TextField } from '../../ui/controls'
import { Icon } from '../../ui/icons'
import { COLUMNS } from './columns'
import type { SearchState, SortColumn } from './searchState'
import { NO_SEARCH, filterCount, isSearching, joinRange, nextSort, rangeEnds } from './searchState'

const QUICK_DATES = [
  ['', 'Any date'],
  ['today', 'Today'],
  ['7d', '7 days'],
  ['30d', '30 days'],
] as const

/** The modalities of daily work; any other stays reachable through the box and the address. */
const MODALITIES = ['CT', 'MR', 'US', 'CR', 'DX', 'MG', 'XA', 'NM', 'PT'] as const

const TYPING_MS = 180

interface SearchBarProps {
  state: SearchState
  onChange: (change: Partial<SearchState>) => void
  box: Ref<HTMLInputElement>
  /** ArrowDown or Enter in the box: into the list. */
  onLeave: (open: boolean) => void
}

/** A text that is applied when the typing pauses; follows the value when it changes elsewhere (back button, Escape). */
function useTyped(value: string, apply: (text: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(value)
  const [known, setKnown] = useState(value)
  if (known !== value) {
    setKnown(value)
    setText(value)
  }
  useEffect(() => {
    if (text === value) return
    const timer = window.setTimeout(() => apply(text), TYPING_MS)
    return () => window.clearTimeout(timer)
  }, [text, value, apply])
  return [text, setText]
}

function TypedField({ label, value, onApply, ...rest }: { label: string; value: string; onApply: (text: string) => void; placeholder?: string }) {
  const [text, setText] = useTyped(value, onApply)
  return <TextField label={label} value={text} autoComplete="off" spellCheck={false} onChange={(event) => setText(event.target.value)} {...rest} />
}

function MainBox({ state, onChange, box, onLeave }: SearchBarProps) {
  const apply = useCallback((q: string) => onChange({ q }), [onChange])
  const [text, setText] = useTyped(state.q, apply)
  const clear = () => {
    setText('')
    onChange({ q: '' })
  }
  return (
    <div className="search-box">
      <Icon name="search" />
      <input
        ref={box}
        type="search"
        className="input"
        aria-label="Search by name, patient ID or accession number"
        placeholder="Name, patient ID or accession"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(key) => {
          if (key.key === 'Escape') {
            key.preventDefault()
            if (text) clear()
            else key.currentTarget.blur()
          } else if (key.key === 'ArrowDown' || key.key === 'Enter') {
            key.preventDefault()
            if (text !== state.q) onChange({ q: text })
            onLeave(key.key === 'Enter' && text === state.q)
          }
        }}
      />
      {text ? (
        <IconButton label="Clear the search box" icon="close" small onClick={clear} />
      ) : (
        <span className="search-key">
          <Kbd>/</Kbd>
        </span>
      )}
    </div>
  )
}

/** A date as people type it; a year or a month alone stands for its first or last day. Applied when it is one. */
function DateField({ label, value, end, onApply }: { label: string; value: string; end: 'first' | 'last'; onApply: (da: string) => void }) {
  const [text, setText] = useState(formatDate(value))
  const [known, setKnown] = useState(value)
  if (known !== value) {
    setKnown(value)
    setText(formatDate(value))
  }
  const typed = parseTypedDate(text, end)
  const apply = () => {
    if (typed === null) return
    setText(formatDate(typed))
    if (typed !== value) onApply(typed)
  }
  return (
    <TextField
      label={label}
      placeholder="2026-01-31"
      inputMode="numeric"
      autoComplete="off"
      value={text}
      error={typed === null && text.length >= 8 ? 'Year-month-day' : undefined}
      onChange={(event) => setText(event.target.value)}
      onBlur={apply}
      onKeyDown={(key) => key.key === 'Enter' && apply()}
    />
  )
}

function DateFields({ state, onChange }: Pick<SearchBarProps, 'state' | 'onChange'>) {
  const { from, to } = rangeEnds(state.date)
  return (
    <>
      <DateField label="From" value={from} end="first" onApply={(da) => onChange({ date: joinRange(da, to) })} />
      <DateField label="To" value={to} end="last" onApply={(da) => onChange({ date: joinRange(from, da) })} />
    </>
  )
}

function Chips({ state, onChange }: Pick<SearchBarProps, 'state' | 'onChange'>) {
  const toggle = (code: string) => {
    const held = state.modalities.includes(code)
    onChange({ modalities: held ? state.modalities.filter((other) => other !== code) : [...state.modalities, code] })
  }
  const unusual = state.modalities.filter((code) => !MODALITIES.some((known) => known === code))
  return (
    <>
      <div className="chips" role="group" aria-label="Study date">
        {QUICK_DATES.map(([value, title]) => (
          <button key={value} type="button" className={value ? 'chip' : 'chip chip-none'} aria-pressed={state.date === value} onClick={() => onChange({ date: value })}>
            {title}
          </button>
        ))}
      </div>
      <div className="chips" role="group" aria-label="Modality">
        {[...MODALITIES, ...unusual].map((code) => (
          <button key={code} type="button" className="chip" aria-pressed={state.modalities.includes(code)} onClick={() => toggle(code)}>
            {code}
          </button>
        ))}
      </div>
    </>
  )
}

/** Cards have no column heads to sort by. */
function SortField({ state, onChange }: Pick<SearchBarProps, 'state' | 'onChange'>) {
  return (
    <div className="search-sort">
      <SelectField label="Sort by" value={state.sort.column} onChange={(event) => onChange({ sort: nextSort(state.sort, event.target.value as SortColumn) })}>
        {COLUMNS.map((column) => (
          <option key={column.key} value={column.sort}>
            {column.title}
          </option>
        ))}
      </SelectField>
    </div>
  )
}

export function SearchBar(props: SearchBarProps) {
  const { state, onChange } = props
  const [open, setOpen] = useState(() => Boolean(state.name || state.id || state.accession || state.description))
  const count = filterCount(state)
  return (
    <search className={open ? 'search is-open' : 'search'}>
      <div className="search-line">
        <MainBox {...props} />
        <div className="search-chips">
          <Chips state={state} onChange={onChange} />
        </div>
        <div className="search-end">
          {isSearching(state) && (
            <Button look="quiet" onClick={() => onChange({ ...NO_SEARCH, sort: state.sort })} title="Clear search and filters (Esc)">
              Clear
            </Button>
          )}
          <Button icon="filter" aria-expanded={open} aria-controls="more-filters" onClick={() => setOpen(!open)}>
            Filters
            {count > 0 && <span className="count">{count}</span>}
          </Button>
        </div>
      </div>
      {open && (
        <div className="search-more" id="more-filters">
          <TypedField label="Patient name" value={state.name} onApply={(name) => onChange({ name })} placeholder="Family, given" />
          <TypedField label="Patient ID" value={state.id} onApply={(id) => onChange({ id })} />
          <TypedField label="Accession number" value={state.accession} onApply={(accession) => onChange({ accession })} />
          <TypedField label="Description" value={state.description} onApply={(description) => onChange({ description })} />
          <DateFields state={state} onChange={onChange} />
          <SortField state={state} onChange={onChange} />
        </div>
      )}
    </search>
  )
}
