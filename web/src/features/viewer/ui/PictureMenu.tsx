// What can be done with the picture as a whole: buttons for the commonest while there is room, a list of all.
import { useValue } from '../../../lib/observable'
import type { Command } from '../model/keys'
import type { Pane } from '../engine/pane'
import { flipHorizontal, flipVertical, rotateLeft, rotateRight } from '../model/view'
import { keyOf } from '../session/controls'
import type { ViewerSession } from '../session/session'
import { type Glyph as GlyphName, Glyph } from './icons'
import { Entry } from './Popover'
import { PICTURE } from './picture/name'
import { Dropdown, ToolButton } from './ToolButton'

interface Way {
  readonly label: string
  readonly command: Command
  readonly glyph: GlyphName
  readonly quick: boolean
  readonly act: (pane: Pane) => void
}

const WAYS: readonly (readonly Way[])[] = [
  [
    { label: 'Invert', command: 'invert', glyph: 'invert', quick: true, act: (pane) => pane.invert() },
    { label: 'Rotate right', command: 'rotate-right', glyph: 'rotateRight', quick: true, act: (pane) => pane.turn(rotateRight) },
    { label: 'Rotate left', command: 'rotate-left', glyph: 'rotateLeft', quick: false, act: (pane) => pane.turn(rotateLeft) },
    { label: 'Flip left and right', command: 'flip-horizontal', glyph: 'flipHorizontal', quick: true, act: (pane) => pane.turn(flipHorizontal) },
    { label: 'Flip top and bottom', command: 'flip-vertical', glyph: 'flipVertical', quick: true, act: (pane) => pane.turn(flipVertical) },
  ],
  [
    { label: 'Fit to viewport', command: 'fit', glyph: 'fit', quick: true, act: (pane) => pane.fit() },
    { label: 'Actual pixels', command: 'actual-size', glyph: 'actual', quick: false, act: (pane) => pane.actualSize() },
  ],
  [{ label: 'Reset the picture', command: 'reset', glyph: 'reset', quick: true, act: (pane) => pane.reset() }],
]

/** The entries of a menu of one picture. */
export function PictureEntries({ session, pane }: { session: ViewerSession; pane: Pane }) {
  return (
    <>
      {WAYS.map((group, at) => (
        <div key={at} role="presentation">
          {at > 0 && <hr />}
          {group.map(({ label, command, glyph, act }) => (
            <Entry key={command} label={label} hint={keyOf(command)} icon={<Glyph name={glyph} />} onClick={() => act(pane)} />
          ))}
        </div>
      ))}
      <hr />
      <Entry label="Colours, filter, angle, size…" icon={<Glyph name="presets" />} onClick={() => session.state.get().panel !== PICTURE && session.togglePanel(PICTURE)} />
    </>
  )
}

export function PictureTools({ session }: { session: ViewerSession }) {
  const { active } = useValue(session.state)
  const pane = session.engine.panes[active] ?? session.activePane
  const { flipped, playing, count } = useValue(pane.state)
  return (
    <>
      <div className="tools">
        <span className="fold-picture">
          {WAYS.flat()
            .filter(({ quick }) => quick)
            .map(({ label, command, glyph, act }) => (
              <ToolButton key={command} label={label} command={command} glyph={glyph} pressed={command === 'invert' ? flipped : undefined} onClick={() => act(pane)} />
            ))}
        </span>
        <Dropdown label="Picture" glyph="rotateRight" unfolded="more" testid="picture-menu">
          <PictureEntries session={session} pane={pane} />
        </Dropdown>
      </div>
      <div className="tools">
        <ToolButton label={playing ? 'Stop' : 'Play'} command="cine" glyph={playing ? 'pause' : 'play'} pressed={playing} onClick={() => count > 1 && (playing ? pane.stop() : pane.play())} />
      </div>
    </>
  )
}
