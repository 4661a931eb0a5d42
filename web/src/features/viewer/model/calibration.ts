// What one pixel is worth. Millimetres only where the object says so; otherwise pixels (FIELD section 2, item 9: "better pixels than wrong mm").
import { type Dataset, item, items, number, numbers, text } from './dataset'
import type { Point } from './geometry'
import { Tag } from './tags'

export interface Region {
  readonly from: Point
  readonly to: Point
  /** Millimetres per pixel, both axes; undefined when the region's axes are not both lengths. */
  readonly millimetres: Point | undefined
  /** What a pixel is worth along each axis, whatever its unit. */
  readonly axes?: Axes
}

export interface Axis {
  readonly delta: number
  /** mm, s, cm/s, Hz, px … */
  readonly unit: string
  /** What a coordinate of the image stands for on this axis; only where the region says where its values begin. */
  readonly at?: (coordinate: number) => number
}

export interface Axes {
  readonly x: Axis
  readonly y: Axis
}

/** PS3.3 C.8.5.5.1.15; what has no unit of its own there counts pixels. */
const UNITS: Readonly<Record<number, string>> = { 1: '%', 2: 'dB', 3: 'cm', 4: 's', 5: 'Hz', 6: 'dB/s', 7: 'cm/s', 8: 'cm²', 9: 'cm²/s', 12: '°' }

/** Reference pixels count from the region's corner and may lie outside of it (PS3.3 C.8.5.5.1.16). */
function axis(delta: number | undefined, code: number | undefined, corner: number, reference: number | undefined, known: number | undefined): Axis {
  const unit = UNITS[code ?? 0]
  if (!delta || !unit) return { delta: 1, unit: 'px' }
  const factor = unit === 'cm' ? 10 : 1
  const at = (coordinate: number): number => ((known ?? 0) + (coordinate - corner - (reference ?? 0)) * delta) * factor
  return { delta: Math.abs(delta) * factor, unit: unit === 'cm' ? 'mm' : unit, ...(reference === undefined ? {} : { at }) }
}

export type Calibration =
  /** Millimetres per pixel along a row (x) and a column (y); `note` qualifies them in the user's words. */
  | { readonly kind: 'spacing'; readonly x: number; readonly y: number; readonly note: string }
  | { readonly kind: 'regions'; readonly regions: readonly Region[] }
  | { readonly kind: 'none' }

const PROJECTION = new Set(['CR', 'DX', 'MG', 'XA', 'RF', 'IO', 'PX', 'RG', 'DR'])
const CENTIMETRES = 3 // PS3.3 C.8.5.5.1.15: physical units

/** PixelSpacing is "row spacing \ column spacing": the first value is the distance between rows, i.e. y (PS3.3 10.7.1.3). */
function spacing(values: readonly number[]): Point | undefined {
  const [y, x] = values
  return x !== undefined && y !== undefined && x > 0 && y > 0 ? [x, y] : undefined
}

/**
 * @param frame what functional groups hold of one frame, its own before what all share: converted objects keep the regions of each frame
 *   there, at its top or among the unassigned converted attributes. They take the place of the object's.
 */
export function regionsOf(dataset: Dataset, frame: readonly Dataset[] = []): Region[] {
  const groups = frame.flatMap((each) => [each, item(each, Tag.UnassignedPerFrame), item(each, Tag.UnassignedShared)])
  const own = groups.find((each) => each?.[Tag.SequenceOfUltrasoundRegions])
  return items(own ?? dataset, Tag.SequenceOfUltrasoundRegions).flatMap((region): Region[] => {
    const corners = [Tag.RegionLocationMinX0, Tag.RegionLocationMinY0, Tag.RegionLocationMaxX1, Tag.RegionLocationMaxY1].map((tag) => number(region, tag))
    const [minX, minY, maxX, maxY] = corners
    if (minX === undefined || minY === undefined || maxX === undefined || maxY === undefined) return []
    const x = number(region, Tag.PhysicalDeltaX)
    const y = number(region, Tag.PhysicalDeltaY)
    const lengths = number(region, Tag.PhysicalUnitsXDirection) === CENTIMETRES && number(region, Tag.PhysicalUnitsYDirection) === CENTIMETRES
    const millimetres: Point | undefined = lengths && x && y ? [Math.abs(x) * 10, Math.abs(y) * 10] : undefined
    const axes: Axes = {
      x: axis(x, number(region, Tag.PhysicalUnitsXDirection), minX, number(region, Tag.ReferencePixelX0), number(region, Tag.ReferencePixelPhysicalValueX)),
      y: axis(y, number(region, Tag.PhysicalUnitsYDirection), minY, number(region, Tag.ReferencePixelY0), number(region, Tag.ReferencePixelPhysicalValueY)),
    }
    return [{ from: [minX, minY], to: [maxX, maxY], millimetres, axes }]
  })
}

/**
 * @param pixelMeasures PixelMeasuresSequence item of an enhanced frame, if any
 * @param frame the frame's functional groups, its own before the shared ones
 */
export function calibrationOf(dataset: Dataset, pixelMeasures?: Dataset, frame: readonly Dataset[] = []): Calibration {
  const modality = text(dataset, Tag.Modality)
  const regions = regionsOf(dataset, frame)
  if (regions.length > 0) return { kind: 'regions', regions }
  const enhanced = pixelMeasures && spacing(numbers(pixelMeasures, Tag.PixelSpacing))
  if (enhanced) return { kind: 'spacing', x: enhanced[0], y: enhanced[1], note: '' }
  const patient = spacing(numbers(dataset, Tag.PixelSpacing))
  const detector = spacing(numbers(dataset, Tag.ImagerPixelSpacing))
  if (PROJECTION.has(modality)) return projection(dataset, patient, detector)
  if (modality === 'US' || modality === 'IVUS') return { kind: 'none' }
  if (!patient) return scanned(dataset)
  const film = scanned(dataset)
  // The same as on the film: nobody has said what it is in the patient.
  if (film.kind === 'spacing' && alike(film.x, patient[0]) && alike(film.y, patient[1])) return film
  const captured = text(dataset, Tag.SOPClassUID).startsWith('1.2.840.10008.5.1.4.1.1.7')
  return { kind: 'spacing', x: patient[0], y: patient[1], note: captured ? 'secondary capture' : '' }
}

function projection(dataset: Dataset, patient: Point | undefined, detector: Point | undefined): Calibration {
  const type = text(dataset, Tag.PixelSpacingCalibrationType)
  if (patient && type) return { kind: 'spacing', x: patient[0], y: patient[1], note: type === 'FIDUCIAL' ? 'calibrated by fiducial' : 'corrected for geometry' }
  // Equal values mean that nothing was corrected for magnification (PS3.3 10.7.1.3).
  const differs = patient && detector && (Math.abs(patient[0] - detector[0]) > 1e-6 || Math.abs(patient[1] - detector[1]) > 1e-6)
  if (patient && differs) return { kind: 'spacing', x: patient[0], y: patient[1], note: 'calibrated' }
  const magnification = number(dataset, Tag.EstimatedRadiographicMagnificationFactor)
  if (detector && magnification && magnification >= 1) return { kind: 'spacing', x: detector[0] / magnification, y: detector[1] / magnification, note: 'estimated magnification' }
  const plain = detector ?? patient
  return plain ? { kind: 'spacing', x: plain[0], y: plain[1], note: 'at detector' } : scanned(dataset)
}

/** Of a digitised film: millimetres on the film, which are not those of the patient (PS3.3 C.8.6.2.1, Nominal Scanned Pixel Spacing). */
function scanned(dataset: Dataset): Calibration {
  const film = spacing(numbers(dataset, Tag.NominalScannedPixelSpacing))
  return film ? { kind: 'spacing', x: film[0], y: film[1], note: 'at scanner' } : { kind: 'none' }
}

export interface Scale {
  readonly x: number
  readonly y: number
  readonly unit: 'mm' | 'px'
  readonly note: string
}

const PIXELS: Scale = { x: 1, y: 1, unit: 'px', note: '' }

const holds = ({ from, to }: Region, [x, y]: Point): boolean => x >= from[0] && x <= to[0] && y >= from[1] && y <= to[1]

/** Where regions overlap the inner one was drawn on top. */
function innermost(regions: readonly Region[], points: readonly Point[]): Region | undefined {
  const area = (region: Region): number => (region.to[0] - region.from[0]) * (region.to[1] - region.from[1])
  return regions.filter((region) => points.every((point) => holds(region, point))).sort((a, b) => area(a) - area(b))[0]
}

const alike = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-3 * Math.max(a, b)

/** Whether a pixel is worth the same in both: colour flow within its tissue picture is, an inset is not. */
const sameScale = ({ axes: one }: Region, { axes: other }: Region): boolean =>
  one === other || (one !== undefined && other !== undefined && (['x', 'y'] as const).every((each) => one[each].unit === other[each].unit && alike(one[each].delta, other[each].delta)))

/** The region whose scale holds for all of the points; none when one of them lies in another region, or outside of all. */
function regionAt(regions: readonly Region[], points: readonly Point[]): Region | undefined {
  const common = innermost(regions, points)
  const own = points.map((point) => innermost(regions, [point]))
  return common && own.every((each) => each && sameScale(each, common)) ? common : undefined
}

/** The scale that holds for all of these points; pixels when they lie in no common calibrated region. */
export function scaleAt(calibration: Calibration, points: readonly Point[]): Scale {
  if (calibration.kind === 'none') return PIXELS
  if (calibration.kind === 'spacing') return { x: calibration.x, y: calibration.y, unit: 'mm', note: calibration.note }
  const region = regionAt(calibration.regions, points)
  if (region?.millimetres) return { x: region.millimetres[0], y: region.millimetres[1], unit: 'mm', note: '' }
  return { ...PIXELS, note: region ? (areUnlike(region.axes) ? 'axes of different units' : '') : whyNoRegion(calibration.regions, points) }
}

const areUnlike = (axes: Axes | undefined): axes is Axes => axes !== undefined && (axes.x.unit !== 'px' || axes.y.unit !== 'px')

/** Points of two regions have no common scale; the words say so, or where the points are. */
function whyNoRegion(regions: readonly Region[], points: readonly Point[]): string {
  const inside = points.filter((point) => innermost(regions, [point])).length
  return inside === 0 ? 'outside of the regions' : inside < points.length ? 'partly outside of the regions' : 'across two regions'
}

/** Width and height of a pixel, the smaller being 1; from spacing or PixelAspectRatio, else square. */
export function aspectOf(dataset: Dataset, calibration: Calibration): Point {
  const regular = (x: number, y: number): Point => {
    const small = Math.min(x, y)
    return [x / small, y / small]
  }
  if (calibration.kind === 'spacing') return regular(calibration.x, calibration.y)
  const [vertical, horizontal] = numbers(dataset, Tag.PixelAspectRatio)
  return vertical && horizontal && vertical > 0 && horizontal > 0 ? regular(horizontal, vertical) : [1, 1]
}

const LENGTHS: Readonly<Record<string, number>> = { '': 1, mm: 1, cm: 10, in: 25.4, inch: 25.4 }

/** A length as people write it ("50", "5 cm", "2,5 in") in millimetres; undefined when it is none. */
export function millimetresOf(words: string): number | undefined {
  const [, figures = '', unit = ''] = /^\s*(\d+(?:[.,]\d+)?)\s*([a-z]*)\s*$/i.exec(words) ?? []
  const value = Number(figures.replace(',', '.')) * (LENGTHS[unit.toLowerCase()] ?? Number.NaN)
  return value > 0 && Number.isFinite(value) ? value : undefined
}

/** The calibration by a line of known length; undefined when the line has none. */
export function calibratedByLine([a, b]: readonly Point[], millimetres: number, aspect: Point): Calibration | undefined {
  const length = a && b ? Math.hypot((b[0] - a[0]) * aspect[0], (b[1] - a[1]) * aspect[1]) : 0
  const unit = millimetres / length
  return length > 0 ? { kind: 'spacing', x: unit * aspect[0], y: unit * aspect[1], note: 'calibrated by line' } : undefined
}

/** Where millimetres on an image come from, in a few words; '' when they are simply those of the patient. */
export function provenance(calibration: Calibration): string {
  if (calibration.kind === 'none') return 'px: not calibrated'
  if (calibration.kind === 'spacing') return calibration.note && `mm ${calibration.note}`
  return calibration.regions.some((region) => region.millimetres) ? 'mm within regions' : 'px: not calibrated'
}

/** The axes of the region of these points when they are not both lengths: time and velocity, time and depth. */
export function unlikeAxes(calibration: Calibration, points: readonly Point[]): Axes | undefined {
  const region = calibration.kind === 'regions' ? regionAt(calibration.regions, points) : undefined
  return region?.millimetres || !areUnlike(region?.axes) ? undefined : region.axes
}

/** What a pixel is worth along each axis for points of one region; pixels when they are of two, or of none. */
export function axesAt(calibration: Calibration, points: readonly Point[]): Axes {
  const axes = calibration.kind === 'regions' ? regionAt(calibration.regions, points)?.axes : undefined
  const { unit, x, y } = scaleAt(calibration, points)
  return axes ?? { x: { delta: x, unit }, y: { delta: y, unit } }
}
