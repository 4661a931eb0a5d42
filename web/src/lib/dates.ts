/** DICOM dates (DA), times (TM) and ages (AS) for people, and the ranges the search box speaks. */

/** 20260412 -> 2026-04-12. Also the retired 2026.04.12. What is no date is shown as it is. */
export function formatDate(da: string | null | undefined): string {
  const text = (da ?? '').trim()
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(text)
  return match ? `${match[1] ?? ''}-${match[2] ?? ''}-${match[3] ?? ''}` : text
}

/** 093012.123 -> 09:30. */
export function formatTime(tm: string | null | undefined): string {
  const text = (tm ?? '').trim()
  const match = /^(\d{2}):?(\d{2})/.exec(text)
  return match ? `${match[1] ?? ''}:${match[2] ?? ''}` : text
}

export function formatDateTime(da: string | null | undefined, tm: string | null | undefined): string {
  return [formatDate(da), formatTime(tm)].filter(Boolean).join(' ')
}

const SEXES: Record<string, string> = { M: 'M', F: 'F', O: 'O' }

export function formatSex(sex: string | null | undefined): string {
  return SEXES[(sex ?? '').trim().toUpperCase()] ?? ''
}

function parseDa(da: string | null | undefined): Date | null {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec((da ?? '').replaceAll('.', '').trim())
  if (!match) return null
  const date = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])))
  return Number.isNaN(date.getTime()) ? null : date
}

/**
 * The age on the day of the study, as a clinician says it: days below 4 weeks, weeks below 6 months, months below 3 years,
 * then years. Empty when either date is missing or they contradict each other.
 */
export function ageAt(birthDate: string | null | undefined, studyDate: string | null | undefined): string {
  const born = parseDa(birthDate)
  const then = parseDa(studyDate)
  if (!born || !then || then < born) return ''
  const days = Math.floor((then.getTime() - born.getTime()) / 86_400_000)
  const beforeBirthday = then.getUTCMonth() * 100 + then.getUTCDate() < born.getUTCMonth() * 100 + born.getUTCDate()
  const years = then.getUTCFullYear() - born.getUTCFullYear() - (beforeBirthday ? 1 : 0)
  if (years >= 3) return years > 130 ? '' : `${years} y`
  const months =
    (then.getUTCFullYear() - born.getUTCFullYear()) * 12 +
    then.getUTCMonth() -
    born.getUTCMonth() -
    (then.getUTCDate() < born.getUTCDate() ? 1 : 0)
  if (months >= 6) return `${months} mo`
  return days >= 28 ? `${Math.floor(days / 7)} wk` : `${days} d`
}

/** Local calendar day as DA. */
export function toDa(day: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${day.getFullYear()}${two(day.getMonth() + 1)}${two(day.getDate())}`
}

export function daysBefore(day: Date, count: number): Date {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - count)
}

/** "2026-11-22T08:45:00Z" -> local "2026-11-22 08:45"; "today" and "yesterday" are said as such. */
export function formatInstant(iso: string | null | undefined, now = new Date()): string {
  if (!iso) return ''
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return iso
  const two = (n: number) => String(n).padStart(2, '0')
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`
  const day = toDa(at)
  if (day === toDa(now)) return `today ${clock}`
  if (day === toDa(daysBefore(now, 1))) return `yesterday ${clock}`
  return `${formatDate(day)} ${clock}`
}

/**
 * A date as typed: 2026-01-31, 20260131, 2026.1.31; a year or a year and month mean their first or last day.
 * DA, '' for nothing typed, null for what is no date.
 */
export function parseTypedDate(text: string, end: 'first' | 'last'): string | null {
  const trimmed = text.trim()
  if (trimmed === '') return ''
  const match = /^(\d{4})(?:[-./]?(\d{2}|\d(?![0-9])))?(?:[-./]?(\d{1,2}))?$/.exec(trimmed)
  if (!match) return null
  const year = Number(match[1])
  const month = match[2] ? Number(match[2]) : end === 'first' ? 1 : 12
  const lastDay = new Date(year, month, 0).getDate()
  const day = match[3] ? Number(match[3]) : end === 'first' ? 1 : lastDay
  if (year < 1000 || month < 1 || month > 12 || day < 1 || day > lastDay) return null
  return toDa(new Date(year, month - 1, day))
}

/** <input type=date>, and back. */
export const toDateInput = (da: string) => (/^\d{8}$/.test(da) ? `${da.slice(0, 4)}-${da.slice(4, 6)}-${da.slice(6)}` : '')
export const fromDateInput = (text: string) => text.replaceAll('-', '')
