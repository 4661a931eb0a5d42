import { describe, expect, it } from 'vitest'
import { DEFAULT_SORT, NO_SEARCH, dateRange, filterCount, formatSearch, joinRange, nextSort, parseSearch, rangeEnds, toStudySearch } from './searchState'

describe('the address of the study list', () => {
  it('is empty for the plain list', () => {
    expect(formatSearch(NO_SEARCH)).toBe('')
    expect(parseSearch('')).toEqual(NO_SEARCH)
  })

  it('comes back as it went', () => {
    const state = {
      q: 'müller & söhne',
      name: 'Yamada^Taro',
      id: 'P+1 %',
      accession: 'A#7',
      description: 'CT chest',
      date: '20260101-20260131',
      modalities: ['CT', 'MR'],
      sort: { column: 'PatientName', descending: false } as const,
    }
    expect(parseSearch(formatSearch(state))).toEqual(state)
  })

  it('ignores what it does not know', () => {
    expect(parseSearch('?sort=-Password&date=yesterday&modality=CT,<b>,mr&x=1')).toEqual({ ...NO_SEARCH, modalities: ['CT', 'MR'] })
  })

  it('keeps open ranges', () => {
    expect(parseSearch('?date=20260101-').date).toBe('20260101-')
    expect(parseSearch('?date=-20260101').date).toBe('-20260101')
  })
})

describe('dates', () => {
  const today = new Date(2026, 2, 3)

  it.each([
    ['today', '20260303'],
    ['7d', '20260225-20260303'],
    ['30d', '20260202-20260303'],
    ['', ''],
    ['20260101-', '20260101-'],
  ])('%s stands for %s', (date, range) => {
    expect(dateRange(date, today)).toBe(range)
  })

  it('splits and joins a range', () => {
    expect(rangeEnds('20260101-20260131')).toEqual({ from: '20260101', to: '20260131' })
    expect(rangeEnds('-20260131')).toEqual({ from: '', to: '20260131' })
    expect(rangeEnds('20260131')).toEqual({ from: '20260131', to: '20260131' })
    expect(rangeEnds('7d')).toEqual({ from: '', to: '' })
    expect(joinRange('', '')).toBe('')
    expect(joinRange('20260101', '20260101')).toBe('20260101')
    expect(joinRange('', '20260101')).toBe('-20260101')
  })
})

describe('sorting', () => {
  it('turns the same column round and starts another in its natural direction', () => {
    expect(nextSort(DEFAULT_SORT, 'StudyDate')).toEqual({ column: 'StudyDate', descending: false })
    expect(nextSort(DEFAULT_SORT, 'PatientName')).toEqual({ column: 'PatientName', descending: false })
    expect(nextSort({ column: 'PatientName', descending: false }, 'received_at')).toEqual({ column: 'received_at', descending: true })
  })
})

it('asks the server in the words of the standard', () => {
  const state = parseSearch('?q=%20doe%20&date=today&modality=CT,PT&sort=-NumberOfStudyRelatedInstances')
  expect(toStudySearch(state, new Date(2026, 0, 5))).toEqual({
    q: 'doe',
    PatientName: '',
    PatientID: '',
    AccessionNumber: '',
    StudyDescription: '',
    StudyDate: '20260105',
    ModalitiesInStudy: ['CT', 'PT'],
    sort: '-NumberOfStudyRelatedInstances',
  })
  expect(filterCount(state)).toBe(2)
})
