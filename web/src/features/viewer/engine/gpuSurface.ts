// Draws grey pictures with linear windows through Cornerstone3D's stack viewport on the GPU.
import { Enums, type RenderingEngine, type StackViewport, type Types } from '@cornerstonejs/core'
import type { Size, View } from '../model/view'
import { rangeOf } from '../model/windows'
import { describe, forget, imageOf } from './core'
import type { Picture } from './picture'
import type { Look, Surface } from './surface'

const EYE = 1000 // any distance: the projection is parallel

/** The camera that shows a view. World axes are image axes in units of the smaller pixel side (core.ts says so to Cornerstone). */
export function cameraOf(view: View, aspect: readonly [number, number], size: Size): Types.ICamera {
  const { turn, scale, centre } = view
  // Screen right and screen up, in the image: the transpose of the turn.
  const right: Types.Point3 = [turn.a, turn.b, 0]
  const up: Types.Point3 = [-turn.c, -turn.d, 0]
  // The eye stands where right × up points: behind the picture when it is mirrored.
  const normal: Types.Point3 = [0, 0, right[0] * up[1] - right[1] * up[0]]
  const focalPoint: Types.Point3 = [centre[0] * aspect[0], centre[1] * aspect[1], 0]
  return {
    focalPoint,
    position: [focalPoint[0], focalPoint[1], normal[2] * EYE],
    viewPlaneNormal: normal,
    viewUp: up,
    parallelProjection: true,
    parallelScale: size.height / 2 / scale,
  }
}

export class GpuSurface implements Surface {
  private readonly host: HTMLDivElement
  private readonly id: string
  private readonly renderer: RenderingEngine
  private readonly viewport: StackViewport
  private readonly drawn: () => void
  private current: Picture | null = null
  private size: Size = { width: 0, height: 0 }
  private outgrown = false

  /** @param drawn called after each frame that reached the screen */
  constructor(parent: HTMLElement, id: string, renderer: RenderingEngine, drawn: () => void) {
    this.host = document.createElement('div')
    this.host.className = 'pane-canvas'
    parent.append(this.host)
    this.id = id
    this.renderer = renderer
    this.drawn = drawn
    renderer.enableElement({ viewportId: id, element: this.host, type: Enums.ViewportType.STACK, defaultOptions: { background: [0, 0, 0] } })
    this.viewport = renderer.getViewport<StackViewport>(id)
    this.host.addEventListener(Enums.Events.IMAGE_RENDERED, drawn)
  }

  resize(size: Size): void {
    this.size = size
    // What is hidden has no size that Cornerstone could find out.
    if (this.host.hidden) this.outgrown = true
    else this.renderer.resize(false, true)
  }

  draw(picture: Picture, look: Look): void {
    const { pixels, frame } = picture
    if (pixels.color) return
    if (this.current !== picture) {
      if (this.current) forget(this.current.frame.id)
      describe(frame)
      this.viewport.renderImageObject(imageOf(frame, pixels.data, pixels.min, pixels.max))
      this.current = picture
    }
    const { lower, upper } = rangeOf(look.window)
    // A window of width 1 is a step: keep black and white apart.
    this.viewport.setProperties({ voiRange: { lower, upper: upper > lower ? upper : lower + 1e-3 }, invert: look.inverted }, true)
    this.viewport.setCamera(cameraOf(look.view, frame.extent.aspect, this.size))
    this.viewport.render()
  }

  show(visible: boolean): void {
    this.host.hidden = !visible
    if (!visible || !this.outgrown) return
    this.outgrown = false
    this.renderer.resize(false, true)
  }

  dispose(): void {
    this.host.removeEventListener(Enums.Events.IMAGE_RENDERED, this.drawn)
    if (this.current) forget(this.current.frame.id)
    this.current = null
    this.renderer.disableElement(this.id)
    this.host.remove()
  }
}
