// The screen as a protocol: what its images are recognised by, when it applies, and how it would have hung past studies.
import { useEffect, useState } from 'react'
import { addProtocol } from '../../../../api/hanging'
import { may, useUser } from '../../../../api/session'
import { useAction } from '../../../../lib/useAction'
import { CheckField, SelectField, TextField } from '../../../../ui/controls'
import { FormDialog } from '../../../../ui/FormDialog'
import { type Hung, byExample, wordsOf } from '../../model/hanging/example'
import { type Protocol, type Rule, gridOf, ruleText } from '../../model/hanging/protocol'
import type { ViewerSession } from '../../session/session'
import { TryOut } from './TryOut'

interface Applying {
  readonly modality: string
  readonly region: string
}

const splitWords = (text: string): string[] => text.split(',').map((word) => word.trim()).filter(Boolean)

function rulesFor({ modality, region }: Applying): Rule[] {
  const words = splitWords(region)
  return [
    ...(modality ? [{ fact: 'modality' as const, is: 'any' as const, values: [modality], weight: 10, required: true }] : []),
    ...(words.length > 0 ? [{ fact: 'region' as const, is: 'contains' as const, values: words, weight: 10, required: true }] : []),
  ]
}

const KINDS = { must: 'must', helps: 'helps', off: 'not asked' } as const
type Kind = keyof typeof KINDS
const kindOf = (rule: Rule): Kind => (rule.weight === 0 && !rule.required ? 'off' : rule.required ? 'must' : 'helps')

function CellRules({ at, layout, set, onChange }: { at: number; layout: string; set: Protocol['sets'][number]; onChange: (rules: readonly Rule[]) => void }) {
  const { columns } = gridOf(layout)
  const change = (which: number, kind: Kind) =>
    onChange(set.rules.map((rule, index) => (index === which ? { ...rule, required: kind === 'must', weight: kind === 'off' ? 0 : Math.max(1, rule.weight) } : rule)))
  return (
    <section className="hanging-cell" data-testid={`hanging-cell-${at}`}>
      <h3>{`Row ${Math.floor(at / columns) + 1}, column ${(at % columns) + 1}: ${set.label}${set.prior > 0 ? `, earlier study ${set.prior}` : ''}`}</h3>
      <div className="hanging-rules">
        {set.rules.map((rule, index) => (
          <label key={index}>
            <select className="input" value={kindOf(rule)} onChange={(event) => change(index, event.target.value as Kind)} aria-label={ruleText(rule)}>
              {Object.entries(KINDS).map(([kind, word]) => (
                <option key={kind} value={kind}>
                  {word}
                </option>
              ))}
            </select>
            <span>{ruleText(rule)}</span>
          </label>
        ))}
      </div>
    </section>
  )
}

/** What a study is called, as a beginning of when the protocol applies. */
function regionOf(session: ViewerSession, hung: readonly (Hung | null)[]): string {
  const opened = session.state.get().groups[0]
  const bodyPart = hung.map((each) => each?.shown.facts.bodyPart?.[0]).find(Boolean)
  return bodyPart ?? wordsOf(opened?.study.StudyDescription ?? '').filter((word) => word.length > 2).slice(0, 1).join(', ')
}

function useExample(session: ViewerSession) {
  const [example, setExample] = useState<{ layout: string; hung: readonly (Hung | null)[] } | null>(null)
  useEffect(() => {
    let gone = false
    session.hanging.example().then((found) => {
      if (!gone) setExample(found)
    }, () => undefined)
    return () => {
      gone = true
    }
  }, [session])
  return example
}

function Editor({ session, layout, hung, onClose }: { session: ViewerSession; layout: string; hung: readonly (Hung | null)[]; onClose: () => void }) {
  const user = useUser()
  const action = useAction()
  const [name, setName] = useState('')
  const [applying, setApplying] = useState<Applying>(() => ({ modality: hung.find((each) => each?.shown.prior === 0)?.shown.facts.modality?.[0] ?? '', region: regionOf(session, hung) }))
  const [sets, setSets] = useState(() => byExample('example', [], layout, hung).sets)
  const [shared, setShared] = useState(false)
  const made = byExample(name.trim() || 'Without a name', rulesFor(applying), layout, hung)
  const protocol: Protocol = { ...made, sets: sets.map((set) => ({ ...set, rules: set.rules.filter((rule) => kindOf(rule) !== 'off') })) }
  const { study } = session.state.get().groups[0] ?? {}
  const places = protocol.stages[0]?.cells.flatMap((cell, at) => (cell ? [at] : [])) ?? []
  const save = async () => {
    await addProtocol(protocol, shared)
    await session.hanging.refresh()
    onClose()
  }
  return (
    <FormDialog title="Save the screen as a protocol" submit={shared ? 'Publish' : 'Save'} wide ready={name.trim() !== '' && sets.length > 0} action={action} run={save} onClose={onClose}>
      <TextField label="Name" maxLength={64} required value={name} onChange={(event) => setName(event.target.value)} />
      <div className="form-row form-row-half">
        <SelectField label="For studies with" value={applying.modality} onChange={(event) => setApplying({ ...applying, modality: event.target.value })}>
          <option value="">any modality</option>
          {study?.ModalitiesInStudy.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </SelectField>
        <TextField
          label="whose body part or description names"
          hint="Words with commas between, any of which is enough; empty for all."
          value={applying.region}
          onChange={(event) => setApplying({ ...applying, region: event.target.value })}
        />
      </div>
      <div className="hanging-cells">
        {sets.length === 0 && <p>No viewport shows a series.</p>}
        {sets.map((set, at) => (
          <CellRules key={at} at={places[at] ?? at} layout={layout} set={set} onChange={(rules) => setSets(sets.map((each, index) => (index === at ? { ...each, rules } : each)))} />
        ))}
      </div>
      <TryOut protocol={protocol} modality={applying.modality} />
      {may(user, 'hanging:share') && <CheckField label="For everybody" hint="Without it the protocol is your own." checked={shared} onChange={setShared} />}
    </FormDialog>
  )
}

export default function SaveProtocol({ session, onClose }: { session: ViewerSession; onClose: () => void }) {
  const example = useExample(session)
  return example && <Editor session={session} layout={example.layout} hung={example.hung} onClose={onClose} />
}
