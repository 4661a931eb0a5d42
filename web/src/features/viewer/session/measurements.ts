// The measurements of one open viewer, with undo.
import { Observable } from '../../../lib/observable'
import type { Picture } from '../engine/picture'
import { newId, placeOf } from '../model/annotations'
import type { Point } from '../model/geometry'
import { type Kind, type Measurement, type Values, describe, pointsOf } from '../model/measure'

export interface MeasurementState {
  readonly all: readonly Measurement[]
  readonly selected: string | null
  /** Being drawn: the last point follows the pointer. */
  readonly draft: Measurement | null
}

export const valuesOf = (picture: Picture): Values => ({
  data: picture.pixels.data,
  columns: picture.frame.extent.columns,
  rows: picture.frame.extent.rows,
  color: picture.pixels.color,
  unit: picture.frame.modality.unit,
})

const SMALLEST = 0.5 // image pixels; anything less is a slip of the hand

export class Measurements {
  readonly state = new Observable<MeasurementState>({ all: [], selected: null, draft: null })
  private readonly past: (readonly Measurement[])[] = []
  private future: (readonly Measurement[])[] = []

  private patch(change: Partial<MeasurementState>): void {
    this.state.update((now) => ({ ...now, ...change }))
  }

  private remember(): void {
    this.past.push(this.state.get().all)
    this.future = []
  }

  // --- what was drawn before

  /** What was drawn on a study, here or elsewhere, takes the place of what is known of it; undo does not take it away. */
  putBack(study: string, found: readonly Measurement[]): void {
    const ours = this.state.get().all
    const fresh = found.filter((one) => !ours.some((each) => each.id === one.id))
    const into = (all: readonly Measurement[]): readonly Measurement[] => [...all, ...fresh.filter((one) => !all.some((each) => each.id === one.id))]
    for (const [at, all] of this.past.entries()) this.past[at] = into(all)
    this.future = this.future.map(into)
    this.patch({ all: [...ours.filter((each) => placeOf(each.frameId)?.study !== study), ...found] })
  }

  /** An earlier state of a study takes the place of the present one, as one step to undo. */
  replace(study: string, found: readonly Measurement[]): void {
    this.remember()
    this.patch({ all: [...this.state.get().all.filter((each) => placeOf(each.frameId)?.study !== study), ...found], selected: null })
  }

  /** More measurements, as one step to undo. */
  add(found: readonly Measurement[]): void {
    this.remember()
    this.patch({ all: [...this.state.get().all, ...found] })
  }

  // --- drawing

  begin(kind: Kind, at: Point, picture: Picture): void {
    const points: Point[] = kind === 'probe' ? [at] : [at, at]
    const draft: Measurement = {
      id: newId(),
      kind,
      frameId: picture.frame.id,
      seriesInstanceUID: picture.frame.instance.seriesInstanceUID,
      points,
      lines: this.linesOf(kind, points, picture),
    }
    this.patch({ draft, selected: null })
  }

  /** The last point of the draft goes to where the pointer is. */
  move(at: Point, picture: Picture): void {
    const { draft } = this.state.get()
    if (draft?.frameId !== picture.frame.id) return
    const points = [...draft.points.slice(0, -1), at]
    this.patch({ draft: { ...draft, points, lines: this.linesOf(draft.kind, points, picture) } })
  }

  /** The pointer was released or pressed again: the point stands. Drawing ends with the last one. */
  place(at: Point, picture: Picture): void {
    this.move(at, picture)
    const { draft, all } = this.state.get()
    if (!draft) return
    const [first, second] = draft.points
    if (draft.points.length >= 2 && first && second && Math.hypot(second[0] - first[0], second[1] - first[1]) < SMALLEST) {
      if (draft.points.length > 2) this.cancel()
      return
    }
    if (draft.points.length < pointsOf[draft.kind]) {
      this.patch({ draft: { ...draft, points: [...draft.points, at] } })
      return
    }
    this.remember()
    this.patch({ all: [...all, draft], draft: null, selected: draft.id })
  }

  /** A draft that never became more than a dot. */
  isDot(): boolean {
    const { draft } = this.state.get()
    const [first, second] = draft?.points ?? []
    return first !== undefined && second !== undefined && Math.hypot(second[0] - first[0], second[1] - first[1]) < SMALLEST
  }

  cancel(): boolean {
    if (!this.state.get().draft) return false
    this.patch({ draft: null })
    return true
  }

  private linesOf(kind: Kind, points: readonly Point[], picture: Picture): string[] {
    return describe(kind, points, picture.frame.calibration, valuesOf(picture))
  }

  // --- editing

  beginEdit(id: string): void {
    this.remember()
    this.patch({ selected: id })
  }

  edit(id: string, points: readonly Point[], picture: Picture): void {
    const change = (measurement: Measurement): Measurement => ({ ...measurement, points, lines: this.linesOf(measurement.kind, points, picture) })
    this.patch({ all: this.state.get().all.map((measurement) => (measurement.id === id ? change(measurement) : measurement)) })
  }

  /** A press that moved nothing is no step to undo. */
  endEdit(): void {
    if (this.past[this.past.length - 1] === this.state.get().all) this.past.pop()
  }

  select(id: string | null): boolean {
    const before = this.state.get().selected
    if (before !== id) this.patch({ selected: id })
    return before !== null && id === null
  }

  deleteSelected(): void {
    const { selected, all } = this.state.get()
    if (selected === null) return
    this.remember()
    this.patch({ all: all.filter((measurement) => measurement.id !== selected), selected: null })
  }

  deleteAll(frameIds: ReadonlySet<string>): void {
    const kept = this.state.get().all.filter((measurement) => !frameIds.has(measurement.frameId))
    if (kept.length === this.state.get().all.length) return
    this.remember()
    this.patch({ all: kept, selected: null })
  }

  undo(): void {
    const before = this.past.pop()
    if (!before) return
    this.future.push(this.state.get().all)
    this.patch({ all: before, selected: null, draft: null })
  }

  redo(): void {
    const after = this.future.pop()
    if (!after) return
    this.past.push(this.state.get().all)
    this.patch({ all: after, selected: null, draft: null })
  }
}
