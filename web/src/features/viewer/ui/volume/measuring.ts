// The hand that measures on a plane: as on images, a drag or a click for each point.
import { KINDS, type Kind } from '../../model/measure'
import type { Picture } from '../../engine/picture'
import type { Point } from '../../model/geometry'
import { type Affine, apply, invert } from '../../model/view'
import type { PlaneMeasures } from '../../session/planeMeasures'
import type { Tool } from '../../session/session'

/** A line of known length means nothing where millimetres are known. */
export const measuringKind = (tool: Tool): Kind | undefined => KINDS.find((kind) => kind === tool && kind !== 'calibration')

export interface PlaneHand {
  /** From pixels of the plane to those of the cell. */
  readonly affine: Affine
  readonly picture: Picture
}

type Drag = (by: Point, at: Point) => void

/** Takes a press when there is something to draw or to move; null leaves it to the plane. */
export function pressed(measures: PlaneMeasures, kind: Kind | undefined, own: PlaneHand | undefined, held: (key: string) => PlaneHand | undefined, at: Point, target: Element): Drag | null {
  const { shapes } = measures
  const { draft, all } = shapes.state.get()
  const point = own && apply(invert(own.affine), at)
  if (draft && own && point) {
    shapes.press(point, own.picture)
    return (_, now) => shapes.move(apply(invert(own.affine), now), own.picture)
  }
  const touched = target.closest<SVGElement>('[data-measurement]')
  const shape = touched && all.find((each) => each.id === touched.dataset.measurement)
  const home = shape && held(shape.frameId)
  if (shape && home) {
    const from = apply(invert(home.affine), at)
    const { points } = shape
    const handle = Number(touched.dataset.handle ?? -1)
    shapes.beginEdit(shape.id)
    return (_, now) => shapes.reshape(shape.id, points, handle, from, apply(invert(home.affine), now), home.picture)
  }
  shapes.select(null)
  if (!kind || !own || !point) return null
  shapes.begin(kind, point, own.picture)
  return (_, now) => shapes.move(apply(invert(own.affine), now), own.picture)
}

/** The button is up: a drag sets two points, a click one. */
export function released(measures: PlaneMeasures, own: PlaneHand | undefined, at: Point, moved: boolean): void {
  const { shapes } = measures
  const { draft } = shapes.state.get()
  if (!draft) shapes.endEdit()
  else if (own && (moved || draft.points.length === 1 || !shapes.isDot())) shapes.place(apply(invert(own.affine), at), own.picture)
}
