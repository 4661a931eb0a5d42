/** Resources of PS3.18 10.4 on this server, as paths of the same origin. */

export const DICOMWEB_ROOT = '/dicom-web'

export function studyUrl(study: string): string {
  return `${DICOMWEB_ROOT}/studies/${encodeURIComponent(study)}`
}

/** Studies, or some series of a single one, as one ZIP with its DICOMDIR, for the browser to save. */
export function archiveUrl([first = '', ...others]: readonly string[], series: readonly string[] = []): string {
  const list = (name: string, uids: readonly string[]) => (uids.length > 0 ? `&${name}=${uids.map(encodeURIComponent).join(',')}` : '')
  return `${studyUrl(first)}?accept=application/zip${list('StudyInstanceUID', others)}${list('SeriesInstanceUID', series)}`
}

export function seriesUrl(study: string, series: string): string {
  return `${studyUrl(study)}/series/${encodeURIComponent(series)}`
}

export function instanceUrl(study: string, series: string, instance: string): string {
  return `${seriesUrl(study, series)}/instances/${encodeURIComponent(instance)}`
}

/** Frames count from 1, PS3.18 10.4.1.1.4. */
export function frameUrl(study: string, series: string, instance: string, frame: number): string {
  return `${instanceUrl(study, series, instance)}/frames/${frame}`
}

/** Cornerstone's image id of the same frame: `wadors:` plus the whole address. */
export function frameImageId(study: string, series: string, instance: string, frame: number, origin = window.location.origin): string {
  return `wadors:${origin}${frameUrl(study, series, instance, frame)}`
}
