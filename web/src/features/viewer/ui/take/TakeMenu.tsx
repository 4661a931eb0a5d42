// The way out for people: copy, save, print, files. What makes the pictures is loaded when somebody wants one.
import { Suspense, lazy, useEffect } from 'react'
import { preferences } from '../../../../api/preferences'
import { may, useUser } from '../../../../api/session'
import { useValue } from '../../../../lib/observable'
import type { Detail } from '../../model/overlay'
import { keyOf } from '../../session/controls'
import type { ViewerSession } from '../../session/session'
import { keepWishes, keptLook, takingOf } from '../../session/taking'
import { Glyph } from '../icons'
import { Entry } from '../Popover'
import { Dropdown } from '../ToolButton'
import './take.css'

const Dialogs = lazy(() => import('./Dialogs'))

const TEXTS: Readonly<Record<Detail, { readonly words: string; readonly next: Detail }>> = {
  image: { words: 'no patient', next: 'all' },
  all: { words: 'with patient', next: 'none' },
  none: { words: 'none', next: 'image' },
}

const TOLD_FOR = 6000 // milliseconds

function Told({ session }: { session: ViewerSession }) {
  const taking = takingOf(session)
  const { told } = useValue(taking.state)
  useEffect(() => {
    if (!told || told.failed) return
    const timer = window.setTimeout(() => taking.ask(null), TOLD_FOR)
    return () => window.clearTimeout(timer)
  }, [told, taking])
  return (
    <div className="take-told" role="status" data-testid="take-told">
      {told && (
        <p className={told.failed ? 'take-failed' : undefined}>
          {told.text}
          <button type="button" className="tool" aria-label="Close this message" onClick={() => taking.ask(null)}>
            <Glyph name="close" size={12} />
          </button>
        </p>
      )}
    </div>
  )
}

/** What a key asked for is done here, too. */
function useCopy(session: ViewerSession, allowed: boolean): void {
  const taking = takingOf(session)
  const { asked } = useValue(taking.state)
  useEffect(() => {
    if (asked === null || (allowed && asked !== 'copy')) return
    if (allowed) void import('./copying').then(({ copyNow }) => copyNow(session)).catch((error: unknown) => taking.fail(error))
    else taking.tell('Your account may not take images away. An administrator can give it a role that may (study:export).', true)
  }, [asked, allowed, session, taking])
}

/** The study that is worked at, and its series. */
function active(session: ViewerSession, run: (study: string, series: string | null) => void): void {
  const series = session.activePane.state.get().seriesInstanceUID
  const study = (series === null ? undefined : session.studyOf(series)) ?? session.state.get().groups[0]?.study.StudyInstanceUID
  if (study) run(study, series)
}

export function TakeMenu({ session }: { session: ViewerSession }) {
  const taking = takingOf(session)
  const user = useUser()
  const allowed = may(user, 'study:export')
  const sharing = may(user, 'study:share')
  const { asked } = useValue(taking.state)
  useCopy(session, allowed)
  return (
    <div className="tools">
      {(allowed || sharing) && (
        <Dropdown label="Take away" glyph="take" testid="take-menu">
          {allowed && <Files session={session} />}
          {sharing && <Entry label="Share by a link…" icon={<Glyph name="link" />} onClick={() => active(session, (study) => taking.share?.(study))} />}
          {allowed && <Looks />}
        </Dropdown>
      )}
      <Told session={session} />
      {allowed && asked !== null && asked !== 'copy' && (
        <Suspense fallback={null}>
          <Dialogs session={session} asked={asked} onClose={() => taking.ask(null)} />
        </Suspense>
      )}
    </div>
  )
}

function Files({ session }: { session: ViewerSession }) {
  const taking = takingOf(session)
  return (
    <>
      <Entry label="Copy the image" hint={keyOf('copy-image')} icon={<Glyph name="copy" />} onClick={() => taking.ask('copy')} />
      <Entry label="Save as a picture or film…" hint={keyOf('save-picture')} icon={<Glyph name="picture" />} onClick={() => taking.ask('picture')} />
      <Entry label="Print…" hint={keyOf('print')} icon={<Glyph name="print" />} onClick={() => taking.ask('print')} />
      <Entry label="DICOM files…" icon={<Glyph name="take" />} onClick={() => active(session, taking.files)} />
    </>
  )
}

/** How pictures are to look. */
function Looks() {
  useValue(preferences)
  const { drawings, text } = keptLook()
  return (
    <>
      <hr />
      <Choice label="With what is drawn" now={drawings ? 'yes' : 'no'} onClick={() => keepWishes({ drawings: !drawings })} />
      <Choice label="Text on the picture" now={TEXTS[text].words} onClick={() => keepWishes({ text: TEXTS[text].next })} />
    </>
  )
}

/** A choice that stays, and so does the list. */
function Choice({ label, now, onClick }: { label: string; now: string; onClick: () => void }) {
  return (
    <button
      type="button"
      role="menuitem"
      className="viewer-entry"
      onClick={(click) => {
        click.stopPropagation()
        onClick()
      }}
    >
      <span className="viewer-entry-icon" />
      <span className="viewer-entry-label">{label}</span>
      <span className="viewer-entry-hint">{now}</span>
    </button>
  )
}
