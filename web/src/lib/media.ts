import { useSyncExternalStore } from 'react'

/** Whether a media query holds, live. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = window.matchMedia(query)
      list.addEventListener('change', changed)
      return () => list.removeEventListener('change', changed)
    },
    () => window.matchMedia(query).matches,
  )
}

export const PHONE = '(max-width: 720px)'

/** Small choices of this browser (a panel open or not); no patient data belongs here. */
export function recall(key: string): string | null {
  try {
    return window.localStorage.getItem(`isocenter.${key}`)
  } catch {
    return null
  }
}

export function keep(key: string, value: string): void {
  try {
    window.localStorage.setItem(`isocenter.${key}`, value)
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}
