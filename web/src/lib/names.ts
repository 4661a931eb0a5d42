/** Person names as PS3.5 6.2.1 writes them: up to three groups (alphabetic=ideographic=phonetic), five components each. */
export interface PersonName {
  /** "Family, Given Middle", with prefix and suffix where present. */
  main: string
  ideographic: string
  phonetic: string
}

function group(text: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = text.split('^').map((part) => part.trim())
  const givenNames = [given, middle].filter(Boolean).join(' ')
  const name = [family, givenNames].filter(Boolean).join(', ')
  return [prefix, name, suffix && `(${suffix})`].filter(Boolean).join(' ')
}

/** Ideographic and phonetic groups read family-given without a comma. */
function plainGroup(text: string): string {
  return text
    .split('^')
    .map((part) => part.trim())
    .filter(Boolean)
    .join(' ')
}

/** A name may hold only an ideographic group; it is then the main one. */
export function parseName(text: string | null | undefined): PersonName {
  const [alphabetic = '', ideographic = '', phonetic = ''] = (text ?? '').split('=')
  const other = { ideographic: plainGroup(ideographic), phonetic: plainGroup(phonetic) }
  const main = group(alphabetic)
  if (main) return { main, ...other }
  if (other.ideographic) return { main: other.ideographic, ideographic: '', phonetic: other.phonetic }
  return { main: other.phonetic, ideographic: '', phonetic: '' }
}

/** One line for titles and labels. */
export function formatName(text: string | null | undefined): string {
  return parseName(text).main
}

/** "Müller, Anna" is Müller^Anna (PS3.5 6.2.1); what has a ^ or no comma is as it is. */
export function toPersonName(text: string): string {
  if (text.includes('^')) return text.trim()
  const [family = '', ...given] = text.split(',')
  return given.length > 0 ? `${family.trim()}^${given.join(' ').trim()}` : family.trim()
}
