// The displayed area of a presentation state (PS3.3 C.10.4) as a view, and where on the screen it lies. Pure.
import type { Point } from './geometry'
import type { Area } from './presentations'
import { type Extent, type Size, type Turn, type View, affineOf, apply, panned } from './view'

/** Millimetres of a CSS pixel when nobody has measured the screen (CSS Values 4, 5.2: 96 to the inch). */
export const NOMINAL_PIXEL = 25.4 / 96

/** The extent with the pixels as high by their width as the state says. */
export function shapedAs(extent: Extent, area: Area | undefined): Extent {
  const ratio = area?.ratio
  const own = extent.aspect[1] / extent.aspect[0]
  if (ratio === undefined || !(ratio > 0.05 && ratio < 20) || Math.abs(ratio / own - 1) < 1e-3) return extent
  return { ...extent, aspect: ratio >= 1 ? [1, ratio] : [1 / ratio, 1] }
}

/** Corners in image coordinates (centres of pixels are whole numbers), the edges of their pixels included: left, top, right, bottom. */
const edges = ({ box: [left, top, right, bottom] }: Area): readonly [number, number, number, number] => [left - 1.5, top - 1.5, right - 0.5, bottom - 0.5]

function scaleOf(area: Area, needed: Size, size: Size, screen: { readonly ratio: number; readonly millimetres: number }): number {
  if (area.mode === 'MAGNIFY') return area.magnification / screen.ratio
  if (area.mode === 'TRUE SIZE' && area.spacing) return Math.min(...area.spacing) / screen.millimetres
  return Math.min(size.width / needed.width, size.height / needed.height)
}

/**
 * The view that shows an area: all of it (SCALE TO FIT), in the patient's size (TRUE SIZE), or with so many pixels of the screen for one
 * of the image (MAGNIFY). What is larger than the viewport then shows its top left corner, which is the one that the standard anchors.
 * @param screen device pixels and millimetres of a CSS pixel
 */
export function viewOfArea(area: Area, extent: Extent, size: Size, turn: Turn, screen = { ratio: 1, millimetres: NOMINAL_PIXEL }): View {
  const [left, top, right, bottom] = edges(area)
  const across = (right - left) * extent.aspect[0]
  const down = (bottom - top) * extent.aspect[1]
  const needed = turn.a === 0 ? { width: down, height: across } : { width: across, height: down }
  const scale = scaleOf(area, needed, size, screen)
  const view: View = { turn, scale, centre: [(left + right) / 2, (top + bottom) / 2], fitted: true }
  const over = (length: number, room: number): number => Math.max(0, (length * scale - room) / 2)
  const by: Point = [over(needed.width, size.width), over(needed.height, size.height)]
  return by[0] < 1e-6 && by[1] < 1e-6 ? view : { ...panned(view, extent, size, by), fitted: true }
}

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Where an area lies in the viewport in a view of it, in screen pixels: what graphics in DISPLAY units are parts of. */
export function boxOnScreen(area: Area | undefined, view: View, extent: Extent, size: Size): Box {
  const [left, top, right, bottom] = area ? edges(area) : [-0.5, -0.5, extent.columns - 0.5, extent.rows - 0.5]
  const affine = affineOf(view, extent, size)
  const [x0, y0] = apply(affine, [left, top])
  const [x1, y1] = apply(affine, [right, bottom])
  return { left: Math.min(x0, x1), top: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) }
}
