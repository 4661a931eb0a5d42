// RECIST 1.1: which lesion a measurement is of, and what became of the target lesions from study to study.
import { useEffect } from 'react'
import { useValue } from '../../../lib/observable'
import type { Measurement } from '../model/measure'
import { type Assessed, LESION_KINDS, type Lesion, RESPONSES, ROLES, lesionName, lesionNamed } from '../model/recist'
import { type Found, lesionsOf } from '../session/lesions'
import type { ViewerSession } from '../session/session'

const OFFERS = { target: 'New target lesion', node: 'New target node (short axis)', new: 'New since the baseline' } as const

/** Of a line, of two axes, or of a value at a point where a lesion has disappeared. */
export function LesionChoice({ session, measurement }: { session: ViewerSession; measurement: Measurement }) {
  const lesions = lesionsOf(session)
  useValue(lesions.state)
  if (!LESION_KINDS.has(measurement.kind)) return null
  const { known } = lesions
  const now = lesionNamed(measurement.label)
  const number = Math.max(0, ...known.map((each) => each.number)) + 1
  const choices: Lesion[] = [...known, ...ROLES.map((role) => ({ role, number }))]
  return (
    <label className="stats-lesion">
      <span>Lesion</span>
      <select className="input" value={now ? lesionName(now) : ''} onChange={(change) => lesions.assign(measurement, choices.find((each) => lesionName(each) === change.target.value))} data-testid="lesion">
        <option value="">None</option>
        {choices.map((each, index) => (
          <option key={lesionName(each)} value={lesionName(each)}>
            {index < known.length ? lesionName(each) : `${OFFERS[each.role]}: ${lesionName(each)}`}
          </option>
        ))}
      </select>
    </label>
  )
}

const day = (date: string): string => (/^\d{8}$/.test(date) ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` : date || 'no date')
const millimetres = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1))
const change = (value: number | undefined): string => (value === undefined ? '–' : `${value > 0 ? '+' : ''}${value.toFixed(0)} %`)

/** The sums, the first study at the left; dashed: 30 % below the baseline. */
function Trend({ points }: { points: readonly Assessed[] }) {
  const sums = points.flatMap(({ sum }, index) => (sum === undefined ? [] : [{ sum, index }]))
  const most = Math.max(1, ...sums.map(({ sum }) => sum)) * 1.1
  const [x, y] = [(index: number): number => 6 + (index / Math.max(1, points.length - 1)) * 188, (sum: number): number => 66 - (sum / most) * 60]
  const partial = y((sums[0]?.sum ?? 0) * 0.7)
  if (sums.length < 2) return null
  return (
    <svg viewBox="0 0 200 72" role="img" aria-label={`Sum of diameters: ${sums.map(({ sum }) => sum.toFixed(1)).join(', ')} mm`} data-testid="lesion-trend">
      <path d={`M6 ${partial}H194`} className="stats-partial" />
      <path d={`M${sums.map(({ sum, index }) => `${x(index)} ${y(sum)}`).join('L')}`} fill="none" stroke="currentColor" strokeWidth={1.5} />
      {sums.map(({ sum, index }) => (
        <circle key={index} cx={x(index)} cy={y(sum)} r={3} fill="currentColor" />
      ))}
    </svg>
  )
}

function Cell({ session, found }: { session: ViewerSession; found: Found | undefined }) {
  if (!found) return <td>–</td>
  const here = (): void => {
    session.measurements.select(found.id)
    void session.goToFrame(found.frameId)
  }
  return (
    <td>
      <button type="button" className="stats-diameter" onClick={here} aria-label={`Show ${lesionName(found)}, ${millimetres(found.diameter)} mm`}>
        {found.diameter === 0 ? 'gone' : millimetres(found.diameter)}
      </button>
    </td>
  )
}

/** Target lesions from study to study. */
export function LesionTable({ session }: { session: ViewerSession }) {
  const lesions = lesionsOf(session)
  const { found, assessed: points, failure } = useValue(lesions.state)
  const { groups } = useValue(session.state)
  useEffect(() => void lesions.read(), [lesions, groups.length])
  const last = points.at(-1)
  if (!last) return failure ? <p role="alert">{failure}</p> : null
  const row = (label: string, value: (point: Assessed) => string, name: string) => (
    <tr data-row={name}>
      <th scope="row">{label}</th>
      {points.map((point) => (
        <td key={point.study}>{value(point)}</td>
      ))}
    </tr>
  )
  return (
    <section className="stats" aria-label="Lesions over time" data-testid="lesions">
      <h2>Lesions over time (RECIST 1.1)</h2>
      {failure && <p role="alert">{failure}</p>}
      <div className="stats-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">mm</th>
              {points.map(({ study, date }) => (
                <th key={study} scope="col">
                  {day(date)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lesions.known.map((lesion) => (
              <tr key={lesion.number} data-row={lesionName(lesion)}>
                <th scope="row">{lesionName(lesion)}</th>
                {points.map(({ study }) => (
                  <Cell key={study} session={session} found={found.find((each) => each.study === study && each.number === lesion.number)} />
                ))}
              </tr>
            ))}
            {row('Sum of targets', ({ sum }) => millimetres(sum), 'sum')}
            {row('From baseline', ({ fromBaseline }) => change(fromBaseline), 'baseline')}
            {row('From least', ({ fromNadir }) => change(fromNadir), 'nadir')}
            {row('Response', ({ response }) => (response === 'baseline' ? RESPONSES.baseline : response), 'response')}
          </tbody>
        </table>
      </div>
      <Trend points={points} />
      <p data-testid="lesion-rule">
        <strong>{RESPONSES[last.response]}</strong> ({day(last.date)}): {last.rule}
      </p>
      <p>Of target and new lesions; lesions that are no targets are yours to judge.</p>
    </section>
  )
}
