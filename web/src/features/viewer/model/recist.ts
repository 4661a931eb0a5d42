// Target lesions over time by RECIST 1.1 (Eisenhauer 2009, Eur J Cancer 45: 228): sums of diameters and the response of the targets. Pure.

/** What a person says of a measurement. */
export interface Lesion {
  /** The same in every study of the patient. */
  readonly number: number
  /** `node` is measured by its short axis; `new`: it was not there at baseline. */
  readonly role: 'target' | 'node' | 'new'
}

/** A lesion as it was measured in one study. */
export interface Seen extends Lesion {
  readonly study: string
  /** mm: the long axis, of a node the short one; 0 for a place where it was and is no longer; undefined where nothing tells millimetres. */
  readonly diameter: number | undefined
}

/** Kinds of measurements that measure a lesion, or say by a mere place that it has disappeared. */
export const LESION_KINDS: ReadonlySet<string> = new Set(['length', 'bidirectional', 'probe'])

const WORDS = { target: 'Target', node: 'Node', new: 'New' } as const
export const ROLES = ['target', 'node', 'new'] as const

/** A lesion is told by the name of its measurement, which reports have as part of the tracking identifier (PS3.16 TID 1501, 112039). */
export const lesionName = ({ role, number }: Lesion): string => `${WORDS[role]} ${number}`

export function lesionNamed(name: string | undefined): Lesion | undefined {
  const found = /^(Target|Node|New) (\d{1,3})$/.exec(name?.trim() ?? '')
  const role = ROLES.find((each) => WORDS[each] === found?.[1])
  return role && { role, number: Number(found?.[2]) }
}

export interface TimePoint {
  readonly study: string
  /** StudyDate */
  readonly date: string
}

export const RESPONSES = { baseline: 'Baseline', CR: 'Complete response', PR: 'Partial response', SD: 'Stable disease', PD: 'Progressive disease', NE: 'Not evaluable' } as const
export type Response = keyof typeof RESPONSES

export interface Assessed extends TimePoint {
  /** By lesion number of the targets. */
  readonly diameters: ReadonlyMap<number, number>
  /** mm; undefined while a target of the baseline is not measured. */
  readonly sum: number | undefined
  /** Percent against the baseline, and against the least sum before. */
  readonly fromBaseline: number | undefined
  readonly fromNadir: number | undefined
  readonly response: Response
  /** Why, in a sentence. */
  readonly rule: string
}

const LEAST_NODE = 10 // mm of the short axis: smaller nodes are normal
const SHRUNK = -30 // percent of the baseline
const GROWN = 20 // percent of the nadir
const LEAST_GROWTH = 5 // mm

/** What the numbers of a measurement say of its lesion: `quantities` in mm by name, undefined for a mere place. */
export function diameterOf(role: Lesion['role'], kind: string, quantities: ReadonlyMap<string, number>): number | undefined {
  if (kind === 'probe') return 0
  const both = quantities.get(role === 'node' ? 'short axis' : 'long axis')
  // A single line is what its author took for the axis that counts.
  return both ?? quantities.get('length')
}

const percent = (now: number, then: number): number | undefined => (then > 0 ? ((now - then) / then) * 100 : undefined)

function judged(sum: number, point: Pick<Assessed, 'fromBaseline' | 'fromNadir'>, nadir: number, gone: boolean): Pick<Assessed, 'response' | 'rule'> {
  const grown = sum - nadir
  const byNadir = point.fromNadir ?? (grown > 0 ? Infinity : 0)
  if (byNadir >= GROWN && grown >= LEAST_GROWTH) return { response: 'PD', rule: `The sum is ${GROWN} % and ${LEAST_GROWTH} mm or more above the least one.` }
  if (gone) return { response: 'CR', rule: `All targets have disappeared; nodes are below ${LEAST_NODE} mm.` }
  if ((point.fromBaseline ?? 0) <= SHRUNK) return { response: 'PR', rule: `The sum is ${-SHRUNK} % or more below the baseline.` }
  return { response: 'SD', rule: 'Neither enough smaller than at baseline nor enough larger than the least sum.' }
}

/** Every study in which a lesion was measured, the first being the baseline. */
export function assessed(points: readonly TimePoint[], seen: readonly Seen[]): Assessed[] {
  const with_ = points.filter(({ study }) => seen.some((each) => each.study === study)).sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
  const targets = new Map(seen.filter(({ study, role }) => study === with_[0]?.study && role !== 'new').map((each) => [each.number, each.role]))
  const done: Assessed[] = []
  for (const point of with_) {
    const here = seen.filter(({ study }) => study === point.study)
    const diameters = new Map(here.flatMap(({ number, diameter }) => (targets.has(number) && diameter !== undefined ? [[number, diameter] as const] : [])))
    const whole = targets.size > 0 && diameters.size === targets.size
    const sum = whole ? [...diameters.values()].reduce((all, each) => all + each, 0) : undefined
    const sums = done.flatMap((each) => each.sum ?? [])
    const [baseline, nadir] = [done[0]?.sum, Math.min(...sums)]
    const isFirst = done.length === 0
    const change = {
      fromBaseline: sum === undefined || baseline === undefined ? undefined : percent(sum, baseline),
      fromNadir: sum === undefined || sums.length === 0 ? undefined : percent(sum, nadir),
    }
    const gone = [...diameters].every(([number, diameter]) => (targets.get(number) === 'node' ? diameter < LEAST_NODE : diameter === 0))
    const isNew = here.some(({ number, role }) => role === 'new' || !targets.has(number))
    const missing = [...targets.keys()].filter((number) => !diameters.has(number))
    const told: Pick<Assessed, 'response' | 'rule'> = isFirst
      ? { response: 'baseline', rule: whole ? 'What later studies are compared with.' : 'A target has no length in millimetres.' }
      : isNew
        ? { response: 'PD', rule: 'There is a new lesion.' }
        : sum === undefined || baseline === undefined
          ? { response: 'NE', rule: missing.length > 0 ? `Not measured: ${missing.join(', ')}.` : 'The baseline has no sum.' }
          : judged(sum, change, nadir, gone)
    done.push({ ...point, diameters, sum, ...change, ...told })
  }
  return done
}
