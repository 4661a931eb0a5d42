// The screens of this computer, by the Window Management API where there is one and the person lets us.
import type { Box, ScreenFact } from '../model/screens'

interface DetailedScreen extends Box {
  readonly availLeft: number
  readonly availTop: number
  readonly availWidth: number
  readonly availHeight: number
  readonly label: string
}

interface Details {
  readonly screens: readonly DetailedScreen[]
  readonly currentScreen: DetailedScreen
}

const detailsOf = (window as { getScreenDetails?: () => Promise<Details> }).getScreenDetails?.bind(window)

export interface Screens {
  /** told: all of them are known; ask: the browser can tell when the person agrees; refused: they did not; none: it cannot. */
  readonly state: 'told' | 'ask' | 'refused' | 'none'
  /** Their whole area; only this window's screen unless told. */
  readonly screens: readonly Box[]
  /** Where windows may be opened. */
  readonly places: readonly ScreenFact[]
}

const only = (state: Screens['state']): Screens => {
  const { width, height } = window.screen
  return { state, screens: [{ left: 0, top: 0, width, height }], places: [] }
}

async function permission(): Promise<PermissionState> {
  try {
    return (await navigator.permissions.query({ name: 'window-management' as PermissionName })).state
  } catch {
    return 'prompt' // the name is not known to this browser
  }
}

/** Beside this window, where the browser tells nothing of screens; each further one a little more. */
export function beside(at = 0): Box {
  const away = 60 * (at + 1)
  return { left: window.screenX + away, top: window.screenY + away, width: Math.max(640, window.innerWidth - 120), height: Math.max(480, window.innerHeight - 120) }
}

/** @param ask also when the browser then asks the person; only on a click of theirs */
export async function screensNow(ask = false): Promise<Screens> {
  if (!detailsOf) return only('none')
  const state = await permission()
  if (state === 'denied') return only('refused')
  if (state === 'prompt' && !ask) return only('ask')
  try {
    const { screens, currentScreen } = await detailsOf()
    return {
      state: 'told',
      screens: screens.map(({ left, top, width, height }) => ({ left, top, width, height })),
      places: screens.map((each, at) => ({ left: each.availLeft, top: each.availTop, width: each.availWidth, height: each.availHeight, label: each.label || `Screen ${at + 1}`, current: each === currentScreen })),
    }
  } catch {
    return only('refused')
  }
}
