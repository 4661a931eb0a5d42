// Which stack of its series a viewport is in, and the way to the next.
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import { besideIn, partAt, partsOf } from '../../model/parts'
import { keyOf } from '../../session/controls'
import './linking.css'

export function PartSign({ pane }: { pane: Pane }) {
  const { index, picture } = useValue(pane.state)
  const part = partAt(pane.frames, index)
  if (!picture || !part) return null
  const all = partsOf(pane.frames)
  const place = `${all.indexOf(part) + 1} of ${all.length}`
  return (
    <button
      type="button"
      className="link-sign part-sign"
      aria-label={`${part.name}, ${place}: show the same place in the next`}
      data-tip={`The same place in the next of ${all.length} (${keyOf('next-part')})`}
      data-testid="part-sign"
      data-take="no"
      onClick={() => pane.goTo(besideIn(pane.frames, index, 1))}
    >
      <b>{part.name}</b>
      <span>{place}</span>
    </button>
  )
}
