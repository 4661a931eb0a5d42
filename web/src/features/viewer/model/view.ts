// How a picture lies in its viewport: a turn, a scale and the picture point in the middle. Pure arithmetic.
import type { Point } from './geometry'

/** Image axes to screen axes (x right, y down): screen = (a x + b y, c x + d y). Orthonormal: entries -1, 0, 1 unless it was turned freely. */
export interface Turn {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
}

export const UPRIGHT: Turn = { a: 1, b: 0, c: 0, d: 1 }

export interface View {
  readonly turn: Turn
  /** CSS pixels of screen per unit; a unit is the smaller side of an image pixel. */
  readonly scale: number
  /** Image point (column, row; centres of pixels are whole numbers) in the middle of the viewport. */
  readonly centre: Point
  /** The view still follows the size of the viewport. */
  readonly fitted: boolean
}

export interface Extent {
  readonly columns: number
  readonly rows: number
  /** Width and height of a pixel in units; the smaller is 1. */
  readonly aspect: Point
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** x' = a x + c y + e, y' = b x + d y + f, the order of SVG and canvas. */
export interface Affine {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly e: number
  readonly f: number
}

// "+ 0" turns -0 into 0.
const product = (m: Turn, n: Turn): Turn => ({
  a: m.a * n.a + m.b * n.c + 0,
  b: m.a * n.b + m.b * n.d + 0,
  c: m.c * n.a + m.d * n.c + 0,
  d: m.c * n.b + m.d * n.d + 0,
})

const CLOCKWISE: Turn = { a: 0, b: -1, c: 1, d: 0 }
const COUNTER_CLOCKWISE: Turn = { a: 0, b: 1, c: -1, d: 0 }
const MIRROR: Turn = { a: -1, b: 0, c: 0, d: 1 }
const UPSIDE_DOWN: Turn = { a: 1, b: 0, c: 0, d: -1 }

// A turn of what is on the screen comes after what was done before, so it stands on the left.
export const rotateRight = (turn: Turn): Turn => product(CLOCKWISE, turn)
export const rotateLeft = (turn: Turn): Turn => product(COUNTER_CLOCKWISE, turn)
export const flipHorizontal = (turn: Turn): Turn => product(MIRROR, turn)
export const flipVertical = (turn: Turn): Turn => product(UPSIDE_DOWN, turn)

const isMirrored = ({ a, b, c, d }: Turn): boolean => a * d - b * c < 0

/** Degrees clockwise from -180 (not included) to 180 that a turn is, after what mirrors it. */
export function angleOf(turn: Turn): number {
  const { a, c } = isMirrored(turn) ? product(turn, MIRROR) : turn
  const degrees = (Math.atan2(c, a) * 180) / Math.PI
  return degrees <= -180 ? 180 : degrees + 0
}

/** The turn by so many degrees clockwise, mirrored as before. Right angles are exact. */
export function turnedTo(turn: Turn, degrees: number): Turn {
  const exact = (value: number): number => (Math.abs(value - Math.round(value)) < 1e-12 ? Math.round(value) + 0 : value)
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)].map(exact) as [number, number]
  return product({ a: cos, b: -sin, c: sin, d: cos }, isMirrored(turn) ? MIRROR : UPRIGHT)
}

export function fitScale(extent: Extent, size: Size, turn: Turn): number {
  const width = extent.columns * extent.aspect[0]
  const height = extent.rows * extent.aspect[1]
  const { a, b, c, d } = turn
  return Math.min(size.width / (Math.abs(a) * width + Math.abs(b) * height), size.height / (Math.abs(c) * width + Math.abs(d) * height))
}

export function fitted(extent: Extent, size: Size, turn: Turn = UPRIGHT): View {
  return { turn, scale: fitScale(extent, size, turn), centre: [(extent.columns - 1) / 2, (extent.rows - 1) / 2], fitted: true }
}

/** How a hanging protocol wants a picture: at an edge of its viewport, and not larger than pictures that are compared with it. */
export interface Hang {
  readonly justify: '' | 'left' | 'right'
  /** CSS pixels per unit at most. */
  readonly largest: number
}

/** The whole picture in its viewport, in the size and at the edge that was asked for. */
export function hung(extent: Extent, size: Size, turn: Turn, { justify, largest }: Hang): View {
  const fit = fitted(extent, size, turn)
  const view = { ...fit, scale: Math.min(fit.scale, largest) }
  if (justify === '') return view
  const width = view.scale * (Math.abs(turn.a) * extent.columns * extent.aspect[0] + Math.abs(turn.b) * extent.rows * extent.aspect[1])
  const room = (size.width - width) / 2
  return { ...panned(view, extent, size, [justify === 'left' ? -room : room, 0]), fitted: true }
}

/** All ways a picture can lie, as it came first, then those that are least turned. */
export const TURNS: readonly Turn[] = [UPRIGHT, MIRROR, UPSIDE_DOWN, product(MIRROR, UPSIDE_DOWN), CLOCKWISE, COUNTER_CLOCKWISE, product(MIRROR, CLOCKWISE), product(MIRROR, COUNTER_CLOCKWISE)]

export function affineOf(view: View, extent: Extent, size: Size): Affine {
  const { turn, scale, centre } = view
  const a = scale * turn.a * extent.aspect[0]
  const b = scale * turn.c * extent.aspect[0]
  const c = scale * turn.b * extent.aspect[1]
  const d = scale * turn.d * extent.aspect[1]
  return { a, b, c, d, e: size.width / 2 - a * centre[0] - c * centre[1], f: size.height / 2 - b * centre[0] - d * centre[1] }
}

export const apply = (m: Affine, [x, y]: Point): Point => [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f]

export function invert(m: Affine): Affine {
  const determinant = m.a * m.d - m.b * m.c
  const a = m.d / determinant
  const b = -m.b / determinant
  const c = -m.c / determinant
  const d = m.a / determinant
  return { a, b, c, d, e: -(a * m.e + c * m.f), f: -(b * m.e + d * m.f) }
}

/** Moves the picture by screen pixels. */
export function panned(view: View, extent: Extent, size: Size, by: Point): View {
  const back = invert(affineOf(view, extent, size))
  return { ...view, fitted: false, centre: apply(back, [size.width / 2 - by[0], size.height / 2 - by[1]]) }
}

export const SMALLEST_SCALE = 0.02
export const LARGEST_SCALE = 200

/** Scales by a factor while the picture point under the anchor (screen pixels) stays where it is. */
export function zoomed(view: View, extent: Extent, size: Size, factor: number, anchor: Point): View {
  const scale = Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, view.scale * factor))
  const held = apply(invert(affineOf(view, extent, size)), anchor)
  const next = { ...view, scale, fitted: false }
  const moved = apply(affineOf(next, extent, size), held)
  return panned(next, extent, size, [anchor[0] - moved[0], anchor[1] - moved[1]])
}

/** Moves the picture by less than a screen pixel so that image pixels lie exactly on screen pixels: sharp at 1:1. */
export function snapped(view: View, extent: Extent, size: Size, ratio: number): View {
  const { e, f } = affineOf(view, extent, size)
  // The centre of a screen pixel is half a device pixel after its edge.
  const off = (at: number): number => (Math.floor(at * ratio) + 0.5) / ratio - at
  return { ...panned(view, extent, size, [off(e), off(f)]), fitted: view.fitted }
}

/** The same view of a picture of another size: relative position and relative magnification are kept. */
export function carriedOver(view: View, from: Extent, to: Extent, size: Size): View {
  if (view.fitted) return fitted(to, size, view.turn)
  const magnification = view.scale / fitScale(from, size, view.turn)
  return {
    ...view,
    scale: magnification * fitScale(to, size, view.turn),
    centre: [((view.centre[0] + 0.5) / from.columns) * to.columns - 0.5, ((view.centre[1] + 0.5) / from.rows) * to.rows - 0.5],
  }
}

export const sameExtent = (a: Extent, b: Extent): boolean =>
  a.columns === b.columns && a.rows === b.rows && Math.abs(a.aspect[0] - b.aspect[0]) < 1e-6 && Math.abs(a.aspect[1] - b.aspect[1]) < 1e-6
