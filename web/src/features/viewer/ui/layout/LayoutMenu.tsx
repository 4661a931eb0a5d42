import { type KeyboardEvent, useState } from 'react'
import { useValue } from '../../../../lib/observable'
import { LAYOUTS, MOST_COLUMNS, MOST_ROWS, gridOf, layoutName, layoutOf } from '../../model/layout'
import { keyOf } from '../../session/controls'
import { keepLayout, useKeptLayout } from '../../session/layouts'
import type { ViewerSession } from '../../session/session'
import { Glyph } from '../icons'
import { PresetEntries, PresetsDialog } from '../presets/ToolPresets'
import { Entry } from '../Popover'
import { Dropdown } from '../ToolButton'
import { WindowsDialog } from '../windows/WindowsDialog'
import './layout.css'

const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -MOST_COLUMNS, ArrowDown: MOST_COLUMNS }

/** Arrows walk over the grid; beyond its upper edge the entries above go on. */
function walk(key: KeyboardEvent<HTMLDivElement>): void {
  const step = STEPS[key.key]
  if (step === undefined) return
  const cells = [...key.currentTarget.querySelectorAll('button')]
  const next = cells[cells.findIndex((cell) => cell === document.activeElement) + step]
  const above = key.key === 'ArrowUp' ? [...(key.currentTarget.closest('[role="menu"]')?.querySelectorAll('button') ?? [])].filter((each) => !cells.includes(each)) : []
  const target = next ?? above.findLast((each) => each.compareDocumentPosition(key.currentTarget) & Node.DOCUMENT_POSITION_FOLLOWING)
  target?.focus()
  key.preventDefault()
  key.stopPropagation()
}

/** Rows and columns by pointing at the last viewport of the grid. */
function GridChooser({ session }: { session: ViewerSession }) {
  const { layout } = useValue(session.state)
  const [pointed, setPointed] = useState<{ rows: number; columns: number } | null>(null)
  const { rows, columns } = pointed ?? gridOf(layout)
  const cells = Array.from({ length: MOST_ROWS * MOST_COLUMNS }, (_, at) => ({ row: Math.floor(at / MOST_COLUMNS) + 1, column: (at % MOST_COLUMNS) + 1 }))
  return (
    <div className="layout-chooser">
      <div className="layout-grid" data-own-arrows onKeyDown={walk} onPointerLeave={() => setPointed(null)} data-testid="layout-grid">
        {cells.map(({ row, column }) => (
          <button
            key={`${row}x${column}`}
            type="button"
            role="menuitem"
            className={row <= rows && column <= columns ? 'layout-cell layout-cell-in' : 'layout-cell'}
            aria-label={`${row} by ${column} viewports`}
            aria-current={layout === layoutOf(row, column) ? 'true' : undefined}
            onPointerEnter={() => setPointed({ rows: row, columns: column })}
            onFocus={() => setPointed({ rows: row, columns: column })}
            onClick={() => session.setLayout(layoutOf(row, column))}
          />
        ))}
      </div>
      <span className="layout-size">
        {rows} × {columns}
      </span>
    </div>
  )
}

export function LayoutMenu({ session }: { session: ViewerSession }) {
  const { layout } = useValue(session.state)
  const kept = useKeptLayout()
  const starts = kept === layout
  const [managing, setManaging] = useState(false)
  const [arranging, setArranging] = useState(false)
  const tiled = useValue(session.tiling.state) !== null
  return (
    <>
      <Dropdown label="Layout" glyph={layout} testid="layout">
        {LAYOUTS.map((each) => (
          <Entry key={each} label={layoutName(each)} hint={keyOf(`layout-${each}`)} chosen={each === layout} icon={<Glyph name={each} />} onClick={() => session.setLayout(each)} />
        ))}
        <hr />
        <GridChooser session={session} />
        <hr />
        <Entry label="One series over all viewports" hint={tiled ? 'yes' : ''} chosen={tiled} onClick={() => void session.tiling.toggle().catch(() => undefined)} />
        <Entry label="Open studies in this layout" hint={starts ? 'yes' : ''} chosen={starts} onClick={() => void keepLayout(starts ? null : layout).catch(() => undefined)} />
        {session.windows.isFirst && <Entry label="Windows on other screens…" onClick={() => setArranging(true)} />}
        <hr />
        <PresetEntries session={session} onManage={() => setManaging(true)} />
      </Dropdown>
      {arranging && <WindowsDialog session={session} onClose={() => setArranging(false)} />}
      {managing && <PresetsDialog session={session} onClose={() => setManaging(false)} />}
    </>
  )
}
