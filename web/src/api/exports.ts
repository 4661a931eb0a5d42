import { requestJson } from '../lib/http'

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
