import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { type SystemFacts, readSystem } from '../../api/admin'
import { System } from './System'

vi.mock('../../api/admin')
vi.mock('./IndexAttributes', () => ({ IndexAttributes: () => null }))
afterEach(cleanup)

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString()
const FACTS: SystemFacts = {
  version: '1', aet: 'ISOCENTER', dicom_address: '127.0.0.1:11112', dicom_tls_address: '0.0.0.0:2762', dicom_tls_expires: null, http_tls_expires: null, http_address: 'http://127.0.0.1:8080/',
  database: 'SQLite', counts: { patients: 1, studies: 2, series: 3, instances: 4, exceptions: 0 }, free_bytes: 2 ** 40,
}

it('warns of certificates that end soon or have ended, each with what to do', async () => {
  vi.mocked(readSystem).mockResolvedValue({ ...FACTS, dicom_tls_expires: inDays(12), http_tls_expires: inDays(-3) })
  render(<System />)
  expect(await screen.findByText('The certificate of DICOM over TLS ends soon.')).toBeTruthy()
  expect(screen.getByText('The certificate of the web has ended.')).toBeTruthy()
  expect(screen.getByText(/used without a restart/)).toBeTruthy()
  expect(screen.getByText('0.0.0.0:2762')).toBeTruthy()
})

it('is silent while there is time', async () => {
  vi.mocked(readSystem).mockResolvedValue({ ...FACTS, dicom_tls_expires: inDays(90) })
  render(<System />)
  expect(await screen.findByText('0.0.0.0:2762')).toBeTruthy()
  expect(screen.queryByText(/certificate/)).toBeNull()
})
