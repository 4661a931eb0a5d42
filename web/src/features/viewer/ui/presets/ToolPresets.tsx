// The reader's own presets of tools: taken from the menu of the layouts, made and removed in a dialog.
import { type SubmitEvent, useState } from 'react'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import { Button, CheckField, IconButton, TextField } from '../../../../ui/controls'
import { Dialog } from '../../../../ui/overlay'
import { layoutName } from '../../model/layout'
import { LONGEST_NAME, type ToolPreset, nameOfPreset } from '../../model/toolPresets'
import type { ViewerSession } from '../../session/session'
import { forgetPreset, keepPreset, takePreset, useToolPresets } from '../../session/toolPresets'
import { Entry } from '../Popover'
import { toolName } from '../ToolMenus'
import './presets.css'

const wordsOf = ({ tool, window, layout }: ToolPreset): string =>
  [toolName(tool as Parameters<typeof toolName>[0]), window && `W ${Math.round(window.width)} L ${Math.round(window.center)}`, layoutName(layout)].filter(Boolean).join(' · ')

/** In a menu: each preset, and the way to more. */
export function PresetEntries({ session, onManage }: { session: ViewerSession; onManage: () => void }) {
  const presets = useToolPresets()
  return (
    <>
      {presets.map((each) => (
        <Entry key={each.name} label={each.name} hint={wordsOf(each)} onClick={() => takePreset(session, each)} />
      ))}
      <Entry label="Tool presets…" onClick={onManage} />
    </>
  )
}

export function PresetsDialog({ session, onClose }: { session: ViewerSession; onClose: () => void }) {
  const presets = useToolPresets()
  const { tool, layout } = useValue(session.state)
  const { window } = useValue(session.activePane.state)
  const [name, setName] = useState('')
  const [withWindow, setWithWindow] = useState(window !== null)
  const [trouble, setTrouble] = useState('')
  const change = (done: Promise<void>) =>
    done.then(
      () => setTrouble(''),
      (error: unknown) => setTrouble(`${explain(error).what} ${explain(error).hint} Until this page is left the change holds.`),
    )
  const save = (submit: SubmitEvent) => {
    submit.preventDefault()
    void change(keepPreset(session, nameOfPreset(name), withWindow))
    setName('')
  }
  const screen: ToolPreset = { name: '', tool, layout, window: withWindow ? window : null }
  return (
    <Dialog title="Tool presets" onClose={onClose}>
      <form className="presets-form" onSubmit={save}>
        <TextField label="Name of what is on the screen now" hint={wordsOf(screen)} value={name} maxLength={LONGEST_NAME} onChange={(typed) => setName(typed.target.value)} />
        <CheckField label="With the window" checked={withWindow} onChange={setWithWindow} />
        <Button type="submit" look="primary" disabled={nameOfPreset(name) === ''}>
          {presets.some((each) => each.name === nameOfPreset(name)) ? 'Replace' : 'Keep'}
        </Button>
      </form>
      {trouble && (
        <p className="field-error" role="alert">
          {trouble}
        </p>
      )}
      <ul className="presets-list" aria-label="Your presets">
        {presets.map((each) => (
          <li key={each.name}>
            <span>
              <b>{each.name}</b>
              <span className="faint">{wordsOf(each)}</span>
            </span>
            <IconButton label={`Remove ${each.name}`} icon="close" small onClick={() => void change(forgetPreset(each.name))} />
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
