// Pictures of what the viewer shows: the viewport as it is, all of the image in its own pixels, or the whole screen.
import type { Pane } from '../../engine/pane'
import { text as textOf } from '../../model/dataset'
import { Tag } from '../../model/tags'
import type { Size } from '../../model/view'
import type { ViewerSession } from '../../session/session'
import type { Look } from '../../session/taking'
import { capture } from './capture'
import { Darkroom } from './darkroom'

export type Scope = 'view' | 'image' | 'screen'

export interface Made {
  readonly canvas: HTMLCanvasElement
  /** Series Instance UIDs of what is on it. */
  readonly series: readonly string[]
  /** Of a file; says nothing of the patient. */
  readonly name: string
}

const SHARPEST = 4
const LARGEST = 32e6 // pixels
const READABLE = 900 // CSS pixels of the longer side of a picture in its own pixels: words keep their proportion to it

const within = (ratio: number, { width, height }: Size): number => Math.min(ratio, SHARPEST, Math.sqrt(LARGEST / Math.max(1, width * height)))

/** The element of a viewport on the screen. */
const elementOf = (index: number): HTMLElement | null => document.querySelector(`.panes [data-viewport="${index}"]`)

function nameOf(pane: Pane): string {
  const { picture, shown } = pane.state.get()
  if (!picture) return 'picture'
  const { dataset } = picture.frame.instance
  const part = (value: string): string => value.replace(/[^A-Za-z0-9]+/g, '')
  return [part(textOf(dataset, Tag.Modality)) || 'image', `series${part(textOf(dataset, Tag.SeriesNumber))}`, `image${shown + 1}`].join('-')
}

/** Size and pixels per CSS pixel of all of an image, one of its pixels for one of the picture. */
function ownPixels(pane: Pane): { size: Size; ratio: number } {
  const { picture, view } = pane.state.get()
  if (!picture) throw new Error('There is no image in this viewport.')
  const { columns, rows, aspect } = picture.frame.extent
  const [across, down] = [columns * aspect[0], rows * aspect[1]]
  const [width, height] = Math.abs(view.turn.a) < 0.5 ? [down, across] : [across, down]
  const ratio = Math.max(1, Math.max(width, height) / READABLE)
  return { size: { width: Math.round(width / ratio), height: Math.round(height / ratio) }, ratio }
}

async function ofPane(session: ViewerSession, darkroom: Darkroom, index: number, look: Look, whole: boolean, signal: AbortSignal): Promise<HTMLCanvasElement> {
  const pane = session.engine.panes[index]
  const element = elementOf(index)
  if (!pane || !element) throw new Error('There is no image in this viewport.')
  const { size, view, seriesInstanceUID, shown, picture } = pane.state.get()
  const screen = window.devicePixelRatio || 1
  // What is no stack of images is taken as it stands there.
  if (element.dataset.content !== undefined) return capture(element, Math.max(screen, 2))
  if (!picture || !seriesInstanceUID || shown < 0) throw new Error('There is no image in this viewport.')
  const sharp = within(Math.max(screen, 1 / view.scale), size)
  const stack = await session.imagesOf(seriesInstanceUID)
  return darkroom.take({ stack, index: shown, as: pane, ...(whole ? ownPixels(pane) : { size, ratio: sharp }), whole, ...look }, signal)
}

/** All viewports, where they are on the screen. */
async function ofScreen(session: ViewerSession, darkroom: Darkroom, look: Look, signal: AbortSignal): Promise<HTMLCanvasElement> {
  const root = document.querySelector('.panes')
  if (!root) throw new Error('There is nothing on the screen.')
  const box = root.getBoundingClientRect()
  const ratio = within(Math.max(window.devicePixelRatio || 1, 2), box)
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(box.width * ratio)
  canvas.height = Math.round(box.height * ratio)
  const context = canvas.getContext('2d')
  if (!context) throw new Error('This browser has no memory left for a picture of that size.')
  context.fillStyle = '#000'
  context.fillRect(0, 0, canvas.width, canvas.height)
  for (const index of session.engine.panes.keys()) {
    const element = elementOf(index)
    if (!element || session.engine.panes[index]?.state.get().seriesInstanceUID === null) continue
    const at = element.getBoundingClientRect()
    const picture = await ofPane(session, darkroom, index, look, false, signal)
    context.drawImage(picture, (at.left - box.left) * ratio, (at.top - box.top) * ratio, at.width * ratio, at.height * ratio)
  }
  return canvas
}

/** Throws in words what cannot be had. */
export async function pictureOf(session: ViewerSession, scope: Scope, look: Look, signal: AbortSignal): Promise<Made> {
  const darkroom = new Darkroom(session)
  try {
    const { active } = session.state.get()
    const shown = scope === 'screen' ? session.engine.panes.filter((_, index) => elementOf(index)) : [session.activePane]
    const canvas = scope === 'screen' ? await ofScreen(session, darkroom, look, signal) : await ofPane(session, darkroom, active, look, scope === 'image', signal)
    const series = shown.flatMap((pane) => pane.state.get().seriesInstanceUID ?? [])
    return { canvas, series, name: scope === 'screen' ? 'viewports' : nameOf(session.activePane) }
  } finally {
    darkroom.dispose()
  }
}
