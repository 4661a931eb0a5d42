import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type * as Audit from '../../api/audit'
import { type AuditEntry, searchAudit } from '../../api/audit'
import { AuditLog } from './AuditLog'

vi.mock('../../api/audit', async (original) => ({ ...(await original<typeof Audit>()), searchAudit: vi.fn() }))

const SEEN: AuditEntry = {
  seq: 9, at: '2026-11-23T08:30:00Z', kind: 'study.read', event: 'DICOM Instances Accessed', action: 'R', outcome: 0, actor: 'rita', address: '10.0.0.9', subject: '1.2.3',
  study: '1.2.3', patient: { PatientID: 'P1', PatientName: 'Doe^Jane' }, payload: { via: 'session', address: '10.0.0.9' },
}
const FAILED: AuditEntry = { ...SEEN, seq: 8, kind: 'login.failed', event: 'User Authentication', outcome: 4, subject: 'rita', study: '', patient: {} }

// jsdom has the element and not its methods.
beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true
  }
  HTMLDialogElement.prototype.close = function () {
    this.open = false
  }
})
beforeEach(() => void vi.mocked(searchAudit).mockResolvedValue({ entries: [SEEN, FAILED], next: 8 }))
afterEach(() => {
  cleanup()
  vi.clearAllMocks()
})

it('tells who did what to whom, and the facts of a row', async () => {
  render(<AuditLog />)
  expect(await screen.findByText('Doe, Jane')).toBeTruthy()
  expect(screen.getByText('failed')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Show row 9' }))
  expect((await screen.findByRole('dialog')).textContent).toContain('session')
})

it('asks for a patient and an action, also in the files, and goes on', async () => {
  render(<AuditLog />)
  await screen.findByText('Doe, Jane')
  fireEvent.change(screen.getByRole('combobox', { name: 'What' }), { target: { value: 'study.read' } })
  fireEvent.change(screen.getByRole('searchbox', { name: 'Patient ID' }), { target: { value: 'P1' } })
  await waitFor(() => expect(vi.mocked(searchAudit).mock.lastCall?.[0]).toEqual({ patient: 'P1', user: '', kind: 'study.read', from: '', to: '' }), { timeout: 5000 })
  expect(screen.getByRole('link', { name: 'As FHIR' }).getAttribute('href')).toBe('/api/v1/audit/fhir?patient=P1&kind=study.read')
  await screen.findByText('Doe, Jane')
  vi.mocked(searchAudit).mockResolvedValue({ entries: [{ ...SEEN, seq: 7, actor: 'old' }], next: null })
  fireEvent.click(screen.getByRole('button', { name: 'Show more' }))
  expect(await screen.findByText('old')).toBeTruthy()
  expect(vi.mocked(searchAudit).mock.lastCall?.[1]).toBe(8)
})
