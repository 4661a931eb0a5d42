import { type KeyboardEvent, useRef } from 'react'
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import type { Overlay } from '../../engine/volume/painter'
import { type Point, markersOf } from '../../model/geometry'
import { PLANES, type PlaneName, cutOf, fromScreen, isUpright, middleIn, toScreen } from '../../model/planes'
import type { ViewerSession } from '../../session/session'
import type { VolumeScene } from '../../session/volumeScene'
import { affineOn, isOn } from '../../model/measuredPlane'
import { UPRIGHT, apply, invert } from '../../model/view'
import { planeMeasuresOf } from '../../session/planeMeasures'
import { PlaneOverlays } from './PlaneOverlays'
import { PlaneShapes } from './PlaneShapes'
import { useHand, usePainter, useSize } from './cell'
import { type PlaneHand, measuringKind, pressed, released } from './measuring'
import { useSeenOn } from './seenPlane'

const NAMES: Readonly<Record<PlaneName, string>> = { axial: 'Axial', coronal: 'Coronal', sagittal: 'Sagittal' }
const GAP = 14 // pixels of the cross left free around its middle
const NEAR_MIDDLE = 12
const NEAR_LINE = 7
const TURN_FROM = 48 // pixels from the middle from where on a line turns instead of moving
const SLABS: Readonly<Record<string, string>> = { max: 'MIP', min: 'MinIP', mean: 'Mean' }

interface Props {
  readonly session: ViewerSession
  readonly pane: Pane
  readonly scene: VolumeScene
  readonly name: PlaneName
  readonly overlay: Overlay | null
  /** Changes when more of what is laid over has come. */
  readonly stamp: string
  readonly drawing: boolean
}

/** The distance of a point from a line through the middle. */
const off = ([x, y]: Point, [dx, dy]: Point): number => Math.abs(x * dy - y * dx)

/** One plane through the volume with the cross of the other two. */
export function PlaneCell({ session, pane, scene, name, overlay, stamp, drawing }: Props) {
  const state = useValue(scene.state)
  const { window: grey, inverted } = useValue(pane.state)
  const { tool, detail } = useValue(session.state)
  const { loaded } = useValue(scene.volume.state)
  const root = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(root)
  const volume = scene.volume.phases[state.phase] ?? scene.volume.phases[0]
  const orientation = state.planes[name]
  const view = scene.viewOf(name, size)
  const { focus, projection, thickness } = state
  usePainter(canvas, volume && grey && size.width > 1 ? { kind: 'plane', volume, stamp: `${loaded}/${stamp}`, view, orientation, middle: middleIn(view, orientation, focus), projection, thickness, grey: { window: grey, inverted }, overlay } : null, size)
  useSeenOn(session, scene, name, size, canvas)

  const centre = toScreen(focus, view, orientation, size)
  const lines = PLANES.filter((other) => other !== name).flatMap((other) => {
    const direction = cutOf(orientation, state.planes[other])
    return direction ? [{ other, direction }] : []
  })
  const measures = planeMeasuresOf(session)
  const kind = drawing || scene.volume.state.get().status !== 'ready' ? undefined : measuringKind(tool)
  const reach = scene.stepThrough(name) / 2
  const { phase } = state
  /** The plane of a shape, or the one that is shown, to draw on. */
  const handOn = (key?: string): PlaneHand | undefined => {
    const plane = key === undefined ? undefined : measures.planeOf(key)
    if (plane && !isOn(plane, orientation, focus, phase, reach)) return undefined
    const picture = plane ? measures.pictureOn(scene.volume, plane) : measures.pictureOf(scene.volume, orientation, focus, { projection, thickness, phase })
    const shown = picture && measures.planeOf(picture.frame.id)
    return picture && shown && { picture, affine: affineOn(shown, view, orientation, size) }
  }
  /** Of what is being drawn here, or could be. */
  const drawn = (): PlaneHand | undefined => {
    const { draft } = measures.shapes.state.get()
    return draft ? handOn(draft.frameId) : handOn()
  }
  const pointAt = (at: Point) => fromScreen(at, view, orientation, focus, size)

  const finish = (): boolean => {
    const hand = drawn()
    return hand !== undefined && measures.shapes.finish(hand.picture)
  }
  const measuring = useRef(false)
  useHand(root, {
    press: (at, event) => {
      root.current?.focus({ preventScroll: true })
      measuring.current = false
      if (event.button === 1) return (by) => scene.pan(name, size, by[0], by[1])
      if (event.button === 2) return (by) => scene.zoom(name, size, 1.008 ** -by[1])
      if (!drawing) {
        measuring.current = true
        const drag = pressed(measures, kind, kind || measures.shapes.state.get().draft ? drawn() : undefined, handOn, at, event.target as Element)
        if (drag) return drag
        measuring.current = false
      }
      const from: Point = [at[0] - centre[0], at[1] - centre[1]]
      if (!drawing && Math.hypot(...from) < NEAR_MIDDLE) return (_, now) => scene.goTo(pointAt(now))
      if (!drawing && Math.hypot(...from) > TURN_FROM && lines.some(({ direction }) => off(from, direction) < NEAR_LINE)) {
        let angle = Math.atan2(from[1], from[0])
        return (_, now) => {
          const next = Math.atan2(now[1] - centre[1], now[0] - centre[0])
          scene.turn(name, next - angle)
          angle = next
        }
      }
      if (tool === 'pan') return (by) => scene.pan(name, size, by[0], by[1])
      if (tool === 'zoom') return (by) => scene.zoom(name, size, 1.008 ** -by[1])
      if (tool === 'scroll') return (by) => scene.scroll(name, Math.sign(by[1]))
      if (tool === 'window') return (by) => pane.dragWindow(by)
      return (_, now) => scene.goTo(pointAt(now))
    },
    release: (at, moved) => released(measures, drawn(), at, moved),
    hover: (at) => {
      const hand = measures.shapes.state.get().draft && drawn()
      if (hand) measures.shapes.move(apply(invert(hand.affine), at), hand.picture)
    },
    click: (at) => !measuring.current && (drawing ? scene.addToPath(name, pointAt(at)) : scene.goTo(pointAt(at))),
    wheel: (event) => (event.ctrlKey ? scene.zoom(name, size, 1.002 ** -event.deltaY) : scene.scroll(name, Math.sign(event.deltaY) * (event.shiftKey ? 10 : 1))),
    double: () => finish() || drawing || kind !== undefined || scene.set({ alone: state.alone === name ? null : name }),
  })

  const onKey = (key: KeyboardEvent) => {
    const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10 }[key.key]
    const angle = { '[': -1, ']': 1 }[key.key]
    if (by !== undefined && !key.ctrlKey && !key.altKey) scene.scroll(name, key.shiftKey ? by * 10 : by)
    else if (angle !== undefined) scene.turn(name, (angle * Math.PI) / 180)
    else if (key.key === 'Enter' && finish()) key.preventDefault()
    else if (key.key === '+' || key.key === '-') scene.zoom(name, size, key.key === '+' ? 1.2 : 1 / 1.2)
    else return
    key.preventDefault()
    key.stopPropagation()
  }

  const title = isUpright(state.planes) ? NAMES[name] : `Oblique (${NAMES[name].toLowerCase()})`
  const markers = markersOf({ row: orientation.right, column: orientation.below }, UPRIGHT)
  const path = state.pathPlane === name ? state.path.map((point) => toScreen(point, view, orientation, size)) : []
  const far = size.width + size.height
  return (
    <div ref={root} className={`volume-cell volume-cell-${name}`} tabIndex={0} role="group" aria-label={`${title} plane`} aria-keyshortcuts="ArrowUp ArrowDown [ ]" data-testid={`plane-${name}`} data-affine-scale={view.scale} data-focus={focus.join(',')} onKeyDown={onKey}>
      <canvas ref={canvas} className="volume-canvas" />
      <PlaneOverlays session={session} frameOfReference={scene.volume.plan.frameOfReference} view={view} orientation={orientation} focus={focus} size={size} />
      <svg className="volume-cross" width={size.width} height={size.height} aria-hidden="true">
        {lines.map(({ other, direction: [dx, dy] }) => (
          <g key={other} className={`cross-${other}`} data-testid={`cross-${name}-${other}`} data-direction={`${dx},${dy}`}>
            {[-1, 1].map((way) => (
              <line key={way} x1={centre[0] + way * GAP * dx} y1={centre[1] + way * GAP * dy} x2={centre[0] + way * far * dx} y2={centre[1] + way * far * dy} />
            ))}
            {projection !== 'none' &&
              [-1, 1].map((way) => {
                const [x, y] = [centre[0] - (way * dy * thickness * view.scale) / 2, centre[1] + (way * dx * thickness * view.scale) / 2]
                return <line key={`slab${way}`} className="cross-slab" x1={x - far * dx} y1={y - far * dy} x2={x + far * dx} y2={y + far * dy} />
              })}
          </g>
        ))}
        {path.length > 0 && <polyline className="volume-path" points={path.map((point) => point.join(',')).join(' ')} />}
        {path.map(([x, y], at) => (
          <circle key={at} className="volume-path-point" cx={x} cy={y} r={3} />
        ))}
      </svg>
      {!drawing && <PlaneShapes measures={measures} series={pane.state.get().seriesInstanceUID ?? ''} view={view} orientation={orientation} focus={focus} phase={phase} reach={reach} size={size} />}
      <span className={`volume-title cross-${name}`}>{[title, projection === 'none' ? '' : `${SLABS[projection] ?? ''} ${thickness} mm`].filter(Boolean).join(' · ')}</span>
      {markers && detail !== 'none' && (
        <div className="pane-text" aria-hidden="true">
          <span className="marker marker-top">{markers.top}</span>
          <span className="marker marker-right">{markers.right}</span>
          <span className="marker marker-bottom">{markers.bottom}</span>
          <span className="marker marker-left">{markers.left}</span>
        </div>
      )}
    </div>
  )
}
