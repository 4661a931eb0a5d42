import { describe, expect, it } from 'vitest'
import { ageAt, formatDate, formatDateTime, formatInstant, formatTime, parseTypedDate } from './dates'
import { sentence, errorOf, queryString } from './http'
import { parseName } from './names'
import { formatBytes, formatClock, plural } from './numbers'

describe('person names', () => {
  it.each([
    ['Doe^Jane', 'Doe, Jane'],
    ['Doe^Jane^Q^Dr^MD', 'Dr Doe, Jane Q (MD)'],
    ['DOE', 'DOE'],
    ['^Jane', 'Jane'],
    ['', ''],
    [undefined, ''],
  ])('%s', (text, main) => {
    expect(parseName(text).main).toBe(main)
  })

  it('shows ideographic and phonetic groups beside the alphabetic', () => {
    expect(parseName('Yamada^Tarou=山田^太郎=やまだ^たろう')).toEqual({ main: 'Yamada, Tarou', ideographic: '山田 太郎', phonetic: 'やまだ たろう' })
  })

  it('takes the ideographic group when there is no other', () => {
    expect(parseName('=山田^太郎')).toEqual({ main: '山田 太郎', ideographic: '', phonetic: '' })
  })
})

describe('dates and times', () => {
  it('reads DA and TM, and leaves alone what is neither', () => {
    expect(formatDate('20260412')).toBe('2026-04-12')
    expect(formatDate('2026.04.12')).toBe('2026-04-12')
    expect(formatDate('sometime')).toBe('sometime')
    expect(formatTime('093012.123')).toBe('09:30')
    expect(formatTime('09')).toBe('09')
    expect(formatDateTime('20260412', '')).toBe('2026-04-12')
  })

  it.each([
    ['19800615', '20260614', '45 y'],
    ['19800615', '20260615', '46 y'],
    ['20240101', '20260101', '24 mo'],
    ['20260101', '20260301', '8 wk'],
    ['20260101', '20260111', '10 d'],
    ['20260111', '20260101', ''],
    ['', '20260101', ''],
    ['18000101', '20260101', ''],
  ])('born %s, seen %s: %s', (born, seen, age) => {
    expect(ageAt(born, seen)).toBe(age)
  })

  it('says today and yesterday', () => {
    const now = new Date(2026, 10, 22, 12)
    expect(formatInstant(new Date(2026, 10, 22, 8, 5).toISOString(), now)).toBe('today 08:05')
    expect(formatInstant(new Date(2026, 10, 21, 8, 5).toISOString(), now)).toBe('yesterday 08:05')
    expect(formatInstant(new Date(2026, 0, 2, 8, 5).toISOString(), now)).toBe('2026-01-02 08:05')
    expect(formatInstant(null)).toBe('')
  })

  it.each([
    ['2026-01-31', 'first', '20260131'],
    ['20260131', 'last', '20260131'],
    ['2026.1.5', 'first', '20260105'],
    ['2026', 'first', '20260101'],
    ['2026', 'last', '20261231'],
    ['2024-02', 'last', '20240229'],
    ['202402', 'last', '20240229'],
    [' ', 'first', ''],
    ['2026-02-30', 'first', null],
    ['2026-13', 'first', null],
    ['31.1.2026', 'first', null],
  ] as const)('typed %s as %s day: %s', (text, end, da) => {
    expect(parseTypedDate(text, end)).toBe(da)
  })
})

it('writes numbers for people', () => {
  expect(formatBytes(0)).toBe('0 B')
  expect(formatBytes(1536)).toBe('1.5 KB')
  expect(formatBytes(526_336)).toBe('514 KB')
  expect(plural(1, 'study', 'studies')).toBe('1 study')
  expect(plural(1200, 'study', 'studies')).toBe('1,200 studies')
  expect(formatClock(95)).toBe('1:35')
})

describe('errors', () => {
  it('takes the facts the server gives', () => {
    const error = errorOf(507, { error: { kind: 'no_space', message: 'the disk is full', kept: 'nothing was kept', hint: 'free some' } }, null)
    expect(error).toMatchObject({ kind: 'no_space', status: 507, kept: 'nothing was kept', hint: 'free some' })
  })

  it('has words of its own when a proxy answered', () => {
    expect(errorOf(502, null, null)).toMatchObject({ kind: 'broken', message: 'Something went wrong on the server.' })
    expect(errorOf(429, '<html>', '30')).toMatchObject({ kind: 'busy', retryAfter: 30 })
  })

  it('makes sentences of clauses', () => {
    expect(sentence('the disk is full')).toBe('The disk is full.')
    expect(sentence('Why?')).toBe('Why?')
    expect(sentence('')).toBe('')
  })
})

it('leaves empty values out of a query', () => {
  expect(queryString({ a: '', b: undefined, c: [], d: ['CT', 'MR'], e: 0, f: 'x y' })).toBe('?d=CT%2CMR&e=0&f=x+y')
})
