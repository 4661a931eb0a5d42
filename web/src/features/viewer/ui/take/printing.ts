// The pictures of a print, one after the other, and what is made of them: sheets for the browser's printer, or a PDF.
import { userName } from '../../../../api/session'
import type { Study } from '../../../../api/types'
import { isAbort } from '../../../../lib/http'
import type { Pane, Stack } from '../../engine/pane'
import { placeOf } from '../../model/annotations'
import { type Wanted, footOf, headingOf } from '../../model/take/heading'
import { type Line, Pdf, type Placed, rasterOf, winAnsi } from '../../model/take/pdf'
import { type Layout, MOST_PICTURES, PIXELS, type Rect, type Sheet, chosen, pagesOf, sheetOf } from '../../model/take/sheet'
import type { ViewerSession } from '../../session/session'
import { fileOf } from './capture'
import { Darkroom } from './darkroom'

export type Source = 'image' | 'screen' | 'series' | 'keys'

export interface Wishes extends Omit<Layout, 'lines'> {
  readonly source: Source
  readonly series: readonly string[]
  /** As "1-20, 25"; empty: all. */
  readonly images: string
  readonly every: number
  readonly heading: Wanted
  readonly drawings: boolean
  readonly text: 'all' | 'image' | 'none'
  /** The part of the picture that the viewport shows. */
  readonly zoomed: boolean
  readonly trueSize: boolean
}

export interface Item {
  readonly stack: Stack
  readonly index: number
  readonly as: Pane | null
}

export interface Job {
  readonly items: readonly Item[]
  readonly sheet: Sheet
  readonly pages: readonly (readonly Item[])[]
  readonly heading: ReturnType<typeof headingOf>
}

/** Canvas pixels per CSS pixel: 288 to the inch on paper. */
export const ON_PAPER = 3

const paneWith = (session: ViewerSession, series: string): Pane | null => {
  const shows = (pane: Pane): boolean => pane.state.get().seriesInstanceUID === series
  return shows(session.activePane) ? session.activePane : (session.engine.panes.find(shows) ?? null)
}

/** Images of a series that can be shown. */
const visible = (stack: Stack): number[] => stack.frames.flatMap((frame, index) => (frame.reason ? [] : [index]))

async function ofSeries(session: ViewerSession, { series, images, every }: Wishes): Promise<Item[]> {
  const items: Item[] = []
  for (const uid of series) {
    const stack = await session.imagesOf(uid)
    const there = visible(stack)
    const wanted = chosen(images, there.length, every)
    if (!wanted) throw new Error('Which images? Write numbers and ranges, as in 1-20, 25.')
    items.push(...wanted.flatMap((at) => ({ stack, index: there[at] ?? 0, as: paneWith(session, uid) })))
  }
  return items
}

async function ofKeys(session: ViewerSession): Promise<Item[]> {
  const items: Item[] = []
  for (const { frameId } of session.annotations.keys.get()) {
    const place = placeOf(frameId)
    if (!place || session.studyOf(place.series) === undefined) continue
    const stack = await session.imagesOf(place.series)
    const index = stack.frames.findIndex((frame) => frame.id === frameId)
    if (index >= 0) items.push({ stack, index, as: paneWith(session, place.series) })
  }
  return items
}

async function ofPanes(session: ViewerSession, panes: readonly Pane[]): Promise<Item[]> {
  const items: Item[] = []
  for (const pane of panes) {
    const { seriesInstanceUID, shown, picture } = pane.state.get()
    if (seriesInstanceUID && picture && shown >= 0) items.push({ stack: await session.imagesOf(seriesInstanceUID), index: shown, as: pane })
  }
  return items
}

const itemsOf = (session: ViewerSession, wishes: Wishes): Promise<Item[]> => {
  if (wishes.source === 'series') return ofSeries(session, wishes)
  if (wishes.source === 'keys') return ofKeys(session)
  return ofPanes(session, wishes.source === 'image' ? [session.activePane] : session.engine.panes)
}

/** Throws in words when nothing would be printed, or too much. */
export async function jobOf(session: ViewerSession, wishes: Wishes): Promise<Job> {
  const items = await itemsOf(session, wishes)
  if (items.length === 0) throw new Error(wishes.source === 'keys' ? 'No image is marked as a key image. Shift K marks one.' : 'There is no image to print here.')
  if (items.length > MOST_PICTURES) throw new Error(`${items.length} pictures are too many for one print; it takes ${MOST_PICTURES}. Choose fewer images, or every second one.`)
  const studies = new Map<string, Study>()
  for (const { stack } of items) {
    const uid = session.studyOf(stack.seriesInstanceUID)
    const study = session.state.get().groups.find((group) => group.study.StudyInstanceUID === uid)?.study
    if (study) studies.set(study.StudyInstanceUID, study)
  }
  const heading = headingOf([...studies.values()], wishes.heading)
  const sheet = sheetOf({ ...wishes, lines: heading.length })
  return { items, sheet, heading, pages: pagesOf(items, sheet.cells.length) }
}

/** A picture that could not be made is told in its place; it must not cost the others. */
function failed(width: number, height: number, reason: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (context) {
    context.fillRect(0, 0, width, height)
    context.fillStyle = '#fff'
    context.font = `${Math.round(width / 24)}px sans-serif`
    context.fillText(reason, width / 20, height / 2, width * 0.9)
  }
  return canvas
}

export class Printer {
  private readonly darkroom: Darkroom

  constructor(session: ViewerSession) {
    this.darkroom = new Darkroom(session)
  }

  async picture(item: Item, cell: Rect, wishes: Wishes, ratio: number, signal: AbortSignal): Promise<HTMLCanvasElement> {
    const size = { width: Math.round(cell.width * PIXELS), height: Math.round(cell.height * PIXELS) }
    try {
      return await this.darkroom.take({ ...item, size, ratio, whole: !wishes.zoomed, trueSize: wishes.trueSize, drawings: wishes.drawings, text: wishes.text }, signal)
    } catch (error) {
      if (isAbort(error)) throw error
      return failed(size.width * ratio, size.height * ratio, error instanceof Error ? error.message : 'This image cannot be shown.')
    }
  }

  /** Addresses of all pictures as files, in their order; whoever asked gives them back with URL.revokeObjectURL. */
  async pictures(job: Job, wishes: Wishes, progress: (done: number) => void, signal: AbortSignal): Promise<string[]> {
    const urls: string[] = []
    try {
      for (const [at, item] of job.items.entries()) {
        const canvas = await this.picture(item, job.sheet.cells[at % job.sheet.cells.length] ?? job.sheet.head, wishes, ON_PAPER, signal)
        urls.push(URL.createObjectURL(await fileOf(canvas, 'image/png')))
        progress(at + 1)
      }
    } catch (error) {
      for (const url of urls) URL.revokeObjectURL(url)
      throw error
    }
    return urls
  }

  async pdf(job: Job, wishes: Wishes, progress: (done: number) => void, signal: AbortSignal): Promise<Blob> {
    const { sheet, heading, pages } = job
    const pdf = new Pdf()
    const now = new Date()
    for (const [page, items] of pages.entries()) {
      const placed: Placed[] = []
      for (const [at, item] of items.entries()) {
        const rect = sheet.cells[at]
        if (!rect) continue
        placed.push({ rect, raster: rasterOf(pixelsOf(await this.picture(item, rect, wishes, ON_PAPER, signal))) })
        progress(page * sheet.cells.length + at + 1)
      }
      const words = [
        ...heading.map(({ text, bold }, line) => ({ text, bold, size: bold ? 11 : 9, x: sheet.head.x, y: sheet.head.y + 4 + line * 5 })),
        { text: footOf(page + 1, pages.length, userName(), now), bold: false, size: 7, x: sheet.foot.x, y: sheet.foot.y + sheet.foot.height - 1 },
      ]
      await pdf.page(sheet.width, sheet.height, [...placed, ...words.flatMap(drawnWords)], words.filter((word) => winAnsi(word.text)))
    }
    return pdf.close('Images', now)
  }

  dispose(): void {
    this.darkroom.dispose()
  }
}

function pixelsOf(canvas: HTMLCanvasElement): ImageData {
  const context = canvas.getContext('2d')
  if (!context) throw new Error('This browser has no memory left for a picture of that size.')
  return context.getImageData(0, 0, canvas.width, canvas.height)
}

const POINT = 25.4 / 72 // millimetres
const FINE = 300 / 25.4 // pixels in a millimetre

/** Words whose letters not every reader has, as a picture of them: a name is never shown as question marks. */
function drawnWords({ text, size, bold, x, y }: Line): Placed[] {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  if (winAnsi(text) || !context) return []
  const high = size * POINT
  const font = `${bold ? 600 : 400} ${high * FINE}px sans-serif`
  context.font = font
  const wide = context.measureText(text).width / FINE + 1
  canvas.width = Math.ceil(wide * FINE)
  canvas.height = Math.ceil(high * 1.5 * FINE)
  context.fillStyle = '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = '#000'
  context.font = font
  context.fillText(text, 0, high * 1.1 * FINE)
  return [{ rect: { x, y: y - high * 1.1, width: wide, height: high * 1.5 }, raster: rasterOf(pixelsOf(canvas)) }]
}
