import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { type IndexAttribute, readIndexAttributes } from '../../api/admin'
import { IndexAttributes } from './IndexAttributes'

vi.mock('../../api/admin')
afterEach(cleanup)

const one = (name: string, facts: Partial<IndexAttribute>): IndexAttribute => ({
  name, vr: 'LO', level: 'SERIES', state: 'complete', fraction: 1, looked_at: 0, errors: 0, last_error: '', declared_at: '2026-11-22T10:00:00Z', finished_at: null, ...facts,
})

it('shows how far each is, and what could not be read', async () => {
  vi.mocked(readIndexAttributes).mockResolvedValue({ attributes: [
    one('names', { state: 'filling', fraction: 0.25, looked_at: 500 }),
    one('ContrastBolusAgent', { errors: 2, last_error: '1.2.3: lost' }),
    one('EchoTime', { state: 'removing' }),
  ] })
  render(<IndexAttributes />)
  expect((await screen.findAllByText('How names sound')).length).toBeGreaterThan(0)
  expect(screen.getByText(/filling in, 500 looked at/)).toBeTruthy()
  expect(screen.getByText('complete; 2 could not be read, the last: 1.2.3: lost')).toBeTruthy()
  expect(screen.getByText('being removed')).toBeTruthy()
})

it('is not there when nothing is declared and all is filled in', async () => {
  vi.mocked(readIndexAttributes).mockResolvedValue({ attributes: [one('names', {})] })
  const { container } = render(<IndexAttributes />)
  await vi.waitFor(() => expect(readIndexAttributes).toHaveBeenCalled())
  expect(container.textContent).toBe('')
})
