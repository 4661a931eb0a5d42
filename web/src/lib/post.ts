import { OfflineError, currentCsrfToken, noteUnauthenticated } from './http'

export interface Sending {
  signal: AbortSignal
  onProgress: (sentBytes: number) => void
}

export interface Answered {
  status: number
  body: unknown
  header: (name: string) => string | null
}

/**
 * Sends a body as it is. XMLHttpRequest because fetch tells nothing about the progress of a body over HTTP/1.1.
 * Throws OfflineError, or AbortError.
 */
export function post(address: string, contentType: string, content: Blob, { signal, onProgress }: Sending): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const stop = () => request.abort()
    const settle = (finish: () => void) => {
      signal.removeEventListener('abort', stop)
      finish()
    }
    request.open('POST', address)
    request.responseType = 'json'
    request.setRequestHeader('Content-Type', contentType)
    request.setRequestHeader('X-CSRF-Token', currentCsrfToken())
    request.upload.onprogress = (event) => onProgress(event.loaded)
    request.onload = () =>
      settle(() => {
        if (request.status === 401) noteUnauthenticated()
        resolve({ status: request.status, body: request.response as unknown, header: (name) => request.getResponseHeader(name) })
      })
    request.onerror = () => settle(() => reject(new OfflineError()))
    request.onabort = () => settle(() => reject(new DOMException('The upload was cancelled.', 'AbortError')))
    if (signal.aborted) {
      request.onabort(new ProgressEvent('abort'))
      return
    }
    signal.addEventListener('abort', stop)
    request.send(content)
  })
}
