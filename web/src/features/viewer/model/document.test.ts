import { describe, expect, it } from 'vitest'
import { documentOf } from './document'

const pdf = {
  '00420010': { vr: 'ST', Value: ['Films: knee/left '] },
  '00420011': { vr: 'OB', BulkDataURI: '/dicom-web/x' },
  '00420012': { vr: 'LO', Value: ['application/pdf'] },
  '00420015': { vr: 'UL', Value: [7] },
}

describe('an encapsulated document', () => {
  it('has a file name that every system takes, and its true length', () => {
    expect(documentOf(pdf)).toEqual({ data: { kind: 'address', address: '/dicom-web/x' }, length: 7, type: 'application/pdf', fileName: 'Films knee left.pdf' })
    expect(documentOf({ ...pdf, '00420010': { vr: 'ST' } })?.fileName).toBe('document.pdf')
  })

  it('is none when it is of a kind nobody can open, or empty', () => {
    expect(documentOf({ ...pdf, '00420012': { vr: 'LO', Value: ['text/html'] } })).toBeUndefined()
    expect(documentOf({ ...pdf, '00420011': { vr: 'OB' } })).toBeUndefined()
    expect(documentOf({})).toBeUndefined()
  })
})
