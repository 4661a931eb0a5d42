// The element a viewport draws in: its size, and which of the two surfaces draws.
import type { RenderingEngine } from '@cornerstonejs/core'
import type { Size } from '../model/view'
import { rangeOf } from '../model/windows'
import { CanvasSurface } from './canvasSurface'
import { GpuSurface } from './gpuSurface'
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

export class Screen {
  private readonly host: HTMLElement
  private readonly id: string
  private readonly renderer: RenderingEngine | null
  private readonly told: Told
  private readonly observer: ResizeObserver
  private size: Size = { width: 0, height: 0 }
  private gpu: GpuSurface | null = null
  private canvas: CanvasSurface | null = null
  private drawing = 0
  private asked = 0

  constructor(host: HTMLElement, id: string, renderer: RenderingEngine | null, told: Told) {
    this.host = host
    this.id = id
    this.renderer = renderer
    this.told = told
    this.observer = new ResizeObserver(() => this.measure())
    this.observer.observe(host)
  }

  dispose(): void {
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
    this.gpu?.show(false)
    this.canvas?.show(false)
  }

  draw(picture: Picture, look: Look): void {
    cancelAnimationFrame(this.drawing)
    if (this.size.width === 0) return
    const onGpu = this.renderer !== null && isPlainGrey(picture, look) && !this.told.crowded?.()
    this.makeSurface(onGpu)
    this.gpu?.show(onGpu)
    this.canvas?.show(!onGpu)
    this.host.dataset.asked = String(++this.asked)
    if (onGpu) {
      this.gpu?.draw(picture, look)
      return
    }
    this.drawing = requestAnimationFrame(() => {
      this.canvas?.draw(picture, look)
      this.noteDrawn()
    })
  }

  private makeSurface(onGpu: boolean): void {
    if (onGpu && !this.gpu && this.renderer) {
      this.gpu = new GpuSurface(this.host, this.id, this.renderer, () => this.noteDrawn())
      this.gpu.resize(this.size)
    }
    if (!onGpu && !this.canvas) {
      this.canvas = new CanvasSurface(this.host, this.told.ratio)
      this.canvas.resize(this.size)
    }
  }

  /** For whoever must know what is on the screen (tests, first-image timing). */
  private noteDrawn(): void {
    this.host.dataset.drawn = String(this.asked)
    this.told.drawn()
  }
}

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
