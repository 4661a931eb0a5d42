// Taking pictures out of the viewer: what was asked for, how pictures are to look, and that the server is asked first.
import { type Export, noteExport } from '../../../api/exports'
import { prefer, preferences } from '../../../api/preferences'
import { explain, isAbort } from '../../../lib/http'
import { Observable } from '../../../lib/observable'
import type { Detail } from '../model/overlay'
import type { ViewerSession } from './session'

export type Asked = 'copy' | 'picture' | 'print'

/** How pictures are made, kept with the account. */
export interface Look {
  readonly drawings: boolean
  readonly text: Detail
}

export interface TakingState {
  readonly asked: Asked | null
  /** What became of the last copy. */
  readonly told: { readonly text: string; readonly failed: boolean } | null
}

const PART = 'take'

export function keptWishes(): Readonly<Record<string, unknown>> {
  const kept = preferences.get()[PART]
  return typeof kept === 'object' && kept !== null ? (kept as Readonly<Record<string, unknown>>) : {}
}

/** Habit only: what cannot be kept is as delivered next time. */
export function keepWishes(wishes: Readonly<Record<string, unknown>>): void {
  void prefer(PART, { ...keptWishes(), ...wishes }).catch(() => undefined)
}

export function keptLook(): Look {
  const { drawings, text } = keptWishes()
  return { drawings: drawings !== false, text: text === 'all' || text === 'none' ? text : 'image' }
}

export class Taking {
  readonly state = new Observable<TakingState>({ asked: null, told: null })

  /** Set by whoever knows the way out of the viewer. */
  files: (study: string, series: string | null) => void = () => undefined

  /** Likewise; undefined for who may not. */
  share: ((study: string) => void) | undefined = undefined

  ask(asked: Asked | null): void {
    this.state.set({ asked, told: null })
  }

  tell(text: string, failed = false): void {
    this.state.set({ asked: null, told: { text, failed } })
  }

  fail(error: unknown): void {
    if (isAbort(error)) return
    const { what, kept, hint } = explain(error)
    this.tell([what, kept, hint].filter(Boolean).join(' '), true)
  }
}

const takings = new WeakMap<ViewerSession, Taking>()

export function takingOf(session: ViewerSession): Taking {
  const known = takings.get(session) ?? new Taking()
  takings.set(session, known)
  return known
}

/** Asks the server, for each study that series are of, whether they may leave. Throws when they may not: then nothing does. */
export async function noted(session: ViewerSession, series: readonly string[], taken: Pick<Export, 'form' | 'count'> & Look): Promise<void> {
  const studies = new Map<string, string[]>()
  for (const uid of new Set(series)) {
    const study = session.studyOf(uid)
    if (study) studies.set(study, [...(studies.get(study) ?? []), uid])
  }
  const { form, count, drawings, text } = taken
  for (const [study, uids] of studies) await noteExport(study, { form, count, series: uids, drawings, patient: text === 'all' })
}
