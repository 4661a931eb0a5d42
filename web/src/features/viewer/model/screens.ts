// Windows of the viewer on several screens: where they lie and what they show, kept for each set of screens. Pure.
import { type Layout, parseLayout } from './layout'

/** CSS pixels of the desktop all screens share. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** A screen as the Window Management API tells it; the part of it that windows may take. */
export interface ScreenFact extends Box {
  readonly label: string
  /** This window lies on it. */
  readonly current: boolean
}

/** What a further window shows of the study that the first one opens. */
export const SHOWS = { series: 'The series that follow', prior: 'The earlier study that helps most', protocol: 'What the hanging protocol puts there' } as const
export type Shows = keyof typeof SHOWS

export interface KeptWindow {
  readonly box: Box
  readonly layout: Layout
  readonly shows: Shows
}

export interface KeptSet {
  readonly screens: string
  readonly windows: readonly KeptWindow[]
}

export const MOST_WINDOWS = 6 // with the first; as many screens as a reading room has
const MOST_SETS = 8 // the account keeps 16 KiB in one part of its preferences

/** The same screens in the same places have one name, in whatever order they are told. */
export const nameOfScreens = (screens: readonly Box[]): string =>
  screens.map(({ left, top, width, height }) => `${width}x${height}@${left},${top}`).sort().join(' ')

const boxOf = (value: unknown): Box | null => {
  const { left, top, width, height } = (value ?? {}) as Partial<Record<keyof Box, unknown>>
  const whole = [left, top, width, height].every((each) => Number.isInteger(each))
  return whole && (width as number) > 0 && (height as number) > 0 ? ({ left, top, width, height } as Box) : null
}

function windowOf(value: unknown): KeptWindow[] {
  const { box: at, layout: as, shows } = (value ?? {}) as Partial<Record<keyof KeptWindow, unknown>>
  const [box, layout] = [boxOf(at), parseLayout(as)]
  return box && layout && typeof shows === 'string' && Object.hasOwn(SHOWS, shows) ? [{ box, layout, shows: shows as Shows }] : []
}

/** What the account keeps; what cannot be understood is left out. */
export function parseSets(kept: unknown): KeptSet[] {
  const sets = (kept as { sets?: unknown } | undefined)?.sets
  if (!Array.isArray(sets)) return []
  return sets.flatMap((each: unknown): KeptSet[] => {
    const { screens, windows } = (each ?? {}) as Partial<Record<keyof KeptSet, unknown>>
    return typeof screens === 'string' && Array.isArray(windows) ? [{ screens, windows: windows.flatMap(windowOf).slice(0, MOST_WINDOWS - 1) }] : []
  })
}

/** @param windows none forgets the set */
export function withSet(sets: readonly KeptSet[], screens: string, windows: readonly KeptWindow[]): KeptSet[] {
  const others = sets.filter((each) => each.screens !== screens)
  return (windows.length > 0 ? [...others, { screens, windows }] : others).slice(-MOST_SETS)
}

/** What is kept and not open: each open window stands for the nearest of those that show the same. */
export function missing(kept: readonly KeptWindow[], open: readonly { readonly box: Box; readonly shows: Shows }[]): KeptWindow[] {
  const left = [...kept]
  for (const { box, shows } of open) {
    const far = (each: KeptWindow): number => Math.hypot(each.box.left - box.left, each.box.top - box.top)
    const [nearest] = left.filter((each) => each.shows === shows).sort((a, b) => far(a) - far(b))
    if (nearest) left.splice(left.indexOf(nearest), 1)
  }
  return left
}

/** Screens on which no window of the viewer lies, from left to right. */
export function freePlaces(places: readonly ScreenFact[], open: readonly Box[]): ScreenFact[] {
  const lies = (box: Box, on: Box): boolean => {
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2]
    return x >= on.left && x < on.left + on.width && y >= on.top && y < on.top + on.height
  }
  return places.filter((place) => !place.current && !open.some((box) => lies(box, place))).sort((a, b) => a.left - b.left || a.top - b.top)
}

/** For window.open: a window without the browser's bars, where it belongs. */
export const featuresOf = ({ left, top, width, height }: Box): string => `popup,left=${left},top=${top},width=${width},height=${height}`

/** Which window of a family this is: "k3j9x2.2.2x2.prior". */
export interface WindowPlace {
  readonly family: string
  readonly number: number
  readonly layout: Layout
  readonly shows: Shows
}

export const placeText = ({ family, number, layout, shows }: WindowPlace): string => [family, number, layout, shows].join('.')

export function parsePlace(text: string | null): WindowPlace | null {
  const [, family, number, as, shows] = /^([a-z0-9]{4,16})\.([2-9])\.([1-5]x[1-5])\.(\w+)$/.exec(text ?? '') ?? []
  const layout = parseLayout(as)
  return family && number && layout && shows && Object.hasOwn(SHOWS, shows) ? { family, number: Number(number), layout, shows: shows as Shows } : null
}

/** What is left for a window: the series that no window before it shows. @param before viewports of those between the first and this one */
export const restFor = <T extends { readonly SeriesInstanceUID: string }>(series: readonly T[], shown: readonly string[], before: number): T[] =>
  series.filter((each) => !shown.includes(each.SeriesInstanceUID)).slice(before)
