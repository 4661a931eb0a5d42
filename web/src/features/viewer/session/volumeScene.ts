// What one viewport shows of a volume, and how: planes, slab, path, camera, moment. Knows nothing of the screen.
import { Observable } from '../../../lib/observable'
import type { SeriesVolume } from '../engine/volume/volumes'
import { type Vector, dot } from '../model/geometry'
import { type Extent, type Orientation, type PlaneName, type PlaneView, PLANES, type Planes, UPRIGHT_PLANES, normalOfPlane, planesWith, rotated, turnedIn } from '../model/planes'
import { type Crop, RENDER_PRESETS, WHOLE } from '../model/raycast'
import { type Projection, valueIn } from '../model/resample'
import type { Cut } from '../model/scalpel'
import { cornersOf, middleOf, radiusOf } from '../model/volume'

export interface SceneState {
  readonly planes: Planes
  /** Where the three planes meet. */
  readonly focus: Vector
  readonly views: Readonly<Record<PlaneName, PlaneView | null>>
  readonly projection: Projection
  readonly thickness: number
  readonly phase: number
  readonly playing: boolean
  /** One plane fills the viewport. */
  readonly alone: PlaneName | null
  readonly path: readonly Vector[]
  /** The plane the path is drawn in, and its normal then. */
  readonly pathPlane: PlaneName | null
  readonly pathNormal: Vector
  readonly opacity: number
  /** Top of the colours of what is laid over, SUV or its own values. */
  readonly top: number
  /** Up to this nothing is laid over. */
  readonly from: number
  readonly preset: string
  readonly shift: number
  readonly crop: Crop
  /** What was cut away, in its order. */
  readonly cuts: readonly Cut[]
  /** What the scalpel in the hand leaves; null: there is none, and a drag turns. */
  readonly scalpel: Cut['keep'] | null
  readonly camera: Orientation
  readonly zoom: number
  /** The body turns by itself. */
  readonly turning: boolean
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))

export class VolumeScene {
  readonly volume: SeriesVolume
  readonly state: Observable<SceneState>
  private timer = 0
  private spinning = 0

  constructor(volume: SeriesVolume, modality: string) {
    this.volume = volume
    const first = modality === 'CT' ? 'bone' : modality === 'MR' ? 'mr' : 'mip'
    this.state = new Observable<SceneState>({
      planes: UPRIGHT_PLANES, focus: middleOf(volume.plan.grid), views: { axial: null, coronal: null, sagittal: null },
      projection: 'none', thickness: 10, phase: 0, playing: false, alone: null,
      path: [], pathPlane: null, pathNormal: [0, 0, 1], opacity: 0.6, top: 0, from: 0,
      preset: first, shift: 0, crop: WHOLE, cuts: [], scalpel: null, camera: UPRIGHT_PLANES.coronal, zoom: 1, turning: false,
    })
  }

  set(change: Partial<SceneState>): void {
    this.state.update((now) => ({ ...now, ...change }))
  }

  /** How a plane lies in a viewport: all of the volume, until somebody moved it. */
  viewOf(name: PlaneName, size: Extent): PlaneView {
    const { views, planes } = this.state.get()
    const chosen = views[name]
    if (chosen) return chosen
    const grid = this.volume.plan.grid
    const middle = middleOf(grid)
    const { right, below } = planes[name]
    const reach = (axis: Vector): number => Math.max(1, ...cornersOf(grid).map((corner) => Math.abs(axis.reduce((sum, part, n) => sum + part * ((corner[n] ?? 0) - (middle[n] ?? 0)), 0))))
    return { centre: middle, scale: Math.min(size.width / 2 / reach(right), size.height / 2 / reach(below)) * 0.98 }
  }

  pan(name: PlaneName, size: Extent, x: number, y: number): void {
    const view = this.viewOf(name, size)
    const { right, below } = this.state.get().planes[name]
    const at = (n: 0 | 1 | 2): number => view.centre[n] - (right[n] * x + below[n] * y) / view.scale
    this.setView(name, { ...view, centre: [at(0), at(1), at(2)] })
  }

  zoom(name: PlaneName, size: Extent, factor: number): void {
    const view = this.viewOf(name, size)
    this.setView(name, { ...view, scale: clamp(view.scale * factor, 0.05, 200) })
  }

  private setView(name: PlaneName, view: PlaneView): void {
    this.set({ views: { ...this.state.get().views, [name]: view } })
  }

  /** Moves the point where the planes meet; it stays within the volume. */
  goTo(point: Vector): void {
    const middle = middleOf(this.volume.plan.grid)
    const off = Math.hypot(point[0] - middle[0], point[1] - middle[1], point[2] - middle[2])
    if (off <= radiusOf(this.volume.plan.grid)) this.set({ focus: point })
  }

  /** A step of the wheel, mm: the voxel's extent in the direction of the plane's normal. */
  stepThrough(name: PlaneName): number {
    const normal = normalOfPlane(this.state.get().planes[name])
    const { across, down, through } = this.volume.plan.grid
    return Math.max(...[across, down, through].map((step) => Math.abs(step[0] * normal[0] + step[1] * normal[1] + step[2] * normal[2])))
  }

  /** One voxel, or as many, through a plane. */
  scroll(name: PlaneName, by: number): void {
    const normal = normalOfPlane(this.state.get().planes[name])
    const voxel = this.stepThrough(name)
    const { focus } = this.state.get()
    this.goTo([focus[0] + normal[0] * voxel * by, focus[1] + normal[1] * voxel * by, focus[2] + normal[2] * voxel * by])
  }

  /** Lays one of the planes where something was measured: the one that lies nearest to it already. */
  lay({ right, below }: Orientation, point: Vector, phase: number): void {
    const { planes } = this.state.get()
    const normal = normalOfPlane({ right, below })
    const likeness = (name: PlaneName): number => Math.abs(dot(normalOfPlane(planes[name]), normal))
    const name = PLANES.reduce<PlaneName>((best, each) => (likeness(each) > likeness(best) ? each : best), 'axial')
    const laid = likeness(name) > 0.9999 ? planes : planesWith(name, { right, below })
    this.set({ planes: laid, phase })
    this.goTo(point)
  }

  turn(name: PlaneName, angle: number): void {
    this.set({ planes: turnedIn(this.state.get().planes, name, angle) })
  }

  /** A drag on the rendered volume turns it as if it were held there. */
  orbit(x: number, y: number): void {
    const { right, below } = this.state.get().camera
    const turned = (v: Vector): Vector => rotated(rotated(v, below, x * 0.01), right, -y * 0.01)
    this.set({ camera: { right: turned(right), below: turned(below) } })
  }

  /** The scalpel into the hand, or out of it. What turns by itself cannot be drawn on. */
  take(scalpel: SceneState['scalpel']): void {
    this.spin(false)
    this.set({ scalpel })
  }

  cut(cut: Cut): void {
    this.set({ cuts: [...this.state.get().cuts, cut] })
  }

  uncut(): void {
    this.set({ cuts: this.state.get().cuts.slice(0, -1) })
  }

  /** Turns about the axis from foot to head by itself, six degrees at a time, or stops. */
  spin(turning: boolean): void {
    window.clearInterval(this.spinning)
    this.set({ turning })
    if (!turning) return
    this.spinning = window.setInterval(() => {
      const { right, below } = this.state.get().camera
      const step = (v: Vector): Vector => rotated(v, [0, 0, 1], Math.PI / 30)
      this.set({ camera: { right: step(right), below: step(below) } })
    }, 100)
  }

  addToPath(name: PlaneName, point: Vector): void {
    const { path, pathPlane, planes } = this.state.get()
    const begun = pathPlane === name ? path : []
    this.set({ path: [...begun, point], pathPlane: name, pathNormal: normalOfPlane(planes[name]) })
  }

  /** Values of all phases at the crosshair. */
  curve(factor: number): number[] {
    const { focus } = this.state.get()
    return this.volume.phases.map((phase) => valueIn(phase, focus) * factor)
  }

  setPhase(phase: number): void {
    const count = this.volume.phases.length
    this.set({ phase: (phase + count) % count })
  }

  play(playing: boolean): void {
    window.clearInterval(this.timer)
    this.set({ playing })
    if (playing) this.timer = window.setInterval(() => this.setPhase(this.state.get().phase + 1), 125)
  }

  reset(): void {
    const { preset } = this.state.get()
    this.set({
      planes: UPRIGHT_PLANES, focus: middleOf(this.volume.plan.grid), views: { axial: null, coronal: null, sagittal: null }, projection: 'none',
      path: [], pathPlane: null, shift: 0, crop: WHOLE, cuts: [], scalpel: null, camera: UPRIGHT_PLANES.coronal, zoom: 1, preset: RENDER_PRESETS.some(({ id }) => id === preset) ? preset : 'mip',
    })
  }

  dispose(): void {
    window.clearInterval(this.spinning)
    window.clearInterval(this.timer)
  }
}
