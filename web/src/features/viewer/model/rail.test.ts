import { describe, expect, it } from 'vitest'
import type { Series } from '../../../api/types'
import { countText, firstToShow, hasPictures, inRailOrder, objectName, seriesTitle } from './rail'

const STORAGE = '1.2.840.10008.5.1.4.1.1.'
const series = (Modality: string, sop: string, more: Partial<Series> = {}): Series =>
  ({ SeriesInstanceUID: `${Modality}-${more.SeriesNumber ?? ''}`, Modality, SeriesNumber: 1, SeriesDescription: '', BodyPartExamined: '', NumberOfSeriesRelatedInstances: 1, SOPClassUIDs: [STORAGE + sop], ...more })

describe('a series in the rail', () => {
  it('is called what it is when nobody has described it', () => {
    const titles = [['KO', '88.59', 'Key images'], ['PR', '11.1', 'Presentation states'], ['SEG', '66.4', 'Segmentation'], ['SR', '88.33', 'Structured report'], ['RTSTRUCT', '481.3', 'RT structure set'], ['RTDOSE', '481.2', 'RT dose'], ['DOC', '104.1', 'PDF document'], ['ECG', '9.1.1', '12-lead ECG']] as const
    for (const [modality, sop, title] of titles) expect(seriesTitle(series(modality, sop)), modality).toBe(title)
    expect(seriesTitle(series('SEG', '66.4', { SeriesDescription: 'Liver' }))).toBe('Liver')
    expect(seriesTitle(series('CT', '2', { BodyPartExamined: 'CHEST' }))).toBe('CHEST')
    expect(seriesTitle(series('CT', '2'))).toBe('No description')
    expect(objectName(series('CT', '2'))).toBe('')
  })
  it('tells how many images, frames or objects it has', () => {
    expect(countText(series('CT', '2', { NumberOfSeriesRelatedInstances: 100 }))).toBe('100 images')
    expect(countText(series('CR', '1'))).toBe('1 image')
    expect(countText(series('US', '3.1', { middle: { SOPInstanceUID: '1', NumberOfFrames: 67 } }))).toBe('67 frames')
    expect(countText(series('KO', '88.59'))).toBe('1 object')
    expect(countText(series('PR', '11.1', { NumberOfSeriesRelatedInstances: 3 }))).toBe('3 objects')
  })
  it('stands by its number, pictures before all else, and the first with pictures is shown first', () => {
    const all = [series('KO', '88.59', { SeriesNumber: 1 }), series('CT', '2', { SeriesNumber: '10' }), series('CT', '2', { SeriesNumber: 9 }), series('CT', '2', { SeriesNumber: null })]
    expect(inRailOrder(all).map((each) => [each.Modality, each.SeriesNumber])).toEqual([['CT', 9], ['CT', '10'], ['CT', null], ['KO', 1]])
    expect(firstToShow(all)?.SeriesNumber).toBe(9)
    expect(firstToShow(all, 'KO-1')?.Modality).toBe('KO')
    expect(all.map(hasPictures)).toEqual([false, true, true, true])
  })
})
