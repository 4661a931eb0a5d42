import { useEffect } from 'react'
import { useValue } from '../../../lib/observable'
import type { Pane } from '../engine/pane'
import type { Point } from '../model/geometry'
import { type Measurement, proportionAt } from '../model/measure'
import { type Proportion, etdrsLines, footOn, handlesOf, isTraced, isWords, middles, obliqueBox, outlineOf, regionOf, strokesOf } from '../model/shapes'
import { type Affine, apply } from '../model/view'
import type { ViewerSession } from '../session/session'
import { Naming } from './Naming'

const LINE = 15 // pixels between lines of text
const HANDLE = 4

/** Kinds that are a place: their handle would hide it. */
export const PLACES: ReadonlySet<string> = new Set(['probe', 'text', 'marker', 'vertebra', 'etdrs'])

function place(kind: string, [x, y]: Point): string {
  if (kind === 'probe') return `M${x - 7} ${y}h5m4 0h5M${x} ${y - 7}v5m0 4v5`
  return kind === 'marker' ? `M${x - 9} ${y}a9 9 0 1 0 18 0a9 9 0 1 0 -18 0Z` : `M${x - 3} ${y}h6M${x} ${y - 3}v6`
}

function arrow([tipX, tipY]: Point, [endX, endY]: Point): string {
  const angle = Math.atan2(endY - tipY, endX - tipX)
  const barb = (turn: number): string => `M${tipX} ${tipY}L${tipX + 11 * Math.cos(angle + turn)} ${tipY + 11 * Math.sin(angle + turn)}`
  return `M${tipX} ${tipY}L${endX} ${endY}${barb(0.42)}${barb(-0.42)}`
}

/** The lines of a shape in image coordinates, closed ones apart. */
export function linesOf({ kind, points }: Measurement, proportion: Proportion): { open: (readonly Point[])[]; closed: readonly Point[] } {
  const region = regionOf(kind, points, proportion)
  if (region && (!isTraced(kind) || points.length > 2)) return { open: [], closed: outlineOf(region) }
  const [a, b, c, d] = points
  if (a && b && c && kind === 'perpendicular') {
    const foot = footOn(a, b, c, proportion)
    return { open: [[a, b], [c, foot]], closed: [] }
  }
  if (a && b && c && kind === 'parallel') {
    const [, , e, f] = obliqueBox(points, proportion)
    return { open: [[a, b], ...(e && f ? [[f, e]] : []), [c, footOn(a, b, c, proportion)]], closed: [] }
  }
  if (a && b && kind === 'height') return { open: [[a, [a[0], b[1]], b]], closed: [] }
  if (a && b && kind === 'directional') return { open: [[a, [b[0], a[1]], b]], closed: [] }
  if (a && kind === 'etdrs') return { open: etdrsLines(a, proportion), closed: [] }
  const strokes = strokesOf(kind, points)
  if (strokes) return { open: [...strokes, ...(kind === 'midAngle' ? (strokesOf(kind, middles(points)) ?? []) : [])], closed: [] }
  if (a && b && kind === 'bidirectional') return { open: c ? [[a, b], d ? [c, d] : [c]] : [[a, b]], closed: [] }
  return { open: [points], closed: [] }
}

function outline(measurement: Measurement, affine: Affine, proportion: Proportion): string {
  const at = (point: Point): string => apply(affine, point).map((value) => value.toFixed(1)).join(' ')
  const { kind, points } = measurement
  const [a, b] = points
  if (!a) return ''
  if (PLACES.has(kind) && kind !== 'etdrs') return place(kind, apply(affine, a))
  if (kind === 'arrow' && b) return arrow(apply(affine, a), apply(affine, b))
  const { open, closed } = linesOf(measurement, proportion)
  return [...open.map((line) => `M${line.map(at).join('L')}`), ...(closed.length > 0 ? [`M${closed.map(at).join('L')}Z`] : [])].join('')
}

/** What is written: what a person wrote, then what was measured. */
export function wordsOf({ kind, text = '', label = '', lines }: Measurement): readonly string[] {
  const own = kind === 'calibration' ? text && `= ${text}${/[a-z]/i.test(text) ? '' : ' mm'}` : kind === 'marker' ? '' : kind === 'etdrs' && lines.length === 0 ? 'No millimetres here: the grid has no size' : text || label
  return kind === 'calibration' ? [[...lines, own].filter(Boolean).join(' ')] : [...own.split('\n').filter(Boolean), ...lines]
}

/** From moved words to the nearest corner of their shape. */
function leader(corners: readonly Point[], [x, y]: Point, longest: number, lines: number): string {
  const [left, right, top, bottom] = [x - 3, x + longest, y - LINE, y + (lines - 1) * LINE + 4]
  const from = ([px, py]: Point): Point => [Math.max(left, Math.min(right, px)), Math.max(top, Math.min(bottom, py))]
  const far = (corner: Point): number => Math.hypot(corner[0] - from(corner)[0], corner[1] - from(corner)[1])
  const [nearest] = [...corners].sort((a, b) => far(a) - far(b))
  return nearest ? `M${nearest.join(' ')}L${from(nearest).join(' ')}` : ''
}

interface ShapeProps {
  measurement: Measurement
  affine: Affine
  proportion: Proportion
  width: number
  height: number
  chosen: boolean
  live: boolean
}

export function Shape({ measurement, affine, proportion, width, height, chosen, live }: ShapeProps) {
  const { id, kind, points } = measurement
  const path = outline(measurement, affine, proportion)
  const corners = handlesOf(kind, points).map((point) => apply(affine, point))
  const words = wordsOf(measurement)
  // The words of an arrow stand at its end; those of all others at the right.
  const outer = kind === 'arrow' ? corners.slice(1) : points.map((point) => apply(affine, point))
  const rightmost = [...outer, ...corners].reduce((best, point) => (point[0] > best[0] ? point : best), outer[0] ?? [0, 0])
  const longest = Math.max(0, ...words.map((line) => line.length)) * 6.6
  // Text stays inside the viewport: to the right of the shape, else to the left of it.
  const fits = rightmost[0] + 12 + longest < width
  const leftmost = Math.min(...[...outer, ...corners].map((point) => point[0]))
  const [first] = points
  const moved = measurement.wordsAt && first && apply(affine, [first[0] + measurement.wordsAt[0], first[1] + measurement.wordsAt[1]])
  const x = moved ? Math.max(4, Math.min(width - longest - 4, moved[0])) : fits ? rightmost[0] + 12 : Math.max(4, leftmost - 12 - longest)
  const y = Math.min(height - words.length * LINE, Math.max(LINE, moved ? moved[1] : rightmost[1] + 4))
  // Words of a shape can be moved away from it; those that are the shape go with it.
  const movable = live || isWords(kind) ? undefined : `${x},${y}`
  return (
    <g className={chosen ? 'measure measure-chosen' : 'measure'} data-kind={kind} data-testid="measurement">
      <path d={path} className="measure-halo" />
      <path d={path} className="measure-line" />
      {!live && <path d={path} className="measure-hit" data-measurement={id} />}
      {!PLACES.has(kind) &&
        corners.map(([cx, cy], index) => (
          <g key={index}>
            {(chosen || live) && <circle cx={cx} cy={cy} r={HANDLE} className="measure-handle" />}
            {!live && <circle cx={cx} cy={cy} r={12} className="measure-grip" data-measurement={id} data-handle={index} />}
          </g>
        ))}
      {moved && words.length > 0 && <path d={leader(corners, [x, y], longest, words.length)} className="measure-leader" data-testid="measure-leader" />}
      {kind === 'marker' && outer[0] && (
        <text x={outer[0][0]} y={outer[0][1] + 4} textAnchor="middle" className="measure-text" data-measurement={live ? undefined : id}>
          {measurement.text}
        </text>
      )}
      {kind === 'legLength' &&
        [0, 3].map((at) => corners[at] && (
          <text key={at} x={corners[at][0] - 8} y={corners[at][1] - 6} textAnchor="end" className="measure-text">
            {at === 0 ? 1 : 2}
          </text>
        ))}
      {words.map((line, index) => (
        <text key={index} x={x} y={y + index * LINE} className="measure-text" data-measurement={live ? undefined : id} data-words={movable}>
          {line}
        </text>
      ))}
    </g>
  )
}

/** What was measured on the image on the screen, as vectors above it. */
export function MeasurementLayer({ session, pane }: { session: ViewerSession; pane: Pane }) {
  const { all, selected, draft, naming } = useValue(session.measurements.state)
  const { picture, size } = useValue(pane.state)
  useEffect(() => {
    if (picture) session.measurements.refresh(picture)
  }, [session, picture, all])
  const affine = pane.affine()
  if (!picture || !affine) return null
  const { frame } = picture
  const here = all.filter((measurement) => measurement.frameId === frame.id)
  const calibration = session.measurements.calibrationOf(frame)
  const shape = (measurement: Measurement, live: boolean) => (
    <Shape
      key={measurement.id}
      measurement={measurement}
      affine={affine}
      proportion={proportionAt(calibration, measurement.points, frame.extent.aspect)}
      width={size.width}
      height={size.height}
      chosen={live || measurement.id === selected}
      live={live}
    />
  )
  const named = here.find((measurement) => measurement.id === naming)
  return (
    <>
      <svg className="pane-measures" width={size.width} height={size.height} data-affine={[affine.a, affine.b, affine.c, affine.d, affine.e, affine.f].join(',')}>
        {here.map((measurement) => shape(measurement, false))}
        {draft?.frameId === frame.id && shape(draft, true)}
      </svg>
      {named && <Naming key={named.id} session={session} measurement={named} at={apply(affine, named.points[named.points.length - 1] ?? [0, 0])} size={size} />}
    </>
  )
}
