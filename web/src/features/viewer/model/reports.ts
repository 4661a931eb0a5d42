// Structured reports and key objects (PS3.3 C.17) as a tree to read, and what they draw on images.
import { formatDateTimeText } from './reportText'
import { type Dataset, fullName, item, items, numbers, text, texts } from './dataset'
import { type Figure, chainOf, figureType, pointsOf } from './graphics2d'
import { frameIdOf, newId } from './annotations'
import { type Code, KINDS, type Kind, type Measurement, type Origin, type Said } from './measure'
import { STROKES, isWords, splinePoints } from './shapes'
import type { Point, Vector } from './geometry'
import type { Outline } from './outlines'

const MOST_NODES = 5000
const DEEPEST = 40

export interface Reference {
  readonly sopInstanceUID: string
  readonly frame: number
}

export interface Node {
  readonly name: string
  readonly value: string
  readonly heading: boolean
  /** The image it speaks of. */
  readonly image: Reference | undefined
  readonly children: readonly Node[]
}

export interface Report {
  readonly title: string
  readonly facts: readonly { readonly name: string; readonly value: string }[]
  readonly nodes: readonly Node[]
  /** What was left out of a report that is too long to be shown whole. */
  readonly cut: boolean
}

/** A decimal string may have sixteen digits; nobody reads more than six of them. */
const readable = (decimal: string): string => (decimal.length > 8 && Number.isFinite(Number(decimal)) ? String(Number(Number(decimal).toPrecision(6))) : decimal)

const meaning = (dataset: Dataset, tag: string): string => text(item(dataset, tag) ?? {}, '00080104')
const conceptCode = (dataset: Dataset): string => text(item(dataset, '0040A043') ?? {}, '00080100')

function valueOf(node: Dataset): string {
  switch (text(node, '0040A040')) {
    case 'TEXT':
      return text(node, '0040A160')
    case 'CODE':
      return meaning(node, '0040A168')
    case 'PNAME':
      return fullName(node, '0040A123')
    case 'UIDREF':
      return text(node, '0040A124')
    case 'DATETIME':
      return formatDateTimeText(text(node, '0040A120'))
    case 'DATE':
      return formatDateTimeText(text(node, '0040A121'))
    case 'TIME':
      return text(node, '0040A122').replace(/^(\d\d)(\d\d).*$/, '$1:$2')
    case 'NUM': {
      const measured = item(node, '0040A300')
      if (!measured) return meaning(node, '0040A301') || 'no value'
      const unit = text(item(measured, '004008EA') ?? {}, '00080100')
      const called = meaning(measured, '004008EA')
      // "1" is no unit, but some write pixels so.
      return [texts(measured, '0040A30A').map(readable).join(', '), unit === '1' && !/^px$|pixel/i.test(called) ? '' : called || unit].filter(Boolean).join(' ')
    }
    case 'SCOORD':
    case 'SCOORD3D':
      return text(node, '00700023').toLowerCase()
    default:
      return ''
  }
}

function referenceOf(node: Dataset): Reference | undefined {
  const found = item(node, '00081199')
  if (found && text(node, '0040A040') === 'IMAGE') return { sopInstanceUID: text(found, '00081155'), frame: numbers(found, '00081160')[0] ?? 1 }
  // A number's outline names its image; one click then leads from the number to the image.
  return items(node, '0040A730').map((child) => (['IMAGE', 'SCOORD'].includes(text(child, '0040A040')) ? referenceOf(child) : undefined)).find(Boolean)
}

export function reportOf(dataset: Dataset): Report {
  let left = MOST_NODES
  const nodesOf = (parent: Dataset, depth: number): Node[] =>
    items(parent, '0040A730').flatMap((node): Node[] => {
      if (left-- <= 0 || depth > DEEPEST) return []
      const kind = text(node, '0040A040')
      const name = meaning(node, '0040A043') || (kind === 'IMAGE' ? 'Image' : '')
      const children = kind === 'SCOORD' ? [] : nodesOf(node, depth + 1)
      return name || valueOf(node) || children.length > 0 ? [{ name, value: valueOf(node), heading: kind === 'CONTAINER', image: referenceOf(node), children }] : []
    })
  const facts = [
    { name: 'Patient', value: fullName(dataset, '00100010') },
    { name: 'Patient ID', value: text(dataset, '00100020') },
    { name: 'Date', value: formatDateTimeText(text(dataset, '00080023') + text(dataset, '00080033').slice(0, 4)) },
    { name: 'Completion', value: text(dataset, '0040A491').toLowerCase() },
    { name: 'Verification', value: text(dataset, '0040A493').toLowerCase() },
  ].filter(({ value }) => value !== '')
  const nodes = nodesOf(dataset, 0)
  return { title: meaning(dataset, '0040A043') || 'Report', facts, nodes, cut: left < 0 }
}

// --- what it draws

interface Drawing {
  readonly figure: Figure
  readonly label: string
  /** The tool of this viewer that drew it; '' for others. */
  readonly tool: string
  readonly origin: Origin
  /** Concept of the number that this outline is of: code, or its meaning. */
  readonly of: string
  /** Place of its measurement group. */
  readonly group: number
}

/** What is the same for all that a measurement group holds. */
interface Group {
  readonly name: string
  readonly lines: readonly string[]
  readonly origin: Origin
  readonly number: number
}

const NO_ORIGIN: Origin = { tracking: '', said: [] }
const TOP: Group = { name: '', lines: [], origin: NO_ORIGIN, number: 0 }
/** What programs write as a tracking identifier tells nobody anything. */
const MACHINE_MADE = /^cornerstone\w*@|^Measurement\d*$|^[0-9.]+$/i
const FINDINGS = new Set(['121071', '363698007', 'G-C0E3']) // finding, finding site

const codeOf = (dataset: Dataset | undefined): Code => ({ value: text(dataset ?? {}, '00080100') || text(dataset ?? {}, '00080119'), scheme: text(dataset ?? {}, '00080102'), meaning: text(dataset ?? {}, '00080104') })
const isCoded = (node: Dataset): boolean => text(node, '0040A040') === 'CODE'
const codedOf = (node: Dataset): { concept: Code; code: Code } => ({ concept: codeOf(item(node, '0040A043')), code: codeOf(item(node, '0040A168')) })

/** A code without one of its parts cannot be written again. */
const isWhole = (coded: { concept: Code; code: Code }): boolean => [coded.concept, coded.code].every(({ value, scheme, meaning }) => value !== '' && scheme !== '' && meaning !== '')

function saidIn(children: readonly Dataset[]): Said[] {
  return children.filter(isCoded).flatMap((node): Said[] => {
    const relation = text(node, '0040A010')
    if (relation !== 'CONTAINS' && relation !== 'HAS CONCEPT MOD') return []
    const own = codedOf(node)
    return isWhole(own) ? [{ relation, ...own, modifiers: items(node, '0040A730').filter(isCoded).map(codedOf).filter(isWhole) }] : []
  })
}

function groupOf(children: readonly Dataset[], own: Dataset, number: number): Group {
  const said = saidIn(children)
  const tracking = children.find((child) => conceptCode(child) === '112040')
  const told = text(own, '0040A160')
  const findings = said.filter(({ concept }) => FINDINGS.has(concept.value)).map(({ code, modifiers }) => [code.meaning, ...modifiers.map((each) => each.code.meaning)].join(', '))
  const name = told.startsWith('Isocenter:') || (!MACHINE_MADE.test(told) && findings.length === 0) ? told : findings.join(' · ')
  const lines = children.filter((child) => text(child, '0040A040') === 'NUM').map((child) => `${numberName(child)} ${valueOf(child)}`)
  return { name, lines, origin: { tracking: tracking ? text(tracking, '0040A124') : '', said }, number }
}

/** @param valueType SCOORD, or SCOORD3D */
function outlinesOf(dataset: Dataset, valueType: string, found: (node: Dataset, children: readonly Dataset[], group: Group, of: string) => void): void {
  let groups = 0
  let left = MOST_NODES
  const walk = (node: Dataset, within: Group, of: string, depth: number): void => {
    if (depth > DEEPEST || left-- <= 0) return
    const children = items(node, '0040A730')
    if (text(node, '0040A040') === valueType) {
      found(node, children, within, of)
      return
    }
    const own = children.find((child) => conceptCode(child) === '112039')
    const group = own ? groupOf(children, own, ++groups) : within
    const concept = text(node, '0040A040') === 'NUM' ? `${conceptCode(node)} ${meaning(node, '0040A043')}` : ''
    for (const child of children) walk(child, group, concept, depth + 1)
  }
  walk(dataset, TOP, '', 0)
}

function drawingsOf(dataset: Dataset): Drawing[] {
  const found: Drawing[] = []
  outlinesOf(dataset, 'SCOORD', (node, children, { name, lines, origin, number: group }, of) => {
    const image = children.map(referenceOf).find(Boolean)
    const type = figureType(text(node, '00700023'))
    if (!image || !type) return
    const frames = children.flatMap((child) => numbers(item(child, '00081199') ?? {}, '00081160'))
    const [, tool = '', label = ''] = /^Isocenter:(\w+):?([^]*)$/.exec(name) ?? ['', '', name]
    const figure: Figure = { sopInstanceUID: image.sopInstanceUID, frames, type, points: pointsOf(numbers(node, '00700022')), lines: [...(label ? [label] : []), ...lines], filled: false }
    found.push({ figure, label, tool, origin, of, group })
  })
  // Several numbers may be inferred from copies of one outline.
  return found.filter((each, at) => found.findIndex((other) => JSON.stringify(other.figure) === JSON.stringify(each.figure)) === at)
}

function numberName(node: Dataset): string {
  const how = items(node, '0040A730').find((child) => conceptCode(child) === '121401')
  return [how ? meaning(how, '0040A168') : '', meaning(node, '0040A043')].filter(Boolean).join(' ')
}

export const figuresOf = (dataset: Dataset): Figure[] => drawingsOf(dataset).map(({ figure }) => figure)

/** Its outlines in the patient; an ellipsoid is no curve on an image. */
export function outlinesIn3d(dataset: Dataset): Outline[] {
  const found: Outline[] = []
  outlinesOf(dataset, 'SCOORD3D', (node, _, { name, lines }) => {
    const said = text(node, '00700023')
    const type = said === 'POLYGON' ? 'POLYLINE' : figureType(said)
    const values = numbers(node, '00700022')
    const points = Array.from({ length: Math.floor(values.length / 3) }, (_each, at): Vector => [values[3 * at] ?? 0, values[3 * at + 1] ?? 0, values[3 * at + 2] ?? 0])
    if (type && type !== 'TEXT' && points.length > 0) found.push({ frameOfReference: text(node, '30060024'), type, points, lines: [...(name ? [name] : []), ...lines] })
  })
  return found
}

const near = (a: number, b: number): boolean => Math.abs(a - b) < 0.01

/** A circle of this viewer, put back with the points that its tool has. */
function roundOf(kind: 'circle' | 'circle3', { type, points }: Figure): readonly Point[] | undefined {
  const [a, b, c] = points
  if (!a || !b) return undefined
  if (type === 'ELLIPSE') return !c ? undefined : kind === 'circle3' ? [a, c, b] : [[(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], a]
  if (type !== 'CIRCLE') return points
  if (kind === 'circle') return [a, b]
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
  return [b, [a[0] - dy, a[1] + dx], [a[0] - dx, a[1] - dy]]
}

/** Lines that do not touch are graphics of their own: together they are what was drawn. */
function joined(drawings: readonly Drawing[]): Drawing[] {
  const wholes = new Map<string, Drawing>()
  for (const [at, each] of drawings.entries()) {
    const key = each.group > 0 && hasParts(each.tool) ? String(each.group) : `alone ${at}`
    const before = wholes.get(key)
    wholes.set(key, before ? { ...before, figure: { ...before.figure, points: [...before.figure.points, ...each.figure.points] } } : each)
  }
  return [...wholes.values()]
}

/** Tools that draw several lines, or a line and a point. */
const hasParts = (tool: string): boolean => ['bidirectional', 'parallel', 'perpendicular', ...Object.keys(STROKES)].includes(tool)

interface Shape {
  readonly kind: Kind
  readonly points: readonly Point[]
}

function shapeOf({ figure, tool }: Drawing): Shape | undefined {
  const { type, points } = figure
  const [first, second, third, fourth] = points
  const known = KINDS.find((each) => each === tool)
  if (!first) return undefined
  if (known === 'circle' || known === 'circle3') {
    const round = roundOf(known, figure)
    return round && { kind: known, points: round }
  }
  if (type === 'ELLIPSE' && second && third && fourth) {
    const upright = (near(first[0], second[0]) || near(first[1], second[1])) && (near(third[0], fourth[0]) || near(third[1], fourth[1]))
    const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
    // One that is turned has no tool here: its outline is as good.
    return upright ? { kind: 'ellipse', points: [[Math.min(...xs), Math.min(...ys)], [Math.max(...xs), Math.max(...ys)]] } : { kind: 'freehand', points: chainOf(figure).slice(0, -1) }
  }
  if (known === 'rectangle' && third) return { kind: known, points: [first, third] }
  const last = points[points.length - 1]
  const closed = type === 'POLYLINE' && points.length > 3 && last !== undefined && near(first[0], last[0]) && near(first[1], last[1])
  const through = known === 'spline' && closed ? splinePoints(points.slice(0, -1)) : undefined
  if (through) return { kind: 'spline', points: through }
  if (known) return { kind: known, points: closed ? points.slice(0, -1) : points }
  if (type === 'POINT') return { kind: 'probe', points }
  if (type === 'CIRCLE') return second ? { kind: 'circle', points: [first, second] } : undefined
  if (type !== 'POLYLINE' || points.length < 2) return undefined
  return closed ? { kind: 'freehand', points: points.slice(0, -1) } : { kind: points.length === 2 ? 'length' : 'polyline', points }
}

const isLong = ({ of, tool }: Drawing): boolean => tool === '' && /^(103339001|G-A185|G-A193) |long axis/i.test(of)
const isShort = ({ of, tool }: Drawing): boolean => tool === '' && /^(103340004|G-A186|G-A194) |short axis/i.test(of)

/** Others draw a long and a short axis as two lines of one group; here they are one shape. */
function shapesOf(drawings: readonly Drawing[]): { drawing: Drawing; shape: Shape }[] {
  return drawings.flatMap((drawing) => {
    const shape = shapeOf(drawing)
    if (!shape) return []
    const partner = (is: (each: Drawing) => boolean): Drawing | undefined =>
      drawings.find((each) => is(each) && each.group === drawing.group && each.figure.points.length === 2 && each.figure.sopInstanceUID === drawing.figure.sopInstanceUID)
    const short = isLong(drawing) ? partner(isShort) : undefined
    if (short && shape.kind === 'length') return [{ drawing, shape: { kind: 'bidirectional' as const, points: [...shape.points, ...short.figure.points] } }]
    return isShort(drawing) && shape.kind === 'length' && partner(isLong) ? [] : [{ drawing, shape }]
  })
}

/** The measurements of a report that this viewer can go on with, on images of which the place is known. */
export function measurementsOf(dataset: Dataset, seriesOf: (sopInstanceUID: string) => string | undefined): Measurement[] {
  const study = text(dataset, '0020000D')
  return shapesOf(joined(drawingsOf(dataset))).flatMap(({ drawing: { figure, label, origin }, shape }): Measurement[] => {
    const series = seriesOf(figure.sopInstanceUID)
    if (series === undefined) return []
    const frameId = frameIdOf({ study, series, instance: figure.sopInstanceUID, frame: figure.frames[0] ?? 1 })
    const words = label === '' ? {} : isWords(shape.kind) ? { text: label } : { label }
    return [{ id: newId(), kind: shape.kind, frameId, seriesInstanceUID: series, points: shape.points, lines: figure.lines.slice(label ? 1 : 0), ...words, ...(origin.tracking || origin.said.length > 0 ? { origin } : {}) }]
  })
}

/** Series Instance UID of each instance that the object refers to as its evidence (PS3.3 C.17.2), in the same study. */
export function evidenceOf(dataset: Dataset): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const tag of ['0040A375', '0040A385']) {
    for (const study of items(dataset, tag)) {
      for (const series of items(study, '00081115')) for (const image of items(series, '00081199')) found.set(text(image, '00081155'), text(series, '0020000E'))
    }
  }
  return found
}
