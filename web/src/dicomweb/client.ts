import { queryString, requestJson, send } from '../lib/http'
import type { JsonDataset, QidoQuery } from './types'
import { DICOMWEB_ROOT, instanceUrl, seriesUrl, studyUrl } from './urls'

const DICOM_JSON = { Accept: 'application/dicom+json' }

async function datasets(url: string, signal: AbortSignal | undefined): Promise<JsonDataset[]> {
  // QIDO answers 204 when nothing matches.
  return (await requestJson<JsonDataset[] | null>(url, { headers: DICOM_JSON, signal })) ?? []
}

function qido(query: QidoQuery): string {
  return queryString({
    ...query.matches,
    includefield: query.includeField,
    limit: query.limit,
    offset: query.offset,
  })
}

/** QIDO-RS for studies; PS3.18 10.6. */
export function searchStudies(query: QidoQuery = {}, signal?: AbortSignal): Promise<JsonDataset[]> {
  return datasets(`${DICOMWEB_ROOT}/studies${qido(query)}`, signal)
}

/** QIDO-RS for the series of one study. */
export function searchSeries(study: string, query: QidoQuery = {}, signal?: AbortSignal): Promise<JsonDataset[]> {
  return datasets(`${studyUrl(study)}/series${qido(query)}`, signal)
}

/** QIDO-RS for the instances of one series. */
export function searchInstances(study: string, series: string, query: QidoQuery = {}, signal?: AbortSignal): Promise<JsonDataset[]> {
  return datasets(`${seriesUrl(study, series)}/instances${qido(query)}`, signal)
}

/** WADO-RS metadata of a whole study: one data set per instance, bulk data as URIs. */
export function studyMetadata(study: string, signal?: AbortSignal): Promise<JsonDataset[]> {
  return datasets(`${studyUrl(study)}/metadata`, signal)
}

/** WADO-RS metadata of one series; one prebuilt document on the server, with an ETag the browser's cache uses. */
export function seriesMetadata(study: string, series: string, signal?: AbortSignal): Promise<JsonDataset[]> {
  return datasets(`${seriesUrl(study, series)}/metadata`, signal)
}

/** A small picture that stands for a series, drawn by the server; PS3.18 10.4.1.1.4. Throws when it has none. */
export async function seriesThumbnail(study: string, series: string, side: number, signal?: AbortSignal): Promise<Blob> {
  const url = `${seriesUrl(study, series)}/thumbnail${queryString({ viewport: `${side},${side}` })}`
  return (await send(url, { headers: { Accept: 'image/jpeg' }, signal })).blob()
}

export async function instanceMetadata(study: string, series: string, instance: string, signal?: AbortSignal): Promise<JsonDataset | null> {
  return (await datasets(`${instanceUrl(study, series, instance)}/metadata`, signal))[0] ?? null
}
