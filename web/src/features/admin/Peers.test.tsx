import { cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { echoPeer, listPeers } from '../../api/admin'
import { formatInstant } from '../../lib/dates'
import { Peers } from './Peers'

vi.mock('../../api/admin')

const PEER = { aet: 'CT1', host: '192.0.2.7', port: 104, description: 'Room 3', created_at: '2026-11-22T09:00:00Z' }

afterEach(cleanup)

const echo = (aet: string) => fireEvent.click(within(screen.getByRole('row', { name: new RegExp(aet) })).getByRole('button', { name: 'Echo' }))

it('tells when a peer was last seen, and what it says to an echo', async () => {
  vi.mocked(listPeers).mockResolvedValue([
    { ...PEER, last_seen_at: null },
    { ...PEER, aet: 'MR1', last_seen_at: '2026-11-22T10:00:00Z' },
  ])
  render(<Peers />)
  expect(await screen.findByText('not yet')).toBeTruthy()
  expect(screen.getByText(formatInstant('2026-11-22T10:00:00Z'))).toBeTruthy()

  vi.mocked(echoPeer).mockResolvedValueOnce({ ok: false, message: 'Nobody answers: Connection refused.', milliseconds: 1 })
  echo('CT1')
  expect((await screen.findByRole('alert')).textContent).toContain('Nobody answers: Connection refused.')
  expect(echoPeer).toHaveBeenCalledWith('CT1')

  vi.mocked(echoPeer).mockResolvedValueOnce({ ok: true, message: 'MR1 answered.', milliseconds: 7 })
  echo('MR1')
  expect((await screen.findByText('MR1 answered.')).parentElement?.textContent).toContain('After 7 ms.')
  expect(screen.queryByRole('alert')).toBeNull()
})
