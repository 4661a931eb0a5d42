import { errorOf } from '../lib/http'
import { type Sending, post } from '../lib/post'
import { TAG, items, text } from './dataset'
import type { JsonDataset } from './types'
import { DICOMWEB_ROOT, studyUrl } from './urls'

const METADATA = 'application/dicom+json'
/** What became of it; reason: in words, where it was not simply stored. */
export interface StoreOutcome {
  status: 'stored' | 'quarantined' | 'refused'
  reason: string
  StudyInstanceUID?: string
  SOPInstanceUID?: string
}

/** What the metadata call the one part beside them. */
export const CONTENT = 'content'

/** A new UID (PS3.5 B.2): 128 random bits below 2.25. */
export function newUid(): string {
  const words = crypto.getRandomValues(new Uint32Array(4))
  return `2.25.${words.reduce((number, word) => (number << 32n) | BigInt(word), 0n)}`
}

/**
 * STOW-RS (PS3.18 10.5) of one object as metadata, with what lies beside them: pixels, or a thing that is no DICOM; null: nothing does.
 * `study` when it joins one that is there. The file is sent from the disk, never read into memory. Throws HttpError, OfflineError, or
 * AbortError.
 */
export async function storeContent(file: Blob | null, mediaType: string, metadata: JsonDataset, study: string, sending: Sending): Promise<StoreOutcome> {
  const boundary = crypto.getRandomValues(new Uint32Array(4)).join('-')
  const head = `--${boundary}\r\nContent-Type: ${METADATA}\r\n\r\n${JSON.stringify([metadata])}`
  const beside = file ? [`\r\n--${boundary}\r\nContent-Type: ${mediaType}\r\nContent-Location: ${CONTENT}\r\n\r\n`, file] : []
  const body = new Blob([head, ...beside, `\r\n--${boundary}--\r\n`])
  const answered = await post(study ? studyUrl(study) : `${DICOMWEB_ROOT}/studies`, `multipart/related; type="${METADATA}"; boundary=${boundary}`, body, sending)
  const answer = (answered.body ?? {}) as JsonDataset
  const stored = items(answer, '00081199')[0]
  const reason = warningOf(answered.header('Warning'))
  if (stored) {
    const url = text(stored, TAG.RetrieveURL)
    const uid = /\/studies\/([0-9.]+)\//.exec(url)?.[1]
    return { status: url ? 'stored' : 'quarantined', reason: url ? '' : reason, ...(uid ? { StudyInstanceUID: uid } : {}), SOPInstanceUID: text(stored, '00081155') }
  }
  const failed = answered.status < 500 && (items(answer, '00081198')[0] ?? items(answer, '0008119A')[0])
  if (failed) return { status: 'refused', reason }
  throw errorOf(answered.status, answered.body, answered.header('Retry-After'))
}

/** The words of a Warning header: `299 isocenter "part 1: ..."`. */
function warningOf(header: string | null): string {
  return /"(?:part \d+: )?(?:quarantined: )?([^"]*)"/.exec(header ?? '')?.[1] ?? ''
}
