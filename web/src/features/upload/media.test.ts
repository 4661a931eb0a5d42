// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { TAG, text } from '../../dicomweb/dataset'
import { type Subject, mediaTypeOf, wrap } from './media'
import { UploadQueue } from './queue'

const subject: Subject = {
  study: '',
  PatientName: 'Müller^Anna',
  PatientID: 'P7',
  PatientBirthDate: '19700102',
  PatientSex: 'F',
  StudyDate: '20261122',
  StudyDescription: 'Wound',
  SeriesDescription: 'Left leg',
  pictures: 'XC',
}
const NOW = new Date(2026, 10, 22, 9, 8, 7)
const file = (name: string) => ({ name, file: new File(['x'], name, { lastModified: new Date(2026, 10, 21, 1, 2, 3).getTime() }) })

describe('what is no DICOM', () => {
  it('is known by its name, and in folders left alone', () => {
    expect(['leg.JPG', 'a.b.png', 'letter.pdf', 'clip.mov', 'skull.stl'].map(mediaTypeOf)).toEqual(['image/jpeg', 'image/png', 'application/pdf', 'video/quicktime', 'model/stl'])
    expect(['IM1', 'IM1.dcm', 'study.zip', 'CD/icon.png', 'png'].map(mediaTypeOf)).toEqual(['', '', '', '', ''])
  })

  it('becomes objects of one new study, a series for each kind', () => {
    const made = wrap([file('a.jpg'), file('b.png'), file('letter.pdf')], subject, NOW)
    const all = (tag: string) => made.map(({ metadata }) => text(metadata, tag))
    expect(all(TAG.PatientName)).toEqual(Array(3).fill('Müller^Anna'))
    expect(all(TAG.StudyTime)).toEqual(Array(3).fill('090807'))
    expect(all(TAG.ContentTime)).toEqual(Array(3).fill('010203'))
    expect(new Set(all(TAG.StudyInstanceUID)).size).toBe(1)
    expect(all(TAG.SeriesInstanceUID)[0]).toBe(all(TAG.SeriesInstanceUID)[1])
    expect(new Set(all(TAG.SeriesInstanceUID)).size).toBe(2)
    expect(new Set(all(TAG.SOPInstanceUID)).size).toBe(3)
    for (const uid of all(TAG.SOPInstanceUID)) expect(uid).toMatch(/^2\.25\.(0|[1-9]\d{0,38})$/)
    expect(all(TAG.Modality)).toEqual(['XC', 'XC', ''])
    expect(made.map(({ metadata }) => Object.keys(metadata).filter((tag) => metadata[tag]?.BulkDataURI))).toEqual([['7FE00010'], ['7FE00010'], ['00420011']])
    expect(text(made[2]?.metadata ?? {}, '00420010')).toBe('letter.pdf')
  })

  it('joins a study without saying whose it is', () => {
    const [made] = wrap([file('a.jpg')], { ...subject, study: '1.2.3' }, NOW)
    expect(made?.study).toBe('1.2.3')
    expect(text(made?.metadata ?? {}, TAG.StudyInstanceUID)).toBe('1.2.3')
    expect(made?.metadata[TAG.PatientID]).toBeUndefined()
  })

  it('waits in the queue until somebody says whose it is', () => {
    const sent: [string, string][] = []
    const queue = new UploadQueue((_file, name, _sending, wrapping) => {
      sent.push([name, wrapping?.mediaType ?? ''])
      return Promise.resolve([])
    })
    queue.add([file('IM1'), file('a.jpg'), file('b.pdf')])
    expect(sent).toEqual([['IM1', '']])
    expect(queue.unanswered.get().map(({ name }) => name)).toEqual(['a.jpg', 'b.pdf'])
    queue.answer(subject, NOW)
    expect(sent.slice(1)).toEqual([['a.jpg', 'image/jpeg'], ['b.pdf', 'application/pdf']])
    queue.add([file('c.png')])
    queue.forget()
    expect(queue.unanswered.get()).toEqual([])
    expect(sent.length).toBe(3)
  })
})
