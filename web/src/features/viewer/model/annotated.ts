// What a presentation state draws (PS3.3 C.10.5 Graphic Annotation, C.10.7 Graphic Layer): figures, texts, compound graphics, in their layers' order.
import { type Dataset, item, items, number, numbers, text } from './dataset'
import type { Point } from './geometry'
import { type Figure, figureType, pointsOf } from './graphics2d'
import { type Rgb, fromLab } from './overlays/colors'
import { type Targets, targetsOf } from './targets'

export interface GraphicLayer {
  readonly name: string
  readonly order: number
  /** Recommended; undefined: the viewer's own. */
  readonly color: Rgb | undefined
  readonly description: string
}

export interface Style {
  readonly color: Rgb | undefined
  readonly width: number
  readonly dashed: boolean
  readonly opacity: number
}

/** Points in pixels of the image (centres are whole numbers), or with `display` in parts of the displayed area. */
export interface Place {
  readonly points: readonly Point[]
  readonly display: boolean
}

export interface Drawn extends Place {
  readonly for: Targets
  readonly layer: string
  readonly type: Figure['type'] | 'INFINITE' | 'SEGMENTS'
  readonly filled: boolean
  readonly style: Style
  readonly fill: Rgb | undefined
  /** Of a text: its lines, what it points at, and how it stands in its box. */
  readonly lines: readonly string[]
  readonly anchor: Place | undefined
  readonly justify: 'LEFT' | 'CENTER' | 'RIGHT'
}

const rgb = (words: readonly number[]): Rgb | undefined => {
  const [r, g, b] = words.map((word) => Math.round(word / 257))
  return r === undefined || g === undefined || b === undefined ? undefined : [r, g, b]
}

/** The layers, the lowest first (PS3.3 C.10.7). */
export function layersOf(dataset: Dataset): GraphicLayer[] {
  return items(dataset, '00700060')
    .map((layer) => {
      const gray = number(layer, '00700066')
      return {
        name: text(layer, '00700002'),
        order: number(layer, '00700062') ?? 0,
        color: fromLab(numbers(layer, '00700401')) ?? rgb(numbers(layer, '00700067')) ?? (gray === undefined ? undefined : rgb([gray, gray, gray])),
        description: text(layer, '00700068'),
      }
    })
    .sort((one, other) => one.order - other.order)
}

const PLAIN: Style = { color: undefined, width: 1.5, dashed: false, opacity: 1 }

/** Line Style Sequence, C.10.5.1.2. */
function styleOf(figure: Dataset): Style {
  const line = item(figure, '00700232')
  if (!line) return PLAIN
  return {
    color: fromLab(numbers(line, '00700251')),
    width: Math.min(20, Math.max(0.5, number(line, '00700253') ?? 1.5)),
    dashed: text(line, '00700254') === 'DASHED',
    opacity: number(line, '00700284') ?? 1,
  }
}

/** Points as the state writes them: PIXEL counts from the corner of the first pixel, DISPLAY is a part of the displayed area (C.10.5.1). */
function placeOf(units: string, data: readonly number[]): Place | undefined {
  if (data.length < 2 || (units !== 'PIXEL' && units !== 'DISPLAY')) return undefined
  const pixel = units === 'PIXEL'
  const points = pixel ? pointsOf(data) : Array.from({ length: data.length >> 1 }, (_, at): Point => [data[2 * at] ?? 0, data[2 * at + 1] ?? 0])
  return { points, display: !pixel }
}

type About = Pick<Drawn, 'for' | 'layer'>
const NO_TEXT = { lines: [], anchor: undefined, justify: 'LEFT' } as const

function figureOf(figure: Dataset, about: About): Drawn[] {
  const type = figureType(text(figure, '00700023'))
  const place = placeOf(text(figure, '00700005'), numbers(figure, '00700022'))
  if (!type || type === 'TEXT' || !place) return []
  return [{ ...about, ...place, ...NO_TEXT, type, filled: text(figure, '00700024') === 'Y', style: styleOf(figure), fill: fromLab(numbers(item(figure, '00700233') ?? {}, '00700251')) }]
}

function textOf(each: Dataset, about: About): Drawn[] {
  const box = placeOf(text(each, '00700003'), [...numbers(each, '00700010'), ...numbers(each, '00700011')])
  const anchor = placeOf(text(each, '00700004'), numbers(each, '00700014'))
  const place = box?.points.length === 2 ? box : anchor
  if (!place) return []
  const said = text(each, '00700012')
  const style = item(each, '00700231')
  return [{
    ...about,
    ...place,
    type: 'TEXT',
    filled: false,
    style: { ...PLAIN, color: style && fromLab(numbers(style, '00700241')) },
    fill: undefined,
    lines: text(each, '00700006').split(/\r\n|\r|\n/),
    anchor: place === box && text(each, '00700015') === 'Y' ? anchor : undefined,
    justify: said === 'CENTER' || said === 'RIGHT' ? said : 'LEFT',
  }]
}

const along = ([x0, y0]: Point, [x1, y1]: Point, part: number): Point => [x0 + (x1 - x0) * part, y0 + (y1 - y0) * part]

/** The plain lines of a compound graphic (C.10.5.1.3); [] for one whose form is not known. */
function compoundLines(type: string, points: readonly Point[], compound: Dataset): { readonly type: Drawn['type']; readonly points: readonly Point[] } | undefined {
  const [a, b] = points
  if (!a) return undefined
  if (type === 'MULTILINE') return { type: 'SEGMENTS', points }
  if (type === 'CROSSHAIR') return { type: 'POINT', points: [a] }
  if (!b) return undefined
  if (type === 'INFINITELINE') return { type: 'INFINITE', points: [a, b] }
  if (type === 'RECTANGLE') return { type: 'POLYLINE', points: [a, [b[0], a[1]], b, [a[0], b[1]], a] }
  if (type === 'ELLIPSE') {
    const middle = along(a, b, 0.5)
    return { type: 'ELLIPSE', points: [[a[0], middle[1]], [b[0], middle[1]], [middle[0], a[1]], [middle[0], b[1]]] }
  }
  if (type === 'RULER' || type === 'AXIS') {
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1
    const across: Point = [-(b[1] - a[1]) * (6 / length), (b[0] - a[0]) * (6 / length)]
    const ticks = [0, 1, ...items(compound, '00700287').map((tick) => number(tick, '00700288') ?? 0)]
    const marks = ticks.flatMap((part): Point[] => {
      const [x, y] = along(a, b, part)
      return [[x - across[0], y - across[1]], [x + across[0], y + across[1]]]
    })
    return { type: 'SEGMENTS', points: [a, b, ...marks] }
  }
  return { type: 'POLYLINE', points }
}

function compoundOf(compound: Dataset, about: About): Drawn[] {
  const place = placeOf(text(compound, '00700282'), numbers(compound, '00700022'))
  const lines = place && compoundLines(text(compound, '00700294'), place.points, compound)
  if (!place || !lines) return []
  const shared = { ...about, display: place.display, filled: false, style: styleOf(compound), fill: undefined }
  const [a, b] = place.points
  const labels = items(compound, '00700287').flatMap((tick): Drawn[] => {
    const label = text(tick, '00700289')
    return label && a && b ? [{ ...shared, ...NO_TEXT, type: 'TEXT', points: [along(a, b, number(tick, '00700288') ?? 0)], lines: [label] }] : []
  })
  return [{ ...shared, ...NO_TEXT, ...lines }, ...labels]
}

/**
 * How many of its graphics are placed otherwise: in MATRIX units, on the whole of a tiled slide (C.10.5.1), which has no presentation here.
 * A compound graphic that plain figures stand for counts once.
 */
export function elsewhereOf(dataset: Dataset): number {
  const isHere = (units: string): boolean => units === 'PIXEL' || units === 'DISPLAY'
  return items(dataset, '00700001')
    .flatMap((annotation) => {
      const figures = items(annotation, '00700009').filter((each) => !isHere(text(each, '00700005')))
      const texts = items(annotation, '00700008').filter((each) => ![text(each, '00700003'), text(each, '00700004')].some(isHere))
      const plain = new Set([...items(annotation, '00700009'), ...items(annotation, '00700008')].flatMap((each) => number(each, '00700226') ?? []))
      const compounds = items(annotation, '00700209').filter((each) => !isHere(text(each, '00700282')) && !plain.has(number(each, '00700226') ?? Number.NaN))
      return [...figures, ...texts, ...compounds]
    })
    .length
}

/**
 * All that a state draws, what lies lowest first. A compound graphic that is also written as plain figures is drawn as these,
 * which is how its author wants it seen by whoever does not know it.
 */
export function drawnOf(dataset: Dataset): Drawn[] {
  const order = new Map(layersOf(dataset).map((layer, at) => [layer.name, at]))
  const found = items(dataset, '00700001').flatMap((annotation) => {
    const about = { for: targetsOf(annotation), layer: text(annotation, '00700002') }
    const figures = items(annotation, '00700009')
    const texts = items(annotation, '00700008')
    const plain = new Set([...figures, ...texts].flatMap((each) => number(each, '00700226') ?? []))
    const compounds = items(annotation, '00700209').filter((each) => !plain.has(number(each, '00700226') ?? Number.NaN))
    return [...figures.flatMap((each) => figureOf(each, about)), ...texts.flatMap((each) => textOf(each, about)), ...compounds.flatMap((each) => compoundOf(each, about))]
  })
  return found.sort((one, other) => (order.get(one.layer) ?? 0) - (order.get(other.layer) ?? 0))
}
