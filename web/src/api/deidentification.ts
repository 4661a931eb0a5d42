import { queryString, requestJson, send } from '../lib/http'
import type { Removal, RemovalReport } from '../ui/RemovalReports'

export interface Project {
  readonly name: string
  readonly description: string
  readonly options: readonly string[]
  readonly closed: boolean
}

export interface Option {
  readonly name: string
  readonly title: string
  readonly words: string
}

export const readProjects = (): Promise<{ projects: Project[]; options: Option[] }> => requestJson('/api/v1/deidentification/projects')

/** Column, row, columns, rows; in pixels of the image. */
export type Rectangle = readonly [number, number, number, number]

export interface Deidentified {
  readonly project?: string
  /** Without a project. */
  readonly options?: readonly string[]
  /** Of a single study; none: all. */
  readonly series: readonly string[]
  /** instance: only of this image. */
  readonly regions: readonly { readonly series: string; readonly instance?: string; readonly rectangles: readonly Rectangle[] }[]
}

/** One ZIP of studies without identities, with one report of what was removed; the server notes each as an export. */
export async function deidentified([study = '', ...studies]: readonly string[], wish: Deidentified, signal: AbortSignal): Promise<Blob> {
  return (await send(`/api/v1/studies/${encodeURIComponent(study)}/deidentified`, { method: 'POST', body: { ...wish, studies }, headers: { Accept: 'application/zip, application/json' }, signal })).blob()
}

/** What left without identities, the newest first. project '': what left by none. */
export async function readReports(of: { project?: string; delivery?: number }, signal?: AbortSignal): Promise<RemovalReport[]> {
  return (await requestJson<{ reports: RemovalReport[] }>(`/api/v1/deidentification/reports${queryString(of)}`, { signal })).reports
}

export const readReport = (id: number): Promise<Removal> => requestJson(`/api/v1/deidentification/reports/${id}`)
