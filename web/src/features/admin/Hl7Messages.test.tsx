import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { type Hl7Message, listHl7Messages, readHl7Message, replayHl7Message } from '../../api/hl7'
import { Hl7Messages } from './Hl7Messages'

vi.mock('../../api/hl7')

const DONE: Hl7Message = {
  id: 2, state: 'done', type: 'ORM^O01', sender: 'RIS|HOSPITAL', control_id: 'C2', PatientID: 'P1', order_number: 'PL1', address: '10.0.0.1', acknowledgement: 'AA',
  code: '', where: '', reason: '', attempts: 1, received_at: '2026-11-22T09:00:00Z', settled_at: '2026-11-22T09:00:00Z',
}
const FAILED: Hl7Message = { ...DONE, id: 1, state: 'failed', acknowledgement: 'AE', code: '101', where: 'IPC-5', reason: 'the modality is missing', attempts: 2 }

// jsdom has the element and not its methods.
beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true
  }
  HTMLDialogElement.prototype.close = function () {
    this.open = false
  }
})
beforeEach(() => void vi.mocked(listHl7Messages).mockResolvedValue({ messages: [DONE, FAILED], next: null }))
afterEach(() => {
  cleanup()
  vi.clearAllMocks()
})

it('tells where a message is wrong, shows it, and replays it after a question', async () => {
  vi.mocked(readHl7Message).mockResolvedValue({ message: FAILED, content: 'MSH|^~\\&|RIS\rPID|1||P1\r', size: 30 })
  vi.mocked(replayHl7Message).mockResolvedValue()
  render(<Hl7Messages />)
  expect(await screen.findByText('The modality is missing', { exact: false })).toBeTruthy()
  expect(screen.getByText('IPC-5', { exact: false })).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Show message 1' }))
  const shown = await screen.findByRole('region', { name: 'Segments' })
  expect(Array.from(shown.children, (line) => line.textContent)).toEqual(['MSH|^~\\&|RIS', 'PID|1||P1'])
  fireEvent.click(screen.getByRole('button', { name: 'Close' }))
  fireEvent.click(screen.getByRole('button', { name: 'Replay message 1' }))
  expect(replayHl7Message).not.toHaveBeenCalled()
  fireEvent.click(screen.getByRole('button', { name: 'Replay' }))
  await waitFor(() => expect(replayHl7Message).toHaveBeenCalledWith(1))
})

it('asks the server for what is looked for', async () => {
  render(<Hl7Messages />)
  await screen.findAllByText('ORM^O01')
  fireEvent.click(screen.getByRole('button', { name: 'Failed' }))
  await waitFor(() => expect(vi.mocked(listHl7Messages).mock.lastCall?.[0]).toEqual({ q: '', state: 'failed' }))
  fireEvent.change(screen.getByRole('searchbox', { name: 'Search messages' }), { target: { value: 'P1' } })
  await waitFor(() => expect(vi.mocked(listHl7Messages).mock.lastCall?.[0]).toEqual({ q: 'P1', state: 'failed' }), { timeout: 5000 })
})
