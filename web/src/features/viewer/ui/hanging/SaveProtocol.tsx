// The screen as a protocol: what its images are recognised by, when it applies, and how it would have hung past studies.
import { useEffect, useState } from 'react'
import { addProtocol, changeProtocol } from '../../../../api/hanging'
import { may, useUser } from '../../../../api/session'
import { useAction } from '../../../../lib/useAction'
import { CheckField, SelectField, TextField } from '../../../../ui/controls'
import { FormDialog } from '../../../../ui/FormDialog'
import { type Example, byExample, withStages, wordsOf } from '../../model/hanging/example'
import { type Protocol, type Rule, cellsOf, gridOf, parseProtocol, ruleText } from '../../model/hanging/protocol'
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

/** A viewport of a screen, counted over all of them. */
interface Spot {
  readonly screen: number
  readonly row: number
  readonly column: number
}

function spotsOf(stage: Protocol['stages'][number]): Spot[] {
  return [stage, ...stage.screens].flatMap(({ layout, cells }, screen) => {
    const { columns } = gridOf(layout)
    return cells.map((_, at) => ({ screen, row: Math.floor(at / columns), column: at % columns }))
  })
}

const spotText = ({ screen, row, column }: Spot): string => `${screen > 0 ? `Screen ${screen + 1}, row` : 'Row'} ${row + 1}, column ${column + 1}`

/** at: the viewport; null for what is laid over another one's images. */
function CellRules({ at, spot, set, onChange }: { at: number | null; spot: Spot | null; set: Protocol['sets'][number]; onChange: (rules: readonly Rule[]) => void }) {
  const change = (which: number, kind: Kind) =>
    onChange(set.rules.map((rule, index) => (index === which ? { ...rule, required: kind === 'must', weight: kind === 'off' ? 0 : Math.max(1, rule.weight) } : rule)))
  return (
    <section className="hanging-cell" data-testid={`hanging-cell-${at ?? 'over'}`}>
      <h3>{`${spot ? spotText(spot) : 'Laid over'}: ${set.label}${set.prior > 0 ? `, earlier study ${set.prior}` : ''}`}</h3>
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
function regionOf(session: ViewerSession, hung: Example['hung']): string {
  const opened = session.state.get().groups[0]
  const bodyPart = hung.map((each) => each?.shown.facts.bodyPart?.[0]).find(Boolean)
  return bodyPart ?? wordsOf(opened?.study.StudyDescription ?? '').filter((word) => word.length > 2).slice(0, 1).join(', ')
}

function useExample(session: ViewerSession) {
  const [example, setExample] = useState<(Example & { readonly further: readonly Example[] }) | null>(null)
  useEffect(() => {
    let gone = false
    Promise.all([session.hanging.example(), session.windows.furtherExamples()]).then(([found, further]) => {
      if (!gone) setExample({ ...found, further })
    }, () => undefined)
    return () => {
      gone = true
    }
  }, [session])
  return example
}

function Editor({ session, layout, hung, further, onClose }: Example & { session: ViewerSession; further: readonly Example[]; onClose: () => void }) {
  const user = useUser()
  const action = useAction()
  const [name, setName] = useState('')
  const [applying, setApplying] = useState<Applying>(() => ({ modality: hung.find((each) => each?.shown.prior === 0)?.shown.facts.modality?.[0] ?? '', region: regionOf(session, hung) }))
  const [sets, setSets] = useState(() => byExample('example', [], layout, hung, further).sets)
  const [everywhere, setEverywhere] = useState(true)
  const others = everywhere ? further : []
  const [shared, setShared] = useState(false)
  const made = byExample(name.trim() || 'Without a name', rulesFor(applying), layout, hung, others)
  const protocol: Protocol = { ...made, sets: sets.map((set) => ({ ...set, rules: set.rules.filter((rule) => kindOf(rule) !== 'off') })) }
  const [stageOf, setStageOf] = useState(0)
  const own = session.hanging.state.get().entries.flatMap(({ kept }) => (kept?.mine ? [kept] : []))
  const onto = own.find(({ id }) => id === stageOf)
  const { study } = session.state.get().groups[0] ?? {}
  const [stage] = protocol.stages
  const places = stage ? cellsOf(stage).flatMap((cell, at) => (cell ? [at] : [])) : []
  const spots = stage ? spotsOf(stage) : []
  const withOthers = (wanted: boolean) => {
    setEverywhere(wanted)
    setSets(byExample('example', [], layout, hung, wanted ? further : []).sets)
  }
  const save = async () => {
    const before = onto && parseProtocol(onto.protocol)
    if (before) await changeProtocol(onto.id, { protocol: withStages(before, { ...protocol, stages: protocol.stages.map((stage) => ({ ...stage, name: name.trim() })) }) })
    else await addProtocol(protocol, shared)
    await session.hanging.refresh()
    onClose()
  }
  return (
    <FormDialog title="Save the screen as a protocol" submit={onto ? 'Add the stage' : shared ? 'Publish' : 'Save'} wide ready={name.trim() !== '' && sets.length > 0} action={action} run={save} onClose={onClose}>
      <TextField label={onto ? 'Name of the stage' : 'Name'} maxLength={64} required value={name} onChange={(event) => setName(event.target.value)} />
      {own.length > 0 && (
        <SelectField label="As" value={stageOf} onChange={(event) => setStageOf(Number(event.target.value))}>
          <option value={0}>a protocol of its own</option>
          {own.map((each) => (
            <option key={each.id} value={each.id}>{`a further stage of “${each.name}”`}</option>
          ))}
        </SelectField>
      )}
      {!onto && <div className="form-row form-row-half">
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
      </div>}
      {further.length > 0 && <CheckField label={further.length === 1 ? 'With the other window, on its screen' : `With the ${further.length} other windows, each on its screen`} checked={everywhere} onChange={withOthers} />}
      <div className="hanging-cells">
        {sets.length === 0 && <p>No viewport shows a series.</p>}
        {sets.map((set, at) => (
          <CellRules key={at} at={places[at] ?? null} spot={spots[places[at] ?? -1] ?? null} set={set} onChange={(rules) => setSets(sets.map((each, index) => (index === at ? { ...each, rules } : each)))} />
        ))}
      </div>
      <TryOut protocol={protocol} modality={applying.modality} />
      {!onto && may(user, 'hanging:share') && <CheckField label="For everybody" hint="Without it the protocol is your own." checked={shared} onChange={setShared} />}
    </FormDialog>
  )
}

export default function SaveProtocol({ session, onClose }: { session: ViewerSession; onClose: () => void }) {
  const example = useExample(session)
  return example && <Editor session={session} layout={example.layout} hung={example.hung} further={example.further} onClose={onClose} />
}
