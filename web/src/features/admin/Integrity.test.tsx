import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { type Integrity as Facts, beginRound, readIntegrity } from '../../api/admin'
import type { User } from '../../api/types'
import { Integrity } from './Integrity'

vi.mock('../../api/admin')
afterEach(cleanup)

const ADMIN = { name: 'boss', permissions: ['system:read', 'system:manage'] } as unknown as User
const READER = { name: 'ray', permissions: ['system:read'] } as unknown as User
const FACTS: Facts = {
  rate: 8 * 2 ** 20, expected: 200, damaged: 0, mended: 1, replica: { place: 's3://copies', behind: 3, reason: '' },
  backup: { place: 's3://backups/a', every_hours: 24, made_at: '2026-11-23T02:30:00Z', faults: 2, failing_since: null, reason: '', late: false },
  anchors: { places: ['file:///mnt/notes'], every_hours: 24, at: '2026-11-23T02:30:00Z', head: '7:abc', failing_since: null, reason: '' },
  renewals: [],
  round: { began_at: '2026-11-23T05:00:00Z', files: 50, bytes: 2 ** 20, reason: '', last_ended_at: null, last_files: 0, last_bytes: 0 },
  files: [{ file: 'archive/2026/a.dcm', sop_instance_uid: '1.2.3', kind: 'damaged', detail: '', found_at: '2026-11-23T05:00:00Z', mended_at: '2026-11-23T05:00:01Z', mended_by: 'replica' }],
}

it('tells how far the round is, what was put back, and begins one', async () => {
  vi.mocked(readIntegrity).mockResolvedValue(FACTS)
  vi.mocked(beginRound).mockResolvedValue()
  render(<Integrity user={ADMIN} />)
  expect(await screen.findByText(/^50 of 200 files/)).toBeTruthy()
  expect(screen.getByText('put back from the second storage')).toBeTruthy()
  expect(screen.getByText('s3://copies, 3 files still to come')).toBeTruthy()
  expect(screen.getByText(/, without 2 files that could not be had$/)).toBeTruthy()
  expect(screen.getByText('every 24 hours to s3://backups/a')).toBeTruthy()
  expect(screen.getByText(/^its head was noted outside .*, every 24 hours in file:\/\/\/mnt\/notes$/)).toBeTruthy()
  expect(screen.queryByText(/The last backup is too old/)).toBeNull()
  fireEvent.click(screen.getByRole('button', { name: 'Begin a round now' }))
  await vi.waitFor(() => expect(readIntegrity).toHaveBeenCalledTimes(2))
  expect(beginRound).toHaveBeenCalledTimes(1)
})

it('says what is lost and what to do, to who may only look', async () => {
  const lost = { ...FACTS.files[0]!, mended_at: null, mended_by: '' as const, kind: 'missing' as const, detail: 'send the instance again' }
  vi.mocked(readIntegrity).mockResolvedValue({ ...FACTS, damaged: 1, replica: null, files: [lost] })
  render(<Integrity user={READER} />)
  expect(await screen.findByText('1 file is damaged or missing.')).toBeTruthy()
  expect(screen.getByText(/Restore them from a backup/)).toBeTruthy()
  expect(screen.getByText('send the instance again')).toBeTruthy()
  expect(screen.queryByRole('button', { name: 'Begin a round now' })).toBeNull()
})

it('tells how far files are under another key, and that it was broken off', async () => {
  const renewal = { place: '', key: 'ab12', began_at: '2026-11-23T02:30:00Z', ended_at: null, expected: 400, files: 100, changed: 90, faults: 0, stopped: false }
  vi.mocked(readIntegrity).mockResolvedValue({ ...FACTS, renewals: [renewal] })
  const { unmount } = render(<Integrity user={READER} />)
  expect(await screen.findByText('100 of 400 files looked at, to be under the key ab12')).toBeTruthy()
  expect(screen.queryByText(/was broken off/)).toBeNull()
  unmount()
  vi.mocked(readIntegrity).mockResolvedValue({ ...FACTS, renewals: [{ ...renewal, stopped: true }] })
  render(<Integrity user={READER} />)
  expect(await screen.findByText('Bringing files under another key was broken off.')).toBeTruthy()
})

it('is loud about backups that fail, are too old or were never made', async () => {
  const failing = { ...FACTS.backup, failing_since: '2026-11-23T02:30:00Z', reason: 'the object store does not answer', late: true }
  vi.mocked(readIntegrity).mockResolvedValue({ ...FACTS, backup: failing })
  const { unmount } = render(<Integrity user={READER} />)
  expect(await screen.findByText('The last backup is too old.')).toBeTruthy()
  expect(screen.getByText(/^The backup fails since/)).toBeTruthy()
  expect(screen.getByText(/^the object store does not answer\. It is tried again/)).toBeTruthy()
  unmount()
  vi.mocked(readIntegrity).mockResolvedValue({ ...FACTS, backup: { ...FACTS.backup, place: '', made_at: null, late: true } })
  render(<Integrity user={READER} />)
  expect(await screen.findByText('No backup was ever made.')).toBeTruthy()
  expect(screen.getByText('not by the worker')).toBeTruthy()
})
