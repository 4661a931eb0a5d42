import { formatInstant } from '../lib/dates'
import { queryString, requestJson, send } from '../lib/http'
import type { Removal, ReportRow } from '../ui/RemovalReports'

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

interface Report {
  id: number
  project: string
  form: 'delivery' | 'dicom' | 'copy' | 'folder'
  destination: string
  actor: string
  at: string
  /** null: under way. */
  ended_at: string | null
  /** Nobody broke it off. */
  whole: boolean
  objects: number
  held_back: number
}

const FORMS = { dicom: 'ZIP', copy: 'Study copy', folder: 'Folder' } as const

function inWords({ id, project, form, destination, actor, at, ended_at, whole, objects, held_back }: Report, told: boolean): ReportRow {
  const where = form === 'delivery' ? `To ${destination}` : FORMS[form]
  const by = told ? '' : project ? `by ${project}` : 'by no project'
  const notes = [ended_at === null && 'under way', !whole && 'broken off'].filter((note) => note !== false)
  return { id, when: formatInstant(at), where, who: [by, actor].filter(Boolean).join(', '), notes, objects, held_back }
}

/** What left without identities, the newest first. */
export async function readReports(of: { project?: string; delivery?: number }, signal?: AbortSignal): Promise<ReportRow[]> {
  const path = `/api/v1/deidentification/reports${queryString(of)}`
  const { reports } = await requestJson<{ reports: Report[] }>(path, { signal })
  return reports.map((report) => inWords(report, of.project !== undefined))
}

export const readReport = (id: number): Promise<Removal> => requestJson(`/api/v1/deidentification/reports/${id}`)
