// A presentation state on a viewport: what it draws, and the small sign by which it is chosen and laid aside.
import { useState } from 'react'
import type { Pane } from '../../engine/pane'
import { type Presenting, isMeantFor, areaFor, viewOf } from '../../engine/presenting'
import type { Drawn, GraphicLayer, Place } from '../../model/annotated'
import { boxOnScreen } from '../../model/displayedArea'
import type { Point } from '../../model/geometry'
import { chainOf } from '../../model/graphics2d'
import type { Rgb } from '../../model/overlays/colors'
import { isFor } from '../../model/targets'
import { apply, fitted } from '../../model/view'
import { explain } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import { isShown, offeredFor, present, presentationsOf } from '../../session/presentations'
import type { ViewerSession } from '../../session/session'
import { Entry, Popover } from '../Popover'
import './presentations.css'

const LINE = 15
const FAR = 4000 // screen pixels: further than any viewport reaches

const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`

function pathOf({ type, filled }: Drawn, points: readonly Point[]): string {
  if (type === 'TEXT') return ''
  if (type === 'POINT' || type === 'MULTIPOINT') return points.map(([x, y]) => `M${x - 5} ${y}h10M${x} ${y - 5}v10`).join('')
  const at = ([x, y]: Point): string => `${x.toFixed(2)} ${y.toFixed(2)}`
  if (type === 'SEGMENTS') return points.reduce((path, point, index) => `${path}${index % 2 === 0 ? 'M' : 'L'}${at(point)}`, '')
  const [a, b] = points
  if (type === 'INFINITE' && a && b) {
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1
    const by: Point = [((b[0] - a[0]) / length) * FAR, ((b[1] - a[1]) / length) * FAR]
    return `M${at([a[0] - by[0], a[1] - by[1]])}L${at([b[0] + by[0], b[1] + by[1]])}`
  }
  return `M${points.map(at).join('L')}${filled ? 'Z' : ''}`
}

/** Points of a figure in the viewport. */
function usePlaces(pane: Pane, { ready }: Presenting): ((place: Place, chain?: readonly Point[]) => Point[]) | null {
  const { picture, size } = useValue(pane.state)
  const affine = pane.affine()
  if (!picture || !affine) return null
  const { extent } = picture.frame
  const { turn } = ready.presentation
  const frame = pane.frames.find((each) => each.id === picture.frame.id) ?? picture.frame
  // DISPLAY units are parts of the area as the state selects it, wherever the picture has been moved since (PS3.3 C.10.5.1).
  const view = viewOf({ ready, hidden: new Set() }, frame, size, turn) ?? fitted(extent, size, turn)
  const box = boxOnScreen(areaFor(ready.presentation, frame), view, extent, size)
  return ({ points, display }, chain = points) => (display ? chain.map(([x, y]): Point => [box.left + x * box.width, box.top + y * box.height]) : chain.map((point) => apply(affine, point)))
}

function TextAt({ drawn, points, anchor, color }: { drawn: Drawn; points: readonly Point[]; anchor: Point | undefined; color: string | undefined }) {
  const [first, last] = points
  if (!first) return null
  const left = last ? Math.min(first[0], last[0]) : first[0] + 6
  const right = last ? Math.max(first[0], last[0]) : left
  const top = (last ? Math.min(first[1], last[1]) : first[1]) + (last ? 12 : 0)
  const x = drawn.justify === 'RIGHT' ? right : drawn.justify === 'CENTER' ? (left + right) / 2 : left
  const ends = { LEFT: 'start', CENTER: 'middle', RIGHT: 'end' } as const
  return (
    <>
      {anchor && <path d={`M${x} ${top}L${anchor[0]} ${anchor[1]}`} className="stored-line presented-lead" style={{ stroke: color }} />}
      {drawn.lines.map((line, row) => (
        <text key={row} x={x} y={top + row * LINE} textAnchor={ends[drawn.justify]} className="measure-text" style={{ fill: color }}>
          {line}
        </text>
      ))}
    </>
  )
}

function Graphics({ pane, presenting }: { pane: Pane; presenting: Presenting }) {
  const { picture, size } = useValue(pane.state)
  const placed = usePlaces(pane, presenting)
  if (!picture || !placed) return null
  const { presentation } = presenting.ready
  if (!isMeantFor(presentation, picture.frame)) return null
  const { frame } = picture
  const here = presentation.drawn.filter((each) => !presenting.hidden.has(each.layer) && isFor(each.for, frame.instance.sopInstanceUID, frame.number))
  const layers = new Map<string, GraphicLayer>(presentation.layers.map((layer) => [layer.name, layer]))
  return (
    <svg className="pane-measures stored-graphics" width={size.width} height={size.height} aria-label={`Drawn by ${presentation.title}`} role="img">
      {here.map((drawn, at) => {
        const own = drawn.style.color ?? layers.get(drawn.layer)?.color
        const color = own && css(own)
        const { type } = drawn
        const chain = type === 'INFINITE' || type === 'SEGMENTS' ? drawn.points : chainOf({ type, points: drawn.points })
        const path = pathOf(drawn, placed(drawn, chain))
        const dash = drawn.style.dashed ? '6 4' : undefined
        const fill = drawn.filled ? css(drawn.fill ?? own ?? [120, 170, 255]) : undefined
        return (
          <g key={at} data-testid="stored-figure" data-layer={drawn.layer} data-type={type} opacity={drawn.style.opacity}>
            {path && <path d={path} className="measure-halo presented-halo" />}
            {path && <path d={path} className="stored-line" style={{ stroke: color, strokeWidth: drawn.style.width, strokeDasharray: dash, ...(fill ? { fill, fillOpacity: 0.35 } : {}) }} />}
            {type === 'TEXT' && <TextAt drawn={drawn} points={placed(drawn)} anchor={drawn.anchor && placed(drawn.anchor)[0]} color={color} />}
          </g>
        )
      })}
    </svg>
  )
}

/** Says that a state is on the screen, or that there is one for this series. */
function Sign({ session, pane, presenting }: { session: ViewerSession; pane: Pane; presenting: Presenting | undefined }) {
  const found = useValue(presentationsOf(session).found)
  const { seriesInstanceUID } = useValue(pane.state)
  const [list, setList] = useState<{ x: number; y: number } | null>(null)
  const [told, setTold] = useState('')
  const offered = offeredFor(found, seriesInstanceUID)
  const choose = (at: number) => {
    const presentation = offered[at]
    if (!presentation) return
    session.setActive(session.engine.panes.indexOf(pane))
    present(session, presentation).then((here) => setTold(here ? '' : 'The images of this presentation are not here.'), (error: unknown) => setTold(explain(error).what))
  }
  if (offered.length === 0) return null
  const title = presenting?.ready.presentation.title
  const elsewhere = presenting?.ready.presentation.elsewhere ?? 0
  return (
    <div className={title === undefined ? 'presented presented-offer' : 'presented'} data-testid="presented" data-take="no">
      <button
        type="button"
        data-testid="presentation-offer"
        aria-haspopup={offered.length > 1 || title !== undefined ? 'menu' : undefined}
        onClick={(event) => {
          const { left, bottom } = event.currentTarget.getBoundingClientRect()
          if (offered.length === 1 && title === undefined) choose(0)
          else setList({ x: left, y: bottom + 4 })
        }}
      >
        {title ?? (offered.length === 1 ? `Show “${offered[0]?.title ?? ''}”` : `${offered.length} presentations`)}
      </button>
      {title !== undefined && (
        <button type="button" aria-label="End the presentation" data-testid="presentation-end" onClick={() => pane.lay(null)}>
          ×
        </button>
      )}
      {told && <span role="alert">{told}</span>}
      {elsewhere > 0 && (
        <span role="note" data-testid="presentation-elsewhere">
          {elsewhere === 1 ? '1 graphic is' : `${elsewhere} graphics are`} placed on a whole slide and not shown here
        </span>
      )}
      {list && (
        <Popover x={list.x} y={list.y} label="Presentations of this series" onClose={() => setList(null)}>
          {offered.map((each, at) => (
            <Entry key={each.sopInstanceUID} label={each.title} chosen={isShown(pane, each)} onClick={() => choose(at)} />
          ))}
        </Popover>
      )}
    </div>
  )
}

export function PresentationLayer({ session, pane }: { session: ViewerSession; pane: Pane }) {
  useValue(pane.state)
  const presenting = pane.hung?.presenting
  return (
    <>
      {presenting && <Graphics pane={pane} presenting={presenting} />}
      <Sign session={session} pane={pane} presenting={presenting} />
    </>
  )
}
