// Everything that the chosen measurement says: numbers, the histogram of a region, the profile along a line; and the list of all on this series.
import { useValue } from '../../../lib/observable'
import type { Picture } from '../engine/picture'
import { type Measurement, figure, proportionAt, results, valueText } from '../model/measure'
import { asksFor, regionOf } from '../model/shapes'
import { histogramOf, profileOf, valuesIn } from '../model/statistics'
import { ALL_IMAGES, valuesOf } from '../session/measurements'
import type { ViewerSession } from '../session/session'
import { LesionChoice, LesionTable } from './Lesions'
import { toolName } from './ToolMenus'
import './measuring.css'

const BINS = 64

function Bars({ counts }: { counts: readonly number[] }) {
  const most = Math.max(1, ...counts)
  return (
    <svg viewBox={`0 0 ${counts.length} 100`} preserveAspectRatio="none" role="img" aria-label="Histogram" data-testid="histogram" data-counts={counts.join(' ')}>
      {counts.map((count, index) => (
        <rect key={index} x={index} y={100 - (count / most) * 96} width={0.92} height={(count / most) * 96} fill="currentColor" />
      ))}
    </svg>
  )
}

function Curve({ values }: { values: readonly number[] }) {
  const least = Math.min(...values)
  const spread = Math.max(...values) - least || 1
  const at = (value: number, index: number): string => `${((index / Math.max(1, values.length - 1)) * 100).toFixed(2)} ${(97 - ((value - least) / spread) * 94).toFixed(2)}`
  return (
    <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="Profile" data-testid="profile" data-values={values.map((value) => value.toFixed(3)).join(' ')}>
      <path d={`M${values.map(at).join('L')}`} fill="none" stroke="currentColor" strokeWidth={1.4} vectorEffect="non-scaling-stroke" />
    </svg>
  )
}

const LINES: ReadonlySet<string> = new Set(['length', 'polyline', 'bidirectional', 'calibration'])

function Picture({ session, measurement, picture }: { session: ViewerSession; measurement: Measurement; picture: Picture }) {
  const { kind, points } = measurement
  const values = valuesOf(picture)
  if (values.color) return null
  const region = regionOf(kind, points, proportionAt(session.measurements.calibrationOf(picture.frame), points, values.aspect))
  const ends = (least: number, name: string, most: number) => (
    <figcaption>
      <span>{figure(least)}</span>
      <span>{name}</span>
      <span>{figure(most)}</span>
    </figcaption>
  )
  if (region) {
    const { min, max, counts } = histogramOf(valuesIn(region, values), BINS)
    return Number.isFinite(min) ? (
      <figure>
        <Bars counts={counts} />
        {ends(min, values.unit ? `Histogram, ${values.unit}` : 'Histogram', max)}
      </figure>
    ) : null
  }
  if (!LINES.has(kind)) return null
  const along = profileOf(kind === 'polyline' ? points : points.slice(0, 2), values)
  if (along.length < 2) return null
  return (
    <figure>
      <Curve values={along} />
      {ends(Math.min(...along), values.unit ? `Profile, ${values.unit}` : 'Profile', Math.max(...along))}
    </figure>
  )
}

function Details({ session, measurement, picture }: { session: ViewerSession; measurement: Measurement; picture: Picture | null }) {
  const { measurements } = session
  const { id, kind, points, text, label } = measurement
  const found = picture ? results(kind, points, measurements.calibrationOf(picture.frame), valuesOf(picture)) : []
  const notes = new Set(found.flatMap(({ note, unit }) => (note ? [`${unit.startsWith('mm') ? 'Millimetres' : 'No millimetres:'} ${note}`] : [])))
  const whole = label === ALL_IMAGES
  return (
    <section className="stats" aria-label="Chosen measurement" data-testid="statistics">
      <h2>{[toolName(kind), text ?? (kind === 'calibration' ? '' : label)].filter(Boolean).join(': ')}</h2>
      {found.length > 0 && (
        <table>
          <tbody>
            {found.map((result) => (
              <tr key={result.quantity}>
                <th scope="row">{result.quantity.charAt(0).toUpperCase() + result.quantity.slice(1)}</th>
                <td data-quantity={result.quantity} data-value={result.value}>{valueText(result)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {notes.size > 0 && <p>{[...notes].join(', ')}.</p>}
      {picture ? <Picture session={session} measurement={measurement} picture={picture} /> : <p>Its numbers are here when its image is on the screen.</p>}
      <LesionChoice session={session} measurement={measurement} />
      <div className="stats-actions">
        <button type="button" className="button button-small" onClick={() => measurements.beginNaming(id)} disabled={!picture}>
          {kind === 'calibration' ? 'Change the length' : asksFor(kind) ? 'Change the note' : 'Name it'}
        </button>
        {kind === 'calibration' && (
          <button type="button" className="button button-small" aria-pressed={whole} onClick={() => measurements.change(id, { label: whole ? '' : ALL_IMAGES })}>
            {whole ? 'Only for its own image' : 'For the whole series'}
          </button>
        )}
        <button type="button" className="button button-small" onClick={() => measurements.remove(id)}>
          Delete
        </button>
      </div>
    </section>
  )
}

export function StatisticsPanel({ session }: { session: ViewerSession }) {
  const { active } = useValue(session.state)
  const pane = session.engine.panes[active] ?? session.activePane
  const { picture, seriesInstanceUID } = useValue(pane.state)
  const { all, selected } = useValue(session.measurements.state)
  const here = all.filter((measurement) => measurement.seriesInstanceUID === seriesInstanceUID)
  const chosen = here.find((measurement) => measurement.id === selected)
  const show = (measurement: Measurement) => {
    const index = pane.frames.findIndex((frame) => frame.id === measurement.frameId)
    if (index >= 0 && index !== pane.state.get().index) pane.goTo(index)
    session.measurements.select(measurement.id)
  }
  return (
    <>
      {chosen && <Details session={session} measurement={chosen} picture={picture?.frame.id === chosen.frameId ? picture : null} />}
      <section className="stats" aria-label="Measurements of this series">
        <h2>On this series</h2>
        {here.length === 0 && <p>Nothing is measured yet. Choose a tool, then drag or click on the picture; double click ends a path.</p>}
        <ul className="stats-list">
          {here.map((measurement) => (
            <li key={measurement.id}>
              <button type="button" aria-pressed={measurement.id === selected} onClick={() => show(measurement)}>
                <span>{measurement.text ?? (measurement.label && measurement.kind !== 'calibration' ? measurement.label : toolName(measurement.kind))}</span>
                <span>{measurement.lines[0] ?? ''}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
      <LesionTable session={session} />
    </>
  )
}
