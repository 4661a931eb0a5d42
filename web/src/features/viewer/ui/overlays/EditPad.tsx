import { useEffect, useState } from 'react'
import { useValue } from '../../../../lib/observable'
import type { Point } from '../../model/geometry'
import { gridOf } from '../../model/overlays/grid'
import { apply, invert } from '../../model/view'
import { type Editing, editingOf } from '../../session/overlays/editing'
import type { PaneProps } from '../additions'

/** Takes the first button from the viewport while a segment is drawn; all others still pan, zoom and scroll. */
function useHand(pad: HTMLElement | null, editing: Editing, pane: PaneProps['pane'], hover: (at: Point | null) => void): void {
  useEffect(() => {
    if (!pad) return
    const listening = new AbortController()
    const { signal } = listening
    const at = (event: PointerEvent): Point => {
      const box = pad.getBoundingClientRect()
      return [event.clientX - box.left, event.clientY - box.top]
    }
    const inImage = (event: PointerEvent): Point | null => {
      const affine = pane.affine()
      return affine && apply(invert(affine), at(event))
    }
    let drawing = -1
    pad.addEventListener('pointerdown', (event) => {
      const point = inImage(event)
      const { picture } = pane.state.get()
      if (event.button !== 0 || !event.isPrimary || !point || !picture || event.ctrlKey || event.altKey) return
      event.stopPropagation()
      drawing = event.pointerId
      pad.setPointerCapture(event.pointerId)
      editing.press(point, picture)
    }, { signal })
    pad.addEventListener('pointermove', (event) => {
      hover(at(event))
      if (event.pointerId !== drawing) return
      event.stopPropagation()
      const point = inImage(event)
      if (point) editing.move(point)
    }, { signal })
    const done = (event: PointerEvent) => {
      if (event.pointerId !== drawing) return
      event.stopPropagation()
      drawing = -1
      editing.release()
    }
    pad.addEventListener('pointerup', done, { signal })
    pad.addEventListener('pointercancel', done, { signal })
    pad.addEventListener('pointerleave', () => hover(null), { signal })
    pad.addEventListener('dblclick', (event) => event.stopPropagation(), { signal })
    return () => listening.abort()
  }, [pad, editing, pane, hover])
}

/** While drawing: undo and redo are those of the drawing, brackets change the brush, Escape lays the tool down. */
function useDrawingKeys(editing: Editing, on: boolean): void {
  useEffect(() => {
    if (!on) return
    const onKey = (key: KeyboardEvent) => {
      if (key.target instanceof HTMLInputElement && key.target.type !== 'range') return
      const ctrl = key.ctrlKey || key.metaKey
      const name = key.key.toLowerCase()
      const { radius } = editing.state.get()
      if (ctrl && name === 'z' && !key.shiftKey) editing.undo()
      else if (ctrl && (name === 'y' || name === 'z')) editing.redo()
      else if (key.key === '[') editing.set({ radius: Math.max(0.5, radius / 1.25) })
      else if (key.key === ']') editing.set({ radius: Math.min(100, radius * 1.25) })
      else if (key.key === 'Escape' && editing.state.get().growing) editing.stop()
      else if (key.key === 'Escape') editing.set({ tool: null })
      else return
      key.preventDefault()
      key.stopPropagation()
    }
    window.addEventListener('keydown', onKey, { capture: true })
    return () => window.removeEventListener('keydown', onKey, { capture: true })
  }, [editing, on])
}

/** Where segments are drawn on a picture. */
export function EditPad({ session, pane }: PaneProps) {
  const editing = editingOf(session)
  const { tool, radius, line, rule } = useValue(editing.state)
  const { picture, view, size } = useValue(pane.state)
  const [pad, setPad] = useState<HTMLDivElement | null>(null)
  const [at, setAt] = useState<Point | null>(null)
  const isActive = session.activePane === pane
  const on = tool !== null && picture !== null && editing.isOn(picture.frame)
  useHand(on ? pad : null, editing, pane, setAt)
  useDrawingKeys(editing, tool !== null && isActive)
  const affine = pane.affine()
  if (!on || !affine) return null
  const [sx, sy] = gridOf(picture.frame)?.spacing ?? [1, 1]
  const round = tool === 'brush' || tool === 'eraser' || tool === 'threshold' || (tool === 'grow' && rule === 'share')
  // Millimetres are as long on the screen in both directions: pixels are drawn with their aspect.
  const diameter = (2 * radius * view.scale) / Math.min(sx, sy)
  return (
    <div ref={setPad} className="overlay-pad" data-testid="edit-pad">
      {round && at && <span className="overlay-brush" style={{ left: at[0], top: at[1], width: diameter, height: diameter }} />}
      {line.length > 1 && (
        <svg width={size.width} height={size.height} className="overlay-line" aria-hidden="true">
          <polygon points={line.map((point) => apply(affine, point).map((value) => value.toFixed(1)).join(',')).join(' ')} />
        </svg>
      )}
    </div>
  )
}
