import { type KeyboardEvent, useRef, useState } from 'react'
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import { type Point, markersOf } from '../../model/geometry'
import { RENDER_PRESETS } from '../../model/raycast'
import { cutAlong } from '../../model/scalpel'
import { UPRIGHT } from '../../model/view'
import { middleOf, radiusOf } from '../../model/volume'
import type { ViewerSession } from '../../session/session'
import type { VolumeScene } from '../../session/volumeScene'
import { useHand, usePainter, useSize } from './cell'
import { useLabels } from './labels'

const TURN: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-9, 0], ArrowRight: [9, 0], ArrowUp: [0, -9], ArrowDown: [0, 9] }

/** The volume as a body: turned by a drag or the arrow keys, cut by the scalpel. */
export function RenderCell({ session, pane, scene }: { session: ViewerSession; pane: Pane; scene: VolumeScene }) {
  const labels = useLabels(session, scene.volume.plan)
  const state = useValue(scene.state)
  const { window: grey, inverted } = useValue(pane.state)
  const { status, loaded } = useValue(scene.volume.state)
  const root = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(root)
  const volume = scene.volume.phases[state.phase] ?? scene.volume.phases[0]
  const { grid } = scene.volume.plan
  const preset = RENDER_PRESETS.find(({ id }) => id === state.preset) ?? RENDER_PRESETS[0]
  const scale = ((Math.min(size.width, size.height) / 2) * state.zoom) / (radiusOf(grid) * 0.8)
  const target = middleOf(grid)
  const [line, setLine] = useState<readonly Point[]>([])
  const drawn = useRef<readonly Point[]>([])
  const draw = (points: readonly Point[]): void => {
    drawn.current = points
    setLine(points)
  }
  usePainter(
    canvas,
    volume && grey && preset && size.width > 1 ? { kind: 'render', volume, stamp: String(loaded), orientation: state.camera, target, scale, preset, shift: state.shift, crop: state.crop, cuts: state.cuts, grey: { window: grey, inverted }, whole: status === 'ready', labels } : null,
    size,
  )
  useHand(root, {
    press: (at, event) => {
      root.current?.focus({ preventScroll: true })
      if (event.button === 2) return (by) => scene.set({ zoom: Math.min(20, Math.max(0.1, scene.state.get().zoom * 1.008 ** -by[1])) })
      if (event.button === 1) return (by) => pane.dragWindow(by)
      if (!state.scalpel) return (by) => scene.orbit(by[0], by[1])
      draw([at])
      return (_, now) => draw([...drawn.current, now])
    },
    release: () => {
      const { scalpel, camera } = scene.state.get()
      const cut = scalpel && cutAlong(drawn.current, size, { orientation: camera, target, scale }, scalpel)
      draw([])
      if (cut) scene.cut(cut)
    },
    wheel: (event) => scene.set({ zoom: Math.min(20, Math.max(0.1, state.zoom * 1.002 ** -event.deltaY)) }),
  })
  const onKey = (key: KeyboardEvent) => {
    const by = TURN[key.key]
    if (by) scene.orbit(by[0], by[1])
    else if (key.key === '+' || key.key === '-') scene.set({ zoom: state.zoom * (key.key === '+' ? 1.2 : 1 / 1.2) })
    else if (key.key === 'Escape' && line.length > 0) draw([])
    else if (key.key === 'Escape' && state.scalpel) scene.set({ scalpel: null })
    else if (key.key.toLowerCase() === 'z' && (key.ctrlKey || key.metaKey) && state.cuts.length > 0) scene.uncut()
    else return
    key.preventDefault()
    key.stopPropagation()
  }
  const markers = markersOf({ row: state.camera.right, column: state.camera.below }, UPRIGHT)
  return (
    <div ref={root} className={`volume-cell volume-cell-render${state.scalpel ? ' volume-cell-cut' : ''}`} tabIndex={0} role="group" aria-label={`Volume, ${preset?.name ?? ''}`} data-testid="volume-render" data-labels={labels?.colors.length ?? 0} data-cuts={state.cuts.length} data-camera={[...state.camera.right, ...state.camera.below].map((part) => part.toFixed(4)).join(',')} onKeyDown={onKey}>
      <canvas ref={canvas} className="volume-canvas" />
      {line.length > 1 && (
        <svg className="volume-cross" width={size.width} height={size.height} aria-hidden="true">
          <polygon className="volume-path" points={line.map((point) => point.join(',')).join(' ')} />
        </svg>
      )}
      {markers && (
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
