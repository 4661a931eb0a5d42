// Structure sets (PS3.3 A.19, C.8.8.5 and C.8.8.6): named contours in the patient.
import { type Dataset, items, number, numbers, text } from '../dataset'
import { type Point, type Vector, cross, dot } from '../geometry'
import { Tag } from '../tags'
import { type Rgb, colorFor } from './colors'
import { type Grid, heightOf, inPlane, pixelOf, sameSpace } from './grid'
import { T } from './tags'

export interface Contour {
  readonly closed: boolean
  readonly points: readonly Vector[]
}

export interface Structure {
  readonly number: number
  readonly label: string
  readonly color: Rgb
  /** As RT ROI Interpreted Type says: PTV, ORGAN, EXTERNAL ... */
  readonly type: string
  readonly frameOfReference: string
  readonly contours: readonly Contour[]
  /** Millimetres between the planes of its contours; undefined for a single one. */
  readonly step: number | undefined
}

export interface StructureSet {
  readonly label: string
  readonly structures: readonly Structure[]
  readonly series: readonly string[]
  /** Frame of Reference UID -> the series of it that structures were drawn on: a set may be for several (PS3.3 C.8.8.5). */
  readonly seriesIn: ReadonlyMap<string, readonly string[]>
}

/** Longer lists of points come apart from the header: `path` is that of PS3.18 F.2.5. */
export type LongValue = (path: string) => readonly number[] | undefined

export function structureSetOf(dataset: Dataset, longValue: LongValue = () => undefined): StructureSet {
  const drawn = new Map<number, { entry: Dataset; index: number }>()
  items(dataset, T.ROIContourSequence).forEach((entry, index) => drawn.set(number(entry, T.ReferencedROINumber) ?? -1, { entry, index }))
  const types = new Map(items(dataset, T.RTROIObservationsSequence).map((entry) => [number(entry, T.ReferencedROINumber), text(entry, T.RTROIInterpretedType)]))
  const structures = items(dataset, T.StructureSetROISequence).map((roi, index): Structure => {
    const roiNumber = number(roi, T.ROINumber) ?? index + 1
    const found = drawn.get(roiNumber)
    const contours = found ? contoursOf(found.entry, `${T.ROIContourSequence}/${found.index}/${T.ContourSequence}`, longValue) : []
    const [r, g, b] = found ? numbers(found.entry, T.ROIDisplayColor) : []
    return {
      number: roiNumber,
      label: text(roi, T.ROIName) || `Structure ${roiNumber}`,
      color: r === undefined || g === undefined || b === undefined ? colorFor(index) : [r, g, b],
      type: types.get(roiNumber) ?? '',
      frameOfReference: text(roi, T.ReferencedFrameOfReferenceUID),
      contours,
      step: stepOf(contours),
    }
  })
  const seriesIn = new Map<string, readonly string[]>()
  for (const space of items(dataset, T.ReferencedFrameOfReferenceSequence)) {
    const named = items(space, T.RTReferencedStudySequence).flatMap((study) => items(study, T.RTReferencedSeriesSequence).map((entry) => text(entry, Tag.SeriesInstanceUID)))
    const uid = text(space, Tag.FrameOfReferenceUID)
    seriesIn.set(uid, [...(seriesIn.get(uid) ?? []), ...named])
  }
  return { label: text(dataset, T.StructureSetLabel), structures, series: [...seriesIn.values()].flat(), seriesIn }
}

/** Those in the frame of reference of a structure first: each has one, a set may have several. */
export function seriesOfPart({ structures, series, seriesIn }: StructureSet, part: number | undefined): readonly string[] {
  const space = structures.find((structure) => structure.number === part)?.frameOfReference
  return [...(seriesIn.get(space ?? '') ?? []), ...series]
}

function contoursOf(entry: Dataset, path: string, longValue: LongValue): Contour[] {
  return items(entry, T.ContourSequence).flatMap((contour, index): Contour[] => {
    const values = contour[T.ContourData]?.BulkDataURI === undefined ? numbers(contour, T.ContourData) : (longValue(`${path}/${index}/${T.ContourData}`) ?? [])
    const points: Vector[] = []
    for (let at = 0; at + 2 < values.length; at += 3) points.push([values[at] ?? 0, values[at + 1] ?? 0, values[at + 2] ?? 0])
    const kind = text(contour, T.ContourGeometricType)
    return points.length > 0 ? [{ closed: kind.startsWith('CLOSED'), points }] : []
  })
}

/** Across the plane of a contour (Newell); undefined for points and lines. */
function normalOfContour({ points }: Contour): Vector | undefined {
  const origin = points[0]
  if (!origin) return undefined
  let sum: Vector = [0, 0, 0]
  points.forEach((point, index) => {
    const next = points[(index + 1) % points.length] ?? point
    const part = cross([point[0] - origin[0], point[1] - origin[1], point[2] - origin[2]], [next[0] - origin[0], next[1] - origin[1], next[2] - origin[2]])
    sum = [sum[0] + part[0], sum[1] + part[1], sum[2] + part[2]]
  })
  const size = Math.sqrt(dot(sum, sum))
  return size > 1e-9 ? [sum[0] / size, sum[1] / size, sum[2] / size] : undefined
}

function stepOf(contours: readonly Contour[]): number | undefined {
  const first = contours.find((contour) => contour.closed)
  const normal = first && normalOfContour(first)
  if (!normal) return undefined
  const heights = [...new Set(contours.flatMap(({ closed, points }) => (closed && points[0] ? [Math.round(dot(points[0], normal) * 100) / 100] : [])))].sort((a, b) => a - b)
  const gaps = heights.slice(1).map((height, index) => height - (heights[index] ?? 0))
  return gaps.length > 0 ? Math.min(...gaps) : undefined
}

export interface Drawn {
  readonly closed: boolean
  /** Column and row on the picture. */
  readonly points: readonly Point[]
}

const FLAT = 0.5 // mm a contour may leave its plane

/** The contours that lie on a plane: those of the nearest level, no further than half the way to the next. */
export function contoursOn(structure: Structure, grid: Grid, thickness: number | undefined): Drawn[] {
  if (!sameSpace(structure.frameOfReference, grid.frameOfReference)) return []
  const reach = (structure.step ?? thickness ?? 1) / 2 + 0.001
  const near = structure.contours.flatMap((contour) => {
    const heights = contour.points.map((point) => heightOf(grid, point))
    const height = heights[0] ?? Infinity
    return Math.abs(height) <= reach && heights.every((each) => Math.abs(each - height) < FLAT) ? [{ contour, away: Math.abs(height) }] : []
  })
  const least = Math.min(...near.map(({ away }) => away))
  return near.filter(({ away }) => away < least + 0.01).map(({ contour }) => ({ closed: contour.closed, points: contour.points.map((point) => pixelOf(grid, point)) }))
}

export interface Level {
  /** Rings in millimetres along `row` and `column` from `origin`. */
  readonly rings: readonly (readonly Point[])[]
  readonly grid: Grid
}

/** The closed contours of a structure by plane, each with axes in its plane. */
export function levelsOf(structure: Structure): Level[] {
  const closed = structure.contours.filter((contour) => contour.closed && contour.points.length > 2)
  const normal = closed[0] && normalOfContour(closed[0])
  const origin = closed[0]?.points[0]
  if (!normal || !origin) return []
  const byHeight = new Map<number, Contour[]>()
  for (const contour of closed) {
    const height = Math.round(dot(contour.points[0] ?? origin, normal) * 100)
    byHeight.set(height, [...(byHeight.get(height) ?? []), contour])
  }
  return [...byHeight.values()].map((contours) => {
    const grid = inPlane(normal, contours[0]?.points[0] ?? origin, structure.frameOfReference)
    return { grid, rings: contours.map((contour) => contour.points.map((point) => pixelOf(grid, point))) }
  })
}

/** Area inside an odd number of rings, square millimetres: rings within rings are holes (PS3.3 C.8.8.6.3). */
export function areaOf(rings: readonly (readonly Point[])[]): number {
  const sizes = rings.map((ring) => Math.abs(ring.reduce((sum, [x], index) => sum + x * ((ring[(index + 1) % ring.length]?.[1] ?? 0) - (ring[(index + ring.length - 1) % ring.length]?.[1] ?? 0)), 0) / 2))
  return rings.reduce((sum, ring, index) => {
    const depth = rings.filter((other, at) => at !== index && (sizes[at] ?? 0) > (sizes[index] ?? 0) && ring[0] && holds(other, ring[0])).length
    return sum + (depth % 2 === 0 ? 1 : -1) * (sizes[index] ?? 0)
  }, 0)
}

export function holds(ring: readonly Point[], [x, y]: Point): boolean {
  let within = false
  ring.forEach((from, index) => {
    const to = ring[(index + 1) % ring.length] ?? from
    if (from[1] <= y !== to[1] <= y && x < from[0] + ((y - from[1]) / (to[1] - from[1])) * (to[0] - from[0])) within = !within
  })
  return within
}

/** Millilitres by planimetry: area of each plane times the distance between planes; undefined for points or a single plane. */
export function structureVolume(structure: Structure): number | undefined {
  const { step } = structure
  const levels = levelsOf(structure)
  if (step === undefined || levels.length === 0) return undefined
  return levels.reduce((sum, level) => sum + areaOf(level.rings) * step, 0) / 1000
}
