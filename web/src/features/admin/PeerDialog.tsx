import { useState } from 'react'
import type { AskedWhen, Peer, PeerFacts } from '../../api/admin'
import { addPeer, changePeer } from '../../api/admin'
import { useAction } from '../../lib/useAction'
import { CheckField, SelectField, TextField } from '../../ui/controls'
import { FormDialog } from '../../ui/FormDialog'
import { ARCHIVE_ROLES, CHARACTER_SETS, SERVICES, SYNTAXES } from './peerChoices'

const NEW: PeerFacts = {
  host: '',
  port: 104,
  description: '',
  allowed_ips: [],
  max_associations: 0,
  preferred_syntaxes: [],
  tls: false,
  services: [],
  character_set: '',
  issuer: '',
  throttle: 0,
  parallel: 1,
  paused: false,
  archive: '',
  asks_commitment: false,
  notify_availability: false,
}

/** As sizes are shown everywhere. */
const MB = 2 ** 20

type Change = (change: Partial<PeerFacts>) => void

/** Words of a text field; empty ones are dropped. */
function words(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean)
}

function Address({ aet, setAet, isNew, facts, change }: { aet: string; setAet: (aet: string) => void; isNew: boolean; facts: PeerFacts; change: Change }) {
  return (
    <>
      <div className="form-row form-row-peer">
        <TextField label="AE title" hint={isNew ? 'As the device calls itself; capital letters count.' : undefined} maxLength={16} spellCheck={false} autoComplete="off" required disabled={!isNew} value={aet} onChange={(event) => setAet(event.target.value)} />
        <TextField label="Host name or address" spellCheck={false} autoComplete="off" required value={facts.host} onChange={(event) => change({ host: event.target.value })} />
        <TextField label="Port" type="number" min={1} max={65535} required value={facts.port} onChange={(event) => change({ port: Number(event.target.value) })} />
      </div>
      <TextField label="Description" hint="Where it stands, whom to call." maxLength={256} value={facts.description} onChange={(event) => change({ description: event.target.value })} />
      <CheckField label="Call it over TLS" checked={facts.tls} onChange={(tls) => change({ tls })} />
    </>
  )
}

/** What the peer may do here. */
function Allowed({ facts, change }: { facts: PeerFacts; change: Change }) {
  const [networks, setNetworks] = useState(facts.allowed_ips.join(' '))
  const toggle = (name: string) => change({ services: facts.services.includes(name) ? facts.services.filter((other) => other !== name) : [...facts.services, name] })
  return (
    <fieldset className="form-part">
      <legend>When it calls</legend>
      <div className="form-row form-row-wide">
        <TextField
          label="Networks it may call from"
          hint="10.1.0.0/16 192.0.2.7; none: the address above."
          spellCheck={false}
          autoComplete="off"
          value={networks}
          onChange={(event) => {
            setNetworks(event.target.value)
            change({ allowed_ips: words(event.target.value) })
          }}
        />
        <TextField label="Associations at once" hint="0: as the settings say." type="number" min={0} max={10000} value={facts.max_associations} onChange={(event) => change({ max_associations: Number(event.target.value) })} />
      </div>
      <div className="field">
        <span className="field-label" id="peer-services">
          Services it may use
        </span>
        <div className="chips chips-wrap" role="group" aria-labelledby="peer-services">
          {SERVICES.map(({ name, title }) => (
            <button key={name} type="button" className="chip" aria-pressed={facts.services.includes(name)} onClick={() => toggle(name)}>
              {title}
            </button>
          ))}
        </div>
        <span className="field-hint">{facts.services.length === 0 ? 'None chosen: all of them.' : 'Only the chosen ones.'}</span>
      </div>
      <SelectField label="Character set" hint="Of what it writes without saying so." value={facts.character_set} onChange={(event) => change({ character_set: event.target.value })}>
        {[...CHARACTER_SETS, ...(CHARACTER_SETS.some(({ term }) => term === facts.character_set) ? [] : [{ term: facts.character_set, title: facts.character_set }])].map(({ term, title }) => (
          <option key={term} value={term}>
            {title}
          </option>
        ))}
      </SelectField>
    </fieldset>
  )
}

/** How it is sent to, and asked. */
function Sending({ facts, change }: { facts: PeerFacts; change: Change }) {
  const [first = ''] = facts.preferred_syntaxes
  const [speed, setSpeed] = useState(facts.throttle ? String(Number((facts.throttle / MB).toFixed(3))) : '')
  return (
    <fieldset className="form-part">
      <legend>When it is called</legend>
      <TextField label="Issuer of its Patient IDs" hint="Of what it sends without one: numbers of two hospitals are not the same patient." maxLength={64} spellCheck={false} autoComplete="off" value={facts.issuer} onChange={(event) => change({ issuer: event.target.value })} />
      <SelectField label="As an archive" value={facts.archive} onChange={(event) => change({ archive: event.target.value as AskedWhen })}>
        {ARCHIVE_ROLES.map(({ value, title }) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </SelectField>
      <div className="form-row form-row-three">
        <SelectField label="Preferred syntax" value={first} onChange={(event) => change({ preferred_syntaxes: [event.target.value, ...facts.preferred_syntaxes.slice(1)].filter(Boolean) })}>
          <option value="">As stored</option>
          {[...SYNTAXES, ...(first && !SYNTAXES.some(({ uid }) => uid === first) ? [{ uid: first, title: first }] : [])].map(({ uid, title }) => (
            <option key={uid} value={uid}>
              {title}
            </option>
          ))}
        </SelectField>
        <TextField label="Associations to it" type="number" min={1} max={8} value={facts.parallel} onChange={(event) => change({ parallel: Number(event.target.value) })} />
        <TextField
          label="MB a second"
          inputMode="decimal"
          placeholder="no limit"
          value={speed}
          onChange={(event) => {
            setSpeed(event.target.value)
            change({ throttle: Math.max(0, Math.round((Number(event.target.value.replace(',', '.')) || 0) * MB)) })
          }}
        />
      </div>
      <CheckField label="Ask it whether it keeps what it was sent" hint="Storage commitment." checked={facts.asks_commitment} onChange={(asks_commitment) => change({ asks_commitment })} />
      <CheckField label="Tell it what has become available" hint="Instance availability." checked={facts.notify_availability} onChange={(notify_availability) => change({ notify_availability })} />
      <CheckField label="Paused" hint="Deliveries wait; sending by hand waits with them." checked={facts.paused} onChange={(paused) => change({ paused })} />
    </fieldset>
  )
}

/** Everything that is known about a peer; a new one without `peer`. */
export function PeerDialog({ peer, onClose, onSaved }: { peer?: Peer; onClose: () => void; onSaved: () => void }) {
  const [aet, setAet] = useState(peer?.aet ?? '')
  const [facts, setFacts] = useState<PeerFacts>(() => (peer ? (Object.fromEntries(Object.keys(NEW).map((name) => [name, peer[name as keyof PeerFacts]])) as unknown as PeerFacts) : NEW))
  const action = useAction()
  const change: Change = (some) => setFacts((now) => ({ ...now, ...some }))
  const save = async () => {
    const told = { ...facts, host: facts.host.trim(), description: facts.description.trim() }
    if (peer) await changePeer(peer.aet, told)
    else await addPeer(aet.trim(), told)
    onSaved()
  }
  const ready = aet.trim() !== '' && facts.host.trim() !== ''
  return (
    <FormDialog title={peer ? `DICOM peer ${peer.aet}` : 'Add a DICOM peer'} submit={peer ? 'Save' : 'Add peer'} wide ready={ready} action={action} run={save} onClose={onClose}>
      <Address aet={aet} setAet={setAet} isNew={!peer} facts={facts} change={change} />
      <Allowed facts={facts} change={change} />
      <Sending facts={facts} change={change} />
    </FormDialog>
  )
}
