// On each picture: whom it goes with, where the planes of others cut it, and the 3D cursor.
import { preferences } from '../../../../api/preferences'
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import { panesOf } from '../../model/layout'
import type { Spot } from '../../model/linking'
import { apply } from '../../model/view'
import { linksNow } from '../../session/linking'
import type { ViewerSession } from '../../session/session'
import { Glyph } from '../icons'
import './linking.css'

const WORDS: Readonly<Record<Spot['by'], string>> = { reference: '', offset: 'offset', index: 'by number' }

/** How a viewport that followed found its image, as far as a reader must know. */
const noteOf = (spot: Spot | undefined): string => (spot ? [WORDS[spot.by], spot.off > 0 ? `ends ${Math.round(spot.off)} mm away` : ''].filter(Boolean).join(' · ') : '')

function Sign({ session, pane, index }: { session: ViewerSession; pane: Pane; index: number }) {
  const { linking } = session
  const { spots } = useValue(linking.state)
  const group = linking.groupOf(index)
  const linked = linking.isLinked(pane)
  if (!linked && group === 'A') return null
  const note = linked ? noteOf(spots[index]) : ''
  const words = group === '' ? 'This viewport goes by itself' : linked ? `Linked in group ${group}` : `Alone in group ${group}`
  return (
    <button type="button" className={linked ? 'link-sign' : 'link-sign link-sign-alone'} aria-label={[words, note].filter(Boolean).join(', ')} data-tip={`${words}: click for another group`} data-testid="link-sign" data-take="no" onClick={() => linking.nextGroup(index)}>
      <Glyph name="link" size={12} />
      <b>{group || '–'}</b>
      {note && <span>{note}</span>}
    </button>
  )
}

const CROSS = 14 // pixels from the middle to an arm's end
const GAP = 4

export function LinkLayer({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const { layout, alone, active } = useValue(session.state)
  useValue(preferences)
  useValue(session.linking.moved)
  const { said } = useValue(session.linking.state)
  const { picture, size } = useValue(pane.state)
  const away = useValue(session.linking.elsewhere).length > 0
  const affine = pane.affine()
  const index = session.engine.panes.indexOf(pane)
  if (!picture || !affine) return null
  const cursor = session.linking.cursorOn(pane)
  const many = (panesOf(layout) > 1 && !alone) || away
  const lines = many ? session.linking.linesOn(pane) : []
  const [x, y] = cursor ? apply(affine, cursor) : [0, 0]
  return (
    <>
      {(lines.length > 0 || cursor) && (
        <svg className="link-lines" width={size.width} height={size.height} aria-hidden="true" data-lines={linksNow().lines}>
          {lines.map(({ name, line }) => {
            const [from, to] = [apply(affine, line[0]), apply(affine, line[1])]
            const end = from[0] < to[0] ? from : to
            return (
              <g key={name} data-testid="reference-line" data-of={name}>
                <path d={`M${from.join(' ')}L${to.join(' ')}`} className="link-line-halo" />
                <path d={`M${from.join(' ')}L${to.join(' ')}`} className="link-line" />
                <text x={Math.min(size.width - 14, Math.max(4, end[0] + 4))} y={Math.min(size.height - 6, Math.max(14, end[1] - 4))}>
                  {name}
                </text>
              </g>
            )
          })}
          {cursor && (
            <g data-testid="cursor-3d" data-at={cursor.map((value) => value.toFixed(2)).join(',')}>
              {['link-line-halo', 'link-cursor'].map((name) => (
                <path key={name} className={name} d={`M${x - CROSS} ${y}H${x - GAP}M${x + GAP} ${y}H${x + CROSS}M${x} ${y - CROSS}V${y - GAP}M${x} ${y + GAP}V${y + CROSS}`} />
              ))}
            </g>
          )}
        </svg>
      )}
      {said && index === active && (
        <p className="link-said" role="status" data-take="no">
          {said}
        </p>
      )}
      {many && <Sign session={session} pane={pane} index={index} />}
    </>
  )
}
