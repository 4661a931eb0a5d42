import { useId, useState } from 'react'
import type { Condition, Route, Rule } from '../../api/routing'
import { addRoute, changeRoute, listAttributes, listDestinations } from '../../api/routing'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Button, CheckField, IconButton, TextField } from '../../ui/controls'
import { FormDialog } from '../../ui/FormDialog'
import { Attempt } from './Attempt'
import { NEW_RULE, USUAL_ATTRIBUTES, listed, ready } from './ruleWords'

/** A field of words with commas between; what is typed stays as typed. */
function ListField({ label, hint, placeholder, values, onChange }: { label: string; hint?: string; placeholder?: string; values: readonly string[]; onChange: (values: string[]) => void }) {
  const [text, setText] = useState(values.join(', '))
  return (
    <TextField
      label={label}
      hint={hint}
      placeholder={placeholder}
      spellCheck={false}
      autoComplete="off"
      value={text}
      onChange={(event) => {
        setText(event.target.value)
        onChange(listed(event.target.value))
      }}
    />
  )
}

function ConditionRow({ condition, list, onChange, onRemove }: { condition: Condition; list: string; onChange: (change: Partial<Condition>) => void; onRemove: () => void }) {
  const [text, setText] = useState(condition.values.join(', '))
  return (
    <div className="condition">
      <input className="input" aria-label="Attribute" list={list} placeholder="Attribute" spellCheck={false} value={condition.attribute} onChange={(event) => onChange({ attribute: event.target.value.trim() })} />
      <select className="input" aria-label="Comparison" value={condition.excludes ? 'not' : 'is'} onChange={(event) => onChange({ excludes: event.target.value === 'not' })}>
        <option value="is">is</option>
        <option value="not">is not</option>
      </select>
      <input
        className="input"
        aria-label="Values"
        placeholder="CT, MR; *chest*; 20260101-"
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          onChange({ values: listed(event.target.value) })
        }}
      />
      <IconButton label="Remove this condition" icon="close" small onClick={onRemove} />
    </div>
  )
}

type Kept = Condition & { key: number }

function Conditions({ conditions, onChange }: { conditions: Condition[]; onChange: (conditions: Condition[]) => void }) {
  const attributes = useLoaded(listAttributes)
  const list = useId()
  const [rows, setRows] = useState<Kept[]>(() => conditions.map((condition, key) => ({ ...condition, key })))
  const put = (next: Kept[]) => {
    setRows(next)
    onChange(next.map(({ attribute, values, excludes }) => ({ attribute, values, excludes })))
  }
  return (
    <div className="field">
      <span className="field-label">What it says, all of which must hold</span>
      {rows.map((row) => (
        <ConditionRow
          key={row.key}
          condition={row}
          list={list}
          onChange={(change) => put(rows.map((other) => (other.key === row.key ? { ...other, ...change } : other)))}
          onRemove={() => put(rows.filter((other) => other.key !== row.key))}
        />
      ))}
      <div>
        <Button small onClick={() => put([...rows, { attribute: rows.length === 0 ? 'Modality' : '', values: [], excludes: false, key: Math.max(-1, ...rows.map(({ key }) => key)) + 1 }])}>
          Add a condition
        </Button>
      </div>
      <datalist id={list}>
        {(attributes.value ?? Object.keys(USUAL_ATTRIBUTES)).map((keyword) => (
          <option key={keyword} value={keyword}>
            {USUAL_ATTRIBUTES[keyword] ?? ''}
          </option>
        ))}
      </datalist>
    </div>
  )
}

function WhereTo({ chosen, onChange }: { chosen: string[]; onChange: (names: string[]) => void }) {
  const destinations = useLoaded(listDestinations)
  const label = useId()
  const known = destinations.value?.map(({ name }) => name) ?? []
  const names = [...known, ...chosen.filter((name) => !known.includes(name))]
  const toggle = (name: string) => onChange(chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name])
  return (
    <div className="field">
      <span className="field-label" id={label}>
        Where to
      </span>
      <div className="chips chips-wrap" role="group" aria-labelledby={label}>
        {names.map((name) => (
          <button key={name} type="button" className="chip" aria-pressed={chosen.includes(name)} onClick={() => toggle(name)}>
            {name}
          </button>
        ))}
      </div>
      {destinations.value !== null && names.length === 0 && <span className="field-hint">There are no destinations yet: add a DICOM peer, a DICOMweb service or a folder first.</span>}
    </div>
  )
}

/** A rule: what is sent, where to, and what it would have done with the studies that came last. A new one without `route`. */
export function RouteDialog({ route, onClose, onSaved }: { route?: Route; onClose: () => void; onSaved: () => void }) {
  const [rule, setRule] = useState<Rule>(() => {
    if (!route) return NEW_RULE
    const { name, enabled, senders, called, conditions, hours, destinations, quiet_seconds } = route
    return { name, enabled, senders, called, conditions, hours, destinations, quiet_seconds }
  })
  const action = useAction()
  const change = (some: Partial<Rule>) => setRule((now) => ({ ...now, ...some }))
  const save = async () => {
    if (route) await changeRoute(route.id, ready(rule))
    else await addRoute(ready(rule))
    onSaved()
  }
  const complete = rule.name.trim() !== '' && rule.destinations.length > 0
  return (
    <FormDialog title={route ? `Rule ${route.name}` : 'Add a routing rule'} submit={route ? 'Save' : 'Add rule'} wide ready={complete} action={action} run={save} onClose={onClose}>
      <TextField label="Name" maxLength={64} required value={rule.name} onChange={(event) => change({ name: event.target.value })} />
      <div className="form-row form-row-half">
        <ListField label="Sent by" hint="AE titles; * stands for any letters. None: anybody." placeholder="any" values={rule.senders} onChange={(senders) => change({ senders })} />
        <ListField label="Called as" hint="The AE title under which it came here." placeholder="any" values={rule.called} onChange={(called) => change({ called })} />
      </div>
      <Conditions conditions={rule.conditions} onChange={(conditions) => change({ conditions })} />
      <div className="form-row form-row-half">
        <TextField label="Came in between" placeholder="always" hint="08:00-18:00" value={rule.hours} onChange={(event) => change({ hours: event.target.value })} />
        <TextField label="Wait after the newest image, seconds" type="number" min={0} max={86400} value={rule.quiet_seconds} onChange={(event) => change({ quiet_seconds: Number(event.target.value) })} />
      </div>
      <WhereTo chosen={rule.destinations} onChange={(destinations) => change({ destinations })} />
      <CheckField label="Switched on" hint="Sends what comes in from now on." checked={rule.enabled} onChange={(enabled) => change({ enabled })} />
      <Attempt rule={ready(rule)} possible={rule.destinations.length > 0} />
    </FormDialog>
  )
}
