// Keeps what is drawn in one open viewer, study by study, and puts back what was drawn before.
import { type AnnotationItem, readAnnotations } from '../../../api/annotations'
import { isAbort } from '../../../lib/http'
import { Observable } from '../../../lib/observable'
import { type KeyImage, applied, changeBetween, itemOfKey, itemOfMeasurement, keyOf, measurementOf, newId, placeOf } from '../model/annotations'
import type { Picture } from '../engine/picture'
import type { Point } from '../model/geometry'
import { type Measurement, type Result, proportionAt, results } from '../model/measure'
import { circleOf } from '../model/shapes'
import { PLANE_ITEM, shapeOf } from '../model/measuredPlane'
import { Drafts, type Saving, studiesWaiting } from './drafts'
import { type Measurements, valuesOf } from './measurements'

const SAVED: Saving = { state: 'saved', reason: '' }
// The most worrying first.
const ORDER: readonly Saving['state'][] = ['refused', 'waiting', 'saving', 'saved']

interface Kept {
  readonly drafts: Drafts
  /** As the server has it, or will in a moment; also items that this viewer cannot draw. */
  items: readonly AnnotationItem[]
}

export class Annotations {
  readonly keys = new Observable<readonly KeyImage[]>([])
  /** Shapes on planes through volumes (session/planeMeasures.ts), as they are kept. */
  readonly planes = new Observable<readonly AnnotationItem[]>([])
  readonly saving = new Observable<Saving>(SAVED)
  /** Told when the server has what was drawn here on a study. */
  onKept: (study: string) => void = () => undefined
  private readonly user: string
  private readonly measurements: Measurements
  private readonly signal: AbortSignal
  private readonly pictureOf: (frameId: string) => Picture | undefined
  private readonly numbers = new WeakMap<Measurement, readonly Result[]>()
  private readonly studies = new Map<string, Kept>()
  private readonly opening = new Set<string>()
  /** Studies of which the server has told what it has. */
  private readonly told = new Set<string>()
  private readonly stop: (() => void)[] = []

  constructor(user: string, measurements: Measurements, pictureOf: (frameId: string) => Picture | undefined, signal: AbortSignal) {
    this.pictureOf = pictureOf
    this.user = user
    this.measurements = measurements
    this.signal = signal
    this.stop.push(measurements.state.subscribe(() => this.note()), this.keys.subscribe(() => this.note()), this.planes.subscribe(() => this.note()))
    window.addEventListener('pagehide', this.leave)
    document.addEventListener('visibilitychange', this.whenSeen)
    // What another day's window could not send, of whatever study.
    for (const study of studiesWaiting(user)) this.draftsOf(study)
  }

  private draftsOf(study: string): Kept {
    const known = this.studies.get(study)
    if (known) return known
    const drafts = new Drafts(this.user, study)
    const kept: Kept = { drafts, items: drafts.pending.set }
    this.studies.set(study, kept)
    this.stop.push(drafts.saving.subscribe(() => this.judge()))
    this.stop.push(drafts.saving.subscribe(() => drafts.saving.get().state === 'saved' && this.onKept(study)))
    this.judge()
    return kept
  }

  private judge(): void {
    const all = [...this.studies.values()].map(({ drafts }) => drafts.saving.get())
    this.saving.set(ORDER.map((state) => all.find((each) => each.state === state)).find(Boolean) ?? SAVED)
  }

  /** What is drawn on a study, with the numbers that were worked out last; undefined until the server has told it. */
  itemsOf(study: string): readonly AnnotationItem[] | undefined {
    return this.told.has(study) ? this.studies.get(study)?.items : undefined
  }

  /** Puts back what was drawn on a study; safe to be asked again. */
  async open(study: string): Promise<void> {
    if (this.opening.has(study)) return
    this.opening.add(study)
    try {
      await this.read(study)
    } catch (error) {
      if (isAbort(error)) return
      this.opening.delete(study)
      // The study may be looked at without them, but nobody should think that there are none.
      this.saving.set({ state: 'waiting', reason: 'Earlier annotations could not be read. They are tried again when this window is looked at.' })
    }
  }

  private async read(study: string): Promise<void> {
    const found = await readAnnotations(study, this.signal)
    if (this.signal.aborted) return
    const kept = this.draftsOf(study)
    const items = applied(found.items, kept.drafts.pending)
    kept.items = items
    this.told.add(study)
    this.measurements.putBack(study, items.flatMap((item) => measurementOf(item) ?? []))
    const elsewhere = this.keys.get().filter((key) => placeOf(key.frameId)?.study !== study)
    this.keys.set([...elsewhere, ...items.flatMap((item) => keyOf(item) ?? [])])
    this.replacePlanes(study, items)
    this.judge()
  }

  /** What was drawn on planes of a study, of now or of an earlier version. */
  replacePlanes(study: string, items: readonly AnnotationItem[]): void {
    const others = this.planes.get().filter((item) => shapeOf(item)?.plane.study !== study)
    this.planes.set([...others, ...items.filter((item) => item.type === PLANE_ITEM && shapeOf(item))])
  }

  /** Tells the server what has changed since the last time. */
  private note(): void {
    const drawn = new Map<string, AnnotationItem[]>()
    const add = (frameId: string, item: AnnotationItem) => {
      const study = placeOf(frameId)?.study
      if (study !== undefined) drawn.set(study, [...(drawn.get(study) ?? []), item])
    }
    for (const measurement of this.measurements.state.get().all) add(measurement.frameId, this.itemOf(measurement))
    for (const key of this.keys.get()) add(key.frameId, itemOfKey(key))
    for (const item of this.planes.get()) {
      const study = shapeOf(item)?.plane.study
      if (study !== undefined) drawn.set(study, [...(drawn.get(study) ?? []), item])
    }
    for (const study of new Set([...this.studies.keys(), ...drawn.keys()])) {
      const kept = this.draftsOf(study)
      // What this viewer cannot draw is not its to take away.
      const foreign = kept.items.filter((item) => !measurementOf(item) && !keyOf(item) && !shapeOf(item))
      const items = [...foreign, ...(drawn.get(study) ?? [])]
      const change = changeBetween(kept.items, items)
      // Until the study's own annotations are here nothing can have been taken away.
      const known = this.told.has(study) ? change : { ...change, remove: [] }
      if (known.set.length === 0 && known.remove.length === 0) continue
      kept.items = applied(kept.items, known)
      kept.drafts.note(known)
    }
  }

  /** With its numbers, which the server writes into reports: it has no pixels at hand. */
  private itemOf(measurement: Measurement): AnnotationItem {
    const item = itemOfMeasurement(measurement)
    const found = this.numbers.get(measurement) ?? this.numbersOf(measurement)
    if (found) {
      this.numbers.set(measurement, found)
      return { ...item, results: found, ...this.outlineOf(measurement) }
    }
    // Its image is not in memory: the numbers are those of before, unless the shape is another.
    const before = this.studies.get(placeOf(measurement.frameId)?.study ?? '')?.items.find((each) => each.id === measurement.id)
    return before && JSON.stringify(before.points) === JSON.stringify(measurement.points) && before.results !== undefined ? { ...item, results: before.results } : item
  }

  private numbersOf({ kind, points, frameId }: Measurement): readonly Result[] | undefined {
    const picture = this.pictureOf(frameId)
    return picture?.reduction === 0 ? results(kind, points, this.measurements.calibrationOf(picture.frame), valuesOf(picture)) : undefined
  }

  /** The circle that reports and presentation states write: where pixels are not square it is an ellipse of them. */
  private outlineOf({ kind, points, frameId }: Measurement): { outline?: readonly Point[] } {
    const picture = kind === 'circle' || kind === 'circle3' ? this.pictureOf(frameId) : undefined
    const outline = picture && circleOf(kind, points, proportionAt(this.measurements.calibrationOf(picture.frame), points, picture.frame.extent.aspect))
    return outline ? { outline } : {}
  }

  // --- key images

  isKey(frameId: string): KeyImage | undefined {
    return this.keys.get().find((key) => key.frameId === frameId)
  }

  toggleKey(frameId: string): void {
    const now = this.keys.get()
    this.keys.set(this.isKey(frameId) ? now.filter((key) => key.frameId !== frameId) : [...now, { id: newId(), frameId, title: '' }])
  }

  // --- measurements of elsewhere

  /** Makes what a stored report shows one's own, to go on with. */
  adopt(found: readonly Measurement[]): void {
    this.measurements.add(found.map((each) => ({ ...each, id: newId() })))
  }

  private readonly leave = (): void => {
    for (const { drafts } of this.studies.values()) drafts.leave()
  }

  /** Another window may have drawn meanwhile. */
  private readonly whenSeen = (): void => {
    if (document.visibilityState === 'visible') for (const study of this.studies.keys()) void this.again(study)
  }

  /** Reads a study that is open here once more: another window has drawn on it. */
  async again(study: string): Promise<void> {
    if (!this.studies.has(study)) return
    this.opening.delete(study)
    await this.open(study)
  }

  dispose(): void {
    for (const stop of this.stop) stop()
    window.removeEventListener('pagehide', this.leave)
    document.removeEventListener('visibilitychange', this.whenSeen)
    for (const { drafts } of this.studies.values()) drafts.dispose()
  }
}
