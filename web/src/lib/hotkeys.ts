import { useEffect, useRef } from 'react'

/** Key name as in KeyboardEvent.key, with "Ctrl+" (also Cmd) and "Shift+" for keys that are no characters. */
export type Hotkeys = Record<string, (key: KeyboardEvent) => void>

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
}

/** "Ctrl+k", "Shift+ArrowDown", "?", "/" */
export function keyName(key: KeyboardEvent): string {
  const shift = key.shiftKey && key.key.length > 1 ? 'Shift+' : ''
  return `${key.ctrlKey || key.metaKey ? 'Ctrl+' : ''}${key.altKey ? 'Alt+' : ''}${shift}${key.key}`
}

/** Keys for the whole page while the component is there; silent while somebody types or a dialog is open. */
export function useHotkeys(keys: Hotkeys, active = true): void {
  const latest = useRef(keys)
  useEffect(() => {
    latest.current = keys
  })
  useEffect(() => {
    if (!active) return
    const onKeyDown = (key: KeyboardEvent) => {
      if (key.defaultPrevented || isTyping(key.target) || document.querySelector('dialog[open]')) return
      latest.current[keyName(key)]?.(key)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [active])
}
