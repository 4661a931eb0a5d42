// Further windows of the viewer: opened on a screen, named, closed, and kept for the screens that are here.
import { useCallback, useState } from 'react'
import { preferences } from '../../../../api/preferences'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import { useLoaded } from '../../../../lib/useLoaded'
import { Button, SelectField } from '../../../../ui/controls'
import { Dialog } from '../../../../ui/overlay'
import { layoutName } from '../../model/layout'
import { type Box, type KeptWindow, MOST_WINDOWS, SHOWS, type Shows, missing } from '../../model/screens'
import { type Screens, beside, screensNow } from '../../session/screens'
import { BLOCKED, keptWindows } from '../../session/windows'
import type { ViewerSession } from '../../session/session'
import './windows.css'

const STATE_WORDS: Readonly<Record<Screens['state'], string>> = {
  told: '',
  ask: 'The browser knows the screens of this computer and tells them when you agree.',
  refused: 'The browser was told not to say which screens there are (the sign in the address bar changes that). A window opens beside this one: drag it to where it belongs.',
  none: 'This browser, or a connection without TLS, does not say which screens there are. A window opens beside this one: drag it to where it belongs.',
}

function Opener({ label, box, session, shows, onTrouble }: { label: string; box: Box; session: ViewerSession; shows: Shows; onTrouble: (words: string) => void }) {
  return (
    <li>
      <span>
        <b>{label}</b>
        <span className="faint">{`${box.width} × ${box.height}`}</span>
      </span>
      <Button small onClick={() => onTrouble(session.windows.open({ box, layout: '1x1', shows }) ? '' : BLOCKED)} aria-label={`Open a window: ${label}`}>
        Open a window
      </Button>
    </li>
  )
}

function OpenWindows({ session }: { session: ViewerSession }) {
  const others = useValue(session.windows.others)
  const open = [...others.values()].filter((each) => each.number > 1).sort((a, b) => a.number - b.number)
  if (open.length === 0) return <p className="faint">This is the only window of the viewer.</p>
  return (
    <ul className="windows-list" aria-label="Open windows">
      {open.map((each) => (
        <li key={each.number} data-testid="window-open">
          <span>
            <b>{`Window ${each.number}`}</b>
            <span className="faint">{[layoutName(each.layout), SHOWS[each.shows]].join(' · ')}</span>
          </span>
          <Button small look="quiet" onClick={() => session.windows.close(each.number)} aria-label={`Close window ${each.number}`}>
            Close
          </Button>
        </li>
      ))}
    </ul>
  )
}

function Kept({ session, onTold }: { session: ViewerSession; onTold: (words: string, failed: boolean) => void }) {
  useValue(preferences)
  const others = useValue(session.windows.others)
  const { value, reload } = useLoaded(useCallback(async () => keptWindows(), []))
  const kept: readonly KeptWindow[] = value ?? []
  const open = [...others.values()].filter((each) => each.number > 1)
  const done = (doing: Promise<unknown>, words: string) =>
    void doing.then(
      () => {
        onTold(words, false)
        reload()
      },
      (error: unknown) => onTold(`${explain(error).what} ${explain(error).hint} Nothing else has changed.`, true),
    )
  return (
    <div className="windows-kept">
      <Button look="primary" disabled={open.length === 0} onClick={() => done(session.windows.remember(), 'These windows are remembered for these screens.')}>
        {kept.length > 0 ? 'Remember these instead' : 'Remember these windows'}
      </Button>
      <Button disabled={missing(kept, open).length === 0} onClick={() => void session.windows.openKept()}>
        {`Open the remembered (${kept.length})`}
      </Button>
      {kept.length > 0 && (
        <Button look="quiet" onClick={() => done(session.windows.keep([]), 'They are forgotten.')}>
          Forget them
        </Button>
      )}
    </div>
  )
}

export function WindowsDialog({ session, onClose }: { session: ViewerSession; onClose: () => void }) {
  const { value: screens, reload } = useLoaded(useCallback(async () => screensNow(), []))
  const others = useValue(session.windows.others)
  const [shows, setShows] = useState<Shows>('series')
  const [told, setTold] = useState({ words: '', failed: false })
  const trouble = (words: string) => setTold({ words, failed: words !== '' })
  const places = screens?.places.filter((each) => !each.current) ?? []
  const full = others.size >= MOST_WINDOWS - 1
  return (
    <Dialog title="Windows on other screens" onClose={onClose}>
      <SelectField label="A new window shows" value={shows} onChange={(change) => setShows(change.target.value as Shows)}>
        {Object.entries(SHOWS).map(([id, words]) => (
          <option key={id} value={id}>
            {words}
          </option>
        ))}
      </SelectField>
      {screens && STATE_WORDS[screens.state] && <p className="faint">{STATE_WORDS[screens.state]}</p>}
      {screens?.state === 'ask' && (
        <Button small onClick={() => void screensNow(true).then(reload)}>
          Find my screens
        </Button>
      )}
      {!full && (
        <ul className="windows-list" aria-label="Screens">
          {places.map((each) => (
            <Opener key={`${each.left},${each.top}`} label={each.label} box={each} session={session} shows={shows} onTrouble={trouble} />
          ))}
          {screens && <Opener label="Beside this window" box={beside()} session={session} shows={shows} onTrouble={trouble} />}
        </ul>
      )}
      <OpenWindows session={session} />
      <Kept session={session} onTold={(words, failed) => setTold({ words, failed })} />
      {told.words && (
        <p className={told.failed ? 'field-error' : 'faint'} role={told.failed ? 'alert' : 'status'}>
          {told.words}
        </p>
      )}
    </Dialog>
  )
}
