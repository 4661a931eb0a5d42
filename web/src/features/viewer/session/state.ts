// What an open viewer tells the page.
import type { Series, Study } from '../../../api/types'
import type { Layout } from '../model/layout'
import type { Kind } from '../model/measure'
import type { Detail } from '../model/overlay'

export type Tool = 'cursor' | 'window' | 'regionWindow' | 'zoom' | 'magnify' | 'dragProbe' | 'pan' | 'scroll' | Kind

/** A study in the rail: the one that was opened, another of the same patient, or one that was laid beside. */
export interface Group {
  readonly study: Study
  readonly series: readonly Series[]
  readonly state: 'closed' | 'loading' | 'open' | 'failed'
  readonly reason: string
  /** Laid beside by a person (session/beside.ts). */
  readonly added?: boolean
  /** Of another patient than the study that was opened. */
  readonly foreign?: boolean
}

export interface ViewerState {
  readonly status: 'loading' | 'ready' | 'failed'
  readonly failure: { readonly what: string; readonly hint: string; readonly missing: boolean } | null
  readonly groups: readonly Group[]
  readonly layout: Layout
  readonly active: number
  /** The active viewport fills the screen for a while. */
  readonly alone: boolean
  readonly tool: Tool
  readonly detail: Detail
  readonly help: boolean
  /** By viewport: what is shown there instead of pictures (a key of ui/additions CONTENTS). */
  readonly contents: Readonly<Record<number, string>>
  /** The panel that is open at the right edge (an id of ui/additions PANELS). */
  readonly panel: string | null
  readonly menu: { readonly x: number; readonly y: number } | null
  /** Series that arrived while the viewer was open. */
  readonly fresh: ReadonlySet<string>
}
