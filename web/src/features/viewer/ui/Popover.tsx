import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { createPortal } from 'react-dom'

/** A list at a point of the screen, kept inside it; arrows move, Escape and a press outside close. */
export function Popover({ x, y, onClose, children, label }: { x: number; y: number; onClose: () => void; children: ReactNode; label: string }) {
  const box = useRef<HTMLDivElement>(null)
  const [place, setPlace] = useState({ left: x, top: y })

  useLayoutEffect(() => {
    const { width, height } = box.current?.getBoundingClientRect() ?? { width: 0, height: 0 }
    setPlace({ left: Math.max(4, Math.min(x, window.innerWidth - width - 4)), top: Math.max(4, Math.min(y, window.innerHeight - height - 4)) })
    box.current?.querySelector<HTMLElement>('button')?.focus({ preventScroll: true })
  }, [x, y])

  useEffect(() => {
    const outside = (press: PointerEvent) => {
      if (press.target instanceof Node && !box.current?.contains(press.target)) onClose()
    }
    const onKey = (key: KeyboardEvent) => {
      const entries = [...(box.current?.querySelectorAll<HTMLElement>('button') ?? [])]
      const now = entries.findIndex((entry) => entry === document.activeElement)
      // A grid walks in two directions by itself.
      if (key.key.startsWith('Arrow') && document.activeElement?.closest('[data-own-arrows]')) return
      const by = key.key === 'ArrowDown' ? 1 : key.key === 'ArrowUp' ? -1 : 0
      if (key.key === 'Escape') onClose()
      else if (by !== 0) entries[(now + by + entries.length) % entries.length]?.focus()
      else return
      key.preventDefault()
      key.stopPropagation()
    }
    document.addEventListener('pointerdown', outside, true)
    document.addEventListener('keydown', onKey, true)
    return () => {
      document.removeEventListener('pointerdown', outside, true)
      document.removeEventListener('keydown', onKey, true)
    }
  }, [onClose])

  return createPortal(
    <div ref={box} className="viewer-menu" role="menu" aria-label={label} style={place} onClick={onClose} onContextMenu={(event) => event.preventDefault()}>
      {children}
    </div>,
    document.body,
  )
}

export function Entry({ label, hint, chosen, onClick, icon }: { label: string; hint?: string; chosen?: boolean; onClick: () => void; icon?: ReactNode }) {
  return (
    <button type="button" role="menuitem" className={chosen ? 'viewer-entry viewer-entry-chosen' : 'viewer-entry'} onClick={onClick}>
      <span className="viewer-entry-icon">{icon}</span>
      <span className="viewer-entry-label">{label}</span>
      {hint && <kbd>{hint}</kbd>}
    </button>
  )
}
