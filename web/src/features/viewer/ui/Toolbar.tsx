import { useLayoutEffect, useRef } from 'react'
import { ageAt, formatDate } from '../../../lib/dates'
import { formatName } from '../../../lib/names'
import { useValue } from '../../../lib/observable'
import { panesOf } from '../model/layout'
import type { WaysOut } from '../session/commands'
import type { ViewerSession } from '../session/session'
import { PANELS, TOOLBAR } from './additions'
import { PatientsWarning } from './beside/PatientSign'
import { folding } from './fold'
import { Glyph } from './icons'
import { LayoutMenu } from './layout/LayoutMenu'
import { PresetEntries } from './menus'
import { PictureTools } from './PictureMenu'
import { Dropdown, ToolButton } from './ToolButton'
import { HandTools, MeasuringTools } from './ToolMenus'

function Presets({ session }: { session: ViewerSession }) {
  const { active } = useValue(session.state)
  const pane = session.engine.panes[active] ?? session.activePane
  const { presetId, picture } = useValue(pane.state)
  const name = picture?.pixels.color ? 'Colour' : (pane.presets().find((preset) => preset.id === presetId)?.name ?? (picture ? 'Custom' : 'Window'))
  return (
    <Dropdown label="Window presets" glyph="presets" text={name} testid="presets">
      <PresetEntries pane={pane} />
    </Dropdown>
  )
}

function Patient({ session }: { session: ViewerSession }) {
  const study = useValue(session.state).groups[0]?.study
  if (!study) return <div className="viewer-patient" />
  const facts = [study.PatientID, [study.PatientSex, ageAt(study.PatientBirthDate, study.StudyDate)].filter(Boolean).join(' ')]
  return (
    <div className="viewer-patient" data-testid="viewer-patient">
      <strong>{formatName(study.PatientName) || 'No name'}</strong>
      <span>{[...facts, formatDate(study.StudyDate)].filter(Boolean).join(' · ')}</span>
      <PatientsWarning session={session} />
    </div>
  )
}

export function Toolbar({ session, ways }: { session: ViewerSession; ways: WaysOut }) {
  const { layout, detail, panel } = useValue(session.state)
  const bar = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => (bar.current ? folding(bar.current) : undefined), [])
  return (
    <header className="viewer-bar">
      <button type="button" className="tool viewer-leave" aria-label="Back to the study list" data-tip="Back to the study list" data-key="Esc" onClick={ways.leave}>
        <Glyph name="back" size={18} />
      </button>
      <Patient session={session} />
      <div ref={bar} className="viewer-tools" role="toolbar" aria-label="Tools" data-testid="toolbar">
        <HandTools session={session} />
        <div className="tools">
          <Presets session={session} />
        </div>
        <MeasuringTools session={session} />
        <PictureTools session={session} />
        {TOOLBAR.map((Addition, at) => (
          <Addition key={at} session={session} />
        ))}
      </div>
      <div className="tools viewer-end">
        <LayoutMenu session={session} />
        <ToolButton
          label={{ all: 'Text: everything', image: 'Text: no patient', none: 'Text: none' }[detail]}
          command="overlay"
          glyph="overlay"
          pressed={detail === 'all'}
          onClick={() => session.cycleDetail()}
        />
        {panesOf(layout) > 1 && <ToolButton label="This viewport alone" command="one-up" glyph="fullscreen" pressed={session.state.get().alone} onClick={() => session.toggleAlone()} />}
        {PANELS.filter(({ fromMenu }) => !fromMenu).map(({ id, label, glyph }) => (
          <ToolButton key={id} label={label} glyph={glyph} pressed={panel === id} testid={`panel-${id}`} onClick={() => session.togglePanel(id)} />
        ))}
        <ToolButton label="Keys" command="help" glyph="help" onClick={() => session.setHelp(true)} />
      </div>
    </header>
  )
}
