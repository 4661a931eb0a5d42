import { describe, expect, it } from 'vitest'
import type { Series } from '../../../../api/types'
import { framesOf, instanceOf } from '../frame'
import { Tag } from '../tags'
import { kindOf, nameOf } from './kinds'

const series = (...SOPClassUIDs: string[]): Series => ({ SeriesInstanceUID: '1', Modality: 'OT', SeriesNumber: 1, SeriesDescription: '', BodyPartExamined: '', NumberOfSeriesRelatedInstances: 1, SOPClassUIDs })
const S = '1.2.840.10008.5.1.4.1.1.'
const frames = (values: Record<string, unknown>) => framesOf(instanceOf(Object.fromEntries(Object.entries(values).map(([tag, value]) => [tag, { vr: 'UI', Value: [value] }])) as never, '1', '2'))

describe('the way an object is shown', () => {
  it('follows its SOP class, whole and not by its beginning', () => {
    expect(['104.1', '104.2', '104.3', '9.1.1', '9.4.1', '77.1.6', '481.5', '66'].map((each) => kindOf(series(S + each), []))).toEqual(['document', 'document', 'mesh', 'waveform', 'waveform', 'slide', 'words', 'words'])
    expect(['2', '66.4', '66.7', '481.1', '481.2', '481.3', '77.1.4', '88.33', '11.1'].map((each) => kindOf(series(S + each), []))).toEqual(Array(9).fill(undefined))
    expect(nameOf(`${S}481.10`)).toBe('RT physician intent')
    expect(nameOf(`${S}481.1`)).toBe('RT image')
    expect(nameOf(`${S}2`)).toBe('')
  })

  it('is that of pictures as soon as there is one', () => {
    expect(kindOf(series(`${S}104.1`, `${S}7`), [])).toBeUndefined()
  })

  it('is that of a video when its pixels are one, whatever its class', () => {
    expect(kindOf(series(`${S}77.1.1.1`), [])).toBeUndefined()
    expect(kindOf(series(`${S}77.1.1.1`), frames({ [Tag.AvailableTransferSyntaxUID]: '1.2.840.10008.1.2.4.102', [Tag.SOPInstanceUID]: '1' }))).toBe('video')
  })

  it('is words for what nobody knows, once its header shows that it holds no pixels', () => {
    const unknown = series('1.2.3.4')
    expect(kindOf(unknown, [])).toBeUndefined()
    expect(kindOf(unknown, frames({ [Tag.PatientID]: 'x' }))).toBe('words')
    expect(kindOf(unknown, frames({ [Tag.PatientID]: 'x', [Tag.Rows]: 4 }))).toBeUndefined()
  })
})
