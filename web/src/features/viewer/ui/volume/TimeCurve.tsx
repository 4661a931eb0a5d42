import { useValue } from '../../../../lib/observable'
import { momentsOf } from '../../model/volume'
import type { VolumeScene } from '../../session/volumeScene'
import { Glyph } from '../icons'

const WIDTH = 320
const HEIGHT = 64

/** The moments of a series in time: a slider, and the values at the cross over all of them. */
export function TimeCurve({ scene, factor, unit }: { scene: VolumeScene; factor: number; unit: string }) {
  const { phase, playing } = useValue(scene.state)
  useValue(scene.volume.state)
  const { plan } = scene.volume
  const values = scene.curve(factor)
  const known = values.filter((value) => Number.isFinite(value))
  const [least, most] = [Math.min(...known), Math.max(...known)]
  const { at: times, unit: timeUnit } = momentsOf(plan)
  const [first = 0, last = 1] = [times[0], times.at(-1)]
  const x = (index: number): number => 4 + (((times[index] ?? 0) - first) / (last - first || 1)) * (WIDTH - 8)
  const y = (value: number): number => HEIGHT - 6 - ((value - least) / (most - least || 1)) * (HEIGHT - 12)
  const line = values.map((value, index) => `${x(index).toFixed(1)},${y(Number.isFinite(value) ? value : least).toFixed(1)}`).join(' ')
  const now = values[phase] ?? Number.NaN
  return (
    <div className="volume-time" data-testid="volume-time" data-values={values.map((value) => value.toFixed(2)).join(',')}>
      <button type="button" className="tool" aria-label={playing ? 'Stop' : 'Play the moments'} onClick={() => scene.play(!playing)}>
        <Glyph name={playing ? 'pause' : 'play'} size={16} />
      </button>
      <label className="volume-field">
        <span>{plan.phaseNames[phase]}</span>
        <input type="range" min={0} max={plan.phases.length - 1} value={phase} aria-label="Moment" onChange={(change) => scene.setPhase(Number(change.target.value))} />
      </label>
      <svg width={WIDTH} height={HEIGHT} role="img" aria-label={`Values at the cross over time, ${least.toFixed(1)} to ${most.toFixed(1)} ${unit}`}>
        <polyline className="volume-time-line" points={line} />
        <line className="volume-time-now" x1={x(phase)} x2={x(phase)} y1={2} y2={HEIGHT - 2} />
      </svg>
      <span className="volume-value">{`${Number.isFinite(now) ? now.toFixed(1) : '–'} ${unit}${timeUnit ? ` at ${times[phase] ?? 0} ${timeUnit}` : ''}`}</span>
    </div>
  )
}
