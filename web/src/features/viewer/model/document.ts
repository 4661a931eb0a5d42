// Documents that travel as DICOM objects (PS3.3 A.45): what they are, and what they are called as files.
import { type Binary, type Dataset, binary, number, text } from './dataset'
import { Tag } from './tags'

export interface EncapsulatedDocument {
  readonly data: Binary
  /** Bytes without the padding to an even length, when the object says how many. */
  readonly length: number | undefined
  readonly type: string
  readonly fileName: string
}

const ENDINGS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf', 'text/xml': 'xml', 'application/xml': 'xml', 'text/plain': 'txt',
  'model/stl': 'stl', 'application/sla': 'stl', 'model/obj': 'obj', 'model/mtl': 'mtl',
}
// For objects that do not say what they hold.
const OF_CLASS: Readonly<Record<string, string>> = {
  '1.2.840.10008.5.1.4.1.1.104.1': 'application/pdf', '1.2.840.10008.5.1.4.1.1.104.2': 'text/xml', '1.2.840.10008.5.1.4.1.1.104.3': 'model/stl',
  '1.2.840.10008.5.1.4.1.1.104.4': 'model/obj', '1.2.840.10008.5.1.4.1.1.104.5': 'model/mtl',
}

/** The document in an object, undefined when there is none of a kind that is known. */
export function documentOf(dataset: Dataset): EncapsulatedDocument | undefined {
  const type = text(dataset, Tag.MIMETypeOfEncapsulatedDocument).toLowerCase() || (OF_CLASS[text(dataset, Tag.SOPClassUID)] ?? '')
  const ending = ENDINGS[type]
  const data = binary(dataset, Tag.EncapsulatedDocument)
  if (!ending || !data) return undefined
  const title = text(dataset, Tag.DocumentTitle).replaceAll(/[^\p{L}\p{N} _-]/gu, ' ').replaceAll(/\s+/g, ' ').trim().slice(0, 80)
  return { data, length: number(dataset, Tag.EncapsulatedDocumentLength), type, fileName: `${title || 'document'}.${ending}` }
}
