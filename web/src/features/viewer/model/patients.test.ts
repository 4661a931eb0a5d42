import { describe, expect, it } from 'vitest'
import type { Study } from '../../../api/types'
import { ofOnePatient, patientNumbers, samePatient } from './patients'

const study = (uid: string, id: string, issuer = ''): Study => ({ StudyInstanceUID: uid, PatientID: id, IssuerOfPatientID: issuer, PatientName: 'Doe^Jo' }) as Study

describe('one patient', () => {
  it('is an ID with its issuer, or what the server lists together', () => {
    expect(samePatient(study('a', '1', 'X'), study('b', '1', 'X'), [])).toBe(true)
    expect(samePatient(study('a', '1', 'X'), study('b', '1', 'Y'), [])).toBe(false)
    // Corrected: another number, one patient.
    expect(samePatient(study('a', '1'), study('b', '2'), [study('a', '1')])).toBe(true)
  })
  it('is never a likeness of names, nor two studies without an ID', () => {
    expect(samePatient(study('a', '1'), study('b', '2'), [])).toBe(false)
    expect(samePatient(study('a', ''), study('b', ''), [])).toBe(false)
  })
  it('has a number, the same for all studies of theirs', () => {
    const rail = [{ study: study('a', '1') }, { study: study('p', '1') }, { study: study('b', '2'), foreign: true }, { study: study('c', '3'), foreign: true }, { study: study('d', '2'), foreign: true }, { study: study('e', ''), foreign: true }, { study: study('f', ''), foreign: true }]
    expect([...patientNumbers(rail)]).toEqual([['a', 1], ['p', 1], ['b', 2], ['c', 3], ['d', 2], ['e', 4], ['f', 5]])
    expect(ofOnePatient(rail).map((each) => each.study.StudyInstanceUID)).toEqual(['a', 'p'])
  })
})
