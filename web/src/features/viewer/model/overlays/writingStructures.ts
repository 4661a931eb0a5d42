// Segments as an RT Structure Set (PS3.3 A.19): closed contours along the edges of the pixels, so that they hold what the segments hold.
import { type Dataset, text } from '../dataset'
import { Tag } from '../tags'
import { type Naming, dateOf, el, heading, inherited, referenced, timeOf } from './composing'
import { contoursOf } from './contours'
import { pointOf } from './grid'
import type { Layer, Segment } from './segmentation'
import { STRUCTURE_SET, T } from './tags'
import type { Frame } from '../frame'
import { type Placed, placedOn } from './writing'

const STUDY_COMPONENT = '1.2.840.10008.3.1.2.3.1' // retired, and what everybody writes here, since Type 1 asks for a class
const FINE = 10_000 // a tenth of a micrometre

/** @param layers on frames of `frames`; empty ones are left out. Throws when nothing is left. */
export function structuresFrom(label: string, segments: readonly Segment[], layers: readonly Layer[], frames: readonly Frame[], naming: Naming): Dataset {
  const placed = placedOn(layers, frames)
  const [first] = placed
  const source = first.frame.instance
  const space = first.grid.frameOfReference
  const used = segments.filter((segment) => placed.some(({ layer }) => layer.segment === segment.number))
  const contours = used.map((segment) => placed.filter(({ layer }) => layer.segment === segment.number).sort((a, b) => a.place - b.place).flatMap(contourItems))
  const images = [...placed].sort((a, b) => a.place - b.place).map(({ frame }) => frame)
  return {
    ...inherited(source.dataset),
    ...heading(STRUCTURE_SET, 'RTSTRUCT', label, naming),
    '00081070': el('PN', { Alphabetic: naming.author }),
    [T.StructureSetLabel]: el('SH', label.slice(0, 16)),
    '30060004': el('LO', label.slice(0, 64)),
    '30060008': el('DA', dateOf(naming.now)),
    '30060009': el('TM', timeOf(naming.now)),
    [T.ReferencedFrameOfReferenceSequence]: el('SQ', {
      [Tag.FrameOfReferenceUID]: el('UI', space),
      [T.RTReferencedStudySequence]: el('SQ', {
        [T.ReferencedSOPClassUID]: el('UI', STUDY_COMPONENT),
        [T.ReferencedSOPInstanceUID]: el('UI', text(source.dataset, Tag.StudyInstanceUID)),
        [T.RTReferencedSeriesSequence]: el('SQ', { [Tag.SeriesInstanceUID]: el('UI', source.seriesInstanceUID), [T.ContourImageSequence]: el('SQ', ...referenced(images)) }),
      }),
    }),
    [T.StructureSetROISequence]: el('SQ', ...used.map((segment, index) => ({
      [T.ROINumber]: el('IS', index + 1),
      [T.ReferencedFrameOfReferenceUID]: el('UI', space),
      [T.ROIName]: el('LO', segment.label.slice(0, 64)),
      '30060036': el('CS', 'MANUAL'),
    }))),
    [T.ROIContourSequence]: el('SQ', ...used.map((segment, index) => ({
      [T.ROIDisplayColor]: el('IS', ...segment.color),
      [T.ReferencedROINumber]: el('IS', index + 1),
      [T.ContourSequence]: el('SQ', ...(contours[index] ?? [])),
    }))),
    [T.RTROIObservationsSequence]: el('SQ', ...used.map((_, index) => ({
      '30060082': el('IS', index + 1),
      [T.ReferencedROINumber]: el('IS', index + 1),
      [T.RTROIInterpretedType]: el('CS'),
      '300600A6': el('PN'),
    }))),
  }
}

/** One layer's contours, each with the image it lies on. */
function contourItems({ layer, frame, grid }: Placed): Dataset[] {
  return contoursOf(layer).map((points) => ({
    [T.ContourImageSequence]: el('SQ', ...referenced([frame]).map((image) => ({ ...image, ...(frame.instance.frames > 1 && { [T.ReferencedFrameNumber]: el('IS', frame.number) }) }))),
    [T.ContourGeometricType]: el('CS', 'CLOSED_PLANAR'),
    '30060046': el('IS', points.length),
    [T.ContourData]: el('DS', ...points.flatMap((point) => pointOf(grid, point).map((value) => Math.round(value * FINE) / FINE))),
  }))
}
