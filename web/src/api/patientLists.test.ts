import { expect, test } from 'vitest'
import { linesOf, patientsOf } from './patientLists'

test('what people write is read, and written as they did', () => {
  const patients = patientsOf('  4711 \n\n12@NORTH\na@b@SOUTH\nmail@\n')
  expect(patients).toEqual([
    { PatientID: '4711', IssuerOfPatientID: '' },
    { PatientID: '12', IssuerOfPatientID: 'NORTH' },
    { PatientID: 'a@b', IssuerOfPatientID: 'SOUTH' },
    { PatientID: 'mail', IssuerOfPatientID: '' },
  ])
  expect(patientsOf(linesOf(patients))).toEqual(patients)
  const odd = [{ PatientID: 'nora@home', IssuerOfPatientID: '' }]
  expect(patientsOf(linesOf(odd))).toEqual(odd)
})
