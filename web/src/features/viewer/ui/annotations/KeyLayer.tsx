import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import type { ViewerSession } from '../../session/session'

/** A star on an image that was marked. */
export function KeyLayer({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const keys = useValue(session.annotations.keys)
  const { picture } = useValue(pane.state)
  if (!picture || !keys.some((key) => key.frameId === picture.frame.id)) return null
  return (
    <span className="key-star" data-testid="key-star" role="img" aria-label="Key image">
      ★
    </span>
  )
}
