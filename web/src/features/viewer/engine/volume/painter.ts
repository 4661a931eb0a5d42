// Draws a volume on a canvas: coarse at once, fine when nothing has moved for a moment, a few rows at a time so that the page stays quick.
import type { Vector } from '../../model/geometry'
import { type PlaneView, type Orientation, normalOfPlane, sheetOf } from '../../model/planes'
import type { Labels } from '../../model/bricks'
import type { Camera, Crop, RenderPreset } from '../../model/raycast'
import { type Body, bodyRows, prepared } from '../../model/rendering'
import { type Projection, resample, resampleCurve } from '../../model/resample'
import { type Volume, finest } from '../../model/volume'
import { type Window, grey } from '../../model/windows'
import { renderPool } from './renderPool'

/** Work, in samples of a volume, that one picture while dragging may cost. */
const QUICK = 250_000
/** And a body when nothing moves any more: some seconds at worst. */
const FINE_BODY = 30_000_000
const FINE_AFTER = 120 // ms without movement
const PACE = 40 // ms that a picture of a moving body may take
const SLICE = 12 // ms of work between two breaths of the page

export interface Overlay {
  readonly volume: Volume
  /** Value shown as the top of the colour scale. */
  readonly top: number
  readonly opacity: number
}

export interface Grey {
  readonly window: Window
  readonly inverted: boolean
}

export interface PlaneJob {
  readonly kind: 'plane'
  readonly volume: Volume
  readonly view: PlaneView
  readonly orientation: Orientation
  readonly focus: Vector
  readonly projection: Projection
  readonly thickness: number
  readonly grey: Grey
  readonly overlay: Overlay | null
}

export interface CurveJob {
  readonly kind: 'curve'
  readonly volume: Volume
  /** Points every `step` mm. */
  readonly path: readonly Vector[]
  readonly normal: Vector
  readonly step: number
  readonly projection: Projection
  readonly thickness: number
  readonly grey: Grey
}

export interface RenderJob {
  readonly kind: 'render'
  readonly volume: Volume
  readonly orientation: Orientation
  readonly target: Vector
  /** Screen pixels a millimetre. */
  readonly scale: number
  readonly preset: RenderPreset
  readonly shift: number
  readonly crop: Crop
  readonly grey: Grey
  /** All slices are there. */
  readonly whole: boolean
  readonly labels?: Labels | undefined
}

export type Job = PlaneJob | CurveJob | RenderJob

/** Hot iron, by its corners: black, red, orange, yellow, white (PS3.6 B.1.1 in spirit of its curve). */
export function hotIron(t: number): readonly [number, number, number] {
  const clamp = (value: number): number => Math.max(0, Math.min(255, Math.round(value)))
  return [clamp(t * 2 * 255), clamp((t - 0.5) * 2 * 255), clamp((t - 0.75) * 4 * 255)]
}

/** Colour over grey: nothing where there is no uptake, so that anatomy stays readable. */
export function blended(level: number, value: number, { top, opacity }: Overlay): readonly [number, number, number] {
  const t = Math.min(1, Math.max(0, value / top))
  const share = value === value ? opacity * Math.min(1, t * 5) : 0
  const [red, green, blue] = hotIron(t)
  return [level * (1 - share) + red * share, level * (1 - share) + green * share, level * (1 - share) + blue * share]
}

interface Drawing {
  readonly image: ImageData
  /** Does rows from..to. */
  readonly rows: (from: number, to: number) => void
}

function levelOf({ window, inverted }: Grey): (value: number) => number {
  return (value) => {
    if (value !== value) return 0
    const level = grey(value, window)
    return inverted ? 255 - level : level
  }
}

function planeDrawing(job: PlaneJob, width: number, height: number, coarse: number): Drawing {
  const sheet = sheetOf(job.view, job.orientation, job.focus, { width, height }, coarse)
  const slab = { projection: job.projection, thickness: job.thickness, normal: normalOfPlane(job.orientation) }
  const values = new Float32Array(sheet.width * sheet.height)
  const above = job.overlay ? new Float32Array(values.length) : null
  const image = new ImageData(sheet.width, sheet.height)
  const level = levelOf(job.grey)
  return {
    image,
    rows: (from, to) => {
      resample(job.volume, sheet, slab, values, from, to)
      if (above && job.overlay) resample(job.overlay.volume, sheet, slab, above, from, to)
      for (let at = from * sheet.width; at < to * sheet.width; at++) {
        const shade = level(values[at] ?? 0)
        const color = above && job.overlay ? blended(shade, above[at] ?? 0, job.overlay) : ([shade, shade, shade] as const)
        image.data.set([...color, 255], at * 4)
      }
    },
  }
}

function curveDrawing(job: CurveJob, width: number, height: number): Drawing {
  const columns = Math.max(1, job.path.length)
  // As high as the viewport at the scale at which the path fills its width.
  const rows = Math.max(1, Math.round((columns * height) / Math.max(1, width)))
  const values = new Float32Array(columns * rows)
  const image = new ImageData(columns, rows)
  const level = levelOf(job.grey)
  return {
    image,
    rows: (from) => {
      if (from > 0) return
      resampleCurve(job.volume, job.path, job.normal, job.step, rows, { projection: job.projection, thickness: job.thickness }, values)
      for (let at = 0; at < values.length; at++) {
        const shade = level(values[at] ?? 0)
        image.data.set([shade, shade, shade, 255], at * 4)
      }
    },
  }
}

function bodyOf(job: RenderJob, width: number, height: number, coarse: number): Body {
  const columns = Math.max(1, Math.ceil(width / coarse))
  const rows = Math.max(1, Math.ceil(height / coarse))
  const camera: Camera = { orientation: job.orientation, target: job.target, step: coarse / job.scale, width: columns, height: rows }
  const { preset, shift, crop, labels, grey: { window, inverted } } = job
  return { camera, preset, shift, crop, window, inverted, fine: coarse > 1.5 ? 2 : 1, labels }
}

function renderDrawing(job: RenderJob, width: number, height: number, coarse: number): Drawing {
  const body = bodyOf(job, width, height, coarse)
  const ready = prepared(body, undefined)
  const image = new ImageData(body.camera.width, body.camera.height)
  return { image, rows: (from, to) => image.data.set(bodyRows(job.volume, body, ready, undefined, from, to), from * image.width * 4) }
}

/** Screen pixels a sample for so much work, and at most eight. */
function coarseFor(job: Job, width: number, height: number, work = QUICK): number {
  const { size } = job.volume.grid
  const depth = job.kind === 'render' ? Math.max(...size) / 2 : job.kind === 'plane' && job.projection !== 'none' ? Math.max(1, job.thickness / finest(job.volume.grid)) : 1
  return Math.max(1, Math.min(8, Math.sqrt((width * height * depth) / work)))
}

export class Painter {
  private readonly canvas: HTMLCanvasElement
  private readonly source = document.createElement('canvas')
  private job: Job | null = null
  private frame = 0
  private timer = 0
  private turn = 0
  /** A picture of a body is on its way. */
  private busy = false
  /** Screen pixels a ray while something moves. */
  private coarse = 3

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas
  }

  /** What is to be seen from now on. */
  show(job: Job): void {
    this.job = job
    this.turn++
    this.canvas.dataset.drawn = ''
    window.clearTimeout(this.timer)
    if (!this.frame) this.frame = requestAnimationFrame(() => this.quick())
  }

  private get size(): { width: number; height: number } {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight }
  }

  private drawingOf(job: Job, coarse: number): Drawing {
    const { width, height } = this.size
    if (job.kind === 'plane') return planeDrawing(job, width, height, coarse)
    return job.kind === 'curve' ? curveDrawing(job, width, height) : renderDrawing(job, width, height, coarse)
  }

  private quick(): void {
    this.frame = 0
    const { job } = this
    const { width, height } = this.size
    if (!job || width < 2 || height < 2) return
    if (job.kind === 'render' && renderPool(job.volume)) {
      void this.shared(job)
      return
    }
    const coarse = coarseFor(job, width, height)
    const drawing = this.drawingOf(job, coarse)
    drawing.rows(0, drawing.image.height)
    this.put(drawing.image)
    const finer = 1 / Math.min(2, window.devicePixelRatio || 1)
    if (job.kind === 'curve' || coarse <= finer) this.canvas.dataset.drawn = 'fine'
    else this.timer = window.setTimeout(() => void this.fine(job, job.kind === 'render' ? coarseFor(job, width, height, FINE_BODY) : finer), FINE_AFTER)
  }

  /** Workers draw: coarse while something moves, as coarse as keeps up with the hand; fine at rest. The page only shows. */
  private async shared(job: RenderJob): Promise<void> {
    if (this.busy) return
    this.busy = true
    const begun = performance.now()
    const { width, height } = this.size
    const pool = renderPool(job.volume)
    const image = await pool?.draw(job.volume, bodyOf(job, width, height, this.coarse), job.whole, () => this.job !== null)
    this.busy = false
    if (!image || this.job === null) return
    const took = performance.now() - begun
    this.coarse = Math.max(1, Math.min(8, this.coarse * Math.min(2, Math.max(0.7, Math.sqrt(took / PACE)))))
    this.put(image)
    this.canvas.dataset.took = took.toFixed(0)
    if (this.job !== job) {
      this.frame ||= requestAnimationFrame(() => this.quick())
      return
    }
    window.clearTimeout(this.timer)
    this.timer = window.setTimeout(() => void this.atRest(job), FINE_AFTER)
  }

  private async atRest(job: RenderJob): Promise<void> {
    const { turn } = this
    const { width, height } = this.size
    const ratio = Math.min(2, window.devicePixelRatio || 1)
    const begun = performance.now()
    const image = await renderPool(job.volume)?.draw(job.volume, bodyOf(job, width, height, 1 / ratio), job.whole, () => turn === this.turn)
    if (!image || turn !== this.turn) return
    this.put(image)
    this.canvas.dataset.fineTook = (performance.now() - begun).toFixed(0)
    this.canvas.dataset.drawn = 'fine'
  }

  private async fine(job: Job, coarse: number): Promise<void> {
    const { turn } = this
    const drawing = this.drawingOf(job, coarse)
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
