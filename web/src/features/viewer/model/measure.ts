// What measurements measure, in numbers and in words. Image coordinates: centres of pixels are whole numbers.
import { type Axes, type Calibration, type Scale, axesAt, scaleAt, unlikeAxes } from './calibration'
import type { Point } from './geometry'
import { acute, angleBetween, angleOf } from './angles'
import { type OrthopaedicQuantity, isWrittenBeside, orthopaedics } from './orthopaedics'
import { type Kind, type Proportion, type Region, footOn, handlesOf, middles, outlineOf, regionOf } from './shapes'
import { type Statistics, type Values, statisticsOf as regionStatistics } from './statistics'
import type { OtherUptake } from './suv'

export { angleBetween, angleOf } from './angles'
export { KINDS, type Kind, boxOf } from './shapes'
export type { Statistics, Values } from './statistics'

/** A code with its meaning (PS3.3 8.8). */
export interface Code {
  readonly value: string
  readonly scheme: string
  readonly meaning: string
}

/** What a report says of a measurement in codes: its finding, category, site with its modifiers (PS3.16 TID 1410, 1501). */
export interface Said {
  readonly relation: 'CONTAINS' | 'HAS CONCEPT MOD'
  readonly concept: Code
  readonly code: Code
  readonly modifiers: readonly { readonly concept: Code; readonly code: Code }[]
}

/** What comes with a measurement out of a report, and goes into the next one. */
export interface Origin {
  /** Tracking Unique Identifier: the same lesion in every report. */
  readonly tracking: string
  readonly said: readonly Said[]
}

/** A plain value: everything but `lines` says what was drawn, and is worth keeping. */
export interface Measurement {
  readonly id: string
  readonly kind: Kind
  readonly frameId: string
  readonly seriesInstanceUID: string
  /**
   * length, arrow (tip first), calibration: two ends; bidirectional: ends of the long axis, then of the short one; polyline, freehand, spline, livewire: corners;
   * perpendicular: two of the line, then the point; angle: end, vertex, end; openAngle, cobb, ratio, midAngle, centreEdge, acetabular, graf: two of each line; legLength: hip, knee, ankle of each leg; parallel, oblique: two of one side, one of the other; ellipse, rectangle: two opposite
   * corners of the box; circle: middle and edge; circle3: three of the edge; probe, text, marker, vertebra, etdrs: the point.
   */
  readonly points: readonly Point[]
  /** What a person wrote: a note, a marker's number, the millimetres of a calibration. */
  readonly text?: string
  /** A name given to any other shape. */
  readonly label?: string
  /** Where its words begin, from its first point, in pixels of the image, when a person has moved them; else they stand beside it. */
  readonly wordsAt?: Point
  /** Of one that was taken over from a report. */
  readonly origin?: Origin
  /** What is written beside it, as worked out last. */
  readonly lines: readonly string[]
}

/** The proportions that geometry on these points has to use. */
export function proportionAt(calibration: Calibration, points: readonly Point[], aspect: Point = [1, 1]): Proportion {
  const scale = scaleAt(calibration, points)
  return scale.unit === 'mm' ? scale : { x: aspect[0], y: aspect[1] }
}

export function lengthOf(a: Point, b: Point, scale: Proportion): number {
  return Math.hypot((b[0] - a[0]) * scale.x, (b[1] - a[1]) * scale.y)
}

export function pathLength(points: readonly Point[], scale: Proportion, closed = false): number {
  const [first] = points
  const path = closed && first ? [...points, first] : points
  return path.reduce((sum, point, index) => sum + (index > 0 ? lengthOf(path[index - 1] ?? point, point, scale) : 0), 0)
}

function regionArea(region: Region, scale: Proportion): number {
  if (region.form === 'polygon') {
    const { points } = region
    const twice = points.reduce((sum, [x, y], index) => {
      const [nextX, nextY] = points[(index + 1) % points.length] ?? [x, y]
      return sum + x * nextY - nextX * y
    }, 0)
    return (Math.abs(twice) / 2) * scale.x * scale.y
  }
  const { left, top, right, bottom } = region.box
  const rectangle = (right - left) * scale.x * (bottom - top) * scale.y
  return region.form === 'ellipse' ? (rectangle * Math.PI) / 4 : rectangle
}

export function areaOf(kind: Kind, points: readonly Point[], scale: Proportion): number {
  const region = regionOf(kind, points, scale)
  return region ? regionArea(region, scale) : 0
}

/** Ellipses by Ramanujan's second approximation, within 1e-5 for all that can be told from a line. */
function perimeterOf(region: Region, scale: Proportion): number {
  if (region.form !== 'ellipse') return pathLength(outlineOf(region), scale, true)
  const [a, b] = [((region.box.right - region.box.left) / 2) * scale.x, ((region.box.bottom - region.box.top) / 2) * scale.y]
  const h = a + b > 0 ? ((a - b) / (a + b)) ** 2 : 0
  return Math.PI * (a + b) * (1 + (3 * h) / (10 + Math.sqrt(4 - 3 * h)))
}

/** Statistics of the pixels whose centres lie in the region; undefined when there are none. */
export function statisticsOf(kind: Kind, points: readonly Point[], values: Values, proportion: Proportion = { x: 1, y: 1 }): Statistics | undefined {
  const region = regionOf(kind, points, proportion)
  return region && regionStatistics(region, values)
}

export type Quantity = 'length' | 'long axis' | 'short axis' | 'distance' | 'height' | 'ratio' | 'across' | 'along' | 'slope' | 'at across' | 'at along' | 'time velocity integral' | 'angle' | OrthopaedicQuantity | 'radius' | 'area' | 'perimeter' | 'value' | 'red' | 'green' | 'blue' | 'SUVbw' | 'mean' | 'SD' | 'min' | 'max' | 'median' | 'pixels' | 'padding' | 'skewness' | 'kurtosis' | 'entropy' | `${'SUVbw' | OtherUptake['name']} ${'mean' | 'max' | 'peak'}`

export interface Result {
  readonly quantity: Quantity
  readonly value: number
  /** mm, mm², px, px², °, bit, the unit of the values, or ''. */
  readonly unit: string
  /** Where millimetres come from, when they are not simply those of the patient. */
  readonly note: string
}

/** Everything that a measurement says, in numbers. */
export function results(kind: Kind, points: readonly Point[], calibration: Calibration, values: Values): Result[] {
  // A box has corners that its points do not name: they lie in the same region, or it has no millimetres.
  const corners = handlesOf(kind, points)
  const scale = scaleAt(calibration, corners.length > 0 ? corners : points)
  const proportion = proportionAt(calibration, points, values.aspect)
  const made = (quantity: Quantity, value: number, unit: string = scale.unit): Result => ({ quantity, value, unit, note: unit.startsWith(scale.unit) || (unit === '°' && scale.unit === 'px') ? scale.note : '' })
  const [a, b, c, d] = points
  if (!a) return []
  if (kind === 'probe') return [...placeOn(calibration, a), ...probe(a, values)]
  if (kind === 'etdrs' && scale.unit === 'mm') return [made('radius', 3)] // of its outer ring
  if (!b) return []
  switch (kind) {
    case 'length': {
      const unlike = unlikeAxes(calibration, points)
      return unlike ? alongAxes(a, b, unlike) : [made('length', lengthOf(a, b, scale))]
    }
    case 'calibration':
      return [plain('length', lengthOf(a, b, { x: 1, y: 1 }), 'px')]
    case 'polyline':
      return [made('length', pathLength(points, scale))]
    case 'bidirectional':
      // Whichever is longer is the long axis (RECIST), also when it was drawn second.
      return c && d ? axes(lengthOf(a, b, scale), lengthOf(c, d, scale), made) : [made('long axis', lengthOf(a, b, scale))]
    case 'height':
      return [made('height', Math.abs(b[1] - a[1]) * scale.y)]
    case 'directional': {
      // Along each axis in what the region of the ultrasound says: centimetres, seconds, centimetres a second (PS3.3 C.8.5.5.1.15).
      const { x, y } = axesAt(calibration, points)
      return [made('across', Math.abs(b[0] - a[0]) * x.delta, x.unit), made('along', Math.abs(b[1] - a[1]) * y.delta, y.unit)]
    }
    case 'ratio':
      return c && d ? ratio([a, b], [c, d], calibration, values.aspect) : []
    case 'midAngle': {
      const [p, q, r, s] = middles(points)
      return p && q && r && s ? [made('angle', acute(angleBetween(p, q, r, s, proportion)), '°')] : []
    }
    case 'parallel':
    case 'perpendicular':
      return c ? [made('distance', lengthOf(c, footOn(a, b, c, proportion), scale))] : []
    case 'angle':
      return c ? [made('angle', angleOf(points, proportion), '°')] : []
    case 'openAngle':
      return c && d ? [made('angle', angleBetween(a, b, c, d, proportion), '°')] : []
    case 'cobb':
      return c && d ? [made('angle', acute(angleBetween(a, b, c, d, proportion)), '°')] : []
    case 'legLength':
    case 'centreEdge':
    case 'acetabular':
    case 'graf':
      return orthopaedics(kind, points, (one, other) => lengthOf(one, other, scale), proportion).map(([quantity, value, unit]) => made(quantity, value, unit))
    default:
      return ofRegion(kind, points, calibration, scale, values, made)
  }
}

const plain = (quantity: Quantity, value: number, unit = '', note = ''): Result => ({ quantity, value, unit, note })

/** A line where the axes are time and velocity, or time and depth, has no length: its parts, and how steep it is. */
function alongAxes(a: Point, b: Point, { x, y }: Axes): Result[] {
  const [across, along] = [Math.abs(b[0] - a[0]) * x.delta, Math.abs(b[1] - a[1]) * y.delta]
  const steep = x.unit === 's' && y.unit !== 'px' && across > 0
  return [plain('across', across, x.unit), plain('along', along, y.unit), ...(steep ? [plain('slope', along / across, y.unit === 'cm/s' ? 'cm/s²' : `${y.unit}/s`)] : [])]
}

/** The velocity, time or depth that a point of such a region stands for, where the region says where its values begin. */
function placeOn(calibration: Calibration, at: Point): Result[] {
  const axes = unlikeAxes(calibration, [at])
  return [
    ...(axes?.x.at ? [plain('at across', axes.x.at(at[0]), axes.x.unit)] : []),
    ...(axes?.y.at ? [plain('at along', axes.y.at(at[1]), axes.y.unit)] : []),
  ]
}

/** Lines of two regions may be compared when each has its millimetres; else pixels are, where those are of one region. */
function ratio(one: readonly [Point, Point], other: readonly [Point, Point], calibration: Calibration, aspect: Point | undefined): Result[] {
  const [first, second] = [scaleAt(calibration, one), scaleAt(calibration, other)]
  const known = first.unit === 'mm' && second.unit === 'mm'
  const common = proportionAt(calibration, [...one, ...other], aspect)
  const below = lengthOf(...other, known ? second : common)
  const note = known ? '' : scaleAt(calibration, [...one, ...other]).note
  return below > 0 ? [plain('ratio', lengthOf(...one, known ? first : common) / below, '', note)] : []
}

type Made = (quantity: Quantity, value: number, unit?: string) => Result

const axes = (one: number, other: number, made: Made): Result[] => [made('long axis', Math.max(one, other)), made('short axis', Math.min(one, other))]

function ofRegion(kind: Kind, points: readonly Point[], calibration: Calibration, scale: Scale, values: Values, made: Made): Result[] {
  const proportion = proportionAt(calibration, points, values.aspect)
  const region = regionOf(kind, points, proportion)
  if (!region) return []
  const found = values.color ? undefined : regionStatistics(region, values)
  const round = kind === 'circle' || kind === 'circle3'
  const unlike = unlikeAxes(calibration, points)
  // Velocity over time is a way: what stands below an envelope is its time velocity integral. Other such areas mean nothing.
  if (unlike) return [...(found ? statistics(found, values, made) : []), ...integral(region, unlike)]
  return [
    ...(found ? statistics(found, values, made) : []),
    ...(round && region.form !== 'polygon' ? [made('radius', ((region.box.right - region.box.left) / 2) * scale.x)] : []),
    made('area', regionArea(region, scale), `${scale.unit}²`),
    made('perimeter', perimeterOf(region, scale)),
  ]
}

const integral = (region: Region, { x, y }: Axes): Result[] =>
  x.unit === 's' && y.unit === 'cm/s' ? [plain('time velocity integral', regionArea(region, { x: x.delta, y: y.delta }), 'cm')] : []

function statistics(found: Statistics, { unit, suv, uptakes = [] }: Values, made: Made): Result[] {
  const uptake = (name: 'SUVbw' | OtherUptake['name'], of: string, factor: number): Result[] => [
    made(`${name} mean`, found.mean * factor, of),
    made(`${name} max`, found.max * factor, of),
    ...(found.peak === undefined ? [] : [made(`${name} peak`, found.peak * factor, of)]),
  ]
  return [
    made('mean', found.mean, unit),
    made('SD', found.deviation, unit),
    made('min', found.min, unit),
    made('max', found.max, unit),
    made('median', found.median, unit),
    ...(suv === undefined ? [] : uptake('SUVbw', 'g/ml', suv)),
    ...uptakes.flatMap(({ name, unit: of, factor }) => uptake(name, of, factor)),
    made('pixels', found.count, ''),
    ...(found.padded > 0 ? [made('padding', found.padded, '')] : []),
    made('skewness', found.skewness, ''),
    made('kurtosis', found.kurtosis, ''),
    made('entropy', found.entropy, 'bit'),
  ]
}

function probe(at: Point, values: Values): Result[] {
  const column = Math.round(at[0])
  const row = Math.round(at[1])
  if (column < 0 || row < 0 || column >= values.columns || row >= values.rows) return []
  const index = row * values.columns + column
  if (values.color) return (['red', 'green', 'blue'] as const).map((quantity, channel) => plain(quantity, values.data[index * 3 + channel] ?? 0))
  const value = values.data[index] ?? 0
  return [plain('value', value, values.unit), ...(values.suv === undefined ? [] : [plain('SUVbw', value * values.suv, 'g/ml')])]
}

export const figure = (value: number): string => {
  const size = Math.abs(value)
  if (Number.isInteger(value)) return String(value)
  if (size >= 1000) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return size >= 0.1 || size === 0 ? value.toFixed(2) : value.toPrecision(3)
}

/** A number with its unit, in the digits that its kind deserves. */
export function valueText({ value, unit }: Result): string {
  if (unit === 'mm') return `${value.toFixed(Math.abs(value) < 10 ? 2 : 1)} mm`
  if (unit === 'px') return `${value.toFixed(1)} px`
  if (unit === '°') return `${value.toFixed(1)}°`
  return unit ? `${figure(value)} ${unit}` : figure(value)
}

/** The lines written beside a measurement. */
export function describe(kind: Kind, points: readonly Point[], calibration: Calibration, values: Values): string[] {
  const found = results(kind, points, calibration, values)
  const of = (quantity: Quantity): Result | undefined => found.find((result) => result.quantity === quantity)
  const line = (quantity: Quantity, before = ''): string[] => {
    const result = of(quantity)
    return result ? [[before, valueText(result)].filter(Boolean).join(' ') + (result.note ? ` (${result.note})` : '')] : []
  }
  const red = of('red')
  if (red) return [...line('at across'), ...line('at along'), `R ${red.value}  G ${of('green')?.value ?? 0}  B ${of('blue')?.value ?? 0}`]
  const [min, max, deviation] = [of('min'), of('max'), of('SD')]
  return [
    ...line('value'), ...line('SUVbw', 'SUVbw'), ...line('at across'), ...line('at along'),
    ...line('length'), ...line('long axis', 'L'), ...line('short axis', 'S'), ...line('distance'), ...line('height', 'Height'), ...line('ratio', 'Ratio'), ...line('across', 'Across'), ...line('along', 'Along'), ...line('slope', 'Slope'), ...line('time velocity integral', 'VTI'), ...line('angle'),
    ...found.flatMap(({ quantity }) => (isWrittenBeside(quantity) ? line(quantity, `${quantity.charAt(0).toUpperCase()}${quantity.slice(1)}`) : [])),
    ...line('mean', 'Mean'),
    ...(deviation ? [`SD ${figure(deviation.value)}`] : []),
    ...(min && max ? [`Min ${figure(min.value)}  Max ${figure(max.value)}`] : []),
    ...line('SUVbw mean', 'SUVbw mean'), ...line('SUVbw max', 'SUVbw max'), ...line('SUVbw peak', 'SUVbw peak'),
    ...line('radius', 'Radius'), ...line('area', 'Area'),
  ]
}
