// A film whose pictures are drawn here, for what the server does not draw: segments, colours for grey values, presentation states.
import { filmOfPictures } from '../../../../api/exports'
import type { Pane, Stack } from '../../engine/pane'
import { angleOf } from '../../model/view'
import { overlaysOf } from '../../session/overlays/store'
import type { ViewerSession } from '../../session/session'
import type { Look } from '../../session/taking'
import { fileOf } from './capture'
import { Darkroom } from './darkroom'
import { sizeOf } from './filming'

const READABLE = 900 // CSS pixels of the longer side: words keep their proportion to the picture

/** Whether the viewport shows what only the viewer can draw. */
export function isDrawnHere(session: ViewerSession, pane: Pane, { drawings }: Look): boolean {
  const { effects, mask, view } = pane.state.get()
  const changed = effects.colors !== '' || effects.curve !== 'straight' || effects.filter !== 0 || mask !== null || Math.abs(angleOf(view.turn) % 90) > 0.01
  return changed || pane.hung?.presenting !== undefined || (drawings && overlaysOf(session).state.get().overlays.some((each) => each.shown))
}

/** @param progress told how many pictures are drawn */
export async function drawnFilm(session: ViewerSession, pane: Pane, stack: Stack, indices: readonly number[], rate: number, look: Look, progress: (done: number) => void, signal: AbortSignal): Promise<Blob> {
  const study = session.studyOf(stack.seriesInstanceUID)
  if (study === undefined) throw new Error('This series is no longer part of an open study.')
  const whole = sizeOf(pane)
  const ratio = Math.max(1, Math.max(whole.width, whole.height) / READABLE)
  const size = { width: Math.round(whole.width / ratio), height: Math.round(whole.height / ratio) }
  const darkroom = new Darkroom(session)
  const parts: BlobPart[] = []
  try {
    for (const [at, index] of indices.entries()) {
      const picture = await fileOf(await darkroom.take({ stack, index, as: pane, size, ratio, whole: false, ...look }, signal), 'image/jpeg')
      const length = new DataView(new ArrayBuffer(4))
      length.setUint32(0, picture.size)
      parts.push(length.buffer, picture)
      progress(at + 1)
    }
  } finally {
    darkroom.dispose()
  }
  const about = { series: stack.seriesInstanceUID, count: indices.length, rate, drawings: look.drawings, patient: look.text === 'all' }
  return filmOfPictures(study, about, new Blob(parts), signal)
}
