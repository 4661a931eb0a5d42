import { requestJson, send } from '../lib/http'

export interface Export {
  readonly form: 'copy' | 'picture' | 'film' | 'print' | 'pdf' | 'dicom'
  /** Pictures, or objects. */
  readonly count: number
  readonly series: readonly string[]
  /** With what was drawn, with words that name the patient. */
  readonly drawings: boolean
  readonly patient: boolean
  readonly deidentified?: boolean
}

/** Asks whether something of a study may be taken away; it is in the change log when this is answered. Throws when it may not. */
export async function noteExport(study: string, { series, ...taken }: Export): Promise<void> {
  // A body has 64 KB at most.
  await requestJson<null>(`/api/v1/studies/${encodeURIComponent(study)}/exports`, { method: 'POST', body: { ...taken, series: series.slice(0, 500) } })
}

/** What POST /studies/{uid}/films takes. */
export interface FilmWish {
  readonly series: string
  readonly images: readonly { readonly instance: string; readonly frames: readonly number[] }[]
  readonly width: number
  readonly height: number
  readonly rate: number
  readonly window?: { readonly center: number; readonly width: number; readonly function: string }
  readonly inverted: boolean
  readonly rotation: number
  readonly flipped: boolean
  readonly area?: readonly number[]
  readonly annotation: readonly string[]
  readonly drawn: readonly { readonly instance: string; readonly frame: number; readonly kind: 'POLYLINE' | 'POINT' | 'TEXT'; readonly points: readonly number[]; readonly text?: string }[]
}

export interface DrawnFilm {
  readonly series: string
  readonly count: number
  readonly rate: number
  readonly drawings: boolean
  readonly patient: boolean
}

/** An MP4 of pictures that were drawn here: JPEGs, each behind its length in four bytes. */
export async function filmOfPictures(study: string, { series, count, rate, drawings, patient }: DrawnFilm, pictures: Blob, signal: AbortSignal): Promise<Blob> {
  const about = new URLSearchParams({ series, count: String(count), rate: String(rate), drawings: String(Number(drawings)), patient: String(Number(patient)) })
  const headers = { Accept: 'video/mp4, application/json', 'Content-Type': 'application/octet-stream' }
  return (await send(`/api/v1/studies/${encodeURIComponent(study)}/films/pictures?${about.toString()}`, { method: 'POST', raw: pictures, headers, signal })).blob()
}

/** An MP4, made by the server, which notes it as an export. */
export async function filmOf(study: string, wish: FilmWish, signal: AbortSignal): Promise<Blob> {
  return (await send(`/api/v1/studies/${encodeURIComponent(study)}/films`, { method: 'POST', body: wish, headers: { Accept: 'video/mp4, application/json' }, signal })).blob()
}
