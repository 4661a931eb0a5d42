import { currentCsrfToken, requestJson } from '../lib/http'
import { Observable } from '../lib/observable'
import { isGuest } from './session'

/** SOP Instance UID -> frames, as "1" or "1-3,7". */
export type SeenImages = Readonly<Record<string, string>>

export type SeenNote = readonly { readonly SeriesInstanceUID: string; readonly images: SeenImages }[]

export interface SeenSeries {
  readonly SeriesInstanceUID: string
  readonly frames: number
  readonly seen: number
  readonly words: string
  readonly images: SeenImages
}

/** A series that somebody began to look through. */
export interface Unfinished {
  readonly study: string
  readonly series: string
  readonly seen: number
  readonly words: string
}

/** Of the study that was left last; the page says so until it is closed. */
export const left = new Observable<readonly Unfinished[]>([])

const at = (study: string): string => `/api/v1/studies/${encodeURIComponent(study)}/seen`

export async function readSeen(study: string, signal: AbortSignal): Promise<readonly SeenSeries[]> {
  if (isGuest()) return []
  return (await requestJson<{ series: SeenSeries[] }>(at(study), { signal, background: true })).series
}

export async function noteSeen(study: string, series: SeenNote): Promise<void> {
  if (isGuest()) return
  await requestJson<unknown>(at(study), { method: 'POST', body: { series }, background: true })
}

/** The page is going: the browser sends it though nobody waits for the answer. */
export function noteSeenOnLeaving(study: string, series: SeenNote): void {
  if (isGuest()) return
  const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': currentCsrfToken(), 'X-Isocenter-Background': '1' }
  fetch(at(study), { method: 'POST', keepalive: true, credentials: 'same-origin', headers, body: JSON.stringify({ series }) }).catch(() => undefined)
}
