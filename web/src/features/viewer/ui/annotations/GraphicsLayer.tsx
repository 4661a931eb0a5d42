import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import { type Figure, chainOf } from '../../model/graphics2d'
import { figureOn } from '../../model/outlines'
import { gridOf } from '../../model/overlays/grid'
import { apply } from '../../model/view'
import { shownOf } from '../../session/stored'
import type { ViewerSession } from '../../session/session'

const LINE = 15

/** What a report or a presentation draws on the image on the screen. */
export function GraphicsLayer({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const shown = useValue(shownOf(session))
  const { picture, size } = useValue(pane.state)
  const affine = pane.affine()
  if (!shown || !picture || !affine) return null
  const { sopInstanceUID } = picture.frame.instance
  const grid = gridOf(picture.frame)
  const here = [
    ...shown.figures.filter((figure) => figure.sopInstanceUID === sopInstanceUID && (figure.frames.length === 0 || figure.frames.includes(picture.frame.number))),
    ...shown.outlines.flatMap((outline) => (grid && figureOn(outline, grid, picture.frame.thickness)) ?? []),
  ]
  const path = (figure: Pick<Figure, 'type' | 'points'>): string => {
    const points = chainOf(figure).map((point) => apply(affine, point))
    if (figure.type === 'POINT' || figure.type === 'MULTIPOINT') return points.map(([x, y]) => `M${x - 5} ${y}h10M${x} ${y - 5}v10`).join('')
    return figure.type === 'TEXT' ? '' : `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}`
  }
  return (
    <svg className="pane-measures stored-graphics" width={size.width} height={size.height} aria-label={`Drawn by ${shown.title}`} role="img">
      {here.map((figure, at) => {
        const points = figure.points.map((point) => apply(affine, point))
        const [x, y] = points.reduce((best, point) => (point[0] > best[0] ? point : best), points[0] ?? [0, 0])
        return (
          <g key={at} data-testid="stored-figure">
            <path d={path(figure)} className="measure-halo" />
            <path d={path(figure)} className={figure.filled ? 'stored-line stored-filled' : 'stored-line'} />
            {figure.lines.map((line, row) => (
              <text key={row} x={x + 8} y={y + row * LINE} className="measure-text">
                {line}
              </text>
            ))}
          </g>
        )
      })}
    </svg>
  )
}
