import { useMemo } from 'react'
import { useValue } from '../../../../lib/observable'
import { type Dose, type Histogram, ISODOSES, histogramOf } from '../../model/overlays/dose'
import type { Structure } from '../../model/overlays/structures'
import type { Overlays } from '../../session/overlays/store'

const WIDTH = 256
const HEIGHT = 132
const LEFT = 26
const BOTTOM = 18

interface Curve {
  readonly structure: Structure
  readonly histogram: Histogram
}

function useCurves(store: Overlays, dose: Dose): readonly Curve[] {
  const { overlays } = useValue(store.state)
  // Recomputed when structures come or go, not when they are shown or hidden.
  const sets = overlays.flatMap(({ content }) => (content.kind === 'structures' ? [content.structures] : []))
  const key = sets.map((set) => set.label).join('/')
  return useMemo(
    () =>
      sets.flatMap((set) =>
        set.structures.flatMap((structure) => {
          const histogram = histogramOf(dose, structure)
          return histogram ? [{ structure, histogram }] : []
        }),
      ),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key stands for the sets
    [dose, key],
  )
}

function Chart({ dose, curves }: { dose: Dose; curves: readonly Curve[] }) {
  const most = Math.max(dose.max, ...curves.map(({ histogram }) => histogram.max)) * 1.05 || 1
  const x = (value: number): number => LEFT + (value / most) * (WIDTH - LEFT - 4)
  const y = (part: number): number => 6 + (1 - part) * (HEIGHT - BOTTOM - 6)
  const path = ({ histogram }: Curve): string => Array.from({ length: 129 }, (_, index) => `${index === 0 ? 'M' : 'L'}${x((most * index) / 128).toFixed(1)} ${y(histogram.atLeast((most * index) / 128)).toFixed(1)}`).join('')
  const step = 10 ** Math.floor(Math.log10(most / 2))
  const marks = Array.from({ length: 20 }, (_, index) => index * step * (most / step > 10 ? 5 : most / step > 5 ? 2 : 1)).filter((value) => value <= most)
  return (
    <svg className="dose-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Dose-volume histogram of ${curves.map(({ structure }) => structure.label).join(', ')}`} data-testid="dose-histogram">
      {[0, 0.5, 1].map((part) => (
        <g key={part}>
          <path d={`M${LEFT} ${y(part)}H${WIDTH - 4}`} className="dose-line" />
          <text x={LEFT - 4} y={y(part) + 3} textAnchor="end">{`${part * 100}`}</text>
        </g>
      ))}
      {marks.map((value) => (
        <text key={value} x={x(value)} y={HEIGHT - 5} textAnchor="middle">
          {Number(value.toPrecision(3))}
        </text>
      ))}
      {curves.map((curve) => (
        <path key={curve.structure.number} d={path(curve)} fill="none" stroke={`rgb(${curve.structure.color.join(' ')})`} strokeWidth="1.5" />
      ))}
    </svg>
  )
}

function Table({ curves, unit }: { curves: readonly Curve[]; unit: string }) {
  const show = (value: number): string => (value >= 100 ? value.toFixed(1) : value.toFixed(2))
  return (
    <table className="dose-table" data-testid="dose-table">
      <thead>
        <tr>
          <th scope="col">{unit}</th>
          <th scope="col">min</th>
          <th scope="col">mean</th>
          <th scope="col">max</th>
          <th scope="col">
            D<sub>95</sub>
          </th>
        </tr>
      </thead>
      <tbody>
        {curves.map(({ structure, histogram }) => (
          <tr key={structure.number} data-structure={structure.label}>
            <th scope="row">
              <i style={{ background: `rgb(${structure.color.join(' ')})` }} />
              {structure.label}
              {histogram.outside > 0.005 * histogram.volume && <small>{Math.round((histogram.outside / histogram.volume) * 100)} % of it lies outside of the dose grid</small>}
            </th>
            <td>{show(histogram.min)}</td>
            <td>{show(histogram.mean)}</td>
            <td>{show(histogram.max)}</td>
            <td>{show(histogram.dose(0.95))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** A dose: how it is shown, and what the structures that are loaded get of it. */
export function DoseSection({ store, dose }: { store: Overlays; dose: Dose }) {
  const { wash, isodoses, reference } = useValue(store.state)
  const curves = useCurves(store, dose)
  const unit = dose.unit
  return (
    <div className="dose">
      <p className="overlay-note">
        {[`Maximum ${dose.max.toFixed(2)} ${unit}`, dose.summation, dose.type.toLowerCase()].filter(Boolean).join(' · ')}
      </p>
      <div className="overlay-look">
        <label className="overlay-check">
          <input type="checkbox" checked={wash} onChange={(change) => store.patch({ wash: change.target.checked })} />
          <span>Colour wash</span>
        </label>
        <label className="overlay-check">
          <input type="checkbox" checked={isodoses} onChange={(change) => store.patch({ isodoses: change.target.checked })} />
          <span>Isodoses</span>
        </label>
        <label>
          <span>100 % is</span>
          <input
            type="number"
            className="input overlay-number"
            min="0"
            step="any"
            value={reference ?? ''}
            placeholder={dose.max.toFixed(2)}
            onChange={(change) => store.patch({ reference: Number(change.target.value) > 0 ? Number(change.target.value) : null })}
            data-testid="dose-reference"
          />
          <span>{unit}</span>
        </label>
      </div>
      {isodoses && (
        <ul className="dose-levels">
          {ISODOSES.map(({ percent, color }) => (
            <li key={percent}>
              <i style={{ background: `rgb(${color.join(' ')})` }} />
              {percent} %
            </li>
          ))}
        </ul>
      )}
      {curves.length > 0 ? (
        <>
          <Chart dose={dose} curves={curves} />
          <Table curves={curves} unit={unit} />
        </>
      ) : (
        <p className="overlay-note">Open a structure set of the same patient position to see its dose-volume histogram.</p>
      )}
    </div>
  )
}
