// The tools of the left button: those of the hand, and all that measures and notes. Buttons for the commonest, lists for all.
import { useValue } from '../../../lib/observable'
import { BINDINGS } from '../model/keys'
import type { Kind } from '../model/shapes'
import { keyOf } from '../session/controls'
import type { Tool, ViewerSession } from '../session/session'
import { Glyph } from './icons'
import { Entry } from './Popover'
import { Dropdown, ToolButton } from './ToolButton'

const QUICK_HAND = ['window', 'zoom', 'pan', 'scroll'] as const satisfies readonly Tool[]
const HAND: readonly Exclude<Tool, Kind>[] = [...QUICK_HAND, 'magnify', 'dragProbe', 'regionWindow', 'cursor']
const QUICK_MEASURES: readonly Kind[] = ['length', 'angle', 'ellipse', 'rectangle', 'probe']

/** In columns of what they tell. */
const MEASURES: readonly { readonly title: string; readonly kinds: readonly Kind[] }[] = [
  { title: 'Distances', kinds: ['length', 'bidirectional', 'polyline', 'perpendicular', 'parallel', 'height', 'ratio', 'directional', 'legLength'] },
  { title: 'Angles', kinds: ['angle', 'openAngle', 'cobb', 'midAngle', 'centreEdge', 'acetabular', 'graf'] },
  { title: 'Regions', kinds: ['ellipse', 'rectangle', 'oblique', 'circle', 'circle3', 'freehand', 'spline', 'livewire'] },
  { title: 'Values and notes', kinds: ['probe', 'arrow', 'text', 'marker', 'vertebra', 'etdrs'] },
  { title: 'Calibration', kinds: ['calibration'] },
]

export const toolName = (tool: Tool | Kind): string => BINDINGS.find((binding) => binding.command === `tool-${tool}`)?.label ?? tool

function Quick({ session, tools }: { session: ViewerSession; tools: readonly Tool[] }) {
  const { tool } = useValue(session.state)
  return tools.map((each) => (
    <ToolButton key={each} label={toolName(each)} command={`tool-${each}`} glyph={each} pressed={tool === each} onClick={() => session.setTool(each)} testid={`tool-${each}`} />
  ))
}

function ToolEntry({ session, tool, now }: { session: ViewerSession; tool: Tool; now: Tool }) {
  return <Entry label={toolName(tool)} hint={keyOf(`tool-${tool}`)} chosen={tool === now} icon={<Glyph name={tool} />} onClick={() => session.setTool(tool)} />
}

export function HandTools({ session }: { session: ViewerSession }) {
  const { tool } = useValue(session.state)
  const own = HAND.find((each) => each === tool)
  const hasButton = (QUICK_HAND as readonly Tool[]).includes(tool)
  return (
    <div className="tools">
      <span className="fold-hand">
        <Quick session={session} tools={QUICK_HAND} />
      </span>
      <Dropdown label="Hand tools" glyph={own ?? 'magnify'} unfolded={hasButton || !own ? 'magnify' : own} pressed={own !== undefined && !hasButton} testid="hand-tools">
        {HAND.map((each) => (
          <ToolEntry key={each} session={session} tool={each} now={tool} />
        ))}
      </Dropdown>
    </div>
  )
}

export function MeasuringTools({ session }: { session: ViewerSession }) {
  const { tool } = useValue(session.state)
  const chosen = MEASURES.flatMap(({ kinds }) => kinds).find((kind) => kind === tool)
  return (
    <div className="tools">
      <span className="fold-measure">
        <Quick session={session} tools={QUICK_MEASURES} />
      </span>
      <Dropdown label="Measure" glyph={chosen ?? 'bidirectional'} text={chosen ? toolName(chosen) : 'Measure'} pressed={chosen !== undefined} testid="more-tools">
        <div className="viewer-columns">
          {MEASURES.map(({ title, kinds }) => (
            <div key={title} role="group" aria-label={title}>
              <p className="viewer-menu-title" aria-hidden="true">
                {title}
              </p>
              {kinds.map((each) => (
                <ToolEntry key={each} session={session} tool={each} now={tool} />
              ))}
            </div>
          ))}
        </div>
      </Dropdown>
    </div>
  )
}
