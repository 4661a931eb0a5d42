/** "20260112" or "202601121430..." as a person reads it; what is no date stays as it is. */
export function formatDateTimeText(raw: string): string {
  const found = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d))?/.exec(raw)
  if (!found) return raw
  const [, year, month, day, hour, minute] = found
  return `${year}-${month}-${day}${hour === undefined ? '' : ` ${hour}:${minute}`}`
}
