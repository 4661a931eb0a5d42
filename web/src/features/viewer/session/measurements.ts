// The measurements of one open viewer, with undo.
import { Observable } from '../../../lib/observable'
import type { Picture } from '../engine/picture'
import { newId, placeOf } from '../model/annotations'
import { type Calibration, calibratedByLine, millimetresOf } from '../model/calibration'
import type { Frame } from '../model/frame'
import type { Point } from '../model/geometry'
import { LivePath } from '../model/livewire'
import { type Kind, type Measurement, type Values, describe, proportionAt } from '../model/measure'
import { RULES, STROKES, asksFor, completed, isWords, nextVertebra, reshaped } from '../model/shapes'
import { otherUptakes, suvFactor } from '../model/suv'

export interface MeasurementState {
  readonly all: readonly Measurement[]
  readonly selected: string | null
  /** Being drawn: the last point follows the pointer. */
  readonly draft: Measurement | null
  /** Waits for what a person writes beside it. */
  readonly naming: string | null
}

export const valuesOf = (picture: Picture): Values => ({
  data: picture.pixels.data,
  columns: picture.frame.extent.columns,
  rows: picture.frame.extent.rows,
  color: picture.pixels.color,
  unit: picture.frame.modality.unit,
  padding: picture.pixels.color ? undefined : picture.pixels.padding,
  aspect: picture.frame.extent.aspect,
  suv: suvFactor(picture.frame.instance.dataset),
  uptakes: otherUptakes(picture.frame.instance.dataset),
  peakAt: picture.peakAt,
})

const SMALLEST = 0.5 // image pixels; anything less is a slip of the hand

const apart = (a: Point | undefined, b: Point | undefined): boolean => !a || !b || Math.hypot(b[0] - a[0], b[1] - a[1]) >= SMALLEST
const instanceOf = (frameId: string): string => frameId.slice(0, frameId.lastIndexOf('/frames/'))

/** A calibration line that holds for all images of its series, not only for its own. */
export const ALL_IMAGES = 'series'

export class Measurements {
  readonly state = new Observable<MeasurementState>({ all: [], selected: null, draft: null, naming: null })
  private readonly past: (readonly Measurement[])[] = []
  private future: (readonly Measurement[])[] = []
  /** Of a livewire that is being drawn. */
  private wire: LivePath | undefined

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
    const { points: wanted } = RULES[kind]
    const points: Point[] = wanted === 1 || kind === 'freehand' ? [at] : [at, at]
    this.wire = kind === 'livewire' ? new LivePath(valuesOf(picture), at) : undefined
    const { seriesInstanceUID } = picture.frame.instance
    const before = this.state.get().all.filter((other) => other.kind === 'marker' && other.seriesInstanceUID === seriesInstanceUID)
    const number = before.reduce((most, marker) => Math.max(most, Number(marker.text) || 0), 0) + 1
    const vertebra = this.state.get().all.findLast((other) => other.kind === 'vertebra' && other.seriesInstanceUID === seriesInstanceUID)
    const level = nextVertebra(vertebra?.text, at[1] < (vertebra?.points[0]?.[1] ?? 0))
    const draft: Measurement = {
      id: newId(),
      kind,
      frameId: picture.frame.id,
      seriesInstanceUID,
      points,
      ...(kind === 'marker' ? { text: String(number) } : kind === 'vertebra' ? { text: level } : {}),
      lines: this.linesOf(kind, points, picture),
    }
    this.patch({ draft, selected: null, naming: null })
  }

  /** The last point of the draft goes to where the pointer is; a freehand outline follows it. */
  move(at: Point, picture: Picture): void {
    const { draft } = this.state.get()
    if (draft?.frameId !== picture.frame.id) return
    if (draft.kind === 'freehand' && !apart(draft.points[draft.points.length - 1], at)) return
    this.setDraft(draft, this.wire ? this.wire.to(at) : [...(draft.kind === 'freehand' ? draft.points : draft.points.slice(0, -1)), at], picture)
  }

  private setDraft(draft: Measurement, points: readonly Point[], picture: Picture): void {
    this.patch({ draft: { ...draft, points, lines: this.linesOf(draft.kind, points, picture) } })
  }

  /** A press while drawing: another line begins where it was, not where it is released. */
  press(at: Point, picture: Picture): void {
    const { draft } = this.state.get()
    const stroke = draft && STROKES[draft.kind]
    if (!stroke || draft.points.length <= stroke || (draft.points.length - 1) % stroke !== 0) return
    this.setDraft(draft, [...draft.points.slice(0, -1), at, at], picture)
  }

  /** The pointer was released or pressed again: the point stands. Drawing ends with the last one. */
  place(at: Point, picture: Picture): void {
    this.move(at, picture)
    const { draft } = this.state.get()
    if (!draft) return
    const { points: wanted } = RULES[draft.kind]
    if (draft.kind === 'freehand') {
      this.finish(picture)
      return
    }
    const { points } = draft
    if (points.length >= 2 && !apart(points[points.length - 2], points[points.length - 1])) return
    this.wire?.settle(at)
    if (points.length < wanted) this.patch({ draft: { ...draft, points: [...points, at] } })
    else this.commit(draft, picture)
  }

  /** Ends a shape that has as many points as the hand gives (double click, Enter). False: there was none. */
  finish(picture: Picture): boolean {
    const { draft } = this.state.get()
    if (!draft || RULES[draft.kind].points !== Infinity) return false
    // The last point still followed the pointer.
    const points = this.wire ? (this.wire.closed() ?? []) : draft.points.filter((point, index) => index === 0 || apart(draft.points[index - 1], point))
    if (points.length < RULES[draft.kind].least) this.patch({ draft: null })
    else this.commit({ ...draft, points }, picture)
    return true
  }

  private commit(draft: Measurement, picture: Picture): void {
    const points = completed(draft.kind, draft.points, this.proportionOf(draft.points, picture))
    const made = { ...draft, points, lines: this.linesOf(draft.kind, points, picture) }
    this.remember()
    this.patch({ all: [...this.state.get().all, made], draft: null, selected: made.id, naming: asksFor(made.kind) || this.isFirstVertebra(made) ? made.id : null })
  }

  /** A person says where the labels of a spine begin; the others go on from there. */
  private isFirstVertebra({ id, kind, seriesInstanceUID }: Measurement): boolean {
    return kind === 'vertebra' && !this.state.get().all.some((each) => each.id !== id && each.kind === kind && each.seriesInstanceUID === seriesInstanceUID)
  }

  /** A draft that never became more than a dot. */
  isDot(): boolean {
    const { draft } = this.state.get()
    const [first, second] = draft?.points ?? []
    return first !== undefined && second !== undefined && !apart(first, second)
  }

  cancel(): boolean {
    if (!this.state.get().draft) return false
    this.patch({ draft: null })
    return true
  }

  /** Takes back the last point of a line that is being drawn. False: nothing is. */
  dropPoint(): boolean {
    const { draft } = this.state.get()
    if (!draft) return false
    const last = draft.points[draft.points.length - 1]
    if (this.wire?.drop() && last) {
      this.patch({ draft: { ...draft, points: this.wire.to(last) } })
      return true
    }
    this.patch({ draft: draft.points.length > 2 && last ? { ...draft, points: [...draft.points.slice(0, -2), last] } : null })
    return true
  }

  private linesOf(kind: Kind, points: readonly Point[], picture: Picture): string[] {
    return describe(kind, points, this.calibrationOf(picture.frame), valuesOf(picture))
  }

  private proportionOf(points: readonly Point[], picture: Picture) {
    return proportionAt(this.calibrationOf(picture.frame), points, picture.frame.extent.aspect)
  }

  // --- calibration

  /** What the image says of its pixels, or what a line drawn on it says: a person who draws one knows better. */
  calibrationOf(frame: Frame): Calibration {
    const lines = this.state.get().all.filter(
      (each) => each.kind === 'calibration' && each.seriesInstanceUID === frame.instance.seriesInstanceUID && (each.label === ALL_IMAGES || instanceOf(each.frameId) === instanceOf(frame.id)),
    )
    const line = lines[lines.length - 1]
    const millimetres = line && millimetresOf(line.text ?? '')
    return (line && millimetres ? calibratedByLine(line.points, millimetres, frame.extent.aspect) : undefined) ?? frame.calibration
  }

  /** Works out again what is written beside the measurements of an image: the calibration may have changed, or they came from elsewhere. */
  refresh(picture: Picture): void {
    if (picture.reduction > 0) return
    const { all } = this.state.get()
    const renewed = all.map((each) => {
      if (each.frameId !== picture.frame.id) return each
      const lines = this.linesOf(each.kind, each.points, picture)
      return lines.join('\n') === each.lines.join('\n') ? each : { ...each, lines }
    })
    if (renewed.some((each, index) => each !== all[index])) this.patch({ all: renewed })
  }

  // --- words

  beginNaming(id: string | null): void {
    this.patch({ naming: id })
  }

  /** What a person wrote: a note, the length of a calibration line, the name of any other shape. A note or calibration without words is none. */
  name(id: string, words: string): void {
    const { all } = this.state.get()
    const measurement = all.find((each) => each.id === id)
    this.patch({ naming: null })
    if (!measurement) return
    const { kind, text: before = '', label = '' } = measurement
    const written = words.trim()
    if (kind === 'calibration' ? !millimetresOf(written) : kind === 'text' && !written) {
      if (before === '') this.remove(id)
      return
    }
    const isText = isWords(kind)
    if (written === (isText ? before : label)) return
    this.change(id, isText ? { text: written } : { label: written })
  }

  /** Changes one measurement, as a step to undo. */
  change(id: string, change: Partial<Pick<Measurement, 'text' | 'label' | 'origin'>>): void {
    this.remember()
    this.patch({ all: this.state.get().all.map((each) => (each.id === id ? { ...each, ...change } : each)) })
  }

  // --- editing

  beginEdit(id: string): void {
    this.remember()
    this.patch({ selected: id })
  }

  /** A handle (-1: the whole shape) goes from one place to another; points: those before the drag. */
  reshape(id: string, points: readonly Point[], handle: number, from: Point, to: Point, picture: Picture): void {
    const { all } = this.state.get()
    const measurement = all.find((each) => each.id === id)
    if (measurement) this.edit(id, reshaped(measurement.kind, points, handle, from, to, this.proportionOf(points, picture)), picture)
  }

  edit(id: string, points: readonly Point[], picture: Picture): void {
    const change = (measurement: Measurement): Measurement => ({ ...measurement, points, lines: this.linesOf(measurement.kind, points, picture) })
    this.patch({ all: this.state.get().all.map((measurement) => (measurement.id === id ? change(measurement) : measurement)) })
  }

  /** The words of a shape begin elsewhere. */
  moveWords(id: string, to: Point): void {
    const change = (each: Measurement): Measurement => {
      const [first = to] = each.points
      return { ...each, wordsAt: [to[0] - first[0], to[1] - first[1]] }
    }
    this.patch({ all: this.state.get().all.map((each) => (each.id === id ? change(each) : each)) })
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
    const { selected } = this.state.get()
    if (!this.dropPoint() && selected !== null) this.remove(selected)
  }

  remove(id: string): void {
    this.remember()
    this.patch({ all: this.state.get().all.filter((measurement) => measurement.id !== id), selected: null, naming: null })
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
    this.patch({ all: before, selected: null, draft: null, naming: null })
  }

  redo(): void {
    const after = this.future.pop()
    if (!after) return
    this.past.push(this.state.get().all)
    this.patch({ all: after, selected: null, draft: null, naming: null })
  }
}
