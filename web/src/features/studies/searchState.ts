import type { StudySearch } from '../../api/studies'
import { daysBefore, toDa } from '../../lib/dates'

/** What the address of the study list says; every part optional and shareable as a link. */
export interface SearchState {
  q: string
  name: string
  id: string
  accession: string
  description: string
  /** '' any time, 'today', '7d', '30d', or a DA range "20260101-20260131" open at either end. */
  date: string
  modalities: readonly string[]
  sort: Sort
}

export interface Sort {
  column: SortColumn
  descending: boolean
}

export const SORT_COLUMNS = [
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'StudyDate',
  'ModalitiesInStudy',
  'StudyDescription',
  'AccessionNumber',
  'ReferringPhysicianName',
  'NumberOfStudyRelatedSeries',
  'NumberOfStudyRelatedInstances',
  'received_at',
] as const

export type SortColumn = (typeof SORT_COLUMNS)[number]

export const DEFAULT_SORT: Sort = { column: 'StudyDate', descending: true }

export const NO_SEARCH: SearchState = { q: '', name: '', id: '', accession: '', description: '', date: '', modalities: [], sort: DEFAULT_SORT }

const QUICK_DAYS: Record<string, number> = { today: 0, '7d': 6, '30d': 29 }

/** Dates and numbers are mostly wanted newest and largest first. */
const STARTS_DESCENDING = new Set<SortColumn>(['StudyDate', 'received_at', 'NumberOfStudyRelatedSeries', 'NumberOfStudyRelatedInstances', 'PatientBirthDate'])

function parseSort(text: string | null): Sort {
  const column = text?.replace(/^-/, '')
  const known = SORT_COLUMNS.find((name) => name === column)
  return known ? { column: known, descending: text?.startsWith('-') ?? false } : DEFAULT_SORT
}

function formatSort(sort: Sort): string {
  return `${sort.descending ? '-' : ''}${sort.column}`
}

export function parseSearch(search: string): SearchState {
  const values = new URLSearchParams(search)
  const get = (key: string) => values.get(key) ?? ''
  const date = get('date')
  return {
    q: get('q'),
    name: get('name'),
    id: get('id'),
    accession: get('accession'),
    description: get('description'),
    date: date in QUICK_DAYS || /^(\d{8})?-?(\d{8})?$/.test(date) ? date : '',
    modalities: get('modality')
      .split(',')
      .map((code) => code.trim().toUpperCase())
      .filter((code) => /^[A-Z0-9_]{1,16}$/.test(code)),
    sort: parseSort(values.get('sort')),
  }
}

/** The search part of the address; '' for the plain list. */
export function formatSearch(state: SearchState): string {
  const values = new URLSearchParams()
  const put = (key: string, value: string) => {
    if (value) values.set(key, value)
  }
  put('q', state.q)
  put('name', state.name)
  put('id', state.id)
  put('accession', state.accession)
  put('description', state.description)
  put('date', state.date)
  put('modality', state.modalities.join(','))
  const sort = formatSort(state.sort)
  if (sort !== formatSort(DEFAULT_SORT)) put('sort', sort)
  const text = values.toString().replaceAll('%2C', ',')
  return text ? `?${text}` : ''
}

/** The DA range a date choice stands for on the given day. */
export function dateRange(date: string, today: Date): string {
  const days = QUICK_DAYS[date]
  if (days === undefined) return date
  const last = toDa(today)
  return days === 0 ? last : `${toDa(daysBefore(today, days))}-${last}`
}

/** From and to of a typed range, as DA; '' where it is open. */
export function rangeEnds(date: string): { from: string; to: string } {
  if (!/\d/.test(date) || date in QUICK_DAYS) return { from: '', to: '' }
  const [from = '', to = ''] = date.includes('-') ? date.split('-') : [date, date]
  return { from, to }
}

export function joinRange(from: string, to: string): string {
  if (!from && !to) return ''
  return from === to ? from : `${from}-${to}`
}

export function toStudySearch(state: SearchState, today: Date): StudySearch {
  return {
    q: state.q.trim(),
    PatientName: state.name.trim(),
    PatientID: state.id.trim(),
    AccessionNumber: state.accession.trim(),
    StudyDescription: state.description.trim(),
    StudyDate: dateRange(state.date, today),
    ModalitiesInStudy: state.modalities,
    sort: formatSort(state.sort),
  }
}

/** A click on a column: the same column turns round, another starts in its natural direction. */
export function nextSort(now: Sort, column: SortColumn): Sort {
  return now.column === column ? { column, descending: !now.descending } : { column, descending: STARTS_DESCENDING.has(column) }
}

/** How many filters besides the search box are set. */
export function filterCount(state: SearchState): number {
  return [state.name, state.id, state.accession, state.description, state.date].filter(Boolean).length + (state.modalities.length > 0 ? 1 : 0)
}

export function isSearching(state: SearchState): boolean {
  return state.q.trim() !== '' || filterCount(state) > 0
}
