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
