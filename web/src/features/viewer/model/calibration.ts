// What one pixel is worth. Millimetres only where the object says so; otherwise pixels (FIELD section 2, item 9: "better pixels than wrong mm").
import { type Dataset, items, number, numbers, text } from './dataset'
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
}

export interface Axes {
  readonly x: Axis
  readonly y: Axis
}

/** PS3.3 C.8.5.5.1.15; what has no unit of its own there counts pixels. */
const UNITS: Readonly<Record<number, string>> = { 1: '%', 2: 'dB', 3: 'cm', 4: 's', 5: 'Hz', 6: 'dB/s', 7: 'cm/s', 8: 'cm²', 9: 'cm²/s', 12: '°' }

function axis(delta: number | undefined, code: number | undefined): Axis {
  const unit = UNITS[code ?? 0]
  if (!delta || !unit) return { delta: 1, unit: 'px' }
  return unit === 'cm' ? { delta: Math.abs(delta) * 10, unit: 'mm' } : { delta: Math.abs(delta), unit }
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

export function regionsOf(dataset: Dataset): Region[] {
  return items(dataset, Tag.SequenceOfUltrasoundRegions).flatMap((region): Region[] => {
    const corners = [Tag.RegionLocationMinX0, Tag.RegionLocationMinY0, Tag.RegionLocationMaxX1, Tag.RegionLocationMaxY1].map((tag) => number(region, tag))
    const [minX, minY, maxX, maxY] = corners
    if (minX === undefined || minY === undefined || maxX === undefined || maxY === undefined) return []
    const x = number(region, Tag.PhysicalDeltaX)
    const y = number(region, Tag.PhysicalDeltaY)
    const lengths = number(region, Tag.PhysicalUnitsXDirection) === CENTIMETRES && number(region, Tag.PhysicalUnitsYDirection) === CENTIMETRES
    const millimetres: Point | undefined = lengths && x && y ? [Math.abs(x) * 10, Math.abs(y) * 10] : undefined
    const axes: Axes = { x: axis(x, number(region, Tag.PhysicalUnitsXDirection)), y: axis(y, number(region, Tag.PhysicalUnitsYDirection)) }
    return [{ from: [minX, minY], to: [maxX, maxY], millimetres, axes }]
  })
}

/** @param pixelMeasures PixelMeasuresSequence item of an enhanced frame, if any */
export function calibrationOf(dataset: Dataset, pixelMeasures?: Dataset): Calibration {
  const modality = text(dataset, Tag.Modality)
  const regions = regionsOf(dataset)
  if (regions.length > 0) return { kind: 'regions', regions }
  const enhanced = pixelMeasures && spacing(numbers(pixelMeasures, Tag.PixelSpacing))
  if (enhanced) return { kind: 'spacing', x: enhanced[0], y: enhanced[1], note: '' }
  const patient = spacing(numbers(dataset, Tag.PixelSpacing))
  const detector = spacing(numbers(dataset, Tag.ImagerPixelSpacing))
  if (PROJECTION.has(modality)) return projection(dataset, patient, detector)
  if (modality === 'US' || modality === 'IVUS' || !patient) return { kind: 'none' }
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
  return plain ? { kind: 'spacing', x: plain[0], y: plain[1], note: 'at detector' } : { kind: 'none' }
}

export interface Scale {
  readonly x: number
  readonly y: number
  readonly unit: 'mm' | 'px'
  readonly note: string
}

const PIXELS: Scale = { x: 1, y: 1, unit: 'px', note: '' }

/** The region in which all of the points lie: where regions overlap the inner one was drawn on top. */
function regionAt(regions: readonly Region[], points: readonly Point[]): Region | undefined {
  const around = regions.filter((region) => points.every(([x, y]) => x >= region.from[0] && x <= region.to[0] && y >= region.from[1] && y <= region.to[1]))
  const area = (region: Region): number => (region.to[0] - region.from[0]) * (region.to[1] - region.from[1])
  return around.sort((a, b) => area(a) - area(b))[0]
}

/** The scale that holds for all of these points; pixels when they lie in no common calibrated region. */
export function scaleAt(calibration: Calibration, points: readonly Point[]): Scale {
  if (calibration.kind === 'none') return PIXELS
  if (calibration.kind === 'spacing') return { x: calibration.x, y: calibration.y, unit: 'mm', note: calibration.note }
  const inner = regionAt(calibration.regions, points)
  return inner?.millimetres ? { x: inner.millimetres[0], y: inner.millimetres[1], unit: 'mm', note: '' } : PIXELS
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

/** What a pixel is worth along each axis for points of one region; pixels when they are of two, or of none. */
export function axesAt(calibration: Calibration, points: readonly Point[]): Axes {
  const axes = calibration.kind === 'regions' ? regionAt(calibration.regions, points)?.axes : undefined
  const { unit, x, y } = scaleAt(calibration, points)
  return axes ?? { x: { delta: x, unit }, y: { delta: y, unit } }
}
