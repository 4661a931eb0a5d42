import { describe, expect, it } from 'vitest'
import type { Series, Study } from '../../../api/types'
import { helpful, likeliest } from './priors'

const study = (uid: string, date: string, score: number): Study => ({ StudyInstanceUID: uid, StudyDate: date, relevance: { score, reason: '' } }) as Study
const series = (number: number, description: string, images: number, modality = 'CT'): Series =>
  ({ SeriesInstanceUID: String(number), SeriesNumber: number, SeriesDescription: description, Modality: modality, BodyPartExamined: '', NumberOfSeriesRelatedInstances: images, SOPClassUIDs: ['1.2.840.10008.5.1.4.1.1.2'] })

describe('the study to compare with', () => {
  it('helps most; of equals the newer; never a later one, nor one that does not help', () => {
    const others = [study('late', '20260201', 90), study('knee', '20251201', 5), study('old', '20200101', 70), study('new', '20240101', 70), study('best', '20190101', 80)]
    expect(helpful(study('now', '20260101', 0), others).map((each) => each.StudyInstanceUID)).toEqual(['best', 'new', 'old'])
  })
})

describe('the series to compare with', () => {
  it('is of the same modality and named alike, and no localizer', () => {
    const found = [series(1, 'Topogram', 1), series(2, 'Lung 1.0 B60f', 280), series(4, 'Abdomen 3.0 B30f', 90), series(5, 'Dose report', 1, 'SR')]
    expect(likeliest(series(3, 'Lung 1.0 B60f', 300), found)?.SeriesNumber).toBe(2)
    expect(likeliest(series(9, 'Abdomen 5.0 B30f', 60), found)?.SeriesNumber).toBe(4)
    expect(likeliest(series(1, '', 1), [])).toBeUndefined()
  })
})
