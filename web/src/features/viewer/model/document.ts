// Documents that travel as DICOM objects (PS3.3 A.45): not shown here, but handed to the person as files.
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
  'application/pdf': 'pdf', 'text/xml': 'xml', 'model/stl': 'stl', 'model/obj': 'obj', 'model/mtl': 'mtl',
}

/** The document in an object, undefined when there is none of a kind that is known. */
export function documentOf(dataset: Dataset): EncapsulatedDocument | undefined {
  const type = text(dataset, Tag.MIMETypeOfEncapsulatedDocument).toLowerCase()
  const ending = ENDINGS[type]
  const data = binary(dataset, Tag.EncapsulatedDocument)
  if (!ending || !data) return undefined
  const title = text(dataset, Tag.DocumentTitle).replaceAll(/[^\p{L}\p{N} _-]/gu, ' ').replaceAll(/\s+/g, ' ').trim().slice(0, 80)
  return { data, length: number(dataset, Tag.EncapsulatedDocumentLength), type, fileName: `${title || 'document'}.${ending}` }
}
