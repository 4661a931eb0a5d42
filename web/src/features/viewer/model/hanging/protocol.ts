// Hanging protocols as values: what a study must be for one to apply, which images it looks for, and where they hang.
// The words are those of the Hanging Protocol IOD (PS3.3 A.44, C.23) where it has one.
import { MOST_WINDOWS } from '../screens'

/** What is known of a study or of a display set; several values of one fact are alternatives. */
export const FACTS = ['modality', 'bodyPart', 'region', 'study', 'description', 'type', 'orientation', 'laterality', 'view', 'thickness', 'images'] as const
export type Fact = (typeof FACTS)[number]
export type Facts = Readonly<Partial<Record<Fact, readonly string[]>>>

export const OPERATORS = ['any', 'contains', 'lacks', 'below', 'above'] as const

/** 'any' is one of the values, 'contains' has one of them at the beginning of a word, 'lacks' has none; 'below', 'above' are for numbers. */
export interface Rule {
  readonly fact: Fact
  readonly is: (typeof OPERATORS)[number]
  readonly values: readonly string[]
  readonly weight: number
  readonly required: boolean
}

/** Images that are looked for. prior 0: of the study that was opened; n: of the n-th earlier one that has such images; -1: of the oldest. */
export interface ImageSet {
  readonly label: string
  readonly prior: number
  /** May be images that another set has taken, too: the same series in two windows. */
  readonly shared: boolean
  readonly rules: readonly Rule[]
}

export const WAYS = ['', 'mpr', 'volume', 'fusion'] as const

export interface Cell {
  /** Place in `sets`. */
  readonly set: number
  /** A window of the modality's presets by name, or a window; '' as the image says. */
  readonly window: string | { readonly center: number; readonly width: number }
  /** Directions at the right and the bottom edge, Display Set Patient Orientation (0072,0700); 'X' for whichever, [] as it is. */
  readonly orientation: readonly string[]
  /** The edge of the viewport at which the picture lies, Display Set Horizontal Justification (0072,0717). */
  readonly justify: '' | 'left' | 'right'
  /** All cells of the stage that say so show millimetres of the same length. */
  readonly equalScale: boolean
  /** As a volume: three planes, a body, or the set `over` laid over it in colours; '' as images. */
  readonly as: (typeof WAYS)[number]
  /** Place in `sets` of what is laid over, for 'fusion'. */
  readonly over: number | null
}

/** What one screen shows. */
export interface ScreenGrid {
  /** Rows x columns. */
  readonly layout: string
  /** Row by row; null stays empty. */
  readonly cells: readonly (Cell | null)[]
}

export interface Stage extends ScreenGrid {
  readonly name: string
  /** Further screens, a window of the viewer on each. */
  readonly screens: readonly ScreenGrid[]
}

/** The cells of all its screens. */
export const cellsOf = (stage: Stage): (Cell | null)[] => [stage, ...stage.screens].flatMap((screen) => screen.cells)

export interface Protocol {
  readonly name: string
  readonly description: string
  /** Of the study. */
  readonly applies: readonly Rule[]
  readonly sets: readonly ImageSet[]
  /** In the order in which they are gone through; one is offered when all its images are there. */
  readonly stages: readonly Stage[]
}

export const MOST_PANES = 25

export function gridOf(layout: string): { rows: number; columns: number } {
  const [rows, columns] = layout.split('x').map(Number)
  return { rows: rows ?? 1, columns: columns ?? 1 }
}

type Raw = Readonly<Record<string, unknown>>
const object = (value: unknown): Raw => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {})
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const finite = (value: unknown, otherwise: number): number => (typeof value === 'number' && Number.isFinite(value) ? value : otherwise)
const texts = (value: unknown): string[] => list(value).filter((each) => typeof each === 'string')

function ruleOf(value: unknown): Rule[] {
  const raw = object(value)
  const fact = FACTS.find((each) => each === raw.fact)
  const is = OPERATORS.find((each) => each === raw.is)
  const values = texts(raw.values)
  return fact && is && values.length > 0 ? [{ fact, is, values, weight: finite(raw.weight, 1), required: raw.required === true }] : []
}

function windowOf(value: unknown): Cell['window'] {
  const raw = object(value)
  return typeof raw.center === 'number' && typeof raw.width === 'number' && raw.width > 0 ? { center: raw.center, width: raw.width } : text(value)
}

function cellOf(value: unknown, sets: number): Cell | null {
  const raw = object(value)
  const set = finite(raw.set, -1)
  if (!Number.isInteger(set) || set < 0 || set >= sets) return null
  const justify = raw.justify === 'left' || raw.justify === 'right' ? raw.justify : ''
  const orientation = texts(raw.orientation)
  const wanted = WAYS.find((each) => each === raw.as) ?? ''
  const laid = finite(raw.over, -1)
  const over = Number.isInteger(laid) && laid >= 0 && laid < sets ? laid : null
  const as = wanted === 'fusion' && over === null ? 'mpr' : wanted
  return {
    set, window: windowOf(raw.window), orientation: orientation.length === 2 ? orientation : [], justify, equalScale: raw.equalScale === true,
    as, over: as === 'fusion' ? over : null,
  }
}

function screenOf(raw: Raw, sets: number): ScreenGrid[] {
  if (!/^[1-5]x[1-5]$/.test(text(raw.layout))) return []
  const { rows, columns } = gridOf(text(raw.layout))
  const cells = Array.from({ length: rows * columns }, (_, at) => cellOf(list(raw.cells)[at], sets))
  return cells.some((cell) => cell !== null) ? [{ layout: text(raw.layout), cells }] : []
}

function stageOf(value: unknown, sets: number): Stage[] {
  const raw = object(value)
  const screens = list(raw.screens).flatMap((each) => screenOf(object(each), sets)).slice(0, MOST_WINDOWS - 1)
  return screenOf(raw, sets).map((screen) => ({ name: text(raw.name), ...screen, screens }))
}

/** A protocol from JSON of whoever; null when it is none. What it says beyond is left out. */
export function parseProtocol(value: unknown): Protocol | null {
  const raw = object(value)
  const sets = list(raw.sets).map((each): ImageSet => {
    const set = object(each)
    return { label: text(set.label), prior: Math.round(finite(set.prior, 0)), shared: set.shared === true, rules: list(set.rules).flatMap(ruleOf) }
  })
  const stages = list(raw.stages).flatMap((each) => stageOf(each, sets.length))
  const name = text(raw.name).trim()
  return name && sets.length > 0 && stages.length > 0 ? { name, description: text(raw.description), applies: list(raw.applies).flatMap(ruleOf), sets, stages } : null
}

const WORDS: Readonly<Record<Fact, string>> = {
  modality: 'modality',
  bodyPart: 'body part',
  region: 'region',
  study: 'study',
  description: 'series',
  type: 'image type',
  orientation: 'plane',
  laterality: 'side',
  view: 'view',
  thickness: 'slices',
  images: 'images',
}

/** "plane axial", "series named LUNG", "slices below 2 mm". */
export function ruleText(rule: Rule): string {
  const values = rule.values.join(' or ')
  const unit = rule.fact === 'thickness' ? ' mm' : ''
  const verb = { any: '', contains: 'named ', lacks: 'not named ', below: 'below ', above: 'above ' }[rule.is]
  return `${WORDS[rule.fact]} ${verb}${values}${unit}`
}
