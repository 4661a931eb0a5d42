// How an image was made, in the terms of its modality: exposure and dose, echo and repetition times, angles, indices. Pure.
import { type Dataset, item, number, text, texts } from './dataset'

const TAG = {
  Modality: '00080060', SequenceName: '00180024', Radiopharmaceutical: '00180031', KVP: '00180060', TR: '00180080', TE: '00180081', TI: '00180082', FieldStrength: '00180087',
  TotalDose: '00181074', Tilt: '00181120', TubeCurrent: '00181151', Exposure: '00181152', AreaDose: '0018115E', BodyPartThickness: '001811A0', CompressionForce: '001811A2',
  Kernel: '00181210', FlipAngle: '00181314', ExposureIndex: '00181411', DeviationIndex: '00181413', PrimaryAngle: '00181510', SecondaryAngle: '00181511',
  MechanicalIndex: '00185022', BoneIndex: '00185024', CranialIndex: '00185026', TissueIndex: '00185027', Depth: '00185050', CtdiVol: '00189345',
  OrganDose: '00400316', EntranceDose: '00408302', RadiopharmaceuticalInformation: '00540016',
} as const

const figures = (value: number): string => String(Number(value.toPrecision(3)))

/** A number with what stands before and after it; '' when the object does not say, or says nothing. */
function told(dataset: Dataset | undefined, tag: string, before: string, after: string, factor = 1): string {
  const value = dataset && number(dataset, tag)
  return value === undefined || value <= 0 ? '' : `${before}${figures(value * factor)}${after}`
}

const row = (...parts: string[]): string => parts.filter((each) => each !== '').join('  ')

/** mAs, else the current alone. */
const exposed = (dataset: Dataset): string => row(told(dataset, TAG.KVP, '', ' kV'), told(dataset, TAG.Exposure, '', ' mAs') || told(dataset, TAG.TubeCurrent, '', ' mA'))

/** Left or right anterior oblique, cranial or caudal, as the positioner's angles say (PS3.3 C.8.7.5.1.2). */
function beam(dataset: Dataset): string {
  const side = number(dataset, TAG.PrimaryAngle)
  const up = number(dataset, TAG.SecondaryAngle)
  const named = (angle: number | undefined, plus: string, minus: string): string => (angle === undefined ? '' : `${angle < 0 ? minus : plus} ${Math.abs(angle).toFixed(0)}°`)
  return row(named(side, 'LAO', 'RAO'), named(up, 'CRA', 'CAU'))
}

function ct(dataset: Dataset): string[] {
  const tilt = number(dataset, TAG.Tilt) ?? 0
  return [row(exposed(dataset), told(dataset, TAG.CtdiVol, 'CTDIvol ', ' mGy')), row(texts(dataset, TAG.Kernel)[0] ?? '', tilt === 0 ? '' : `Tilt ${figures(tilt)}°`)]
}

const mr = (dataset: Dataset): string[] => [
  row(told(dataset, TAG.TR, 'TR ', ''), told(dataset, TAG.TE, 'TE ', ''), told(dataset, TAG.TI, 'TI ', ''), told(dataset, TAG.FlipAngle, 'FA ', '°')),
  row(told(dataset, TAG.FieldStrength, '', ' T'), text(dataset, TAG.SequenceName)),
]

function pet(dataset: Dataset): string[] {
  const drug = item(dataset, TAG.RadiopharmaceuticalInformation)
  return [row(drug ? text(drug, TAG.Radiopharmaceutical) : '', told(drug, TAG.TotalDose, '', ' MBq', 1e-6))]
}

// Area dose products are in dGy·cm², organ doses in dGy (PS3.3 C.4.16, C.8.11.7).
const dose = (dataset: Dataset): string => row(told(dataset, TAG.AreaDose, 'DAP ', ' dGy·cm²'), told(dataset, TAG.EntranceDose, 'Entrance ', ' mGy'))

function plain(dataset: Dataset): string[] {
  const deviation = number(dataset, TAG.DeviationIndex)
  return [exposed(dataset), row(told(dataset, TAG.ExposureIndex, 'EI ', ''), deviation === undefined ? '' : `DI ${figures(deviation)}`, dose(dataset))]
}

const breast = (dataset: Dataset): string[] => [
  row(exposed(dataset), told(dataset, TAG.OrganDose, 'AGD ', ' mGy', 100)),
  row(told(dataset, TAG.CompressionForce, '', ' N'), told(dataset, TAG.BodyPartThickness, '', ' mm compressed')),
]

const sound = (dataset: Dataset): string[] => [
  row(told(dataset, TAG.MechanicalIndex, 'MI ', ''), told(dataset, TAG.TissueIndex, 'TIS ', ''), told(dataset, TAG.BoneIndex, 'TIB ', ''), told(dataset, TAG.CranialIndex, 'TIC ', '')),
  told(dataset, TAG.Depth, 'Depth ', ' mm'),
]

const BY_MODALITY: Readonly<Record<string, (dataset: Dataset) => string[]>> = {
  CT: ct, MR: mr, PT: pet, NM: pet, MG: breast, US: sound, IVUS: sound, CR: plain, DX: plain, IO: plain, PX: plain, RG: plain,
  XA: (dataset) => [beam(dataset), row(exposed(dataset), dose(dataset))], RF: (dataset) => [beam(dataset), row(exposed(dataset), dose(dataset))],
}

/** At most two lines; none of a modality that has no such terms. */
export const techniqueOf = (dataset: Dataset): string[] => (BY_MODALITY[text(dataset, TAG.Modality)]?.(dataset) ?? []).filter((line) => line !== '')
