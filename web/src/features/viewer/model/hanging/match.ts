// Which protocol fits a study, and which of its images go where. Pure.
import { type Cell, type Fact, type Facts, type ImageSet, type Protocol, type Rule, type ScreenGrid, type Stage, cellsOf } from './protocol'

/** What can hang in a viewport: a series, or one image of a series of projections. */
export interface DisplaySet {
  readonly studyInstanceUID: string
  readonly seriesInstanceUID: string
  /** Place of the image in its series. */
  readonly index: number
  /** 0: of the study that was opened, n: of the n-th earlier one. */
  readonly prior: number
  readonly facts: Facts
  /** Frame of Reference UID, where headers were read: only within one may images be laid over others. */
  readonly frameOfReference?: string
}

const escaped = (value: string): string => value.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Whether a text has a value at the beginning of a word; "T1" is in "SAG_T1_TSE", "PA" is not in "SPACE". */
function hasWord(texts: readonly string[], value: string): boolean {
  const pattern = new RegExp(`(^|[^\\p{L}\\p{N}])${escaped(value.trim())}`, 'iu')
  return texts.some((each) => pattern.test(each))
}

export function holds(rule: Rule, facts: Facts): boolean {
  const said = facts[rule.fact] ?? []
  const limit = Number(rule.values[0])
  switch (rule.is) {
    case 'any':
      return rule.values.some((value) => said.some((each) => each.toUpperCase() === value.toUpperCase()))
    case 'contains':
      return rule.values.some((value) => hasWord(said, value))
    case 'lacks':
      return !rule.values.some((value) => hasWord(said, value))
    case 'below':
      return said.some((each) => each !== '' && Number(each) < limit)
    case 'above':
      return said.some((each) => each !== '' && Number(each) > limit)
  }
}

/** The weights of the rules that hold; null when one that must does not. */
export function scoreOf(rules: readonly Rule[], facts: Facts): number | null {
  let score = 0
  for (const rule of rules) {
    if (holds(rule, facts)) score += rule.weight
    else if (rule.required) return null
  }
  return score
}

/** The display sets of the study, earlier or not, that an image set may be of; each earlier study counts only if it has such images. */
function ofItsStudy(set: ImageSet, candidates: readonly DisplaySet[]): readonly DisplaySet[] {
  if (set.prior === 0) return candidates.filter((each) => each.prior === 0)
  const priors = [...new Set(candidates.map((each) => each.prior))].filter((prior) => prior > 0).sort((a, b) => a - b)
  const wanted = set.prior < 0 ? priors.at(-1) : priors[set.prior - 1]
  return candidates.filter((each) => each.prior === wanted)
}

/** The images of a stage's sets: the best pairs first, in a draw the earlier set and the earlier series. */
function chosenFor(protocol: Protocol, stage: Stage, all: readonly DisplaySet[]): ReadonlyMap<number, DisplaySet> {
  const used = [...new Set(cellsOf(stage).flatMap((cell) => (cell ? [cell.set, ...(cell.over === null ? [] : [cell.over])] : [])))]
  const pairs = used.flatMap((at) => {
    const set = protocol.sets[at]
    if (!set) return []
    const fitting = all.flatMap((each) => {
      const score = scoreOf(set.rules, each.facts)
      return score === null ? [] : [{ each, score }]
    })
    const here = new Set(ofItsStudy(set, fitting.map(({ each }) => each)))
    return fitting.filter(({ each }) => here.has(each)).map(({ each, score }) => ({ at, set, each, score }))
  })
  const found = new Map<number, DisplaySet>()
  const taken = new Set<DisplaySet>()
  // Sets that share choose last, so that they take nothing from the others; sorting is stable.
  for (const { at, set, each } of pairs.sort((a, b) => Number(a.set.shared) - Number(b.set.shared) || b.score - a.score || a.at - b.at)) {
    if (found.has(at) || (!set.shared && taken.has(each))) continue
    found.set(at, each)
    if (!set.shared) taken.add(each)
  }
  return found
}

/** The images of a stage's cells, null where there are none. */
export function assign(protocol: Protocol, stage: Stage, all: readonly DisplaySet[]): (DisplaySet | null)[] {
  const found = chosenFor(protocol, stage, all)
  return cellsOf(stage).map((cell) => (cell && found.get(cell.set)) ?? null)
}

/** A stage with the images of its cells, of all its screens, and with those that are laid over them. */
export interface HungStage extends Stage {
  readonly shown: readonly (DisplaySet | null)[]
  readonly laid: readonly (DisplaySet | null)[]
}

function hungStage(protocol: Protocol, stage: Stage, all: readonly DisplaySet[]): HungStage {
  const found = chosenFor(protocol, stage, all)
  const of = (set: number | null | undefined): DisplaySet | null => (typeof set === 'number' ? (found.get(set) ?? null) : null)
  return { ...stage, shown: cellsOf(stage).map((cell) => of(cell?.set)), laid: cellsOf(stage).map((cell) => of(cell?.over)) }
}

/** A screen of a stage with its images. */
export interface HungScreen extends ScreenGrid {
  readonly shown: readonly (DisplaySet | null)[]
  readonly laid: readonly (DisplaySet | null)[]
}

/** The screens of a stage, the first one first. */
export function screensOf(stage: HungStage): HungScreen[] {
  let from = 0
  return [stage, ...stage.screens].map(({ layout, cells }) => {
    const to = from + cells.length
    const screen = { layout, cells, shown: stage.shown.slice(from, to), laid: stage.laid.slice(from, to) }
    from = to
    return screen
  })
}

/** Whether there are images for a cell, and for a fusion some that lie in the same place. */
function isFilled(cell: Cell | null, shown: DisplaySet | null | undefined, laid: DisplaySet | null | undefined): boolean {
  if (cell === null) return true
  const fits = laid && shown?.frameOfReference === laid.frameOfReference && laid.frameOfReference !== ''
  return Boolean(shown) && (cell.over === null || Boolean(fits))
}

const isWhole = (stage: HungStage): boolean => cellsOf(stage).every((cell, at) => isFilled(cell, stage.shown[at], stage.laid[at]))

/** The stages whose images are all there. */
export function stagesOf(protocol: Protocol, all: readonly DisplaySet[]): HungStage[] {
  return protocol.stages.map((stage) => hungStage(protocol, stage, all)).filter(isWhole)
}

export interface Fit {
  readonly protocol: Protocol
  readonly score: number
  readonly stages: readonly HungStage[]
}

/** How a protocol hangs a study; null when it does not apply, or nothing it needs is there. */
export function fitOf(protocol: Protocol, study: Facts, all: readonly DisplaySet[]): Fit | null {
  const score = scoreOf(protocol.applies, study)
  if (score === null) return null
  const stages = stagesOf(protocol, all)
  return stages.length > 0 ? { protocol, score, stages } : null
}

/** Facts that are not in the index but in the header of an image. */
const IN_HEADERS: ReadonlySet<Fact> = new Set(['orientation', 'laterality', 'view', 'thickness', 'type'])

export const needsHeaders = (protocol: Protocol): boolean =>
  protocol.sets.some((set) => set.rules.some((rule) => IN_HEADERS.has(rule.fact))) || protocol.stages.some((stage) => cellsOf(stage).some((cell) => cell?.as === 'fusion'))

/** How many earlier studies with such images a protocol may look for; the oldest may be any. */
export const priorsOf = (protocol: Protocol): number => Math.max(0, ...protocol.sets.map((set) => (set.prior < 0 ? Number.POSITIVE_INFINITY : set.prior)))
