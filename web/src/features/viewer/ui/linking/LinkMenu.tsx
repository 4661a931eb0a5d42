// What is linked between viewports, and with earlier studies.
import { preferences } from '../../../../api/preferences'
import { useValue } from '../../../../lib/observable'
import type { Command } from '../../model/keys'
import { compare } from '../../session/comparing'
import { keyOf } from '../../session/controls'
import { GROUPS, LINES, type Links, SCROLLS, linksNow } from '../../session/linking'
import type { ViewerSession } from '../../session/session'
import { Glyph } from '../icons'
import { Entry } from '../Popover'
import { Dropdown } from '../ToolButton'

const Tick = ({ on }: { on: boolean }) => <span className={on ? 'link-tick link-tick-on' : 'link-tick'} />

function Choices<T extends string>({ title, command, choices, now, choose }: { title: string; command: Command; choices: Readonly<Record<T, string>>; now: T; choose: (choice: T) => void }) {
  return (
    <div role="group" aria-label={title}>
      <p className="viewer-menu-title" aria-hidden="true">
        {title} <kbd>{keyOf(command)}</kbd>
      </p>
      {(Object.entries(choices) as [T, string][]).map(([id, label]) => (
        <Entry key={id} label={label} chosen={id === now} icon={<Tick on={id === now} />} onClick={() => choose(id)} />
      ))}
    </div>
  )
}

const SWITCHES = { window: 'Window (of one modality)', zoom: 'Zoom and pan', turn: 'Rotation and flips' } as const satisfies Partial<Record<keyof Links, string>>

export function LinkMenu({ session }: { session: ViewerSession }) {
  const { linking } = session
  const { active } = useValue(session.state)
  useValue(preferences)
  useValue(linking.state)
  const links = linksNow()
  const group = linking.groupOf(active)
  return (
    <div className="tools">
      <Dropdown label="Link viewports" glyph="link" testid="link-menu" pressed={links.scroll === 'group' || links.window || links.zoom || links.turn}>
        <div className="link-menu">
          <div>
            <Choices title="Scroll together" command="link-scroll" choices={SCROLLS} now={links.scroll} choose={(scroll) => linking.choose({ scroll })} />
            <Entry label="Beside the best earlier study" hint={keyOf('compare')} icon={<Glyph name="1x2" />} onClick={() => void compare(session)} />
            <Entry label="These images belong together" hint={keyOf('link-here')} icon={<Glyph name="link" />} onClick={() => linking.linkHere()} />
            <Entry label="Forget what was set by hand" icon={<Glyph name="reset" />} onClick={() => linking.forgetOffsets()} />
          </div>
          <div role="group" aria-label="Move together">
            <p className="viewer-menu-title" aria-hidden="true">
              Move together
            </p>
            {(Object.keys(SWITCHES) as (keyof typeof SWITCHES)[]).map((id) => (
              <Entry key={id} label={SWITCHES[id]} chosen={links[id]} icon={<Tick on={links[id]} />} onClick={() => linking.choose({ [id]: !links[id] })} />
            ))}
          </div>
          <Choices title="Reference lines" command="reference-lines" choices={LINES} now={links.lines} choose={(lines) => linking.choose({ lines })} />
          <div role="group" aria-label="This viewport's group">
            <p className="viewer-menu-title" aria-hidden="true">
              This viewport goes with
            </p>
            {GROUPS.map((each) => (
              <Entry key={each} label={each === '' ? 'Nobody' : `Group ${each}`} chosen={each === group} icon={<Tick on={each === group} />} onClick={() => linking.setGroup(active, each)} />
            ))}
          </div>
        </div>
      </Dropdown>
    </div>
  )
}
