import { errorOf, queryString } from '../lib/http'
import { type Sending, post } from '../lib/post'
import type { UploadResult } from './types'

/** Sends one file (DICOM or ZIP) as it is; one result, or one per entry of a ZIP. Throws HttpError, OfflineError, or AbortError. */
export async function uploadFile(file: Blob, name: string, sending: Sending): Promise<UploadResult[]> {
  const { status, body, header } = await post(`/api/v1/upload${queryString({ name })}`, 'application/octet-stream', file, sending)
  if (status >= 200 && status < 300) return (body as { results: UploadResult[] } | null)?.results ?? []
  throw errorOf(status, body, header('Retry-After'))
}
