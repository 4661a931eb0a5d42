import { requestJson } from '../lib/http'

/** Projects for which data leaves without the identities of patients (PS3.15 Annex E). */

/** A rule for a kind of images: keywords and what they must be, and where such images show text. */
export type DeviceRule = Record<string, unknown>

export interface ProjectValue {
  options: string[]
  prefix: string
  private: string[]
  words: string[]
  devices: DeviceRule[]
  burned_in: 'refuse' | 'pass'
  destinations: string[]
}

export interface Project {
  name: string
  description: string
  project: ProjectValue
  options: string[]
  closed: boolean
  changed_at: string
}

/** An option of the profile. */
export interface ProjectOption {
  name: string
  code: string
  title: string
  words: string
}

export interface Projects {
  projects: Project[]
  options: ProjectOption[]
}

const PATH = '/api/v1/deidentification/projects'

export function readProjects(signal?: AbortSignal): Promise<Projects> {
  return requestJson<Projects>(PATH, { signal })
}

/** Its secret is made on the server and stays there. */
export function addProject(name: string, description: string, project: ProjectValue): Promise<Project> {
  return requestJson<Project>(PATH, { method: 'POST', body: { name, description, project } })
}

export function changeProject(name: string, change: { description?: string; project?: ProjectValue; closed?: boolean }): Promise<Project> {
  return requestJson<Project>(`${PATH}/${encodeURIComponent(name)}`, { method: 'PATCH', body: change })
}
