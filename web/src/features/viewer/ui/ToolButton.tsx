import { type ReactNode, useCallback, useState } from 'react'
import type { Command } from '../model/keys'
import { keyOf } from '../session/controls'
import { type Glyph as GlyphName, Glyph } from './icons'
import { Popover } from './Popover'

interface ButtonProps {
  label: string
  command?: Command
  glyph: GlyphName
  pressed?: boolean
  onClick: () => void
  children?: ReactNode
  testid?: string
}

export function ToolButton({ label, command, glyph, pressed, onClick, children, testid }: ButtonProps) {
  const key = command ? keyOf(command) : ''
  return (
    <button type="button" className="tool" aria-label={label} aria-pressed={pressed} aria-keyshortcuts={key || undefined} data-tip={label} data-key={key} data-testid={testid} onClick={onClick}>
      <Glyph name={glyph} size={18} />
      {children}
    </button>
  )
}

interface DropdownProps {
  label: string
  glyph: GlyphName
  /** What it shows instead while its group's buttons are beside it. */
  unfolded?: GlyphName
  text?: string
  pressed?: boolean
  children: ReactNode
  testid: string
}

/** A button with a list below it, placed on the screen so that the toolbar does not cut it off. */
export function Dropdown({ label, glyph, unfolded, text, pressed = false, children, testid }: DropdownProps) {
  const [at, setAt] = useState<{ x: number; y: number } | null>(null)
  const close = useCallback(() => setAt(null), [])
  return (
    <>
      <button
        type="button"
        className={['tool', text ? 'tool-wide' : 'tool-drop', pressed && 'tool-chosen'].filter(Boolean).join(' ')}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={at !== null}
        data-tip={label}
        data-testid={testid}
        onClick={(click) => {
          const box = click.currentTarget.getBoundingClientRect()
          setAt(at ? null : { x: box.left, y: box.bottom + 4 })
        }}
      >
        {unfolded && (
          <span className="when-unfolded">
            <Glyph name={unfolded} size={18} />
          </span>
        )}
        <span className={unfolded ? 'when-folded' : undefined}>
          <Glyph name={glyph} size={18} />
        </span>
        {text && <span className="tool-text">{text}</span>}
        <Glyph name="chevron" size={10} />
      </button>
      {at && (
        <Popover x={at.x} y={at.y} onClose={close} label={label}>
          {children}
        </Popover>
      )}
    </>
  )
}
