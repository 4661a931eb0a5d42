import type { CodeUse, Opens, Share, ShareState } from '../../api/sharing'
import { formatDate } from '../../lib/dates'
import { formatName } from '../../lib/names'
import type { Tone } from '../../ui/controls'

export const OPENS: Readonly<Record<Opens, string>> = { study: 'A study', patient: 'A patient', upload: 'Sending in' }

export const CODES: Readonly<Record<CodeUse, string>> = { none: 'no code', once: 'a code, once', always: 'a code each time' }

export const STATES: Readonly<Record<ShareState, { word: string; tone: Tone; meaning: string }>> = {
  open: { word: 'Open', tone: 'ok', meaning: 'Whoever has the link can open it.' },
  used: { word: 'In use', tone: 'info', meaning: 'Its code has opened it in one browser, which stays let in. Another one needs a new code.' },
  locked: { word: 'Locked', tone: 'warn', meaning: 'Its code was wrong five times. A new code opens it again.' },
  expired: { word: 'Expired', tone: 'plain', meaning: 'It opens nothing any more.' },
  withdrawn: { word: 'Withdrawn', tone: 'plain', meaning: 'It opens nothing any more.' },
}

/** What guests did, in the words of the link's own audit. */
export const DONE: Readonly<Record<string, string>> = {
  'share.opened': 'Opened',
  'share.refused': 'Not let in',
  'share.closed': 'Closed',
  'study.read': 'Looked at a study',
  'study.searched': 'Saw the list',
  'study.exported': 'Took files away',
  'instance.quarantined': 'Sent objects in',
  'instance.refused': 'Sent what was refused',
}

const REASONS: Readonly<Record<string, string>> = { code: 'wrong code', expired: 'it had expired', withdrawn: 'it was withdrawn', dicom: 'DICOM files', picture: 'pictures', film: 'a film', print: 'a print', copy: 'a copy' }

export const reasonOf = (reason: string): string => REASONS[reason] ?? reason

export const isOver = ({ state }: Pick<Share, 'state'>): boolean => state === 'expired' || state === 'withdrawn'

/** Whom or what a link names, as far as one may see that. */
export function subjectOf({ opens, study }: Pick<Share, 'opens' | 'study'>): string {
  const name = formatName(study.PatientName ?? '') || (study.PatientID ?? '')
  if (opens === 'upload') return ''
  const what = opens === 'patient' ? 'all studies' : [study.StudyDescription, formatDate(study.StudyDate ?? '')].filter(Boolean).join(', ')
  return [name, what].filter(Boolean).join(' · ')
}

/** The whole address of a link, to be sent to somebody. */
export const addressOf = (path: string, origin = window.location.origin): string => `${origin}${path}`
