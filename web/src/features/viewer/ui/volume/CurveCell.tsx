import { useMemo, useRef } from 'react'
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import { alongPath } from '../../model/resample'
import { finest } from '../../model/volume'
import type { VolumeScene } from '../../session/volumeScene'
import { usePainter, useSize } from './cell'

/** The sheet along the drawn path, laid flat. */
export function CurveCell({ pane, scene }: { pane: Pane; scene: VolumeScene }) {
  const { path, pathNormal, phase, projection, thickness } = useValue(scene.state)
  const { window: grey, inverted } = useValue(pane.state)
  const { loaded } = useValue(scene.volume.state)
  const root = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(root)
  const volume = scene.volume.phases[phase] ?? scene.volume.phases[0]
  const step = finest(scene.volume.plan.grid)
  const points = useMemo(() => (path.length > 1 ? alongPath(path, step) : []), [path, step])
  usePainter(canvas, volume && grey && points.length > 1 ? { kind: 'curve', volume, stamp: String(loaded), path: points, normal: pathNormal, step, projection, thickness, grey: { window: grey, inverted } } : null, size)
  const length = Math.round((points.length - 1) * step)
  return (
    <div ref={root} className="volume-cell volume-cell-curve" data-testid="volume-curve" data-length={points.length > 1 ? length : 0}>
      <canvas ref={canvas} className="volume-canvas" hidden={points.length < 2} />
      {points.length < 2 ? (
        <p className="volume-hint">Click along a vessel or the jaw in one of the planes: the sheet along that path is laid flat here.</p>
      ) : (
        <span className="volume-title">{`Along the path · ${length} mm`}</span>
      )}
    </div>
  )
}
