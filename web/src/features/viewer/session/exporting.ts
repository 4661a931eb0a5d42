// What the server is told of the screen when it writes an object: which view, which images.
import { placeOf } from '../model/annotations'
import { apply, invert } from '../model/view'
import type { ViewerSession } from './session'

/** Rotation clockwise, before a flip of left and right (PS3.3 C.10.6), of one of the eight turns. */
export function spatialOf({ a, b, c, d }: { readonly a: number; readonly b: number; readonly c: number; readonly d: number }): { rotation: number; flip: boolean } {
  const flip = a * d - b * c < 0
  // A flip after the rotation negates the first row: without it a proper rotation is left.
  const [cos, sin] = flip ? [-a, c] : [a, c]
  const rotation = (Math.round((Math.atan2(sin, cos) * 180) / Math.PI) + 360) % 360
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
  const corners = [apply(back, [0, 0]), apply(back, [size.width, size.height])]
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)]
  const area = view.fitted ? [1, 1, columns, rows] : [Math.min(...xs) + 1, Math.min(...ys) + 1, Math.max(...xs) + 1, Math.max(...ys) + 1].map(Math.round)
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
