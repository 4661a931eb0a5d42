// Reading DICOM JSON (PS3.18 Annex F) without trusting it: every getter answers a plain value or a clear absence.
import { items, text as rawText, texts as rawTexts } from '../../../dicomweb/dataset'
import type { JsonDataset } from '../../../dicomweb/types'
import { parseName } from '../../../lib/names'


export { items }
export type Dataset = JsonDataset

/** First value as text without padding, '' when absent or empty. */
export const text = (dataset: Dataset, tag: string): string => rawText(dataset, tag).trim()

export const texts = (dataset: Dataset, tag: string): string[] => rawTexts(dataset, tag).map((value) => value.trim())

/** All values that are numbers; DS and IS may arrive as text (PS3.18 F.2.3), and empty text is no number. */
export function numbers(dataset: Dataset, tag: string): number[] {
  return rawTexts(dataset, tag)
    .map((value) => (value.trim() === '' ? Number.NaN : Number(value)))
    .filter((value) => Number.isFinite(value))
}

export function number(dataset: Dataset, tag: string): number | undefined {
  return numbers(dataset, tag)[0]
}

export function item(dataset: Dataset | undefined, tag: string): Dataset | undefined {
  return dataset && items(dataset, tag)[0]
}

/** A person name on one line, the ideographic form beside the alphabetic one. */
export function fullName(dataset: Dataset, tag: string): string {
  const { main, ideographic } = parseName(rawText(dataset, tag))
  return [main, ideographic].filter(Boolean).join(' · ')
}

/** Bytes that came inside the document, or the address they must be fetched from. */
export type Binary = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'numbers'; readonly values: readonly number[] } | { readonly kind: 'address'; readonly address: string }

export function binary(dataset: Dataset, tag: string): Binary | undefined {
  const element = dataset[tag]
  if (!element) return undefined
  if (element.InlineBinary !== undefined) return { kind: 'bytes', bytes: fromBase64(element.InlineBinary) }
  if (element.BulkDataURI !== undefined) return { kind: 'address', address: element.BulkDataURI }
  const values = numbers(dataset, tag)
  return values.length > 0 ? { kind: 'numbers', values } : undefined
}

export function fromBase64(encoded: string): Uint8Array {
  const decoded = atob(encoded)
  const bytes = new Uint8Array(decoded.length)
  for (let index = 0; index < decoded.length; index++) bytes[index] = decoded.charCodeAt(index)
  return bytes
}
