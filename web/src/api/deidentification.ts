import { requestJson, send } from '../lib/http'

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
