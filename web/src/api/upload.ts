import { OfflineError, currentCsrfToken, errorOf, noteUnauthenticated, queryString } from '../lib/http'
import type { UploadResult } from './types'

interface Sending {
  signal: AbortSignal
  onProgress: (sentBytes: number) => void
}

/**
 * Sends one file (DICOM or ZIP) as it is; one result, or one per entry of a ZIP. XMLHttpRequest because fetch tells nothing about
 * the progress of a body over HTTP/1.1. Throws HttpError, OfflineError, or AbortError.
 */
export function uploadFile(file: Blob, name: string, { signal, onProgress }: Sending): Promise<UploadResult[]> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const stop = () => request.abort()
    const settle = (finish: () => void) => {
      signal.removeEventListener('abort', stop)
      finish()
    }
    request.open('POST', `/api/v1/upload${queryString({ name })}`)
    request.responseType = 'json'
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.setRequestHeader('X-CSRF-Token', currentCsrfToken())
    request.upload.onprogress = (event) => onProgress(event.loaded)
    request.onload = () =>
      settle(() => {
        const body: unknown = request.response
        if (request.status >= 200 && request.status < 300) {
          resolve((body as { results: UploadResult[] } | null)?.results ?? [])
          return
        }
        if (request.status === 401) noteUnauthenticated()
        reject(errorOf(request.status, body, request.getResponseHeader('Retry-After')))
      })
    request.onerror = () => settle(() => reject(new OfflineError()))
    request.onabort = () => settle(() => reject(new DOMException('The upload was cancelled.', 'AbortError')))
    if (signal.aborted) {
      request.onabort(new ProgressEvent('abort'))
      return
    }
    signal.addEventListener('abort', stop)
    request.send(file)
  })
}
