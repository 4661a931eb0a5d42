import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { Peer } from '../../api/admin'
import { addPeer, changePeer, echoPeer, listPeers } from '../../api/admin'
import { formatInstant } from '../../lib/dates'
import { Peers } from './Peers'

vi.mock('../../api/admin')

const PEER: Peer = {
  aet: 'CT1', host: '192.0.2.7', port: 104, description: 'Room 3', allowed_ips: ['10.1.0.0/16'], max_associations: 4, preferred_syntaxes: ['1.2.3'],
  tls: false, services: ['storage'], character_set: 'ISO_IR 100', issuer: 'NORTH', throttle: 2 ** 20, parallel: 2, paused: false, archive: '', asks_commitment: true, notify_availability: false,
  created_at: '2026-11-22T09:00:00Z', last_seen_at: null, associations: 12, instances: 3456,
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

it('changes what is known of a peer, and leaves what was not touched', async () => {
  vi.mocked(listPeers).mockResolvedValue([PEER])
  vi.mocked(changePeer).mockResolvedValue(PEER)
  render(<Peers />)
  const row = within(await screen.findByRole('row', { name: /CT1/ }))
  expect(row.getByText('3,456')).toBeTruthy()
  fireEvent.click(row.getByRole('button', { name: 'Actions for CT1' }))
  fireEvent.click(screen.getByRole('button', { name: 'Edit' }))
  const dialog = within(screen.getByRole('dialog', { name: 'DICOM peer CT1' }))
  const type = (label: string, value: string) => fireEvent.change(dialog.getByLabelText(label), { target: { value } })
  type('Port', '11112')
  type('Networks it may call from', '10.1.0.0/16, 192.0.2.9')
  type('MB a second', '4')
  type('As an archive', 'fetch')
  fireEvent.click(dialog.getByLabelText('Call it over TLS'))
  fireEvent.click(dialog.getByRole('button', { name: 'Query' }))
  fireEvent.click(dialog.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  const { aet, created_at, last_seen_at, associations, instances, ...facts } = PEER
  expect(changePeer).toHaveBeenCalledWith(aet, {
    ...facts, port: 11112, allowed_ips: ['10.1.0.0/16', '192.0.2.9'], throttle: 4 * 2 ** 20, archive: 'fetch', tls: true, services: ['storage', 'query'],
  })
  expect([created_at, last_seen_at, associations, instances]).toHaveLength(4) // told by the server, never sent
})

it('keeps the dialog and tells the reason when a peer cannot be added', async () => {
  vi.mocked(listPeers).mockResolvedValue([])
  vi.mocked(addPeer).mockRejectedValue(new Error('It is known already.'))
  render(<Peers />)
  fireEvent.click(await screen.findByRole('button', { name: 'Add a peer' }))
  const dialog = within(screen.getByRole('dialog', { name: 'Add a DICOM peer' }))
  fireEvent.change(dialog.getByLabelText('AE title'), { target: { value: ' CT1 ' } })
  fireEvent.change(dialog.getByLabelText('Host name or address'), { target: { value: 'ct1' } })
  fireEvent.click(dialog.getByRole('button', { name: 'Add peer' }))
  expect((await dialog.findByRole('alert')).textContent).toContain('It is known already.')
  expect(addPeer).toHaveBeenCalledWith('CT1', expect.objectContaining({ host: 'ct1', port: 104, services: [], archive: '' }))
})
