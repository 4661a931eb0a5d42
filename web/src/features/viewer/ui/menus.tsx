import type { Pane } from '../engine/pane'
import { useValue } from '../../../lib/observable'
import type { Command } from '../model/keys'
import { PACES, type Pace } from '../model/link'
import { windowText } from '../model/overlay'
import { keepControls, keyOf, useControls } from '../session/controls'
import { keepPace, usePace } from '../session/pace'
import type { ViewerSession } from '../session/session'
import { Glyph } from './icons'
import { PictureEntries } from './PictureMenu'
import { Entry } from './Popover'

/** Windows of the image first, then the modality's, then what the pixels suggest. */
export function PresetEntries({ pane }: { pane: Pane }) {
  const { controls } = useControls()
  const { upIsDarker } = controls
  const { presetId } = useValue(pane.state)
  const presets = pane.presets()
  if (presets.length === 0) return <p className="viewer-menu-note">Colour images have no grey-scale presets.</p>
  return (
    <>
      {presets.map((preset, index) => {
        const previous = presets[index - 1]
        const hint = typeof preset.window === 'string' ? '' : windowText(preset.window).replace('  ', ' ')
        return (
          <div key={preset.id} role="presentation">
            {previous && previous.group !== preset.group && <hr />}
            <button type="button" role="menuitem" className={preset.id === presetId ? 'viewer-entry viewer-entry-chosen' : 'viewer-entry'} onClick={() => pane.applyPreset(preset)}>
              <span className="viewer-entry-label">{preset.name}</span>
              <span className="viewer-entry-hint">{hint}</span>
              {preset.key ? <kbd>{keyOf(`preset-${preset.key}` as Command)}</kbd> : <span className="viewer-entry-nokey" />}
            </button>
          </div>
        )
      })}
      <hr />
      <button type="button" role="menuitemcheckbox" aria-checked={upIsDarker} className="viewer-entry" onClick={() => void keepControls({ ...controls, upIsDarker: !upIsDarker }).catch(() => undefined)}>
        <span className="viewer-entry-label">Dragging up is darker</span>
        <span className="viewer-entry-hint">{upIsDarker ? 'yes' : 'no'}</span>
        <span className="viewer-entry-nokey" />
      </button>
    </>
  )
}

const PACE_WORDS: Readonly<Record<Pace, string>> = { automatic: 'on slow lines', always: 'always', never: 'never' }
const nextPace = (pace: Pace): Pace => PACES[(PACES.indexOf(pace) + 1) % PACES.length] ?? 'automatic'

/** What a right click on a picture offers. */
export function PaneEntries({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const pace = usePace()
  const { all } = useValue(session.measurements.state)
  const here = new Set(pane.frames.map((frame) => frame.id))
  const count = all.filter((measurement) => here.has(measurement.frameId)).length
  return (
    <>
      <PresetEntries pane={pane} />
      <hr />
      <PictureEntries session={session} pane={pane} />
      <hr />
      <Entry label="Small pictures first" hint={PACE_WORDS[pace]} icon={<Glyph name="scroll" />} onClick={() => void keepPace(nextPace(pace)).catch(() => undefined)} />
      {count > 0 && (
        <>
          <hr />
          <Entry label={`Delete ${count === 1 ? 'the measurement' : `all ${count} measurements`} of this series`} icon={<Glyph name="close" />} onClick={() => session.measurements.deleteAll(here)} />
        </>
      )}
    </>
  )
}
