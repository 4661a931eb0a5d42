import type { RemoteSearch } from '../../api/remote'
import { daysBefore, toDa } from '../../lib/dates'

/** What the address of the page says; shareable as a link. */
export interface RemoteState {
  archive: string
  name: string
  id: string
  accession: string
  description: string
  modality: string
  /** '' any time, 'today', '7d', '30d', '1y', or a DA range. */
  date: string
}

export const NO_SEARCH: RemoteState = { archive: '', name: '', id: '', accession: '', description: '', modality: '', date: '' }

export const QUICK_DATES = [
  ['', 'Any date'],
  ['today', 'Today'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['1y', 'Year'],
] as const

const QUICK_DAYS: Record<string, number> = { today: 0, '7d': 6, '30d': 29, '1y': 364 }

export const MODALITIES = ['CR', 'CT', 'DX', 'MG', 'MR', 'NM', 'OT', 'PT', 'RF', 'US', 'XA'] as const

export function parseRemote(search: string): RemoteState {
  const values = new URLSearchParams(search)
  const state = { ...NO_SEARCH }
  for (const key of Object.keys(NO_SEARCH) as (keyof RemoteState)[]) state[key] = values.get(key) ?? ''
  return state
}

export function formatRemote(state: RemoteState): string {
  const values = new URLSearchParams()
  for (const [key, value] of Object.entries(state) as [string, string][]) if (value.trim()) values.set(key, value.trim())
  const text = values.toString()
  return text ? `?${text}` : ''
}

/** As /api/v1/remote takes it, on the given day. */
export function toRemoteSearch(state: RemoteState, today: Date): RemoteSearch {
  const days = QUICK_DAYS[state.date]
  const range = days === undefined ? state.date : days === 0 ? toDa(today) : `${toDa(daysBefore(today, days))}-${toDa(today)}`
  return {
    PatientName: state.name.trim(),
    PatientID: state.id.trim(),
    AccessionNumber: state.accession.trim(),
    StudyDescription: state.description.trim(),
    ModalitiesInStudy: state.modality,
    StudyDate: range,
  }
}

/** An archive is not asked for everything it has. */
export function isSearch(state: RemoteState): boolean {
  return [state.name, state.id, state.accession, state.description, state.date].some((text) => text.trim() !== '')
}
