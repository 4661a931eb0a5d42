// What the hand holds while segments are drawn.
import type { Point } from '../../model/geometry'

export const EDIT_TOOLS = ['brush', 'eraser', 'threshold', 'fill', 'cut', 'grow', 'drop'] as const
export type EditTool = (typeof EDIT_TOOLS)[number]

/** From which value on voxels hang together; `liver` as PERCIST has it: 1.5 times its mean and two standard deviations. */
export const RULES = ['range', 'suv', 'share', 'liver'] as const
export type Rule = (typeof RULES)[number]

export interface EditState {
  /** The overlay that is drawn; null: none. */
  readonly target: string | null
  readonly segment: number
  readonly tool: EditTool | null
  /** Of brush and eraser, and around a click where the highest value is looked for, mm. */
  readonly radius: number
  /** Values the threshold brush takes, and growing by them. */
  readonly range: readonly [number, number]
  readonly rule: Rule
  /** SUVbw from which growing takes. */
  readonly suv: number
  /** Percent of the highest value from which growing takes. */
  readonly share: number
  /** What is painted of a pixel, where segments are fractional: 0 to 1. */
  readonly fraction: number
  readonly canUndo: boolean
  readonly canRedo: boolean
  readonly saving: boolean
  /** Images are being looked through. */
  readonly growing: boolean
  /** Since it was last saved. */
  readonly dirty: boolean
  readonly message: string
  /** A line of the scissors, in pixels of the picture. */
  readonly line: readonly Point[]
}

/** What somebody chose stays from one drawing to the next. */
export type Chosen = Pick<EditState, 'radius' | 'range' | 'rule' | 'suv' | 'share'>

const FIRST: Chosen = { radius: 8, range: [100, 3000], rule: 'range', suv: 4, share: 41 }

/** @param before what was chosen in the drawing before */
export const begun = ({ radius, range, rule, suv, share }: Chosen = FIRST): EditState => ({
  radius, range, rule, suv, share,
  target: null, segment: 1, tool: null, fraction: 1, canUndo: false, canRedo: false, saving: false, growing: false, dirty: false, message: '', line: [],
})
