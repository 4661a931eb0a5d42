import { queryString, requestJson } from '../lib/http'
import type { Study, StudyDetail, StudyPage } from './types'

/** What the study list can be asked; text fields match as prefixes on the server. */
export interface StudySearch {
  q?: string
  PatientName?: string
  PatientID?: string
  AccessionNumber?: string
  /** DA, or a range `20260101-20261231`, open at either end. */
  StudyDate?: string
  ModalitiesInStudy?: readonly string[]
  StudyDescription?: string
  /** A keyword, with a leading "-" for descending. */
  sort?: string
}

export interface PageRequest {
  limit: number
  /** Continues after the last row of an earlier answer; steadier and quicker than an offset. */
  cursor?: string
  offset?: number
}

/** How a request is made: `background` when no person asked for it. */
export interface Asking {
  signal?: AbortSignal
  background?: boolean
}

export function listStudies(search: StudySearch, page: PageRequest, asking: Asking = {}): Promise<StudyPage> {
  return requestJson<StudyPage>(`/api/v1/studies${queryString({ ...search, ...page })}`, asking)
}

interface DetailAnswer {
  study?: Study
  series?: StudyDetail['series']
  priors?: Study[]
}

/** The study, its series and the other studies of its patient. */
export async function readStudy(uid: string, asking: Asking = {}): Promise<StudyDetail> {
  const answer = await requestJson<DetailAnswer & Study>(`/api/v1/studies/${encodeURIComponent(uid)}`, asking)
  const study = answer.study ?? answer
  return { ...study, series: answer.series ?? [], priors: answer.priors ?? [] }
}
