// What is known of a study, a series and an image, in the words of the rules.
import type { Series, Study } from '../../../../api/types'
import { type Dataset, item, items, number, text, texts } from '../dataset'
import type { Frame } from '../frame'
import { type Plane, normalOf } from '../geometry'
import { frameLaterality } from '../frameTerms'
import { Tag } from '../tags'
import type { Facts } from './protocol'

/** Kinds of images of which each hangs by itself: projections, clips. */
const BY_IMAGE = new Set(['CR', 'DX', 'MG', 'RG', 'PX', 'IO', 'US', 'XA', 'RF', 'OP'])
export const hangsByImage = (modality: string): boolean => BY_IMAGE.has(modality)

const said = (...values: readonly string[]): string[] => values.map((value) => value.trim()).filter(Boolean)

export function studyFacts(study: Study, series: readonly Series[]): Facts {
  const bodyParts = said(...new Set(series.map((each) => each.BodyPartExamined)))
  const descriptions = said(...series.map((each) => each.SeriesDescription))
  return {
    modality: study.ModalitiesInStudy,
    bodyPart: bodyParts,
    study: said(study.StudyDescription),
    // What the body part should say and often does not stands in a description.
    region: said(...bodyParts, study.StudyDescription, ...descriptions),
    description: descriptions,
  }
}

export function seriesFacts(study: Study, series: Series): Facts {
  return {
    modality: said(series.Modality),
    bodyPart: said(series.BodyPartExamined),
    study: said(study.StudyDescription),
    region: said(series.BodyPartExamined, study.StudyDescription, series.SeriesDescription),
    description: said(series.SeriesDescription),
    images: [String(series.NumberOfSeriesRelatedInstances)],
  }
}

/** AXIAL, SAGITTAL, CORONAL where the normal lies within 30 degrees of an axis of the patient, else OBLIQUE. */
export function orientationOf(plane: Plane | undefined): string {
  if (!plane) return ''
  const [x, y, z] = normalOf(plane).map(Math.abs)
  const least = Math.cos(Math.PI / 6)
  if ((z ?? 0) >= least) return 'AXIAL'
  if ((x ?? 0) >= least) return 'SAGITTAL'
  return (y ?? 0) >= least ? 'CORONAL' : 'OBLIQUE'
}

/** Mammography views, CID 4014, as SNOMED RT, CT and SCT have them. */
const VIEWS: Readonly<Record<string, string>> = {
  'R-10242': 'CC', '399162004': 'CC', 'Y-X1770': 'CC',
  'R-10226': 'MLO', '399368009': 'MLO', 'Y-X1771': 'MLO',
  'R-10224': 'ML', '399260004': 'ML',
  'R-10228': 'LM', '399352003': 'LM',
  'R-10206': 'AP', '399348003': 'AP',
  'R-10214': 'PA', '399358004': 'PA',
  'R-10236': 'LATERAL', '399067008': 'LATERAL',
}

const SIDEWAYS = /^(LL|RL|LLD|RLD|LAT|LATERAL)$/

/** View as the image says it, else as a description does; all kinds of lateral are LATERAL. */
function viewOf(dataset: Dataset): string {
  const code = text(item(dataset, '00540220') ?? {}, '00080100')
  const view = VIEWS[code] ?? text(dataset, Tag.ViewPosition).toUpperCase()
  if (view) return SIDEWAYS.test(view) ? 'LATERAL' : view
  const described = `${text(dataset, '0008103E')} ${text(dataset, '00181400')}`.toUpperCase()
  const word = /(?:^|[^A-Z0-9])(PA|AP|LAT|LATERAL|CC|MLO)(?![A-Z0-9])/.exec(described)?.[1] ?? ''
  return (SIDEWAYS.test(word) ? 'LATERAL' : word) || lyingAs(dataset)
}

/** A plain film whose header names no view still says what is at its right and below (PS3.3 C.7.6.1.1.1). */
function lyingAs(dataset: Dataset): string {
  const [right = '', bottom = ''] = texts(dataset, Tag.PatientOrientation)
  if (!['CR', 'DX', 'RG'].includes(text(dataset, Tag.Modality)) || !/^[FH]/.test(bottom)) return ''
  return /^[LR]/.test(right) ? 'FRONTAL' : /^[AP]/.test(right) ? 'LATERAL' : ''
}

/** What the header of an image says beside the index. */
export function imageFacts(dataset: Dataset, frame?: Pick<Frame, 'plane' | 'thickness' | 'groups'>): Facts {
  const anatomy = items(dataset, '00082218').map((each) => text(each, '00080104'))
  return {
    type: texts(dataset, '00080008'),
    orientation: said(frame?.plane?.position ? orientationOf(frame.plane) : ''),
    laterality: said(text(dataset, Tag.ImageLaterality) || text(dataset, '00200060') || (frame ? frameLaterality(frame) : '')),
    view: said(viewOf(dataset)),
    thickness: said(String(frame?.thickness ?? number(dataset, '00180050') ?? '')),
    ...(anatomy.length > 0 ? { bodyPart: said(...anatomy, text(dataset, '00180015')) } : {}),
  }
}
