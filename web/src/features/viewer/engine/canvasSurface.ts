// Draws any picture on a plain canvas: colour, look-up tables, sigmoid windows, thumbnails, and everything without WebGL.
import { bent, colorTable } from '../model/effects'
import { PLAIN, SHUT } from '../model/graphics'
import { type Affine, type Size, affineOf } from '../model/view'
import { type LookUp, type Window, partOf, presented, sameWindow } from '../model/windows'
import type { Look, Surface } from './surface'
import type { Resolved } from '../model/pixels'
import type { Picture } from './picture'

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1
const OPAQUE = littleEndian ? 0xff000000 : 0x000000ff

const packed = (r: number, g: number, b: number): number =>
  (littleEndian ? OPAQUE | (b << 16) | (g << 8) | r : (r << 24) | (g << 16) | (b << 8) | OPAQUE) >>> 0

/** Not on the GPU, where a canvas is slow to begin, and its pixels would only be carried to. */
const PLAIN_MEMORY: CanvasRenderingContext2DSettings = { willReadFrequently: true }

/** How values become colours: the window, its curve and presentation LUT, then the colours for grey. */
export type Shades = Pick<Look, 'window' | 'inverted' | 'effects'>

/** Shade (0 to 255) of a value. */
function levelFor({ output }: Picture, { window, inverted, effects }: Shades): (value: number) => number {
  return (value) => {
    const part = bent(partOf(value, window), effects?.curve ?? 'straight')
    const shown = output ? presented(part, output) : part
    // NaN of float pixels is no value: black.
    return Math.round(255 * (inverted ? 1 - shown : shown)) || 0
  }
}

interface Table {
  readonly values: Uint8Array
  /** Entry of the value 0. */
  readonly zero: number
  readonly of: { readonly window: Window; readonly inverted: boolean; readonly curve: string; readonly output: LookUp | undefined; readonly type: unknown }
}

let latest: Table | undefined

/** Shade for each possible value of an array type, so that a window costs one table instead of arithmetic per pixel; none for fractions. The next image of a series mostly has the same. */
function tableFor(picture: Picture, shades: Shades): Table | undefined {
  const { pixels: { data }, output } = picture
  if (data instanceof Float32Array) return undefined
  const { window, inverted, effects } = shades
  const of: Table['of'] = { window, inverted, curve: effects?.curve ?? 'straight', output, type: data.constructor }
  const { of: last } = latest ?? {}
  if (latest && last && sameWindow(last.window, window) && last.inverted === inverted && last.curve === of.curve && last.output === output && last.type === of.type) return latest
  const level = levelFor(picture, shades)
  const zero = data instanceof Int16Array ? 32768 : 0
  const values = new Uint8Array(data instanceof Uint8Array ? 256 : 65536)
  for (let index = 0; index < values.length; index++) values[index] = level(index - zero)
  latest = { values, zero, of }
  return latest
}

/** What covers a pixel whatever its value: shutter, overlay plane or padding; undefined where the value shows. */
function coverOf({ pixels, mask }: Picture): ((index: number) => number | undefined) | undefined {
  const padding = pixels.color ? undefined : pixels.padding
  if (!mask && !padding) return undefined
  const [red, green, blue] = mask?.shutter ?? [0, 0, 0]
  const [black, white, shutter] = [packed(0, 0, 0), packed(255, 255, 255), packed(red, green, blue)]
  const covered = mask?.pixels
  return (index) => {
    const kind = covered?.[index] ?? PLAIN
    if (kind !== PLAIN) return kind === SHUT ? shutter : white
    if (!padding) return undefined
    const value = pixels.data[index] ?? 0
    return value >= padding.from && value <= padding.to ? black : undefined
  }
}

/** A palette is entered with what comes out of the window, over all of its entries (PS3.3 C.7.9): red, green, blue of 256 shades. */
function paletteColors(palette: NonNullable<Picture['palette']>): Uint8Array {
  const channel = ({ values, bits }: Resolved, part: number): number => Math.round(((values[Math.round(part * (values.length - 1))] ?? 0) / (2 ** bits - 1)) * 255)
  return Uint8Array.from({ length: 768 }, (_, at) => channel(palette[(at % 3) as 0 | 1 | 2], Math.floor(at / 3) / 255))
}

/** Grey values with nothing above them: most of what is ever shown. */
function plainly(data: ArrayLike<number>, { values, zero }: Table, grey: Uint32Array, out: Uint32Array): void {
  const whole = data as Uint16Array
  for (let at = 0; at < out.length; at++) out[at] = grey[values[(whole[at] ?? 0) + zero] ?? 0] ?? 0
}

/** The picture in the shades asked for, one canvas pixel per `stride` image pixels. */
export function painted(picture: Picture, shades: Shades, stride = 1, onto = document.createElement('canvas')): HTMLCanvasElement {
  const { columns, rows } = picture.frame.extent
  const width = Math.max(1, Math.floor(columns / stride))
  const height = Math.max(1, Math.floor(rows / stride))
  onto.width = width
  onto.height = height
  const context = onto.getContext('2d', PLAIN_MEMORY)
  if (!context) return onto
  const target = context.createImageData(width, height)
  const out = new Uint32Array(target.data.buffer)
  const table = tableFor(picture, shades)
  const level = table ? (value: number): number => table.values[value + table.zero] ?? 0 : levelFor(picture, shades)
  const cover = coverOf(picture)
  const { data, color } = picture.pixels
  const colors = color ? undefined : (colorTable(shades.effects?.colors ?? '') ?? (picture.palette && paletteColors(picture.palette)))
  const grey = Uint32Array.from({ length: 256 }, (_, shade) => (colors ? packed(colors[shade * 3] ?? 0, colors[shade * 3 + 1] ?? 0, colors[shade * 3 + 2] ?? 0) : packed(shade, shade, shade)))
  if (table && !color && !cover && stride === 1) plainly(data, table, grey, out)
  else for (let y = 0; y < height; y++) {
    const from = y * stride * columns
    for (let x = 0; x < width; x++) {
      const at = from + x * stride
      const shown = color ? packed(level(data[at * 3] ?? 0), level(data[at * 3 + 1] ?? 0), level(data[at * 3 + 2] ?? 0)) : (grey[level(data[at] ?? 0)] ?? 0)
      out[y * width + x] = cover?.(at) ?? shown
    }
  }
  context.putImageData(target, 0, 0)
  return onto
}

/** A small picture of a picture, for the series rail. */
export async function thumbnail(picture: Picture, shades: Shades, side: number): Promise<Blob | null> {
  const { columns, rows, aspect } = picture.frame.extent
  const stride = Math.max(1, Math.floor(Math.max(columns, rows) / (side * 2)))
  const source = painted(picture, shades, stride)
  const scale = side / Math.max(columns * aspect[0], rows * aspect[1])
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(columns * aspect[0] * scale))
  canvas.height = Math.max(1, Math.round(rows * aspect[1] * scale))
  const context = canvas.getContext('2d')
  if (!context) return null
  context.imageSmoothingQuality = 'high'
  context.drawImage(source, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
}

export class CanvasSurface implements Surface {
  readonly canvas = document.createElement('canvas')
  private readonly source = document.createElement('canvas')
  private painting: { picture: Picture; shades: Shades } | null = null
  private size: Size = { width: 0, height: 0 }

  private readonly fixedRatio: number | undefined

  /** @param ratio canvas pixels per CSS pixel; as the screen has when it is not given */
  constructor(host: HTMLElement, ratio?: number) {
    this.fixedRatio = ratio
    this.canvas.className = 'pane-canvas'
    host.append(this.canvas)
  }

  private get ratio(): number {
    return this.fixedRatio ?? (window.devicePixelRatio || 1)
  }

  resize(size: Size): void {
    this.size = size
    const { ratio } = this
    this.canvas.width = Math.round(size.width * ratio)
    this.canvas.height = Math.round(size.height * ratio)
  }

  draw(picture: Picture, look: Look): void {
    const context = this.canvas.getContext('2d', PLAIN_MEMORY)
    if (!context) return
    const now = this.painting
    if (now?.picture !== picture || now.shades.window !== look.window || now.shades.inverted !== look.inverted || now.shades.effects !== look.effects) {
      painted(picture, look, 1, this.source)
      this.painting = { picture, shades: look }
    }
    const { ratio } = this
    const m: Affine = affineOf(look.view, picture.frame.extent, this.size)
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.fillStyle = '#000'
    context.fillRect(0, 0, this.canvas.width, this.canvas.height)
    context.setTransform(m.a * ratio, m.b * ratio, m.c * ratio, m.d * ratio, m.e * ratio, m.f * ratio)
    const magnified = Math.hypot(m.a, m.b) * ratio
    context.imageSmoothingEnabled = Math.abs(magnified - 1) > 1e-3
    context.imageSmoothingQuality = magnified < 1 ? 'high' : 'medium'
    // Centres of pixels are whole numbers, so the picture begins half a pixel before zero.
    context.drawImage(this.source, -0.5, -0.5)
  }

  show(visible: boolean): void {
    this.canvas.hidden = !visible
  }

  dispose(): void {
    this.canvas.remove()
    // Safari keeps the memory of a detached canvas until it is shrunk.
    this.canvas.width = this.canvas.height = this.source.width = this.source.height = 0
    this.painting = null
  }
}
