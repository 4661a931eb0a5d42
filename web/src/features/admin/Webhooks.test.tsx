import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import {
  addWebhook, changeWebhook, forgetWebhookFailures, listWebhookFailures, listWebhooks, resendWebhookFailures, testWebhook, type Webhook, type WebhookFailure,
} from '../../api/webhooks'
import { formatInstant } from '../../lib/dates'
import { Webhooks } from './Webhooks'

vi.mock('../../api/webhooks')

const RIS: Webhook = {
  name: 'ris', url: 'https://ris.example.org/hook', kinds: ['study.created', 'exception.*'], together: 1, enabled: true, told: 1234, told_at: '2026-11-22T09:00:00Z',
  waiting: 0, attempts: 0, due_at: '2026-11-22T09:00:00Z', failing_since: null, failures: 0, last_status: 204, last_reason: '', last_at: '2026-11-22T09:00:00Z',
}
const AWAY: Webhook = {
  ...RIS, name: 'away', attempts: 3, failing_since: '2026-11-22T08:00:00Z', last_status: 503, last_reason: 'it answered with status 503', failures: 2,
}
const FAILURE: WebhookFailure = {
  id: 7, first: 40, last: 40, changes: 1, status: 422, reason: 'it answered with status 422', attempts: 4, failed_at: '2026-11-22T08:00:00Z', resend_asked: false,
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
afterEach(cleanup)

const choose = (name: string, what: string) => {
  fireEvent.click(screen.getByRole('button', { name: `Actions for ${name}` }))
  fireEvent.click(screen.getByRole('button', { name: what }))
}

it('tells how each goes', async () => {
  vi.mocked(listWebhooks).mockResolvedValue([RIS, AWAY, { ...RIS, name: 'off', enabled: false }])
  vi.mocked(testWebhook).mockResolvedValue()
  render(<Webhooks />)
  const row = (name: RegExp) => within(screen.getByRole('row', { name }))
  expect((await screen.findByRole('row', { name: /^ris/ })).textContent).toContain('1,234')
  expect(row(/^ris/).getByText('told')).toBeTruthy()
  expect(row(/^away/).getByText(`not reached since ${formatInstant('2026-11-22T08:00:00Z')}`)).toBeTruthy()
  expect(row(/^away/).getByText('2 put aside')).toBeTruthy()
  expect(row(/^away/).getByText('it answered with status 503')).toBeTruthy()
  expect(row(/^off/).getByText('stopped')).toBeTruthy()
  fireEvent.click(row(/^ris/).getByRole('button', { name: 'Test' }))
  await waitFor(() => expect(testWebhook).toHaveBeenCalledWith('ris'))
  vi.mocked(changeWebhook).mockResolvedValue(RIS)
  choose('off', 'Go on')
  await waitFor(() => expect(changeWebhook).toHaveBeenCalledWith('off', { enabled: true }))
})

it('adds one, and shows its secret', async () => {
  vi.mocked(listWebhooks).mockResolvedValue([])
  vi.mocked(addWebhook).mockResolvedValue('whsec_c2VjcmV0')
  render(<Webhooks />)
  fireEvent.click((await screen.findAllByRole('button', { name: 'Add a webhook' }))[0]!)
  const dialog = within(screen.getByRole('dialog', { name: 'Add a webhook' }))
  fireEvent.change(dialog.getByLabelText('Name'), { target: { value: ' ris ' } })
  fireEvent.change(dialog.getByLabelText('Address'), { target: { value: 'https://ris.example.org/hook' } })
  fireEvent.click(dialog.getByLabelText('Orders and examinations'))
  fireEvent.click(dialog.getByLabelText('Studies and images'))
  fireEvent.change(dialog.getByLabelText('Other kinds'), { target: { value: 'exception.*, commitment.answered' } })
  fireEvent.click(dialog.getByRole('button', { name: 'Add webhook' }))
  expect((await screen.findByText('whsec_c2VjcmV0')).tagName).toBe('CODE')
  const kinds = ['order.*', 'procedure.*', 'exception.*', 'commitment.answered']
  expect(addWebhook).toHaveBeenCalledWith('ris', { url: 'https://ris.example.org/hook', kinds, together: 1 })
})

it('changes one, and leaves what was not touched', async () => {
  vi.mocked(listWebhooks).mockResolvedValue([RIS])
  vi.mocked(changeWebhook).mockResolvedValue(RIS)
  render(<Webhooks />)
  await screen.findByRole('row', { name: /^ris/ })
  choose('ris', 'Edit')
  const dialog = within(screen.getByRole('dialog', { name: 'Webhook ris' }))
  expect(dialog.getByLabelText<HTMLInputElement>('Other kinds').value).toBe('exception.*')
  fireEvent.change(dialog.getByLabelText('Changes in one message'), { target: { value: '50' } })
  fireEvent.click(dialog.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(changeWebhook).toHaveBeenCalledWith('ris', { url: RIS.url, kinds: RIS.kinds, together: 50 }))
})

it('shows what was put aside, sends it again and forgets it', async () => {
  vi.mocked(listWebhooks).mockResolvedValue([AWAY])
  vi.mocked(listWebhookFailures).mockResolvedValueOnce([FAILURE, { ...FAILURE, id: 8, first: 50, last: 50 }]).mockResolvedValue([])
  vi.mocked(resendWebhookFailures).mockResolvedValue()
  vi.mocked(forgetWebhookFailures).mockResolvedValue()
  render(<Webhooks />)
  await screen.findByRole('row', { name: /^away/ })
  choose('away', 'What was put aside')
  const dialog = within(screen.getByRole('dialog', { name: 'Put aside: away' }))
  expect((await dialog.findByRole('row', { name: /^40/ })).textContent).toContain('it answered with status 422')
  fireEvent.click(within(dialog.getByRole('row', { name: /^40/ })).getByRole('button', { name: 'Send again' }))
  await waitFor(() => expect(resendWebhookFailures).toHaveBeenCalledWith('away', 7))
  expect(await dialog.findByText('Nothing is put aside')).toBeTruthy()
  expect(forgetWebhookFailures).not.toHaveBeenCalled()
})
