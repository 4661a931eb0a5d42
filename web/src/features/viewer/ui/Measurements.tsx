import { useValue } from '../../../lib/observable'
import type { Pane } from '../engine/pane'
import type { Point } from '../model/geometry'
import { type Measurement, boxOf } from '../model/measure'
import { type Affine, apply } from '../model/view'
import type { ViewerSession } from '../session/session'

const LINE = 15 // pixels between lines of text
const HANDLE = 4

function outline(measurement: Measurement, affine: Affine): string {
  const at = (point: Point): string => apply(affine, point).map((value) => value.toFixed(1)).join(' ')
  const { kind, points } = measurement
  const [a] = points
  if (!a) return ''
  if (kind === 'probe') {
    const [x, y] = apply(affine, a)
    return `M${x - 7} ${y}h5m4 0h5M${x} ${y - 7}v5m0 4v5`
  }
  if (kind === 'length' || kind === 'angle') return `M${points.map(at).join('L')}`
  const { left, top, right, bottom } = boxOf(points)
  if (kind === 'rectangle') return `M${at([left, top])}L${at([right, top])}L${at([right, bottom])}L${at([left, bottom])}Z`
  // Turns are by quarters: an ellipse along the image axes lies along the screen axes too.
  const middle = apply(affine, [(left + right) / 2, (top + bottom) / 2])
  const corner = apply(affine, [right, bottom])
  const rx = Math.abs(corner[0] - middle[0])
  const ry = Math.abs(corner[1] - middle[1])
  return `M${middle[0] - rx} ${middle[1]}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`
}

/** A box has handles on all four corners, the last two being the ones its points do not name. */
function handlesOf({ kind, points }: Measurement): Point[] {
  const [a, b] = points
  if ((kind === 'rectangle' || kind === 'ellipse') && a && b) return [a, b, [b[0], a[1]], [a[0], b[1]]]
  return [...points]
}

function Shape({ measurement, affine, width, height, chosen, live }: { measurement: Measurement; affine: Affine; width: number; height: number; chosen: boolean; live: boolean }) {
  const path = outline(measurement, affine)
  const corners = handlesOf(measurement).map((point) => apply(affine, point))
  const rightmost = corners.reduce((best, point) => (point[0] > best[0] ? point : best), corners[0] ?? [0, 0])
  const longest = Math.max(0, ...measurement.lines.map((line) => line.length)) * 6.6
  // Text stays inside the viewport: to the right of the shape, else to the left of it.
  const fits = rightmost[0] + 12 + longest < width
  const x = fits ? rightmost[0] + 12 : Math.max(4, rightmost[0] - 12 - longest)
  const y = Math.min(height - measurement.lines.length * LINE, Math.max(LINE, rightmost[1] + 4))
  const id = measurement.id
  return (
    <g className={chosen ? 'measure measure-chosen' : 'measure'} data-kind={measurement.kind} data-testid="measurement">
      <path d={path} className="measure-halo" />
      <path d={path} className="measure-line" />
      {!live && <path d={path} className="measure-hit" data-measurement={id} />}
      {measurement.kind !== 'probe' &&
        corners.map(([cx, cy], index) => (
          <g key={index}>
            {(chosen || live) && <circle cx={cx} cy={cy} r={HANDLE} className="measure-handle" />}
            {!live && <circle cx={cx} cy={cy} r={12} className="measure-grip" data-measurement={id} data-handle={index} />}
          </g>
        ))}
      {measurement.lines.map((line, index) => (
        <text key={index} x={x} y={y + index * LINE} className="measure-text" data-measurement={live ? undefined : id}>
          {line}
        </text>
      ))}
    </g>
  )
}

/** What was measured on the image on the screen, as vectors above it. */
export function MeasurementLayer({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const { all, selected, draft } = useValue(session.measurements.state)
  const { picture, size } = useValue(pane.state)
  const affine = pane.affine()
  if (!picture || !affine) return null
  const here = all.filter((measurement) => measurement.frameId === picture.frame.id)
  return (
    <svg className="pane-measures" width={size.width} height={size.height} data-affine={[affine.a, affine.b, affine.c, affine.d, affine.e, affine.f].join(',')}>
      {here.map((measurement) => (
        <Shape key={measurement.id} measurement={measurement} affine={affine} width={size.width} height={size.height} chosen={measurement.id === selected} live={false} />
      ))}
      {draft?.frameId === picture.frame.id && <Shape measurement={draft} affine={affine} width={size.width} height={size.height} chosen live />}
    </svg>
  )
}
