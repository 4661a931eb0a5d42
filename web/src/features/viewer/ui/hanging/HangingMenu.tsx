// The toolbar's list of hanging protocols: which hangs, its stages, others that fit, and what can be done with them.
import { Suspense, lazy, useState } from 'react'
import { preferences } from '../../../../api/preferences'
import { useValue } from '../../../../lib/observable'
import { keyOf } from '../../session/controls'
import { hangsByItself, keepAutomatic } from '../../session/hanging'
import type { ViewerSession } from '../../session/session'
import { Entry } from '../Popover'
import { Dropdown } from '../ToolButton'
import './hanging.css'

const SaveProtocol = lazy(() => import('./SaveProtocol'))
const ManageProtocols = lazy(() => import('./ManageProtocols'))

const FROM = { own: 'own', site: 'everybody’s', viewer: '' } as const

function Stages({ session }: { session: ViewerSession }) {
  const { current, stage } = useValue(session.hanging.state)
  if (!current || current.stages.length < 2) return null
  return (
    <>
      {current.stages.map((each, at) => (
        <Entry
          key={at}
          label={[each.name || `Stage ${at + 1}`, each.screens.length > 0 ? `${each.screens.length + 1} screens` : ''].filter(Boolean).join(' · ')}
          hint={at === (stage + 1) % current.stages.length ? keyOf('next-stage') : at === (stage - 1 + current.stages.length) % current.stages.length ? keyOf('previous-stage') : ''}
          chosen={at === stage}
          onClick={() => session.hanging.apply(current, at)}
        />
      ))}
      <hr />
    </>
  )
}

export function HangingMenu({ session }: { session: ViewerSession }) {
  const { fitting, current, stage, busy } = useValue(session.hanging.state)
  useValue(preferences)
  const [dialog, setDialog] = useState<'save' | 'manage' | null>(null)
  const automatic = hangsByItself()
  const name = current ? current.protocol.name : 'Hanging'
  const label = current ? `Hanging protocol: ${name}` : 'Hanging protocol'
  return (
    <div className="tools hanging">
      <Dropdown label={label} glyph="hanging" text={name} testid="hanging">
        <div className="hanging-menu" data-testid="hanging-menu">
          <Stages session={session} />
          {fitting.map((each) => (
            <Entry
              key={each.entry.key}
              label={[each.protocol.name, FROM[each.entry.from] && `(${FROM[each.entry.from]})`].filter(Boolean).join(' ')}
              chosen={each.entry.key === current?.entry.key}
              onClick={() => session.hanging.apply(each)}
            />
          ))}
          {fitting.length === 0 && <p className="viewer-menu-note">{busy ? 'Looking at the study…' : 'No protocol fits this study. Arrange the screen and save it as one.'}</p>}
          <hr />
          <button type="button" role="menuitemcheckbox" aria-checked={automatic} className="viewer-entry" onClick={() => void keepAutomatic(!automatic).catch(() => undefined)}>
            <span className="viewer-entry-label">Hang studies when they are opened</span>
            <span className="viewer-entry-hint">{automatic ? 'yes' : 'no'}</span>
          </button>
          <Entry label="Save the screen as a protocol…" onClick={() => setDialog('save')} />
          <Entry label="Hanging protocols…" onClick={() => setDialog('manage')} />
        </div>
      </Dropdown>
      {current && current.stages.length > 1 && (
        <span className="hanging-stage" data-testid="hanging-stage">
          {`${stage + 1}/${current.stages.length}`}
        </span>
      )}
      <Suspense>
        {dialog === 'save' && <SaveProtocol session={session} onClose={() => setDialog(null)} />}
        {dialog === 'manage' && <ManageProtocols session={session} onClose={() => setDialog(null)} />}
      </Suspense>
    </div>
  )
}
