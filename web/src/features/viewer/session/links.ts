// What is linked between viewports and windows, as chosen and as told.
import { preferences } from '../../../api/preferences'
import type { Vector } from '../model/geometry'
import type { Lead, Looked, Placed, Spot } from '../model/linking'
import type { Turn } from '../model/view'
import type { Window } from '../model/windows'

export const SCROLLS = { reference: 'In one frame of reference', group: 'Also other series and studies', off: 'Each by itself' } as const
export const LINES = { active: 'Of the chosen viewport', all: 'Of all viewports', off: 'None' } as const
export const GROUPS = ['A', 'B', 'C', ''] as const

export type Group = (typeof GROUPS)[number]

/** What is done in a viewport, for those that go with it: here, and in the other windows. */
export type Led =
  | { readonly what: 'scroll'; readonly group: Group; readonly series: string; readonly at: Lead }
  | { readonly what: 'window'; readonly group: Group; readonly meaning: string; readonly color: boolean; readonly window: Window; readonly presetId: string; readonly flipped: boolean; readonly inverted: boolean }
  | { readonly what: 'view'; readonly group: Group; readonly was: Turn; readonly now: Looked; readonly links: Links }
  | { readonly what: 'cursor'; readonly cursor: LinkingState['cursor'] }

/** A picture on the screen of another window. */
export interface Plane {
  /** "2·1": window and viewport. */
  readonly name: string
  readonly group: Group
  readonly placed: Placed
  /** Its line is drawn where it cuts. */
  readonly lined: boolean
}

/** What is linked; kept with the account. */
export interface Links {
  readonly scroll: keyof typeof SCROLLS
  readonly window: boolean
  readonly zoom: boolean
  readonly turn: boolean
  readonly lines: keyof typeof LINES
}

export interface LinkingState {
  /** By viewport; those that are not named are in A. */
  readonly groups: Readonly<Record<number, Group>>
  /** How each viewport that followed the last time found its image. */
  readonly spots: Readonly<Record<number, Spot>>
  /** The point of the 3D cursor. */
  readonly cursor: { readonly point: Vector; readonly reference: string } | null
  /** What a reader is told in the chosen viewport for a few seconds. */
  readonly said: string
}

export const PART = 'links'
const DELIVERED: Links = { scroll: 'reference', window: false, zoom: false, turn: false, lines: 'active' }

export function linksNow(): Links {
  const kept = (preferences.get()[PART] ?? {}) as Partial<Record<keyof Links, unknown>>
  const one = <T extends string>(value: unknown, of: Readonly<Record<T, string>>, otherwise: T): T => (typeof value === 'string' && Object.hasOwn(of, value) ? (value as T) : otherwise)
  return {
    scroll: one(kept.scroll, SCROLLS, DELIVERED.scroll),
    window: kept.window === true,
    zoom: kept.zoom === true,
    turn: kept.turn === true,
    lines: one(kept.lines, LINES, DELIVERED.lines),
  }
}
