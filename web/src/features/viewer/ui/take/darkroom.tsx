// Where pictures for paper and files are made: a viewport that nobody sees, of any size, with everything that lies on a picture.
import { type Root, createRoot } from 'react-dom/client'
import { flushSync } from 'react-dom'
import { Pane, type Stack } from '../../engine/pane'
import { trueScale } from '../../model/take/sheet'
import type { Size } from '../../model/view'
import type { Detail } from '../../model/overlay'
import type { ViewerSession } from '../../session/session'
import { LAYERS } from '../additions'
import { KeyLayer } from '../annotations/KeyLayer'
import { GraphicsLayer } from '../annotations/GraphicsLayer'
import { LensLayer } from '../Lens'
import { MeasurementLayer } from '../Measurements'
import { OverlayLayer } from '../overlays'
import { Overlay } from '../PaneView'
import { capture } from './capture'

export interface Shot {
  readonly stack: Stack
  /** Which of its images, 0-based. */
  readonly index: number
  /** The viewport whose window, turn and part of the picture it takes over; null: as the image itself says. */
  readonly as: Pane | null
  /** CSS pixels. */
  readonly size: Size
  /** Canvas pixels per CSS pixel. */
  readonly ratio: number
  /** All of the picture, whatever part the viewport shows. */
  readonly whole: boolean
  /** As large as it is, where it says how large it is. */
  readonly trueSize?: boolean
  readonly drawings: boolean
  readonly text: Detail
}

const DRAWINGS: ReadonlySet<unknown> = new Set([OverlayLayer, GraphicsLayer, MeasurementLayer, KeyLayer])

let count = 0

const frames = (howMany: number): Promise<void> => new Promise((resolve) => (howMany === 0 ? resolve() : requestAnimationFrame(() => resolve(frames(howMany - 1)))))

/** One picture at a time, in a place of the page that nobody sees. */
export class Darkroom {
  private readonly session: ViewerSession
  private readonly pane: Pane
  private readonly root: HTMLElement
  private readonly host: HTMLElement
  private readonly react: Root
  private detach: () => void = () => undefined
  private shape = ''

  constructor(session: ViewerSession) {
    this.session = session
    this.pane = new Pane(session.engine, `darkroom-${++count}`)
    this.root = document.createElement('div')
    this.root.className = 'pane take-stage'
    this.root.setAttribute('aria-hidden', 'true')
    this.root.inert = true
    this.host = document.createElement('div')
    this.host.className = 'pane-host'
    const layers = document.createElement('div')
    layers.className = 'take-layers'
    this.root.append(this.host, layers)
    document.body.append(this.root)
    this.react = createRoot(layers)
  }

  /** The picture of a frame. Throws what cannot be shown, in words. */
  async take(shot: Shot, signal: AbortSignal): Promise<HTMLCanvasElement> {
    this.resize(shot)
    await this.show(shot, signal)
    if (shot.as) this.pane.like(shot.as, shot.whole)
    const frame = shot.stack.frames[shot.index]
    const scale = shot.trueSize && frame ? trueScale(frame.calibration) : undefined
    if (scale !== undefined) this.pane.scaleTo(scale)
    flushSync(() => this.react.render(<Layers session={this.session} pane={this.pane} drawings={shot.drawings} text={shot.text} />))
    await this.drawn(signal)
    return capture(this.root, shot.ratio)
  }

  private resize({ size, ratio }: Shot): void {
    const shape = `${size.width} ${size.height} ${ratio}`
    if (shape === this.shape) return
    this.shape = shape
    this.detach()
    this.host.replaceChildren()
    this.root.style.width = `${size.width}px`
    this.root.style.height = `${size.height}px`
    this.detach = this.pane.develop(this.host, ratio)
  }

  /** Waits until the frame is there with all its pixels. */
  private show({ stack, index }: Shot, signal: AbortSignal): Promise<void> {
    if (this.pane.frames === stack.frames) this.pane.goTo(index)
    else this.pane.open(stack, index)
    return new Promise((resolve, reject) => {
      const done = (): void => {
        stop()
        signal.removeEventListener('abort', look)
      }
      const look = (): void => {
        const { status, reason, picture, shown } = this.pane.state.get()
        if (signal.aborted) {
          done()
          reject(new DOMException('Stopped', 'AbortError'))
        } else if (status === 'failed') {
          done()
          reject(new Error(reason))
        } else if (status === 'shown' && shown === index && picture?.reduction === 0) {
          done()
          resolve()
        }
      }
      const stop = this.pane.state.subscribe(look)
      signal.addEventListener('abort', look)
      look()
    })
  }

  /** The canvas shows what was asked for last, and what is measured has been written. */
  private async drawn(signal: AbortSignal): Promise<void> {
    do {
      await frames(2)
      if (signal.aborted) throw new DOMException('Stopped', 'AbortError')
    } while (this.host.dataset.asked !== this.host.dataset.drawn)
  }

  dispose(): void {
    this.react.unmount()
    this.detach()
    this.pane.dispose()
    this.root.remove()
  }
}

function Layers({ session, pane, drawings, text }: { session: ViewerSession; pane: Pane; drawings: boolean; text: Detail }) {
  return (
    <>
      {LAYERS.filter((Layer) => Layer !== LensLayer && (drawings || !DRAWINGS.has(Layer))).map((Layer, at) => (
        <Layer key={at} session={session} pane={pane} />
      ))}
      <Overlay session={session} pane={pane} detail={text} />
    </>
  )
}
