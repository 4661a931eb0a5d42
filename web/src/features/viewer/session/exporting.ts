// What the server is told of the screen when it writes an object: which view, which images.
import { placeOf } from '../model/annotations'
import type { Point } from '../model/geometry'
import { apply, invert } from '../model/view'
import type { ViewerSession } from './session'

/** Rotation clockwise, before a flip of left and right (PS3.3 C.10.6), of one of the eight turns. */
export function spatialOf({ a, b, c, d }: { readonly a: number; readonly b: number; readonly c: number; readonly d: number }): { rotation: number; flip: boolean } {
  const flip = a * d - b * c < 0
  // A flip after the rotation negates the first row: without it a proper rotation is left.
  const [cos, sin] = flip ? [-a, c] : [a, c]
  // Image Rotation knows right angles only (PS3.3 C.10.6): a free rotation is written as the nearest.
  const rotation = (Math.round((Math.atan2(sin, cos) * 2) / Math.PI) * 90 + 360) % 360
  return { rotation, flip }
}

export function exportedBody(session: ViewerSession, form: 'SR' | 'PR' | 'KO', title: string, note: string): Record<string, unknown> {
  if (form !== 'PR') return { form, title, note }
  const pane = session.activePane
  const { picture, view, window, inverted, size } = pane.state.get()
  const affine = pane.affine()
  const place = picture && placeOf(picture.frame.id)
  if (!place || !affine) return { form, title, note }
  const { columns, rows } = picture.frame.extent
  const back = invert(affine)
  // The image's own corner that is at the top left of the screen after the turn (PS3.3 C.10.4); pixels count from 1.
  const corner = (sign: 1 | -1): Point => {
    const corners: Point[] = [[0, 0], [columns - 1, 0], [0, rows - 1], [columns - 1, rows - 1]]
    const place = (point: Point): number => apply(affine, point).reduce((sum, each) => sum + sign * each, 0)
    return corners.reduce((best, point) => (place(point) < place(best) ? point : best))
  }
  const [first, last] = view.fitted ? [corner(1), corner(-1)] : [apply(back, [0, 0]), apply(back, [size.width, size.height])]
  const area = [...first, ...last].map((each) => Math.round(each) + 1)
  return {
    form,
    title,
    note,
    view: {
      series: place.series, instance: place.instance, frame: place.frame, area, ...spatialOf(view.turn),
      inverted, ...(window && !picture.pixels.color ? { window: { center: window.center, width: window.width, shape: window.shape } } : {}),
    },
  }
}
