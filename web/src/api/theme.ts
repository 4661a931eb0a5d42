// Light or dark around the pictures; chosen once, kept with the account, and known to this browser before anybody has signed in.
import { useValue } from '../lib/observable'
import { prefer, preferences } from './preferences'

export const THEMES = { dark: 'Dark', light: 'Light', system: 'As the computer' } as const
export type Theme = keyof typeof THEMES

const PART = 'theme'
const HERE = 'isocenter.theme'
const DELIVERED: Theme = 'dark' // a reading room is

export const parseTheme = (value: unknown): Theme | null => (typeof value === 'string' && Object.hasOwn(THEMES, value) ? (value as Theme) : null)

const kept = (all: ReturnType<typeof preferences.get>): Theme | null => parseTheme((all[PART] as { name?: unknown } | undefined)?.name)

function here(): Theme {
  try {
    return parseTheme(localStorage.getItem(HERE)) ?? DELIVERED
  } catch {
    return DELIVERED // a browser that keeps nothing
  }
}

function show(): void {
  const theme = kept(preferences.get()) ?? here()
  const light = theme === 'light' || (theme === 'system' && matchMedia('(prefers-color-scheme: light)').matches)
  document.documentElement.dataset.theme = light ? 'light' : 'dark'
  const ground = getComputedStyle(document.documentElement).getPropertyValue('--bg-1').trim()
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', ground)
}

/** Before the first picture of the page, and whenever the choice or the computer's own changes. */
export function beginTheme(): void {
  show()
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', show)
  preferences.subscribe(() => {
    const chosen = kept(preferences.get())
    try {
      if (chosen) localStorage.setItem(HERE, chosen)
    } catch {
      // The next page load begins dark.
    }
    show()
  })
}

export const useTheme = (): Theme => kept(useValue(preferences)) ?? here()

export const keepTheme = (theme: Theme): Promise<void> => prefer(PART, { name: theme })
