import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { correctStudies, listCorrections, mergePatient, undoCorrection, type Correction } from '../../api/corrections'
import type { Study } from '../../api/types'
import { CorrectDialog } from './CorrectDialog'

vi.mock('../../api/corrections')

const WRONG = { PatientName: 'Wrong^Willy', PatientID: 'W-1', IssuerOfPatientID: '', PatientBirthDate: '19700101', PatientSex: 'M' }
const STUDY = { StudyInstanceUID: '1.2.3', ...WRONG } as Study
const MADE: Correction = {
  id: 7, at: '2026-11-22T09:00:00Z', actor: 'admin', reason: 'chosen wrongly', patient: { ...WRONG, PatientName: 'Right^Rita' }, studies: ['1.2.3'], undone_at: null, undone_by: '',
}

// jsdom has the element and not its methods.
beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true
  }
  HTMLDialogElement.prototype.close = function () {
    this.open = false
  }
})
beforeEach(() => {
  vi.mocked(listCorrections).mockResolvedValue([])
  vi.mocked(correctStudies).mockResolvedValue(MADE)
  vi.mocked(mergePatient).mockResolvedValue(MADE)
  vi.mocked(undoCorrection).mockResolvedValue(MADE)
})
afterEach(cleanup)

const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } })
const submit = () => screen.getByRole('button', { name: 'Correct' })

it('corrects this study, once something differs and there is a reason', async () => {
  const closed = vi.fn()
  render(<CorrectDialog study={STUDY} onClose={closed} />)
  expect(submit()).toHaveProperty('disabled', true)
  type('Patient ID', 'R-77')
  expect(submit()).toHaveProperty('disabled', true)
  type('Reason', 'chosen wrongly')
  fireEvent.click(submit())
  await waitFor(() => expect(closed).toHaveBeenCalled())
  expect(correctStudies).toHaveBeenCalledWith(['1.2.3'], { ...WRONG, PatientID: 'R-77' }, 'chosen wrongly')
})

it('merges all studies of the patient when told so', async () => {
  const closed = vi.fn()
  render(<CorrectDialog study={STUDY} onClose={closed} />)
  type('Patient ID', 'R-77')
  type('Reason', 'registered twice')
  fireEvent.click(screen.getByLabelText(/All studies of W-1/))
  fireEvent.click(submit())
  await waitFor(() => expect(closed).toHaveBeenCalled())
  expect(mergePatient).toHaveBeenCalledWith(WRONG, { ...WRONG, PatientID: 'R-77' }, 'registered twice')
})

it('lists what was corrected, and takes it back', async () => {
  vi.mocked(listCorrections).mockResolvedValue([MADE, { ...MADE, id: 6, undone_at: '2026-11-22T09:30:00Z', undone_by: 'tech' }])
  const closed = vi.fn()
  render(<CorrectDialog study={STUDY} onClose={closed} />)
  fireEvent.click(await screen.findByRole('button', { name: 'Undo' }))
  await waitFor(() => expect(undoCorrection).toHaveBeenCalledWith(7))
  expect(screen.getByText('undone by tech')).toBeTruthy()
})
