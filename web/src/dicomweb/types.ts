/** DICOM JSON, PS3.18 Annex F. */

export interface PersonNameValue {
  Alphabetic?: string
  Ideographic?: string
  Phonetic?: string
}

export type JsonValue = string | number | PersonNameValue | JsonDataset | null

export interface JsonElement {
  vr: string
  Value?: JsonValue[]
  BulkDataURI?: string
  InlineBinary?: string
}

/** Keys are eight upper-case hexadecimal digits: "00100010". */
export type JsonDataset = Partial<Record<string, JsonElement>>

/** What QIDO-RS is asked: keyword or tag -> value, plus the paging of PS3.18 8.3.4. */
export interface QidoQuery {
  matches?: Record<string, string>
  includeField?: readonly string[]
  limit?: number
  offset?: number
}
