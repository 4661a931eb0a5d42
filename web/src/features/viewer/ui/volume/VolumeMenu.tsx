import { Suspense, lazy } from 'react'
import { useValue } from '../../../../lib/observable'
import type { ViewerSession } from '../../session/session'
import type { PaneProps } from '../additions'
import { Glyph } from '../icons'
import { Entry } from '../Popover'
import { Dropdown } from '../ToolButton'

// Loaded when somebody wants it: the first image does not wait for it.
const VolumeContent = lazy(() => import('./VolumeContent'))

export function LateVolume(props: PaneProps & { readonly index: number }) {
  return (
    <Suspense fallback={<div className="pane-message pane-waiting" role="status" aria-label="Loading" />}>
      <VolumeContent {...props} />
    </Suspense>
  )
}

const WAYS: readonly { readonly id: string | null; readonly label: string }[] = [
  { id: null, label: 'Images' },
  { id: 'mpr', label: 'MPR: three planes' },
  { id: 'curved', label: 'Curved MPR' },
  { id: 'volume', label: 'Volume rendering' },
  { id: 'fusion', label: 'Fusion (PET over CT)' },
]

/** How the active viewport shows its series. */
export function VolumeMenu({ session }: { session: ViewerSession }) {
  const { active, contents } = useValue(session.state)
  const now = contents[active] ?? null
  return (
    <div className="tools">
      <Dropdown label="MPR and 3D" glyph="cube" testid="volume-menu">
        {WAYS.map(({ id, label }) => (
          <Entry key={label} label={label} chosen={id === now} icon={<Glyph name={id === null ? 'scroll' : 'cube'} />} onClick={() => session.setContent(active, id)} />
        ))}
      </Dropdown>
    </div>
  )
}
