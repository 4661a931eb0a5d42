// Segmentations, structure sets and doses from the archive.
import { seriesMetadata } from '../../../../dicomweb/client'
import { bulkData, nativeFrames } from '../../../../dicomweb/parts'
import { instanceUrl } from '../../../../dicomweb/urls'
import { type Dataset, items, number, text } from '../../model/dataset'
import { type Dose, doseOf } from '../../model/overlays/dose'
import { type Segmentation, segmentationOf } from '../../model/overlays/segmentation'
import { type StructureSet, structureSetOf } from '../../model/overlays/structures'
import { DOSE, LABEL_MAP, SEGMENTATION, STRUCTURE_SET, T } from '../../model/overlays/tags'
import { nativeSamples } from '../../model/pixels'
import { Tag } from '../../model/tags'

export type Content =
  | { readonly kind: 'segmentation'; readonly segmentation: Segmentation }
  | { readonly kind: 'structures'; readonly structures: StructureSet }
  | { readonly kind: 'dose'; readonly dose: Dose }

export interface Loaded {
  readonly sopInstanceUID: string
  readonly title: string
  readonly content: Content
}

/** Classes that lie on the images of other series. */
export const OVERLAYS: ReadonlySet<string> = new Set([SEGMENTATION, LABEL_MAP, STRUCTURE_SET, DOSE])

/** The objects of a series that lie on other images. Throws HttpError, OfflineError, AbortError, or Error with what is wrong. */
export async function loadSeries(study: string, series: string, signal: AbortSignal): Promise<Loaded[]> {
  const datasets = await seriesMetadata(study, series, signal)
  const wanted = datasets.filter((dataset) => OVERLAYS.has(text(dataset, Tag.SOPClassUID)))
  if (wanted.length === 0) throw new Error('This series holds nothing that lies on other images.')
  return Promise.all(wanted.map((dataset) => load(dataset, instanceUrl(study, series, text(dataset, Tag.SOPInstanceUID)), signal)))
}

async function load(dataset: Dataset, address: string, signal: AbortSignal): Promise<Loaded> {
  const sopInstanceUID = text(dataset, Tag.SOPInstanceUID)
  const title = text(dataset, T.StructureSetLabel) || text(dataset, Tag.SeriesDescription) || text(dataset, T.ContentLabel)
  return { sopInstanceUID, title, content: await contentOf(dataset, address, signal) }
}

async function contentOf(dataset: Dataset, address: string, signal: AbortSignal): Promise<Content> {
  switch (text(dataset, Tag.SOPClassUID)) {
    case STRUCTURE_SET:
      return { kind: 'structures', structures: await structuresAt(dataset, address, signal) }
    case DOSE:
      return { kind: 'dose', dose: doseOf(dataset, await samplesAt(dataset, address, signal)) }
    default:
      // The server gives only the UIDs of an object whose header is larger than it should hold.
      if (items(dataset, T.SegmentSequence).length === 0) throw new Error('The header of this segmentation is too large to be read here.')
      return { kind: 'segmentation', segmentation: segmentationOf(dataset, await samplesAt(dataset, address, signal)) }
  }
}

async function samplesAt(dataset: Dataset, address: string, signal: AbortSignal): Promise<(frame: number) => ArrayLike<number>> {
  const count = (number(dataset, Tag.Rows) ?? 0) * (number(dataset, Tag.Columns) ?? 0)
  const allocated = number(dataset, Tag.BitsAllocated) ?? 8
  const stored = number(dataset, Tag.BitsStored) ?? allocated
  const format = { samples: 1, photometric: 'MONOCHROME2', planar: false, allocated, stored, high: stored - 1, signed: false, number: 'integer' as const }
  const frames = await nativeFrames(address, number(dataset, Tag.NumberOfFrames) ?? 1, signal)
  return (frame) => nativeSamples(frames[frame] ?? new Uint8Array(), format, count)
}

async function structuresAt(dataset: Dataset, address: string, signal: AbortSignal): Promise<StructureSet> {
  const far = items(dataset, T.ROIContourSequence).some((roi) => items(roi, T.ContourSequence).some((contour) => contour[T.ContourData]?.BulkDataURI !== undefined))
  if (!far) return structureSetOf(dataset)
  const values = await bulkData(address, signal)
  const latin = new TextDecoder('latin1')
  return structureSetOf(dataset, (path) => {
    const bytes = values.get(path)
    return bytes && latin.decode(bytes).split('\\').map(Number).filter(Number.isFinite)
  })
}
