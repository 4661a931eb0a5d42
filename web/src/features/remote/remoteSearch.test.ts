import { describe, expect, it } from 'vitest'
import { NO_SEARCH, formatRemote, isSearch, parseRemote, toRemoteSearch } from './remoteSearch'

describe('the search of another archive', () => {
  it('is in the address, and comes back from it', () => {
    const state = { ...NO_SEARCH, archive: 'PAST ARCHIVE', name: 'Müller, Anna', date: '7d', modality: 'CT' }
    expect(parseRemote(formatRemote(state))).toEqual(state)
    expect(formatRemote(NO_SEARCH)).toBe('')
    expect(parseRemote('?name=x&other=y')).toEqual({ ...NO_SEARCH, name: 'x' })
  })

  it('knows what day it is', () => {
    const day = new Date(2026, 10, 22)
    expect(toRemoteSearch({ ...NO_SEARCH, date: 'today' }, day).StudyDate).toBe('20261122')
    expect(toRemoteSearch({ ...NO_SEARCH, date: '30d' }, day).StudyDate).toBe('20261024-20261122')
    expect(toRemoteSearch({ ...NO_SEARCH, date: '20200101-' }, day).StudyDate).toBe('20200101-')
  })

  it('asks nobody for everything', () => {
    expect(isSearch({ ...NO_SEARCH, archive: 'PAST', modality: 'CT', name: '  ' })).toBe(false)
    expect(isSearch({ ...NO_SEARCH, id: '4711' })).toBe(true)
  })
})
