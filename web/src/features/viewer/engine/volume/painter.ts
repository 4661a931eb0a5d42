// Draws a volume on a canvas: coarse at once, fine when nothing has moved for a moment. Workers draw where they can; else the page, a few rows at a time so that it stays quick.
import type { Vector } from '../../model/geometry'
import { type PlaneView, type Orientation, normalOfPlane, sheetOf } from '../../model/planes'
import type { Labels } from '../../model/bricks'
import type { Camera, Crop, RenderPreset } from '../../model/raycast'
import type { Cut } from '../../model/scalpel'
import { type Body, bodyRows, prepared } from '../../model/rendering'
import { type Projection, resampleCurve } from '../../model/resample'
import { type Grey, type Laid, type Section, sectionRows, shade } from '../../model/section'
import { type Volume, finest } from '../../model/volume'
import { alike } from '../../model/alike'
import { renderPool } from './renderPool'

/** Work, in samples of a volume, that one picture while dragging may cost. */
const QUICK = 250_000
/** And a body when nothing moves any more: some seconds at worst. */
const FINE_BODY = 30_000_000
const FINE_AFTER = 120 // ms without movement
const PACE = 40 // ms that a picture of something that moves may take
const SLICE = 12 // ms of work between two breaths of the page

export interface Overlay extends Laid {
  readonly volume: Volume
}

/** What every picture depends on besides its own. */
interface Shown {
  readonly volume: Volume
  /** Changes when more of the volumes has come. */
  readonly stamp: string
  readonly grey: Grey
}

export interface PlaneJob extends Shown {
  readonly kind: 'plane'
  readonly view: PlaneView
  readonly orientation: Orientation
  /** Point of the plane in the middle of the viewport. */
  readonly middle: Vector
  readonly projection: Projection
  readonly thickness: number
  readonly overlay: Overlay | null
}

export interface CurveJob extends Shown {
  readonly kind: 'curve'
  /** Points every `step` mm. */
  readonly path: readonly Vector[]
  readonly normal: Vector
  readonly step: number
  readonly projection: Projection
  readonly thickness: number
}

export interface RenderJob extends Shown {
  readonly kind: 'render'
  readonly orientation: Orientation
  readonly target: Vector
  /** Screen pixels a millimetre. */
  readonly scale: number
  readonly preset: RenderPreset
  readonly shift: number
  readonly crop: Crop
  readonly cuts: readonly Cut[]
  /** All slices are there. */
  readonly whole: boolean
  readonly labels?: Labels | undefined
}

export type Job = PlaneJob | CurveJob | RenderJob

export interface Size {
  readonly width: number
  readonly height: number
}

interface Drawing {
  readonly image: ImageData
  /** Does rows from..to. */
  readonly rows: (from: number, to: number) => void
}

function sectionOf(job: PlaneJob, size: Size, coarse: number): Section {
  const { view, orientation, middle, projection, thickness, grey, overlay } = job
  const laid = overlay && { from: overlay.from, top: overlay.top, opacity: overlay.opacity }
  return { sheet: sheetOf(view, orientation, middle, size, coarse), slab: { projection, thickness, normal: normalOfPlane(orientation) }, grey, laid }
}

function planeDrawing(job: PlaneJob, size: Size, coarse: number): Drawing {
  const section = sectionOf(job, size, coarse)
  const image = new ImageData(section.sheet.width, section.sheet.height)
  return { image, rows: (from, to) => image.data.set(sectionRows(job.volume, job.overlay?.volume, section, from, Math.min(to, image.height)), from * image.width * 4) }
}

function curveDrawing(job: CurveJob, { width, height }: Size): Drawing {
  const columns = Math.max(1, job.path.length)
  // As high as the viewport at the scale at which the path fills its width.
  const rows = Math.max(1, Math.round((columns * height) / Math.max(1, width)))
  const values = new Float32Array(columns * rows)
  const image = new ImageData(columns, rows)
  return {
    image,
    rows: (from) => {
      if (from > 0) return
      resampleCurve(job.volume, job.path, job.normal, job.step, rows, { projection: job.projection, thickness: job.thickness }, values)
      shade(values, null, { grey: job.grey, laid: null }, image.data)
    },
  }
}

function bodyOf(job: RenderJob, { width, height }: Size, coarse: number): Body {
  const columns = Math.max(1, Math.ceil(width / coarse))
  const rows = Math.max(1, Math.ceil(height / coarse))
  const camera: Camera = { orientation: job.orientation, target: job.target, step: coarse / job.scale, width: columns, height: rows }
  const { preset, shift, crop, cuts, labels, grey: { window, inverted } } = job
  return { camera, preset, shift, crop, cuts, window, inverted, fine: coarse > 1.5 ? 2 : 1, labels }
}

function renderDrawing(job: RenderJob, size: Size, coarse: number): Drawing {
  const body = bodyOf(job, size, coarse)
  const ready = prepared(body, undefined)
  const image = new ImageData(body.camera.width, body.camera.height)
  return { image, rows: (from, to) => image.data.set(bodyRows(job.volume, body, ready, undefined, from, Math.min(to, image.height)), from * image.width * 4) }
}

function drawingOf(job: Job, size: Size, coarse: number): Drawing {
  if (job.kind === 'plane') return planeDrawing(job, size, coarse)
  return job.kind === 'curve' ? curveDrawing(job, size) : renderDrawing(job, size, coarse)
}

/** Screen pixels a sample for so much work, and at most eight. */
function coarseFor(job: Job, { width, height }: Size, work = QUICK): number {
  const { size } = job.volume.grid
  const depth = job.kind === 'render' ? Math.max(...size) / 2 : job.kind === 'plane' && job.projection !== 'none' ? Math.max(1, job.thickness / finest(job.volume.grid)) : 1
  return Math.max(1, Math.min(8, Math.sqrt((width * height * depth) / work)))
}

const finestRatio = (): number => 1 / Math.min(2, window.devicePixelRatio || 1)

/** A picture out of workers; null when there are none for it, or it was no longer wanted. */
function pooled(job: PlaneJob | RenderJob, size: Size, coarse: number, wanted: () => boolean): Promise<ImageData | null> | undefined {
  if (job.kind === 'render') return renderPool(job.volume)?.body(job.volume, bodyOf(job, size, coarse), job.whole, wanted)
  return renderPool(job.volume, job.overlay?.volume)?.section(job.volume, job.overlay?.volume, sectionOf(job, size, coarse), wanted)
}

/** The job, when there are workers for it. */
const forPool = (job: Job): PlaneJob | RenderJob | null => (job.kind !== 'curve' && renderPool(job.volume, job.kind === 'plane' ? job.overlay?.volume : undefined) ? job : null)

export class Painter {
  private readonly canvas: HTMLCanvasElement
  private readonly source = document.createElement('canvas')
  private job: Job | null = null
  private size: Size = { width: 0, height: 0 }
  private ratio = 0
  private frame = 0
  private timer = 0
  private turn = 0
  /** A picture is on its way from the workers. */
  private busy = false
  /** A fine picture is on its way, and there is more to be seen than in it. */
  private resting = false
  private stale = false
  /** Screen pixels a sample while something moves; bodies begin coarser, since nothing of them is known. */
  private coarse = 0

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas
  }

  /** What is to be seen from now on, in a canvas of so many CSS pixels. The same again costs nothing. */
  show(job: Job, size: Size): void {
    const ratio = window.devicePixelRatio
    const still = this.job !== null && ratio === this.ratio && alike(size, this.size) && alike({ ...job, stamp: '' }, { ...this.job, stamp: '' })
    if (still && job.stamp === this.job?.stamp) return
    if (still && forPool(job)) {
      this.renew(job)
      return
    }
    this.coarse ||= job.kind === 'render' ? 3 : coarseFor(job, size, 4 * QUICK)
    this.job = job
    this.size = size
    this.ratio = ratio
    this.turn++
    this.canvas.dataset.drawn = ''
    window.clearTimeout(this.timer)
    this.timer = 0
    if (!this.frame) this.frame = requestAnimationFrame(() => this.quick())
  }

  /** Nothing moved, but more of the volume has come: what is fine stays so. */
  private renew(job: Job): void {
    this.job = job
    this.canvas.dataset.drawn = ''
    // What is on its way to the screen will be drawn again, or is followed by the fine picture.
    if (!this.busy && !this.frame && !this.timer) void this.atRest()
  }

  private quick(): void {
    this.frame = 0
    const { job, size } = this
    if (!job || size.width < 2 || size.height < 2) return
    const own = forPool(job)
    if (own) {
      void this.shared(own)
      return
    }
    const coarse = coarseFor(job, size)
    const drawing = drawingOf(job, size, coarse)
    drawing.rows(0, drawing.image.height)
    this.put(drawing.image)
    const finer = finestRatio()
    if (job.kind === 'curve' || coarse <= finer) this.canvas.dataset.drawn = 'fine'
    else this.timer = window.setTimeout(() => void this.fine(job, job.kind === 'render' ? coarseFor(job, size, FINE_BODY) : finer), FINE_AFTER)
  }

  /** Workers draw: coarse while something moves, as coarse as keeps up with the hand; fine at rest. The page only shows. */
  private async shared(job: PlaneJob | RenderJob): Promise<void> {
    if (this.busy) return
    this.busy = true
    const begun = performance.now()
    const { coarse, turn } = this
    const image = await pooled(job, this.size, coarse, () => this.job !== null)
    this.busy = false
    if (this.job === null) return
    if (!image) {
      // The workers ended: others are there by now, or the page goes on by itself.
      this.frame ||= requestAnimationFrame(() => this.quick())
      return
    }
    const took = performance.now() - begun
    this.coarse = Math.max(1, Math.min(8, coarse * Math.min(2, Math.max(0.7, Math.sqrt(took / PACE)))))
    this.put(image)
    this.canvas.dataset.took = took.toFixed(0)
    if (turn !== this.turn) {
      this.frame ||= requestAnimationFrame(() => this.quick())
      return
    }
    window.clearTimeout(this.timer)
    this.timer = 0
    if (coarse <= finestRatio() && this.job === job) this.canvas.dataset.drawn = 'fine'
    else this.timer = window.setTimeout(() => void this.atRest(), FINE_AFTER)
  }

  /** One fine picture at a time; what came meanwhile is in the next. */
  private async atRest(): Promise<void> {
    this.timer = 0
    this.stale = true
    if (this.resting) return
    this.resting = true
    while (this.stale) {
      this.stale = false
      await this.finest()
    }
    this.resting = false
  }

  private async finest(): Promise<void> {
    const { turn } = this
    const job = this.job && forPool(this.job)
    if (!job) return
    const begun = performance.now()
    const image = await pooled(job, this.size, finestRatio(), () => turn === this.turn)
    if (turn !== this.turn) return
    if (!image) {
      this.frame ||= requestAnimationFrame(() => this.quick())
      return
    }
    this.put(image)
    this.canvas.dataset.fineTook = (performance.now() - begun).toFixed(0)
    if (this.job === job) this.canvas.dataset.drawn = 'fine'
  }

  private async fine(job: Job, coarse: number): Promise<void> {
    const { turn } = this
    const drawing = drawingOf(job, this.size, coarse)
    let row = 0
    while (row < drawing.image.height) {
      const until = performance.now() + SLICE
      while (row < drawing.image.height && performance.now() < until) {
        drawing.rows(row, Math.min(drawing.image.height, row + 8))
        row += 8
      }
      await new Promise((resolve) => setTimeout(resolve))
      // Something moved meanwhile: this picture is no longer wanted.
      if (turn !== this.turn) return
    }
    this.put(drawing.image)
    this.canvas.dataset.drawn = 'fine'
  }

  private put(image: ImageData): void {
    const ratio = window.devicePixelRatio || 1
    const { width, height } = this.size
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (this.canvas.width !== columns) this.canvas.width = columns
    if (this.canvas.height !== rows) this.canvas.height = rows
    this.source.width = image.width
    this.source.height = image.height
    this.source.getContext('2d')?.putImageData(image, 0, 0)
    const context = this.canvas.getContext('2d')
    if (!context) return
    context.imageSmoothingEnabled = Math.abs(image.width - columns) > 1
    context.drawImage(this.source, 0, 0, columns, rows)
  }

  dispose(): void {
    this.turn++
    this.job = null
    cancelAnimationFrame(this.frame)
    window.clearTimeout(this.timer)
    this.canvas.width = this.canvas.height = this.source.width = this.source.height = 0
  }
}
