import { ageAt, formatDate } from '../../../lib/dates'
import { formatName } from '../../../lib/names'
import { useValue } from '../../../lib/observable'
import { LAYOUTS, layoutName, panesOf } from '../model/layout'
import { flipHorizontal, flipVertical, rotateRight } from '../model/view'
import type { WaysOut } from '../session/commands'
import { keyOf } from '../session/controls'
import type { Tool, ViewerSession } from '../session/session'
import { PANELS, TOOLBAR } from './additions'
import { type Glyph as GlyphName, Glyph } from './icons'
import { PresetEntries } from './menus'
import { Entry } from './Popover'
import { Dropdown, ToolButton } from './ToolButton'

const TOOLS: readonly { tool: Tool; glyph: GlyphName; label: string; group: 'hand' | 'measure' }[] = [
  { tool: 'window', glyph: 'window', label: 'Window / level', group: 'hand' },
  { tool: 'zoom', glyph: 'zoom', label: 'Zoom', group: 'hand' },
  { tool: 'pan', glyph: 'pan', label: 'Pan', group: 'hand' },
  { tool: 'scroll', glyph: 'scroll', label: 'Scroll', group: 'hand' },
  { tool: 'length', glyph: 'length', label: 'Length', group: 'measure' },
  { tool: 'angle', glyph: 'angle', label: 'Angle', group: 'measure' },
  { tool: 'ellipse', glyph: 'ellipse', label: 'Ellipse', group: 'measure' },
  { tool: 'rectangle', glyph: 'rectangle', label: 'Rectangle', group: 'measure' },
  { tool: 'probe', glyph: 'probe', label: 'Value at a point', group: 'measure' },
]

function Presets({ session }: { session: ViewerSession }) {
  const { active } = useValue(session.state)
  const pane = session.engine.panes[active] ?? session.activePane
  const { presetId, picture } = useValue(pane.state)
  const name = picture?.pixels.color ? 'Colour' : (pane.presets().find((preset) => preset.id === presetId)?.name ?? (picture ? 'Custom' : 'Window'))
  return (
    <Dropdown label="Window presets" glyph="window" text={name} testid="presets">
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
    </div>
  )
}

function Picture({ session }: { session: ViewerSession }) {
  const { active } = useValue(session.state)
  const pane = session.engine.panes[active] ?? session.activePane
  const { flipped, playing, count } = useValue(pane.state)
  return (
    <>
      <div className="tools">
        <ToolButton label="Invert" command="invert" glyph="invert" pressed={flipped} onClick={() => pane.invert()} />
        <ToolButton label="Rotate right" command="rotate-right" glyph="rotateRight" onClick={() => pane.turn(rotateRight)} />
        <ToolButton label="Flip left and right" command="flip-horizontal" glyph="flipHorizontal" onClick={() => pane.turn(flipHorizontal)} />
        <ToolButton label="Flip top and bottom" command="flip-vertical" glyph="flipVertical" onClick={() => pane.turn(flipVertical)} />
        <ToolButton label="Fit to viewport" command="fit" glyph="fit" onClick={() => pane.fit()} />
        <ToolButton label="Reset the picture" command="reset" glyph="reset" onClick={() => pane.reset()} />
      </div>
      <div className="tools">
        <ToolButton label={playing ? 'Stop' : 'Play'} command="cine" glyph={playing ? 'pause' : 'play'} pressed={playing} onClick={() => count > 1 && (playing ? pane.stop() : pane.play())} />
      </div>
    </>
  )
}

export function Toolbar({ session, ways }: { session: ViewerSession; ways: WaysOut }) {
  const { tool, layout, detail, panel } = useValue(session.state)
  const group = (name: 'hand' | 'measure') =>
    TOOLS.filter((entry) => entry.group === name).map((entry) => (
      <ToolButton key={entry.tool} label={entry.label} command={`tool-${entry.tool}`} glyph={entry.glyph} pressed={tool === entry.tool} onClick={() => session.setTool(entry.tool)} testid={`tool-${entry.tool}`} />
    ))
  return (
    <header className="viewer-bar">
      <button type="button" className="tool viewer-leave" aria-label="Back to the study list" data-tip="Back to the study list" data-key="Esc" onClick={ways.leave}>
        <Glyph name="back" size={18} />
      </button>
      <Patient session={session} />
      <div className="viewer-tools" role="toolbar" aria-label="Tools">
        <div className="tools">{group('hand')}</div>
        <div className="tools">
          <Presets session={session} />
        </div>
        <div className="tools">{group('measure')}</div>
        <Picture session={session} />
        {TOOLBAR.map((Addition, at) => (
          <Addition key={at} session={session} />
        ))}
      </div>
      <div className="tools viewer-end">
        <Dropdown label="Layout" glyph={layout} testid="layout">
          {LAYOUTS.map((each) => (
            <Entry key={each} label={layoutName[each]} hint={keyOf(`layout-${each}`)} chosen={each === layout} icon={<Glyph name={each} />} onClick={() => session.setLayout(each)} />
          ))}
        </Dropdown>
        <ToolButton
          label={{ all: 'Text: everything', image: 'Text: no patient', none: 'Text: none' }[detail]}
          command="overlay"
          glyph="overlay"
          pressed={detail === 'all'}
          onClick={() => session.cycleDetail()}
        />
        {panesOf(layout) > 1 && <ToolButton label="This viewport alone" command="one-up" glyph="fullscreen" pressed={session.state.get().alone} onClick={() => session.toggleAlone()} />}
        {PANELS.map(({ id, label, glyph }) => (
          <ToolButton key={id} label={label} glyph={glyph} pressed={panel === id} testid={`panel-${id}`} onClick={() => session.togglePanel(id)} />
        ))}
        <ToolButton label="Keys" command="help" glyph="help" onClick={() => session.setHelp(true)} />
      </div>
    </header>
  )
}
