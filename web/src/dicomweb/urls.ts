/** Resources of PS3.18 10.4 on this server, as paths of the same origin. */

export const DICOMWEB_ROOT = '/dicom-web'

export function studyUrl(study: string): string {
  return `${DICOMWEB_ROOT}/studies/${encodeURIComponent(study)}`
}

/** All of a study, or some of its series, as one ZIP with its DICOMDIR, for the browser to save. */
export function studyArchive(study: string, series: readonly string[] = []): string {
  return `${studyUrl(study)}?accept=application/zip${series.length > 0 ? `&SeriesInstanceUID=${series.map(encodeURIComponent).join(',')}` : ''}`
}

/** Several studies as one ZIP. */
export function studiesArchive(studies: readonly string[]): string {
  const [first = '', ...others] = studies
  return `${studyArchive(first)}${others.length > 0 ? `&StudyInstanceUID=${others.map(encodeURIComponent).join(',')}` : ''}`
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
