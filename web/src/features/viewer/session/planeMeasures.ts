// What somebody measures on planes through a volume: drawn as on any image, kept with the plane.
import type { AnnotationItem } from '../../../api/annotations'
import { Observable } from '../../../lib/observable'
import type { Picture } from '../engine/picture'
import type { SeriesVolume } from '../engine/volume/volumes'
import { placeOf } from '../model/annotations'
import type { Vector } from '../model/geometry'
import { results } from '../model/measure'
import { type Look, type MeasuredPlane, itemOn, keyOf, patientAt, planeThrough, shapeOf } from '../model/measuredPlane'
import { peaksIn } from '../model/peak'
import { type Orientation } from '../model/planes'
import { valuesOn } from '../model/planeValues'
import { suvFactor } from '../model/suv'
import { Measurements, valuesOf } from './measurements'
import type { ViewerSession } from './session'

const SLABS: Readonly<Record<string, string>> = { max: 'MIP', min: 'MinIP', mean: 'mean' }
/** Pictures of planes kept: their values are few, and made again when they are asked for. */
const KEPT = 8

/** Of a thin plane of PET through voxels that are as fine as the images' pixels. */
function peakOn({ phases, plan }: SeriesVolume, plane: MeasuredPlane): Picture['peakAt'] {
  const phase = phases[plane.phase] ?? phases[0]
  const dataset = plan.phases[0]?.[0]?.instance.dataset
  if (!phase || !dataset || suvFactor(dataset) === undefined || plane.projection !== 'none' || plan.reduction.some((each) => each > 1)) return undefined
  const peak = peaksIn(phase)
  return (at) => peak(patientAt(plane, at))
}

export class PlaneMeasures {
  readonly shapes = new Measurements()
  /** The shape that is to be shown next, by whichever viewport has its series as planes. */
  readonly wanted = new Observable<string | null>(null)
  private readonly session: ViewerSession
  private readonly planes = new Map<string, MeasuredPlane>()
  private readonly pictures = new Map<string, Picture>()
  private readonly items = new WeakMap<object, AnnotationItem>()
  private taking = false

  constructor(session: ViewerSession) {
    this.session = session
    this.take()
    session.annotations.planes.subscribe(() => this.take())
    this.shapes.state.subscribe(() => this.give())
  }

  planeOf(key: string): MeasuredPlane | undefined {
    return this.planes.get(key)
  }

  /** The plane that a viewport shows, as a picture to draw on. Undefined for a volume without images. */
  pictureOf(volume: SeriesVolume, orientation: Orientation, focus: Vector, look: Look): Picture | undefined {
    const { plan } = volume
    const first = plan.phases[0]?.[0]
    const place = first && placeOf(first.id)
    if (!first || !place) return undefined
    const plane = planeThrough({ study: place.study, series: place.series, frameOfReference: plan.frameOfReference }, plan.grid, orientation, focus, look)
    return this.pictureOn(volume, plane)
  }

  /** A plane that was measured on before, as a picture. */
  pictureOn(volume: SeriesVolume, plane: MeasuredPlane): Picture | undefined {
    const first = volume.plan.phases[0]?.[0]
    const key = keyOf(plane)
    const known = this.pictures.get(key)
    if (known) return known
    if (!first) return undefined
    const slab = plane.projection === 'none' ? '' : `${SLABS[plane.projection] ?? ''} ${plane.thickness} mm`
    const note = [slab, volume.plan.reduction.some((each) => each > 1) ? 'lower resolution' : ''].filter(Boolean).join(', ')
    const frame = { ...first, id: key, extent: { ...first.extent, columns: plane.columns, rows: plane.rows, aspect: [1, 1] as const }, calibration: { kind: 'spacing' as const, x: plane.step, y: plane.step, note } }
    const made: Picture = { frame, pixels: { color: false, data: valuesOn(volume.phases[plane.phase] ?? volume.phases[0], plane) as Float32Array, min: volume.min, max: volume.max }, windows: [], bytes: 0, reduction: 0, peakAt: peakOn(volume, plane) }
    this.planes.set(key, plane)
    this.pictures.set(key, made)
    const [oldest] = this.pictures.keys()
    if (this.pictures.size > KEPT && oldest !== undefined) this.pictures.delete(oldest)
    return made
  }

  /** Opens the planes of a shape's series in the active viewport and leads to it. */
  async goTo(id: string): Promise<void> {
    const shape = this.shapes.state.get().all.find((each) => each.id === id)
    if (!shape) return
    const { session } = this
    const shown = session.activePane.state.get().seriesInstanceUID
    if (shown !== shape.seriesInstanceUID) await session.show(shape.seriesInstanceUID)
    const { active, contents } = session.state.get()
    if (!['mpr', 'fusion'].includes(contents[active] ?? '')) session.setContent(active, 'mpr')
    this.shapes.select(id)
    this.wanted.set(id)
  }

  private take(): void {
    const found = this.session.annotations.planes.get().flatMap((item) => {
      const shape = shapeOf(item)
      if (!shape) return []
      this.planes.set(shape.measurement.frameId, shape.plane)
      this.items.set(shape.measurement, item)
      return [shape.measurement]
    })
    const now = this.shapes.state.get().all
    if (JSON.stringify(now) === JSON.stringify(found)) return
    this.taking = true
    this.shapes.state.update((state) => ({ ...state, all: found }))
    this.taking = false
  }

  private give(): void {
    if (this.taking) return
    const items = this.shapes.state.get().all.flatMap((measurement) => {
      const known = this.items.get(measurement)
      const plane = this.planes.get(measurement.frameId)
      if (known || !plane) return known ?? []
      const picture = this.pictures.get(measurement.frameId)
      const before = this.session.annotations.planes.get().find((item) => item.id === measurement.id)
      const numbers = picture ? results(measurement.kind, measurement.points, picture.frame.calibration, valuesOf(picture)) : ((before?.results ?? []) as ReturnType<typeof results>)
      const item = itemOn(measurement, plane, numbers)
      this.items.set(measurement, item)
      return [item]
    })
    const now = this.session.annotations.planes.get()
    if (items.length !== now.length || items.some((item, at) => item !== now[at])) this.session.annotations.planes.set(items)
  }
}

const held = new WeakMap<ViewerSession, PlaneMeasures>()

export function planeMeasuresOf(session: ViewerSession): PlaneMeasures {
  const known = held.get(session) ?? new PlaneMeasures(session)
  held.set(session, known)
  return known
}
