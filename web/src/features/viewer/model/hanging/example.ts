// A protocol by example: what is on the screen, as rules that would find it again.
import { hangsByImage } from './facts'
import type { DisplaySet } from './match'
import type { Cell, Facts, ImageSet, Protocol, Rule, ScreenGrid } from './protocol'

export interface Hung {
  readonly shown: DisplaySet
  readonly window: Cell['window']
  readonly orientation: readonly string[]
  readonly justify: Cell['justify']
  readonly equalScale: boolean
  readonly as: Cell['as']
  /** What is laid over it. */
  readonly over: DisplaySet | null
}

const rule = (fact: Rule['fact'], is: Rule['is'], values: readonly string[], weight: number, required = false): Rule => ({ fact, is, values, weight, required })

/** Words of a series description that may mean something: no counters, no single letters. */
export const wordsOf = (description: string): string[] => [...new Set(description.toUpperCase().split(/[^\p{L}\p{N}]+/u))].filter((word) => word.length > 1 && !/^\d+$/.test(word))

/** Limits between thin, middle and thick slices, mm. */
const THIN = 2
const THICK = 4

function thicknessRule(facts: Facts): Rule[] {
  const value = Number(facts.thickness?.[0] ?? Number.NaN)
  if (!(value > 0)) return []
  return [value < THIN ? rule('thickness', 'below', [String(THIN)], 2) : value >= THICK ? rule('thickness', 'above', [String(THICK - 0.01)], 2) : rule('thickness', 'below', [String(THICK)], 1)]
}

/** What the images of a viewport are recognised by: what tells them apart must hold, the rest decides between several. */
export function rulesOf(facts: Facts): Rule[] {
  const modality = facts.modality?.[0] ?? ''
  const same = (fact: Rule['fact'], required: boolean): Rule[] => {
    const value = facts[fact]?.[0]
    return value ? [rule(fact, 'any', [value], 3, required)] : []
  }
  const scout = (facts.type ?? []).some((value) => /LOCALIZER/i.test(value))
  return [
    ...same('modality', true),
    ...same('view', true),
    ...same('laterality', true),
    ...same('orientation', !hangsByImage(modality)),
    ...(hangsByImage(modality) || scout ? [] : [rule('type', 'lacks', ['LOCALIZER'], 1)]),
    ...same('bodyPart', false),
    ...wordsOf(facts.description?.[0] ?? '').map((word) => rule('description', 'contains', [word], 1)),
    ...thicknessRule(facts),
  ]
}

const labelOf = ({ prior, facts }: DisplaySet): string =>
  [facts.description?.[0] ?? facts.modality?.[0] ?? 'Images', facts.laterality?.[0], facts.view?.[0], prior > 0 ? 'before' : ''].filter(Boolean).join(' ')

const isSame = (one: DisplaySet, other: DisplaySet): boolean => one.seriesInstanceUID === other.seriesInstanceUID && one.index === other.index

/** What lies on a screen: by viewport, row by row; null for one without pictures. */
export interface Example {
  readonly layout: string
  readonly hung: readonly (Hung | null)[]
}

/** @param further the examples of other screens */
export function byExample(name: string, applies: readonly Rule[], layout: string, own: readonly (Hung | null)[], further: readonly Example[] = []): Protocol {
  const others = further.filter((each) => each.hung.some((one) => one !== null))
  const hung = [...own, ...others.flatMap((each) => each.hung)]
  const sets: ImageSet[] = []
  const placed: DisplaySet[] = []
  const add = (shown: DisplaySet, shared: boolean): number => {
    placed.push(shown)
    return sets.push({ label: labelOf(shown), prior: shown.prior, shared, rules: rulesOf(shown.facts) }) - 1
  }
  // The same images in two viewports are one set that is shared.
  const cells = hung.map((each): Cell | null => {
    if (!each) return null
    const { shown, window, orientation, justify, equalScale, as } = each
    return { set: add(shown, placed.some((other) => isSame(other, shown))), window, orientation, justify, equalScale, as, over: null }
  })
  // What is laid over is a set of a viewport of its own, or one more behind those.
  const laid = cells.map((cell, at): Cell | null => {
    const above = hung[at]?.over
    if (cell?.as !== 'fusion') return cell
    if (!above) return { ...cell, as: 'mpr' }
    const known = placed.findIndex((other) => other.seriesInstanceUID === above.seriesInstanceUID)
    return { ...cell, over: known >= 0 ? known : add(above, true) }
  })
  let from = own.length
  const screens = others.map((each): ScreenGrid => ({ layout: each.layout, cells: laid.slice(from, (from += each.hung.length)) }))
  return { name, description: '', applies, sets, stages: [{ name: '', layout, cells: laid.slice(0, own.length), screens }] }
}

/** A protocol with the stages of another behind its own; what it is called and when it applies stays. */
export function withStages(protocol: Protocol, { sets, stages }: Protocol): Protocol {
  const first = protocol.sets.length
  const moved = (cell: Cell | null): Cell | null => cell && { ...cell, set: cell.set + first, over: cell.over === null ? null : cell.over + first }
  const more = stages.map((stage) => ({ ...stage, cells: stage.cells.map(moved), screens: stage.screens.map((each) => ({ ...each, cells: each.cells.map(moved) })) }))
  return { ...protocol, sets: [...protocol.sets, ...sets], stages: [...protocol.stages, ...more] }
}
