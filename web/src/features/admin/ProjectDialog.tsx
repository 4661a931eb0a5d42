import { useState } from 'react'
import { addProject, changeProject, type DeviceRule, type Project, type ProjectOption, type ProjectValue } from '../../api/projects'
import { useAction } from '../../lib/useAction'
import { CheckField, TextField } from '../../ui/controls'
import { FormDialog } from '../../ui/FormDialog'

const NOTHING: ProjectValue = { options: [], prefix: '', private: [], words: [], devices: [], burned_in: 'refuse', destinations: [] }
/** Of which only one can be. */
const DATES = ['full_dates', 'modified_dates']

/** The lines of a text, empty ones dropped. */
const linesOf = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter(Boolean)

/** A rule a line: `Modality=US Rows=480 : 0,0,640,40 600,0,40,480`; nothing after the colon: such images show no text. */
export function ruleOf(line: string): DeviceRule | null {
  const colon = line.lastIndexOf(':')
  const which = line.slice(0, Math.max(colon, 0))
  const where = line.slice(colon + 1)
  const rule: DeviceRule = {}
  for (const [, keyword = '', quoted, plain] of which.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)) rule[keyword] = quoted ?? plain
  const rectangles = where.trim().split(/\s+/).filter(Boolean).map((each) => each.split(',').map(Number))
  const whole = rectangles.every((each) => each.length === 4 && each.every(Number.isInteger))
  return Object.keys(rule).length > 0 && whole ? { ...rule, rectangles } : null
}

/** The same the other way round. */
export function lineOf(rule: DeviceRule): string {
  const { rectangles, ...which } = rule
  const words = Object.entries(which).map(([keyword, value]) => `${keyword}=${/\s/.test(String(value)) ? `"${String(value)}"` : String(value)}`)
  const where = Array.isArray(rectangles) ? rectangles.map((each) => (each as number[]).join(',')).join(' ') : ''
  return `${words.join(' ')} : ${where}`.trimEnd()
}

interface AreaProps {
  label: string
  hint: string
  value: string
  onChange: (text: string) => void
  error?: string
}

function Area({ label, hint, value, onChange, error }: AreaProps) {
  const id = `project-${label.toLowerCase().replaceAll(' ', '-')}`
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <textarea
        id={id}
        className="input mono"
        rows={3}
        spellCheck={false}
        value={value}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-note`}
        onChange={(event) => onChange(event.target.value)}
      />
      <span id={`${id}-note`} className={error ? 'field-error' : 'field-hint'}>
        {error ?? hint}
      </span>
    </div>
  )
}

function Options({ options, chosen, onChange }: { options: readonly ProjectOption[]; chosen: readonly string[]; onChange: (chosen: string[]) => void }) {
  return (
    <fieldset className="form-part">
      <legend>Beside the Basic Profile</legend>
      {options.map(({ name, title, words }) => (
        <CheckField
          key={name}
          label={title.replace(/ Option$/, '')}
          hint={words}
          checked={chosen.includes(name)}
          onChange={(checked) => {
            const others = chosen.filter((each) => each !== name && !(checked && DATES.includes(name) && DATES.includes(each)))
            onChange(checked ? [...others, name] : others)
          }}
        />
      ))}
    </fieldset>
  )
}

/** Begins a project, or changes what one asks for. */
export function ProjectDialog({ project, options, onClose }: { project?: Project; options: readonly ProjectOption[]; onClose: () => void }) {
  const [name, setName] = useState(project?.name ?? '')
  const [description, setDescription] = useState(project?.description ?? '')
  const [value, setValue] = useState<ProjectValue>({ ...NOTHING, ...project?.project })
  const [rules, setRules] = useState(value.devices.map(lineOf).join('\n'))
  const [safe, setSafe] = useState(value.private.join('\n'))
  const [words, setWords] = useState(value.words.join(' '))
  const [places, setPlaces] = useState(value.destinations.join(', '))
  const action = useAction()
  const change = (some: Partial<ProjectValue>) => setValue((now) => ({ ...now, ...some }))
  const wrong = linesOf(rules).find((line) => ruleOf(line) === null)
  const save = async () => {
    const devices = linesOf(rules).map(ruleOf).filter((rule) => rule !== null)
    const destinations = places.split(',').map((each) => each.trim()).filter(Boolean)
    const made = { ...value, devices, destinations, private: linesOf(safe), words: words.split(/[\s,;]+/).filter(Boolean) }
    await (project ? changeProject(project.name, { description, project: made }) : addProject(name.trim(), description, made))
    onClose()
  }
  return (
    <FormDialog
      title={project ? `Project ${project.name}` : 'Begin a project'}
      submit={project ? 'Save' : 'Begin project'}
      ready={name.trim() !== '' && wrong === undefined}
      wide
      action={action}
      run={save}
      onClose={onClose}
    >
      <TextField label="Name" required maxLength={63} disabled={project !== undefined} value={name} onChange={(event) => setName(event.target.value)} />
      <TextField label="Description" maxLength={500} value={description} onChange={(event) => setDescription(event.target.value)} />
      <TextField
        label="Prefix of pseudonyms"
        hint="Patients are called by it and ten letters, which follow from a secret of the project."
        maxLength={16}
        value={value.prefix}
        onChange={(event) => change({ prefix: event.target.value })}
      />
      <Options options={options} chosen={value.options} onChange={(chosen) => change({ options: chosen })} />
      <CheckField
        label="Give out images that are said to show text"
        hint="Else they are held back unless a rule or a rectangle says where the text is."
        checked={value.burned_in === 'pass'}
        onChange={(checked) => change({ burned_in: checked ? 'pass' : 'refuse' })}
      />
      <Area
        label="Rules for devices"
        hint='One a line: ManufacturerModelName="LOGIQ E9" Rows=768 : column,row,columns,rows ... Nothing after the colon: such images show no text.'
        value={rules}
        onChange={setRules}
        {...(wrong === undefined ? {} : { error: `This line is no rule: ${wrong}` })}
      />
      <Area label="Safe private attributes" hint="One a line: 0019,SIEMENS MR HEADER,0C (group, Private Creator, last byte of the element)." value={safe} onChange={setSafe} />
      <TextField
        label="Words that may stay in descriptions"
        hint="With blanks between them; for Clean Descriptors and Clean Structured Content."
        value={words}
        onChange={(event) => setWords(event.target.value)}
      />
      <TextField
        label="Destinations"
        hint="Names, with commas between them. What is sent to them leaves by this project."
        value={places}
        onChange={(event) => setPlaces(event.target.value)}
      />
    </FormDialog>
  )
}
