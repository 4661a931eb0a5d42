import type { KeyboardEvent, ReactNode } from 'react'
import { useEffect, useId, useRef, useState } from 'react'
import { IconButton } from './controls'

interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
  footer?: ReactNode
  wide?: boolean
  /** A question that must be answered by a button, not waved away by a click outside. */
  stubborn?: boolean
}

/** A modal dialog: the browser's own <dialog> keeps focus inside, closes on Escape and gives focus back. */
export function Dialog({ title, onClose, children, footer, wide, stubborn }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const element = box.current
    const before = document.activeElement
    if (element && !element.open) element.showModal()
    // The first thing to fill in, or the likely answer; never the cross.
    const start = element?.querySelector<HTMLElement>('.dialog-body input, .dialog-body select') ?? element?.querySelector<HTMLElement>('.dialog-foot .button-primary, h2')
    start?.focus()
    // The arrows scroll what has the focus: a long text without a field in it takes it (WCAG 2.1.1).
    const body = element?.querySelector<HTMLElement>('.dialog-body')
    if (body && body.scrollHeight > body.clientHeight && !body.querySelector('a[href], button, input, select, textarea')) body.tabIndex = 0
    return () => {
      element?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={box}
      className={wide ? 'dialog dialog-wide' : 'dialog'}
      aria-labelledby={heading}
      onCancel={(cancel) => {
        cancel.preventDefault()
        onClose()
      }}
      onKeyDown={(key) => key.stopPropagation()}
      onClick={(click) => {
        if (!stubborn && click.target === box.current) onClose()
      }}
    >
      <div className="dialog-head">
        <h2 id={heading} tabIndex={-1}>{title}</h2>
        <IconButton label="Close" icon="close" small onClick={onClose} />
      </div>
      <div className="dialog-body">{children}</div>
      {footer && <div className="dialog-foot">{footer}</div>}
    </dialog>
  )
}

/** A button with a list of actions below it; arrows move, Escape closes and returns to the button. */
export function Menu({ button, head, children }: { button: (open: boolean, toggle: () => void) => ReactNode; head?: ReactNode; children: ReactNode }) {
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)

  useEffect(() => {
    if (!open) return
    const outside = (press: PointerEvent) => {
      if (press.target instanceof Node && !root.current?.contains(press.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', outside)
    root.current?.querySelector<HTMLElement>('.menu-item')?.focus()
    return () => document.removeEventListener('pointerdown', outside)
  }, [open])

  const close = () => {
    setOpen(false)
    root.current?.querySelector<HTMLElement>('button')?.focus()
  }

  const onKeyDown = (key: KeyboardEvent) => {
    if (!open) return
    const entries = [...(root.current?.querySelectorAll<HTMLElement>('.menu-item') ?? [])]
    const now = entries.findIndex((entry) => entry === document.activeElement)
    const step = key.key === 'ArrowDown' ? 1 : key.key === 'ArrowUp' ? -1 : 0
    if (key.key === 'Escape') {
      key.stopPropagation()
      close()
    } else if (step !== 0) {
      key.preventDefault()
      entries[(now + step + entries.length) % entries.length]?.focus()
    } else if (key.key === 'Tab') setOpen(false)
  }

  return (
    <div className="menu" ref={root} onKeyDown={onKeyDown}>
      {button(open, () => setOpen(!open))}
      {open && (
        <div className="menu-list" onClick={close}>
          {head && <div className="menu-head">{head}</div>}
          {children}
        </div>
      )}
    </div>
  )
}
