// How a frame was made, in the terms of its modality: exposure and dose, echo and repetition times, angles, indices. Pure.
import { type Dataset, item, number, numbers, text, texts } from './dataset'
import type { Frame } from './frame'

const TAG = {
  Modality: '00080060', SequenceName: '00180024', Radiopharmaceutical: '00180031', KVP: '00180060', TR: '00180080', TE: '00180081', TI: '00180082', FieldStrength: '00180087',
  TotalDose: '00181074', Tilt: '00181120', TubeCurrent: '00181151', Exposure: '00181152', AreaDose: '0018115E', BodyPartThickness: '001811A0', CompressionForce: '001811A2',
  Kernel: '00181210', FlipAngle: '00181314', ExposureIndex: '00181411', DeviationIndex: '00181413', PrimaryAngle: '00181510', SecondaryAngle: '00181511',
  MechanicalIndex: '00185022', BoneIndex: '00185024', CranialIndex: '00185026', TissueIndex: '00185027', Depth: '00185050', CtdiVol: '00189345',
  PrimaryIncrement: '00181520', SecondaryIncrement: '00181521', DiffusionBValue: '00189087', InversionTimes: '00189079', EffectiveTE: '00189082', PulseSequenceName: '00189005',
  TubeCurrentInmA: '00189330', ExposureInmAs: '00189332', OrganDose: '00400316', EntranceDose: '00408302', RadiopharmaceuticalInformation: '00540016',
} as const

/**
 * Functional group macros that say it: CT acquisition details, reconstruction, exposure, X-ray details (PS3.3 C.8.15.3), MR timing, echo, modifier,
 * diffusion (C.8.13.5), X-ray positioner and frame acquisition (C.8.19.6).
 */
const MACROS = ['00189304', '00189314', '00189321', '00189325', '00189112', '00189114', '00189115', '00189117', '00189405', '00189417'] as const

/** One data set of what the object says of all its frames and what its functional groups say of this one. */
function saidOf({ instance, groups }: Pick<Frame, 'instance' | 'groups'>): Dataset {
  const macros = groups.flatMap((group) => MACROS.map((tag) => item(group, tag))).filter((each) => each !== undefined)
  return macros.reduceRight<Dataset>((said, macro) => ({ ...said, ...macro }), instance.dataset)
}

const figures = (value: number): string => String(Number(value.toPrecision(3)))

/** A number with what stands before and after it; '' when the object does not say, or says nothing. */
function told(dataset: Dataset | undefined, tag: string, before: string, after: string, factor = 1): string {
  const value = dataset && number(dataset, tag)
  return value === undefined || value <= 0 ? '' : `${before}${figures(value * factor)}${after}`
}

const row = (...parts: string[]): string => parts.filter((each) => each !== '').join('  ')

/** mAs, else the current alone. */
const exposed = (dataset: Dataset): string => row(
  told(dataset, TAG.KVP, '', ' kV'),
  told(dataset, TAG.Exposure, '', ' mAs') || told(dataset, TAG.ExposureInmAs, '', ' mAs') || told(dataset, TAG.TubeCurrent, '', ' mA') || told(dataset, TAG.TubeCurrentInmA, '', ' mA'),
)

/** The angle at a frame (from 1): increments are one for each step, or for each frame its offset from the first (PS3.3 C.8.7.5.1.3). */
function angleAt(dataset: Dataset, first: string, increment: string, frame: number): number | undefined {
  const angle = number(dataset, first)
  const steps = numbers(dataset, increment)
  return angle === undefined ? undefined : angle + (steps.length > 1 ? (steps[frame - 1] ?? Number.NaN) : (steps[0] ?? 0) * (frame - 1))
}

/** Left or right anterior oblique, cranial or caudal, as the positioner's angles say (PS3.3 C.8.7.5.1.2). */
function beam(dataset: Dataset, frame: number): string {
  const named = (angle: number | undefined, plus: string, minus: string): string => (angle === undefined || Number.isNaN(angle) ? '' : `${angle < 0 ? minus : plus} ${Math.abs(angle).toFixed(0)}°`)
  return row(named(angleAt(dataset, TAG.PrimaryAngle, TAG.PrimaryIncrement, frame), 'LAO', 'RAO'), named(angleAt(dataset, TAG.SecondaryAngle, TAG.SecondaryIncrement, frame), 'CRA', 'CAU'))
}

function ct(dataset: Dataset): string[] {
  const tilt = number(dataset, TAG.Tilt) ?? 0
  return [row(exposed(dataset), told(dataset, TAG.CtdiVol, 'CTDIvol ', ' mGy')), row(texts(dataset, TAG.Kernel)[0] ?? '', tilt === 0 ? '' : `Tilt ${figures(tilt)}°`)]
}

function mr(dataset: Dataset): string[] {
  const b = number(dataset, TAG.DiffusionBValue) // 0 says something too
  return [
    row(
      told(dataset, TAG.TR, 'TR ', ''), told(dataset, TAG.TE, 'TE ', '') || told(dataset, TAG.EffectiveTE, 'TE ', ''),
      told(dataset, TAG.TI, 'TI ', '') || told(dataset, TAG.InversionTimes, 'TI ', ''), told(dataset, TAG.FlipAngle, 'FA ', '°'), b === undefined ? '' : `b ${figures(b)}`,
    ),
    row(told(dataset, TAG.FieldStrength, '', ' T'), text(dataset, TAG.SequenceName) || text(dataset, TAG.PulseSequenceName)),
  ]
}

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

const angiogram = (dataset: Dataset, frame: number): string[] => [beam(dataset, frame), row(exposed(dataset), dose(dataset))]

const BY_MODALITY: Readonly<Record<string, (dataset: Dataset, frame: number) => string[]>> = {
  CT: ct, MR: mr, PT: pet, NM: pet, MG: breast, US: sound, IVUS: sound, CR: plain, DX: plain, IO: plain, PX: plain, RG: plain, XA: angiogram, RF: angiogram,
}

/** At most two lines; none of a modality that has no such terms. */
export function techniqueOf(frame: Pick<Frame, 'instance' | 'groups' | 'number'>): string[] {
  const lines = BY_MODALITY[text(frame.instance.dataset, TAG.Modality)]
  return lines ? lines(saidOf(frame), frame.number).filter((line) => line !== '') : []
}
