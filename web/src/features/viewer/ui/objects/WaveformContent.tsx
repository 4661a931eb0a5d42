// Waveforms: an ECG on its paper, other channels below each other, sound to listen to.
import { useEffect, useMemo, useState } from 'react'
import type { Frame } from '../../model/frame'
import { text } from '../../model/dataset'
import { type GroupHeader, type Group, BadWaveform, annotationsOf, bestGroup, groupHeaders, groupOf, wavOf } from '../../model/objects/waveform'
import { type EcgLayout, GAINS, LAYOUTS, SPEEDS, hasTwelveLeads, paperOf } from '../../model/objects/ecgLayout'
import { type FilterChoice, UNFILTERED } from '../../model/objects/filters'
import { nameOf } from '../../model/objects/kinds'
import { Tag } from '../../model/tags'
import { bytesOf } from '../../session/objects/bytes'
import type { PaneProps } from '../additions'
import { EcgPaper } from './EcgPaper'
import { DownloadLink, Failed, ObjectPage, Waiting, useLoaded, useObject } from './ObjectPage'

const PAGE = 10

async function load(header: GroupHeader, signal: AbortSignal): Promise<Group> {
  return groupOf(header, await bytesOf(header.data, signal))
}

interface Choices {
  readonly layout: EcgLayout
  readonly speed: number
  readonly gain: number
  readonly filter: FilterChoice
}

function Choice<T extends string | number>({ label, value, options, onChange }: { label: string; value: T; options: readonly { readonly id: T; readonly name: string }[]; onChange: (value: T) => void }) {
  return (
    <select className="object-select" aria-label={label} value={value} onChange={(change) => onChange(options[change.target.selectedIndex]?.id ?? value)}>
      {options.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  )
}

const FILTERS: readonly { readonly name: string; readonly hint: string; readonly on: FilterChoice }[] = [
  { name: 'Baseline', hint: 'Takes away what is slower than 0.5 Hz', on: { ...UNFILTERED, low: 0.5 } },
  { name: 'Muscle', hint: 'Takes away what is faster than 40 Hz', on: { ...UNFILTERED, high: 40 } },
  { name: '50 Hz', hint: 'Takes away mains of 50 Hz', on: { ...UNFILTERED, notch: 50 } },
  { name: '60 Hz', hint: 'Takes away mains of 60 Hz', on: { ...UNFILTERED, notch: 60 } },
]
const KEYS = ['low', 'high', 'notch'] as const

function Filters({ filter, onChange }: { filter: FilterChoice; onChange: (filter: FilterChoice) => void }) {
  return (
    <div className="object-choice" role="group" aria-label="Filters">
      {FILTERS.map(({ name, hint, on }) => {
        const key = KEYS.find((each) => on[each] > 0) ?? 'notch'
        const pressed = filter[key] === on[key]
        return (
          <button key={name} type="button" aria-pressed={pressed} data-tip={hint} onClick={() => onChange({ ...filter, [key]: pressed ? 0 : on[key] })}>
            {name}
          </button>
        )
      })}
    </div>
  )
}

function Tools({ choices, twelve, voltages, set }: { choices: Choices; twelve: boolean; voltages: boolean; set: (change: Partial<Choices>) => void }) {
  return (
    <>
      {twelve && <Choice label="Layout" value={choices.layout} options={LAYOUTS} onChange={(layout) => set({ layout })} />}
      {voltages && <Choice label="Gain" value={choices.gain} options={GAINS.map((id) => ({ id, name: `${id} mm/mV` }))} onChange={(gain) => set({ gain })} />}
      <Choice label="Speed" value={choices.speed} options={SPEEDS.map((id) => ({ id, name: `${id} mm/s` }))} onChange={(speed) => set({ speed })} />
      {voltages && <Filters filter={choices.filter} onChange={(filter) => set({ filter })} />}
    </>
  )
}

/** What the recorder did to it before it came here, and what is done to it on this screen. */
function filterText(group: Group, { low, high, notch }: FilterChoice): string {
  const recorded = group.channels[0]?.recorded
  const was = recorded && (recorded.low !== undefined || recorded.high !== undefined) ? `Recorded ${recorded.low ?? 0} to ${recorded.high ?? '–'} Hz${recorded.notch ? `, notch ${recorded.notch} Hz` : ''}` : ''
  const now = [low > 0 && `above ${low} Hz`, high > 0 && `below ${high} Hz`, notch > 0 && `without ${notch} Hz`].filter(Boolean).join(', ')
  return [was, now ? `Filtered on this screen: ${now}` : 'No filter on this screen'].filter(Boolean).join(' · ')
}

function Notes({ frame }: { frame: Frame }) {
  const notes = annotationsOf(frame.instance.dataset)
  if (notes.length === 0) return null
  return (
    <aside className="ecg-notes" aria-label="What the recorder says" tabIndex={0}>
      <dl>
        {notes.map(({ name, value }, index) => (
          <div key={index} className={name ? undefined : 'ecg-statement'}>
            <dt>{name || 'Statement'}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </aside>
  )
}

function Sound({ group, frame }: { group: Group; frame: Frame }) {
  const [url, setUrl] = useState('')
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([wavOf(group)], { type: 'audio/wav' }))
    // The address is known only once the bytes have one.
    const timer = window.setTimeout(() => setUrl(made))
    return () => {
      window.clearTimeout(timer)
      URL.revokeObjectURL(made)
    }
  }, [group])
  return (
    <div className="object-words" data-testid="sound">
      <p>
        This is a sound recording: {group.seconds.toFixed(1)} seconds, {Math.round(group.rate)} samples a second.
      </p>
      {url && <audio controls src={url} aria-label="Sound recording" />}
      <DownloadLink frame={frame} />
    </div>
  )
}

function Traces({ group, frame, choices }: { group: Group; frame: Frame; choices: Choices }) {
  const [from, setFrom] = useState(0)
  const seconds = Math.min(PAGE, group.seconds)
  const { layout, speed, gain } = choices
  const paper = useMemo(() => paperOf(group, { layout, speed, gain, from, seconds }), [group, layout, speed, gain, from, seconds])
  return (
    <>
      <div className="ecg-body">
        <EcgPaper group={group} paper={paper} speed={speed} gain={gain} filter={choices.filter} />
        <Notes frame={frame} />
      </div>
      <footer className="object-bar ecg-foot">
        {group.seconds > PAGE && (
          <label className="object-field">
            <span>From</span>
            <input type="range" min={0} max={Math.max(0, group.seconds - PAGE)} step={1} value={from} aria-label="Seconds from the beginning" onChange={(change) => setFrom(Number(change.target.value))} />
            <output>
              {from} s of {Math.round(group.seconds)} s
            </output>
          </label>
        )}
        <span data-testid="ecg-filters">{filterText(group, choices.filter)}</span>
        <span className="ecg-hint">Drag to measure</span>
      </footer>
    </>
  )
}

function Waveform({ pane, frame, headers }: { pane: PaneProps['pane']; frame: Frame; headers: readonly GroupHeader[] }) {
  const [at, setAt] = useState(() => bestGroup(headers))
  const [choices, setChoices] = useState<Choices>({ layout: '3x4', speed: 25, gain: 10, filter: UNFILTERED })
  const header = headers[at]
  const loaded = useLoaded(header ? `${frame.id} ${at}` : '', async (signal) => {
    if (!header) throw new BadWaveform('The object holds no waveform.')
    return load(header, signal)
  })
  const group = loaded.status === 'ready' ? loaded.value : undefined
  const kind = nameOf(text(frame.instance.dataset, Tag.SOPClassUID))
  const isSound = /audio/i.test(kind)
  const voltages = group?.channels.some(({ unit }) => unit === 'mV') ?? false
  const tools = (
    <>
      {headers.length > 1 && <Choice label="Group" value={at} options={headers.map(({ label }, id) => ({ id, name: label }))} onChange={setAt} />}
      {group && !isSound && <Tools choices={choices} twelve={hasTwelveLeads(group)} voltages={voltages} set={(change) => setChoices((now) => ({ ...now, ...change }))} />}
    </>
  )
  return (
    <ObjectPage pane={pane} frame={frame} tools={tools} testid="waveform">
      {loaded.status === 'loading' && <Waiting />}
      {loaded.status === 'failed' && <Failed what={loaded.what} hint={loaded.hint}><DownloadLink frame={frame} /></Failed>}
      {group && (isSound ? <Sound group={group} frame={frame} /> : <Traces key={at} group={group} frame={frame} choices={choices} />)}
    </ObjectPage>
  )
}

export default function WaveformContent({ pane }: PaneProps) {
  const frame = useObject(pane)
  const headers = useMemo(() => (frame ? groupHeaders(frame.instance.dataset) : []), [frame])
  if (!frame) return <Waiting />
  if (headers.length > 0) return <Waveform key={frame.id} pane={pane} frame={frame} headers={headers} />
  return (
    <ObjectPage pane={pane} frame={frame} testid="waveform">
      <Failed what="This object says that it is a waveform, but holds none that can be read." hint="Save it to look at it with another program.">
        <DownloadLink frame={frame} />
      </Failed>
    </ObjectPage>
  )
}
