// The element a viewport draws in: its size, and which of the two surfaces draws. The canvas begins, since Cornerstone and its GPU context
// take longer than everything else of an opening; it takes over behind the canvas as soon as nothing more urgent is to be done.
import type { Size } from '../model/view'
import { rangeOf } from '../model/windows'
import { CanvasSurface } from './canvasSurface'
import { loadCornerstone } from './cornerstone'
import type { GpuSurface } from './gpuSurface'
import type { Picture } from './picture'
import type { Look } from './surface'

export interface Told {
  sized: (size: Size) => void
  /** A frame on the screen shows everything asked for so far. */
  drawn: () => void
  /** Canvas pixels per CSS pixel of what is not for the screen. */
  ratio?: number
  /** Whether there are more viewports than the one context of WebGL draws in time: then each draws on a canvas of its own. */
  crowded?: () => boolean
}

/** The GPU's surface of a viewport: 'cold' until something can be drawn with it, 'warming' until it has drawn, 'none' where there is none. */
type Gpu = 'cold' | 'warming' | 'ready' | 'none'

export class Screen {
  private readonly host: HTMLElement
  private readonly id: string
  private readonly told: Told
  private readonly observer: ResizeObserver
  private size: Size = { width: 0, height: 0 }
  private gpu: GpuSurface | null = null
  private state: Gpu
  private readonly whenFree: Promise<void> | null
  private canvas: CanvasSurface | null = null
  private latest: { readonly picture: Picture; readonly look: Look } | null = null
  /** What the GPU was last asked to draw while it gets ready. */
  private warmed: Screen['latest'] = null
  private drawing = 0
  private asked = 0
  private disposed = false

  /** @param whenFree when the GPU may be started; null: never */
  constructor(host: HTMLElement, id: string, whenFree: Promise<void> | null, told: Told) {
    this.host = host
    this.id = id
    this.whenFree = whenFree
    this.state = whenFree ? 'cold' : 'none'
    this.told = told
    this.observer = new ResizeObserver(() => this.measure())
    this.observer.observe(host)
  }

  dispose(): void {
    this.disposed = true
    cancelAnimationFrame(this.drawing)
    this.observer.disconnect()
    this.gpu?.dispose()
    this.canvas?.dispose()
  }

  measure(): void {
    const size = { width: this.host.clientWidth, height: this.host.clientHeight }
    if (size.width === 0 || size.height === 0) return
    this.size = size
    this.gpu?.resize(size)
    this.canvas?.resize(size)
    this.told.sized(size)
  }

  hide(): void {
    this.latest = null
    this.gpu?.show(false)
    this.canvas?.show(false)
  }

  draw(picture: Picture, look: Look): void {
    cancelAnimationFrame(this.drawing)
    if (this.size.width === 0) return
    this.latest = { picture, look }
    const wanted = this.state !== 'none' && isPlainGrey(picture, look) && !this.told.crowded?.()
    const onGpu = wanted && this.state === 'ready'
    if (wanted && this.state === 'cold') void this.warm()
    this.host.dataset.asked = String(++this.asked)
    this.host.dataset.surface = onGpu ? 'gpu' : wanted ? 'warming' : 'canvas'
    if (onGpu) {
      this.gpu?.show(true)
      this.gpu?.draw(picture, look)
      this.canvas?.show(false)
      return
    }
    if (this.state === 'ready') this.gpu?.show(false)
    const canvas = this.onCanvas()
    this.drawing = requestAnimationFrame(() => {
      canvas.draw(picture, look)
      this.noteDrawn()
    })
  }

  private onCanvas(): CanvasSurface {
    if (!this.canvas) {
      this.canvas = new CanvasSurface(this.host, this.told.ratio)
      this.canvas.resize(this.size)
    }
    this.canvas.show(true)
    return this.canvas
  }

  /** Makes the GPU's surface and draws on it, behind the canvas, which goes away once what it shows is there, too. */
  private async warm(): Promise<void> {
    this.state = 'warming'
    try {
      await this.whenFree
      const { GpuSurface: Surface, startDrawing } = await loadCornerstone()
      await idle()
      const renderer = this.disposed ? null : startDrawing()
      if (!renderer) throw new Error('no WebGL 2')
      this.gpu = new Surface(this.host, this.id, renderer, () => this.onGpuDrawn())
      this.gpu.resize(this.size)
      this.warmUp()
    } catch {
      // Without Cornerstone, or without a GPU, the canvas goes on.
      this.state = 'none'
      if (!this.disposed && this.latest) this.draw(this.latest.picture, this.latest.look)
    }
  }

  private warmUp(): void {
    const { latest } = this
    if (latest && isPlainGrey(latest.picture, latest.look) && !this.told.crowded?.()) {
      this.warmed = latest
      this.gpu?.draw(latest.picture, latest.look)
      return
    }
    // Something else is shown by now: the next grey picture begins again.
    this.gpu?.dispose()
    this.gpu = null
    this.state = 'cold'
    this.host.dataset.surface = 'canvas'
  }

  private onGpuDrawn(): void {
    if (this.state !== 'warming') {
      this.noteDrawn()
    } else if (this.warmed !== this.latest) {
      this.warmUp()
    } else {
      this.state = 'ready'
      this.host.dataset.surface = 'gpu'
      this.canvas?.show(false)
    }
  }

  /** For whoever must know what is on the screen (tests, first-image timing). */
  private noteDrawn(): void {
    this.host.dataset.drawn = String(this.asked)
    this.told.drawn()
  }
}

/** When nothing more urgent is to be done, two seconds at most. */
const idle = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof requestIdleCallback === 'function') requestIdleCallback(() => resolve(), { timeout: 2000 })
    else setTimeout(resolve, 200)
  })

/** Whether the GPU draws the picture as it must be: grey values through a straight window, and nothing above them. */
function isPlainGrey({ pixels, mask, output, palette }: Picture, { window, inverted, effects }: Look): boolean {
  if (pixels.color || mask || output || palette || window.table || window.shape === 'SIGMOID') return false
  if (effects && (effects.colors !== '' || effects.curve !== 'straight')) return false
  // After a picture of one value Cornerstone's texture shows the next ones black.
  if (pixels.max <= pixels.min) return false
  const { padding } = pixels
  // Padding is black; where the window makes it so anyway (most CT) nothing is to be done.
  return !padding || padding.from > pixels.max || padding.to < pixels.min || (!inverted && padding.to <= rangeOf(window).lower)
}
