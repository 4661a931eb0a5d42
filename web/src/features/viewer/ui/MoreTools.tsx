// The measuring tools that have no button of their own, in one list.
import { useValue } from '../../../lib/observable'
import { BINDINGS } from '../model/keys'
import type { Kind } from '../model/shapes'
import { keyOf } from '../session/controls'
import type { Tool, ViewerSession } from '../session/session'
import { Glyph } from './icons'
import { Entry } from './Popover'
import { Dropdown } from './ToolButton'

const MORE: readonly (readonly Exclude<Tool, 'window' | 'zoom' | 'pan' | 'scroll' | 'length' | 'angle' | 'ellipse' | 'rectangle' | 'probe'>[])[] = [
  ['bidirectional', 'polyline', 'perpendicular'],
  ['openAngle', 'cobb'],
  ['circle', 'circle3', 'freehand', 'spline'],
  ['arrow', 'text', 'marker'],
  ['calibration'],
  ['magnify', 'regionWindow'],
]

const ALL: readonly Tool[] = MORE.flat()

export const toolName = (tool: Tool | Kind): string => BINDINGS.find((binding) => binding.command === `tool-${tool}`)?.label ?? tool

export function MoreTools({ session }: { session: ViewerSession }) {
  const { tool } = useValue(session.state)
  const chosen = ALL.includes(tool)
  return (
    <div className="tools">
      <Dropdown label="More tools" glyph={chosen ? tool : 'bidirectional'} text={chosen ? toolName(tool) : 'More'} testid="more-tools">
        {MORE.map((group, at) => (
          <div key={group[0]} role="presentation">
            {at > 0 && <hr />}
            {group.map((each) => (
              <Entry key={each} label={toolName(each)} hint={keyOf(`tool-${each}`)} chosen={each === tool} icon={<Glyph name={each} />} onClick={() => session.setTool(each)} />
            ))}
          </div>
        ))}
      </Dropdown>
    </div>
  )
}
