import { type CSSProperties, type ReactNode, useCallback, useEffect, useState } from 'react'
import { Observable, useValue } from '../../../lib/observable'
import { commandFor } from '../model/keys'
import { gridOf, panesOf } from '../model/layout'
import { type WaysOut, run } from '../session/commands'
import { bindingsNow, useControls } from '../session/controls'
import type { Opening } from '../session/opening'
import { ViewerSession } from '../session/session'
import { takingOf } from '../session/taking'
import { PANELS } from './additions'
import { HelpSheet } from './HelpSheet'
import { PaneEntries } from './menus'
import { PaneView } from './PaneView'
import { Popover } from './Popover'
import { Rail } from './Rail'
import { Toolbar } from './Toolbar'
import { Tooltip } from './Tooltip'
import './viewer.css'

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)) && (target as HTMLInputElement).type !== 'range'

/** Enter and Space belong to the button that has the focus. */
const pressing = (key: KeyboardEvent): boolean => (key.key === 'Enter' || key.key === ' ') && key.target instanceof HTMLElement && key.target.closest('button') !== null

function useKeys(session: ViewerSession, ways: WaysOut): void {
  useEffect(() => {
    const onKey = (key: KeyboardEvent) => {
      if (key.defaultPrevented || typing(key.target) || pressing(key) || document.querySelector('dialog[open]')) return
      const command = commandFor(key, bindingsNow())
      if (!command || (command === 'copy-image' && window.getSelection()?.toString())) return // words that are marked are copied by the browser
      key.preventDefault()
      run(command, session, ways)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [session, ways])
}

/** A click with the mouse leaves no focus behind, else Space and Enter would press that button again; but what has keys of its own keeps it. */
function letGo(): void {
  const focus = document.activeElement
  if (focus instanceof HTMLElement && !typing(focus) && focus.closest('button, .pane') && !focus.closest('dialog, [role=application]')) focus.blur()
}

function Failure({ what, hint, children, onLeave }: { what: string; hint: string; children: ReactNode; onLeave: () => void }) {
  return (
    <div className="viewer-failure" role="alert">
      <h2>{children ? 'This study is not here.' : what}</h2>
      {children}
      {!children && hint && <p>{hint}</p>}
      <button type="button" className="button button-primary" onClick={onLeave}>
        Back to the study list
      </button>
    </div>
  )
}

function Screen({ session, ways, whenMissing }: { session: ViewerSession; ways: WaysOut; whenMissing: ReactNode }) {
  const { layout, active, alone, menu, help, failure, panel } = useValue(session.state)
  const Panel = PANELS.find((each) => each.id === panel)
  const closeMenu = useCallback(() => session.openMenu(null), [session])
  useKeys(session, ways)
  useControls()
  useEffect(() => {
    takingOf(session).files = ways.files
    takingOf(session).share = ways.share
    session.windows.leads(ways.step)
  }, [session, ways])
  const count = panesOf(layout)
  const { rows, columns } = alone ? { rows: 1, columns: 1 } : gridOf(layout)
  return (
    <div className="viewer" data-testid="viewer" onClick={(click) => click.detail > 0 && letGo()} onDragEnd={letGo}>
      <Toolbar session={session} ways={ways} />
      <div className="viewer-body">
        <Rail session={session} />
        {failure ? (
          <Failure what={failure.what} hint={failure.hint} onLeave={ways.leave}>
            {failure.missing && whenMissing}
          </Failure>
        ) : (
          <main className="panes" style={{ '--rows': rows, '--columns': columns } as CSSProperties}>
            {session.engine.panes.slice(0, count).map((pane, index) =>
              alone && index !== active ? null : <PaneView key={pane.id} session={session} pane={pane} index={index} active={index === active} many={count > 1} />,
            )}
          </main>
        )}
        {Panel && (
          <aside className="viewer-panel" aria-label={Panel.label} data-testid={`viewer-${Panel.id}`}>
            <Panel.Component session={session} />
          </aside>
        )}
      </div>
      {menu && (
        <Popover x={menu.x} y={menu.y} onClose={closeMenu} label="Picture">
          <PaneEntries session={session} pane={session.activePane} />
        </Popover>
      )}
      {help && <HelpSheet onClose={() => session.setHelp(false)} />}
      <Tooltip />
    </div>
  )
}

/** A session lives exactly as long as the page shows its study, also when React mounts twice in development. */
function useSession(studyInstanceUID: string, opening: Opening): ViewerSession | null {
  const [held] = useState(() => new Observable<ViewerSession | null>(null))
  useEffect(() => {
    const session = new ViewerSession(studyInstanceUID, opening)
    held.set(session)
    return () => {
      held.set(null)
      session.dispose()
    }
  }, [held, studyInstanceUID, opening])
  return useValue(held)
}

/** @param opening what was asked of the server while this code was loading */
export function Workspace({ studyInstanceUID, opening, ways, whenMissing }: { studyInstanceUID: string; opening: Opening; ways: WaysOut; whenMissing: ReactNode }) {
  const session = useSession(studyInstanceUID, opening)
  return session && <Screen key={studyInstanceUID} session={session} ways={ways} whenMissing={whenMissing} />
}
