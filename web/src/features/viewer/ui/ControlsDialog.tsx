import { type KeyboardEvent, useState } from 'react'
import { explain } from '../../../lib/http'
import { Button, SelectField } from '../../../ui/controls'
import { Dialog } from '../../../ui/overlay'
import { AS_DELIVERED, BUTTONS, type Controls, DRAGS, type Drag, type Grasp, HELD, MAPS, type MapName, bindingsOf, deliveredDrag, withKeys } from '../model/controls'
import { type Binding, type Command, GROUPS, conflicts, keyText, nameOf } from '../model/keys'
import { controlsNow, keepControls } from '../session/controls'
import './controls.css'

const HOLDING = new Set(['Shift', 'Control', 'Alt', 'AltGraph', 'Meta', 'CapsLock', 'Dead'])

/** A button that takes the next key pressed on it; leaving it takes none. */
function NewKey({ label, onKey }: { label: string; onKey: (key: string) => void }) {
  const [listening, setListening] = useState(false)
  const take = (press: KeyboardEvent) => {
    if (!listening) return
    press.preventDefault()
    press.stopPropagation()
    if (HOLDING.has(press.key)) return
    setListening(false)
    onKey(nameOf(press))
  }
  return (
    <button type="button" className="key-add" aria-label={`Another key for ${label}`} onClick={() => setListening(true)} onKeyDown={take} onKeyUp={(up) => listening && up.preventDefault()} onBlur={() => setListening(false)}>
      {listening ? 'press a key' : '+'}
    </button>
  )
}

function Row({ binding, rivals, onKeys }: { binding: Binding; rivals: readonly string[]; onKeys: (keys: readonly string[]) => void }) {
  const { keys, label } = binding
  return (
    <div className={rivals.length > 0 ? 'key-row key-row-conflict' : 'key-row'} data-command={binding.command}>
      <dt>
        {label}
        {rivals.length > 0 && <span className="key-rivals">also {rivals.join(', ')}</span>}
      </dt>
      <dd>
        {keys.map((key) => (
          <button key={key} type="button" className="kbd key-chip" title="Take this key away" aria-label={`Take ${keyText(key)} from ${label}`} onClick={() => onKeys(keys.filter((other) => other !== key))}>
            {keyText(key)}
            <span aria-hidden="true">×</span>
          </button>
        ))}
        <NewKey label={label} onKey={(key) => onKeys([...keys.filter((other) => other !== key), key])} />
      </dd>
    </div>
  )
}

function Hand({ controls, onChange }: { controls: Controls; onChange: (hand: Controls['hand']) => void }) {
  const choose = (grasp: Grasp, drag: string) => {
    const others = Object.fromEntries(Object.entries(controls.hand).filter(([name]) => name !== grasp))
    onChange(drag === '' ? others : { ...others, [grasp]: drag as Drag })
  }
  return (
    <table className="hand-table">
      <thead>
        <tr>
          <th scope="col">Drag with</th>
          {BUTTONS.map((button) => (
            <th key={button} scope="col">{`the ${button} button`}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {HELD.map((held) => (
          <tr key={held}>
            <th scope="row">{held === '' ? 'no key' : held.slice(0, -1)}</th>
            {BUTTONS.map((button) => {
              const grasp: Grasp = `${held}${button}`
              return (
                <td key={button}>
                  <select className="input" aria-label={`${held}${button} drag`} value={controls.hand[grasp] ?? ''} onChange={(change) => choose(grasp, change.target.value)}>
                    <option value="">{`as delivered: ${DRAGS[deliveredDrag(grasp, controls.hand)]}`}</option>
                    {Object.entries(DRAGS).map(([drag, title]) => (
                      <option key={drag} value={drag}>
                        {title}
                      </option>
                    ))}
                  </select>
                </td>
              )
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Every key and every drag, as this reader wants them; kept with the account. */
export function ControlsDialog({ onClose }: { onClose: () => void }) {
  const [controls, setControls] = useState(controlsNow)
  const [trouble, setTrouble] = useState('')
  const bindings = bindingsOf(controls)
  const clashes = conflicts(bindings)
  const labels = new Map<Command, string>(bindings.map((binding) => [binding.command, binding.label]))
  const rivals = (command: Command) => clashes.filter((clash) => clash.commands.includes(command)).flatMap((clash) => clash.commands.filter((other) => other !== command).map((other) => labels.get(other) ?? other))
  const save = async () => {
    try {
      await keepControls(controls)
      onClose()
    } catch (error) {
      const { what, hint } = explain(error)
      setTrouble(`${what} ${hint} Until this page is left the change holds.`)
    }
  }
  return (
    <Dialog
      title="Keys and mouse"
      onClose={onClose}
      wide
      stubborn
      footer={
        <>
          {clashes.length > 0 && <p className="field-error" role="alert">{`${clashes.map((clash) => keyText(clash.key)).join(', ')} would do two things: take one away.`}</p>}
          {trouble && <p className="field-error" role="alert">{trouble}</p>}
          <Button onClick={() => setControls(AS_DELIVERED)}>As delivered</Button>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" disabled={clashes.length > 0} onClick={() => void save()}>
            Save
          </Button>
        </>
      }
    >
      <div className="controls-head">
        <SelectField label="Keys" hint="Your own keys are kept on top of it." value={controls.map} onChange={(change) => setControls({ ...controls, map: change.target.value as MapName })}>
          {Object.entries(MAPS).map(([name, { title }]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </SelectField>
        <label className="controls-sense">
          <input type="checkbox" checked={controls.upIsDarker} onChange={(change) => setControls({ ...controls, upIsDarker: change.target.checked })} />
          Dragging up is darker
        </label>
      </div>
      <Hand controls={controls} onChange={(hand) => setControls({ ...controls, hand })} />
      <div className="keysheet">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {bindings
                .filter((binding) => binding.group === group)
                .map((binding) => (
                  <Row key={binding.command} binding={binding} rivals={rivals(binding.command)} onKeys={(keys) => setControls(withKeys(controls, binding.command, keys))} />
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
