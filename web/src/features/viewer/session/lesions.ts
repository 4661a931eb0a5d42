// Lesions of a patient over all studies in which one has measured them.
import { type AnnotationItem, readAnnotations } from '../../../api/annotations'
import { newUid } from '../../../dicomweb/store'
import { explain, isAbort } from '../../../lib/http'
import { Observable } from '../../../lib/observable'
import { measurementOf } from '../model/annotations'
import type { Measurement } from '../model/measure'
import { ofOnePatient } from '../model/patients'
import { type Assessed, type Lesion, type Seen, assessed, diameterOf, lesionName, lesionNamed } from '../model/recist'
import type { ViewerSession } from './session'

/** A lesion of a study with the measurement that says so. */
export interface Found extends Seen {
  readonly id: string
  readonly frameId: string
  /** Tracking Unique Identifier (PS3.16 TID 1501, 112040): the same in the report of every study. */
  readonly tracking: string
}

export interface LesionState {
  readonly found: readonly Found[]
  readonly assessed: readonly Assessed[]
  /** Why something may be missing. */
  readonly failure: string
}

const MOST_STUDIES = 30 // of a patient, the newest

interface Length {
  readonly quantity: string
  readonly value: number
  readonly unit: string
}

/** Lengths in millimetres by quantity. */
function lengthsOf(item: AnnotationItem): Map<string, number> {
  const results = (Array.isArray(item.results) ? item.results : []) as readonly Length[]
  return new Map(results.filter(({ unit, value }) => unit === 'mm' && Number.isFinite(value)).map(({ quantity, value }) => [quantity, value]))
}

function foundIn(study: string, items: readonly AnnotationItem[]): Found[] {
  return items.flatMap((item): Found[] => {
    const measurement = measurementOf(item)
    const lesion = lesionNamed(measurement?.label)
    if (!measurement || !lesion) return []
    const { id, frameId, kind, origin } = measurement
    return [{ ...lesion, study, id, frameId, tracking: origin?.tracking ?? '', diameter: diameterOf(lesion.role, kind, lengthsOf(item)) }]
  })
}

export class Lesions {
  readonly state = new Observable<LesionState>({ found: [], assessed: [], failure: '' })
  private readonly session: ViewerSession
  /** Of studies that are not open in this viewer. */
  private readonly elsewhere = new Map<string, readonly AnnotationItem[]>()

  constructor(session: ViewerSession) {
    this.session = session
    const look = (): void => this.look()
    session.measurements.state.subscribe(look)
    session.annotations.saving.subscribe(look)
    this.look()
  }

  private get studies() {
    return ofOnePatient(this.session.state.get().groups)
      .map(({ study }) => study)
      .sort((a, b) => (a.StudyDate < b.StudyDate ? 1 : -1))
      .slice(0, MOST_STUDIES)
  }

  /** Asks for what was drawn on studies that are not open. */
  async read(): Promise<void> {
    try {
      for (const { StudyInstanceUID: study } of this.studies) {
        if (!this.session.annotations.itemsOf(study)) this.elsewhere.set(study, (await readAnnotations(study)).items)
      }
      this.look('')
    } catch (error) {
      if (!isAbort(error)) this.look(`Measurements of other studies could not be read. ${explain(error).what}`)
    }
  }

  private look(failure = this.state.get().failure): void {
    const { studies } = this
    const found = studies.flatMap(({ StudyInstanceUID: study }) => foundIn(study, this.session.annotations.itemsOf(study) ?? this.elsewhere.get(study) ?? []))
    const before = this.state.get()
    if (failure === before.failure && JSON.stringify(found) === JSON.stringify(before.found)) return
    this.state.set({ found, failure, assessed: assessed(studies.map(({ StudyInstanceUID, StudyDate }) => ({ study: StudyInstanceUID, date: StudyDate })), found) })
  }

  /** Lesions that are known of the patient, in the order of their numbers. */
  get known(): Lesion[] {
    const byNumber = new Map([...this.state.get().found].reverse().map(({ number, role }) => [number, { number, role }]))
    return [...byNumber.values()].sort((a, b) => a.number - b.number)
  }

  /** Says which lesion a measurement is of; undefined: of none. One step to undo. */
  assign({ id, origin }: Measurement, lesion: Lesion | undefined): void {
    const said = origin?.said ?? []
    if (!lesion) {
      this.session.measurements.change(id, { label: '', origin: { tracking: '', said } })
      return
    }
    const same = this.state.get().found.find((each) => each.number === lesion.number && each.id !== id && each.tracking !== '')
    this.session.measurements.change(id, { label: lesionName(lesion), origin: { tracking: same?.tracking ?? newUid(), said } })
  }
}

const held = new WeakMap<ViewerSession, Lesions>()

export function lesionsOf(session: ViewerSession): Lesions {
  const known = held.get(session) ?? new Lesions(session)
  held.set(session, known)
  return known
}
