// A series as a film: the server draws it, in the window, turn and part of the picture of a viewport.
import type { FilmWish } from '../../../../api/exports'
import type { Pane, Stack } from '../../engine/pane'
import { text as textOf } from '../../model/dataset'
import type { Frame } from '../../model/frame'
import type { Point } from '../../model/geometry'
import { proportionAt } from '../../model/measure'
import { Tag } from '../../model/tags'
import { apply, invert } from '../../model/view'
import { spatialOf } from '../../session/exporting'
import type { ViewerSession } from '../../session/session'
import type { Look } from '../../session/taking'
import { PLACES, linesOf, wordsOf } from '../Measurements'

const FUNCTIONS: Readonly<Record<string, string>> = { LINEAR: 'linear', LINEAR_EXACT: 'linear-exact', SIGMOID: 'sigmoid' }
const LEAST = 512 // pixels of the longer side: smaller films are hard to watch
const MOST = 1920

/** Frames next to each other of one object as one entry. */
function imagesOf(frames: readonly Frame[]): FilmWish['images'] {
  const images: { instance: string; frames: number[] }[] = []
  for (const { instance, number } of frames) {
    const last = images.at(-1)
    if (last?.instance === instance.sopInstanceUID) last.frames.push(number)
    else images.push({ instance: instance.sopInstanceUID, frames: [number] })
  }
  return images
}

/** The server counts from the corner of the first pixel, the viewer from its centre. */
const flat = (points: readonly Point[]): number[] => points.flatMap(([x, y]) => [x + 0.5, y + 0.5])

function drawnOn(session: ViewerSession, frames: readonly Frame[]): FilmWish['drawn'] {
  const byId = new Map(frames.map((frame) => [frame.id, frame]))
  return session.measurements.state.get().all.flatMap((measurement): FilmWish['drawn'] => {
    const frame = byId.get(measurement.frameId)
    const { points: [first], wordsAt } = measurement
    if (!frame || !first) return []
    const at = { instance: frame.instance.sopInstanceUID, frame: frame.number }
    const proportion = proportionAt(session.measurements.calibrationOf(frame), measurement.points, frame.extent.aspect)
    const { open, closed } = linesOf(measurement, proportion)
    const figures = [...open, ...(closed.length > 0 ? [[...closed, ...closed.slice(0, 1)]] : [])].filter((line) => line.length > 1)
    const rightmost = measurement.points.reduce((best, point) => (point[0] > best[0] ? point : best))
    const words = [measurement.kind === 'marker' ? (measurement.text ?? '') : '', ...wordsOf(measurement)].filter(Boolean).join('\n')
    return [
      ...(PLACES.has(measurement.kind) ? [{ ...at, kind: 'POINT' as const, points: flat([first]) }] : figures.map((line) => ({ ...at, kind: 'POLYLINE' as const, points: flat(line) }))),
      ...(words ? [{ ...at, kind: 'TEXT' as const, points: flat([wordsAt ? [first[0] + wordsAt[0], first[1] + wordsAt[1]] : [rightmost[0] + frame.extent.columns / 60, rightmost[1]]]), text: words }] : []),
    ]
  })
}

export function sizeOf(pane: Pane): { width: number; height: number } {
  const { picture, view, size } = pane.state.get()
  const { columns, rows, aspect } = picture?.frame.extent ?? { columns: LEAST, rows: LEAST, aspect: [1, 1] as const }
  const [across, down] = [columns * aspect[0], rows * aspect[1]]
  const [width, height] = !view.fitted ? [size.width, size.height] : Math.abs(view.turn.a) < 0.5 ? [down, across] : [across, down]
  const scale = Math.min(MOST, Math.max(LEAST, width, height)) / Math.max(width, height)
  return { width: Math.max(16, Math.round(width * scale)), height: Math.max(16, Math.round(height * scale)) }
}

/** @param indices which images of the stack, in the order of the film */
export function filmWish(session: ViewerSession, pane: Pane, stack: Stack, indices: readonly number[], rate: number, look: Look): FilmWish {
  const { picture, view, window, presetId, inverted, size } = pane.state.get()
  const frames = indices.flatMap((index) => stack.frames[index] ?? [])
  const affine = pane.affine()
  const { dataset, format } = picture?.frame.instance ?? {}
  const byNature = format?.photometric === 'MONOCHROME1' || (dataset !== undefined && textOf(dataset, Tag.PresentationLUTShape) === 'INVERSE')
  // Each image's own window stays its own; tables go with the image.
  const chosen = window && picture && !picture.pixels.color && !window.table && !presetId.startsWith('image-') ? window : undefined
  const corners = affine && !view.fitted ? [[0, 0], [size.width, size.height]].map((corner) => apply(invert(affine), corner as [number, number])) : []
  const [first, last] = corners
  const edge = (axis: 0 | 1, pick: (...values: number[]) => number): number => Math.round(pick(first?.[axis] ?? 0, last?.[axis] ?? 0) + 0.5)
  const { rotation, flip } = spatialOf(view.turn)
  return {
    series: stack.seriesInstanceUID,
    images: imagesOf(frames),
    ...sizeOf(pane),
    rate,
    ...(chosen ? { window: { center: chosen.center, width: chosen.width, function: FUNCTIONS[chosen.shape] ?? 'linear' } } : {}),
    inverted: picture?.pixels.color ? false : inverted !== byNature,
    rotation: (Math.round(rotation / 90) * 90) % 360,
    flipped: flip,
    ...(first && last ? { area: [edge(0, Math.min), edge(1, Math.min), edge(0, Math.max), edge(1, Math.max)] } : {}),
    annotation: look.text === 'all' ? ['patient', 'technique'] : look.text === 'image' ? ['technique'] : [],
    drawn: look.drawings ? drawnOn(session, frames) : [],
  }
}
