import { currentCsrfToken, requestJson } from '../lib/http'
import { isGuest } from './session'

/** A thing that was drawn: a JSON object of the viewer's with an id. */
export type AnnotationItem = Readonly<Record<string, unknown>> & { readonly id: string }

export interface KeptAnnotations {
  readonly version: number
  readonly items: readonly AnnotationItem[]
}

export interface AnnotationVersion {
  readonly version: number
  readonly at: string
  readonly set: number
  readonly removed: number
}

export interface AnnotationChange {
  readonly set: readonly AnnotationItem[]
  readonly remove: readonly string[]
}

const at = (study: string): string => `/api/v1/studies/${encodeURIComponent(study)}/annotations`

/** One's own annotations of a study, the newest or those of an earlier version. Guests have none: theirs end with the window. */
export async function readAnnotations(study: string, signal?: AbortSignal, version?: number): Promise<KeptAnnotations> {
  if (isGuest()) return { version: 0, items: [] }
  return requestJson<KeptAnnotations>(version === undefined ? at(study) : `${at(study)}?version=${version}`, { signal, background: true })
}

export async function readAnnotationVersions(study: string, signal?: AbortSignal): Promise<readonly AnnotationVersion[]> {
  if (isGuest()) return []
  return (await requestJson<{ versions: AnnotationVersion[] }>(`${at(study)}/versions`, { signal })).versions
}

export async function saveAnnotations(study: string, change: AnnotationChange): Promise<number> {
  if (isGuest()) return 0
  return (await requestJson<{ version: number }>(at(study), { method: 'POST', body: change })).version
}

/** The page is going: the browser sends it though nobody waits for the answer. */
export function saveAnnotationsOnLeaving(study: string, change: AnnotationChange): void {
  if (isGuest()) return
  const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': currentCsrfToken() }
  fetch(at(study), { method: 'POST', keepalive: true, credentials: 'same-origin', headers, body: JSON.stringify(change) }).catch(() => undefined)
}

export interface ExportedObject {
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
  readonly SOPInstanceUID: string
}

export function exportAnnotations(study: string, body: Readonly<Record<string, unknown>>): Promise<ExportedObject> {
  return requestJson<ExportedObject>(`${at(study)}/export`, { method: 'POST', body })
}
