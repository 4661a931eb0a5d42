// Standardised uptake values by body weight, as QIBA's FDG-PET profile works them out (vendor-neutral form). Pure.
import { type Dataset, item, number, text, texts } from './dataset'

const TAG = {
  SeriesDate: '00080021', AcquisitionDate: '00080022', SeriesTime: '00080031', AcquisitionTime: '00080032',
  PatientSex: '00100040', PatientSize: '00101020', PatientWeight: '00101030', StartTime: '00181072', TotalDose: '00181074', HalfLife: '00181075', StartDateTime: '00181078',
  CorrectedImage: '00280051', Radiopharmaceutical: '00540016', Units: '00541001', SuvType: '00541006', DecayCorrection: '00541102', Modality: '00080060',
} as const

/** Seconds since any fixed moment, of DA and TM; undefined when either cannot be read. */
function seconds(date: string, time: string): number | undefined {
  const day = /^(\d{4})(\d\d)(\d\d)$/.exec(date)
  const clock = /^(\d\d)(\d\d)?(\d\d(?:\.\d+)?)?$/.exec(time)
  if (!day || !clock) return undefined
  return Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3])) / 1000 + Number(clock[1]) * 3600 + Number(clock[2] ?? 0) * 60 + Number(clock[3] ?? 0)
}

/** When the image's values are corrected to: the start of the series, unless that was written anew when the series was derived. */
function scanTime(dataset: Dataset): number | undefined {
  const series = seconds(text(dataset, TAG.SeriesDate), text(dataset, TAG.SeriesTime))
  const acquired = seconds(text(dataset, TAG.AcquisitionDate) || text(dataset, TAG.SeriesDate), text(dataset, TAG.AcquisitionTime))
  return series !== undefined && acquired !== undefined && series > acquired ? undefined : series
}

function injected(drug: Dataset, dataset: Dataset, scan: number): number | undefined {
  const whole = /^(\d{8})(\d{2,6}(?:\.\d+)?)/.exec(text(drug, TAG.StartDateTime))
  if (whole) return seconds(whole[1] ?? '', whole[2] ?? '')
  const start = seconds(text(dataset, TAG.SeriesDate), text(drug, TAG.StartTime))
  // Only a time: an injection before midnight was the day before.
  return start !== undefined && start > scan ? start - 86_400 : start
}

/** SUVbw (g/ml) of one unit of the image's values; undefined where the object does not tell all that is needed. */
export function suvFactor(dataset: Dataset): number | undefined {
  if (text(dataset, TAG.Modality) !== 'PT') return undefined
  if (text(dataset, TAG.Units) === 'GML') return ['', 'BW'].includes(text(dataset, TAG.SuvType)) ? 1 : undefined
  const corrected = texts(dataset, TAG.CorrectedImage)
  if (text(dataset, TAG.Units) !== 'BQML' || !corrected.includes('ATTN') || !corrected.includes('DECY')) return undefined
  const drug = item(dataset, TAG.Radiopharmaceutical)
  const dose = drug && number(drug, TAG.TotalDose)
  const half = drug && number(drug, TAG.HalfLife)
  const weight = number(dataset, TAG.PatientWeight)
  if (!drug || !dose || !half || !weight || dose <= 0 || half <= 0 || weight <= 0) return undefined
  if (text(dataset, TAG.DecayCorrection) === 'ADMIN') return (weight * 1000) / dose
  const scan = scanTime(dataset)
  const start = scan === undefined ? undefined : injected(drug, dataset, scan)
  if (text(dataset, TAG.DecayCorrection) !== 'START' || scan === undefined || start === undefined || start > scan) return undefined
  return (weight * 1000) / (dose * 2 ** (-(scan - start) / half))
}

export interface OtherUptake {
  readonly name: 'SUVlbm' | 'SUVbsa' | 'SUVibw'
  readonly unit: string
  /** Of one unit of the image's values. */
  readonly factor: number
}

/**
 * By lean body mass (James), body surface (Du Bois) and ideal body weight (Sugawara, Radiology 1999; 213: 521): SUVbw with another size of the body in
 * the place of its weight. None where height or sex is not told, or the formula leaves the bodies that it was made for.
 */
export function otherUptakes(dataset: Dataset): OtherUptake[] {
  const bw = suvFactor(dataset)
  const weight = number(dataset, TAG.PatientWeight)
  const height = (number(dataset, TAG.PatientSize) ?? 0) * 100
  const sex = text(dataset, TAG.PatientSex)
  if (bw === undefined || !weight || height <= 0 || (sex !== 'M' && sex !== 'F')) return []
  const male = sex === 'M'
  const lean = male ? 1.1 * weight - 128 * (weight / height) ** 2 : 1.07 * weight - 148 * (weight / height) ** 2
  const ideal = male ? 48 + 1.06 * (height - 152) : 45.5 + 0.91 * (height - 152)
  const surface = 0.007184 * weight ** 0.425 * height ** 0.725 // m²
  const all: OtherUptake[] = [
    { name: 'SUVlbm', unit: 'g/ml', factor: (bw * lean) / weight },
    { name: 'SUVbsa', unit: 'cm²/ml', factor: (bw * surface * 10) / weight }, // 10,000 cm² of a m², 1,000 g of a kg
    { name: 'SUVibw', unit: 'g/ml', factor: (bw * ideal) / weight },
  ]
  return all.filter(({ factor }) => factor > 0)
}
