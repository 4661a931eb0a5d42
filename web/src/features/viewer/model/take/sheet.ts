// Sheets of paper: where pictures lie on them, which pictures are wanted, how large things are. Millimetres from the top left. Pure.
import type { Calibration } from '../calibration'

export interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export const PAPERS = {
  a4: { name: 'A4', width: 210, height: 297 },
  a3: { name: 'A3', width: 297, height: 420 },
  letter: { name: 'Letter', width: 215.9, height: 279.4 },
} as const

export type Paper = keyof typeof PAPERS

export interface Layout {
  readonly paper: Paper
  readonly landscape: boolean
  readonly rows: number
  readonly columns: number
  /** Lines of text above the pictures. */
  readonly lines: number
}

export interface Sheet {
  readonly width: number
  readonly height: number
  readonly head: Rect
  readonly foot: Rect
  /** Row by row. */
  readonly cells: readonly Rect[]
}

export const MARGIN = 10 // what most printers cannot print on is less
export const LINE = 5 // height of a line of the head
export const FOOT = 6
const GAP = 2
export const MOST_ROWS = 8
/** Pictures of one print: more would fill the memory of a tablet, and nobody leafs through them. */
export const MOST_PICTURES = 400

/** CSS counts 96 pixels to the inch, on paper too. */
export const PIXELS = 96 / 25.4

export function sheetOf({ paper, landscape, rows, columns, lines }: Layout): Sheet {
  const { width: short, height: long } = PAPERS[paper]
  const [width, height] = landscape ? [long, short] : [short, long]
  const inner = width - 2 * MARGIN
  const headHeight = lines > 0 ? lines * LINE + 2 : 0
  const top = MARGIN + headHeight
  const room = height - top - MARGIN - FOOT
  const cell = { width: (inner - GAP * (columns - 1)) / columns, height: (room - GAP * (rows - 1)) / rows }
  return {
    width,
    height,
    head: { x: MARGIN, y: MARGIN, width: inner, height: headHeight },
    foot: { x: MARGIN, y: height - MARGIN - FOOT, width: inner, height: FOOT },
    cells: Array.from({ length: rows * columns }, (_, at) => ({
      x: MARGIN + (at % columns) * (cell.width + GAP),
      y: top + Math.floor(at / columns) * (cell.height + GAP),
      ...cell,
    })),
  }
}

/** The images that a text as "1-20, 25, 30-" means, of `count`, 0-based and in its order; all when it is empty; null: it cannot be read. */
export function chosen(text: string, count: number, every = 1): number[] | null {
  const parts = text.split(/[,;\s]+/).filter(Boolean)
  const all: number[] = []
  for (const part of parts.length > 0 ? parts : [`1-${count}`]) {
    const [, from = '', dash = '', to = ''] = /^(\d{0,6})([-–]?)(\d{0,6})$/.exec(part) ?? []
    if (from === '' && to === '') return null
    const first = from === '' ? 1 : Number(from)
    const last = dash === '' ? first : to === '' ? count : Number(to)
    if (first < 1 || last < first || (dash === '' && first > count)) return null
    for (let image = first; image <= Math.min(last, count); image++) if (!all.includes(image - 1)) all.push(image - 1)
  }
  return all.filter((_, at) => at % every === 0)
}

/** Things on pages, `each` at a time. */
export function pagesOf<T>(all: readonly T[], each: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / each) }, (_, page) => all.slice(page * each, (page + 1) * each))
}

/** CSS pixels per unit of a view (the smaller side of a pixel) for a picture as large as what it shows; undefined when nobody knows. */
export function trueScale(calibration: Calibration): number | undefined {
  return calibration.kind === 'spacing' ? Math.min(calibration.x, calibration.y) * PIXELS : undefined
}
