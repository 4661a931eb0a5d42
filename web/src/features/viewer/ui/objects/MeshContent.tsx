// A surface model to turn and zoom.
import { type KeyboardEvent, type PointerEvent, type WheelEvent, useEffect, useRef, useState } from 'react'
import { MeshPainter } from '../../engine/meshPainter'
import { type EncapsulatedDocument, documentOf } from '../../model/document'
import { text } from '../../model/dataset'
import type { Frame } from '../../model/frame'
import { FROM_FRONT, type Mesh, type Rotation, meshOf, turned } from '../../model/objects/mesh'
import { Tag } from '../../model/tags'
import { contentOf } from '../../session/objects/bytes'
import type { PaneProps } from '../additions'
import { DownloadLink, Failed, ObjectPage, Waiting, useLoaded, useObject } from './ObjectPage'

interface View {
  readonly turn: Rotation
  readonly zoom: number
}
const START: View = { turn: FROM_FRONT, zoom: 1 }
const QUARTER = Math.PI / 2
const WAYS: readonly { readonly name: string; readonly turn: Rotation }[] = [
  { name: 'Front', turn: FROM_FRONT },
  { name: 'Back', turn: turned(FROM_FRONT, 2 * QUARTER, 0) },
  { name: 'Left', turn: turned(FROM_FRONT, -QUARTER, 0) },
  { name: 'Right', turn: turned(FROM_FRONT, QUARTER, 0) },
  { name: 'Head', turn: turned(FROM_FRONT, 0, QUARTER) },
]

const zoomed = (view: View, by: number): View => ({ ...view, zoom: Math.min(40, Math.max(0.2, view.zoom * by)) })

const KEYS: Readonly<Record<string, (view: View) => View>> = {
  ArrowLeft: (view) => ({ ...view, turn: turned(view.turn, -0.1, 0) }),
  ArrowRight: (view) => ({ ...view, turn: turned(view.turn, 0.1, 0) }),
  ArrowUp: (view) => ({ ...view, turn: turned(view.turn, 0, -0.1) }),
  ArrowDown: (view) => ({ ...view, turn: turned(view.turn, 0, 0.1) }),
  '+': (view) => zoomed(view, 1.2),
  '-': (view) => zoomed(view, 1 / 1.2),
  Home: () => START,
}

/** Drag turns, two fingers zoom, the wheel zooms. */
function useHand(set: (change: (view: View) => View) => void) {
  const fingers = useRef(new Map<number, readonly [number, number]>())
  const spread = (): number => {
    const [one, other] = [...fingers.current.values()]
    return one && other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0
  }
  return {
    onPointerDown: (press: PointerEvent) => {
      press.currentTarget.setPointerCapture(press.pointerId)
      fingers.current.set(press.pointerId, [press.clientX, press.clientY])
    },
    onPointerMove: (move: PointerEvent) => {
      const before = fingers.current.get(move.pointerId)
      if (!before) return
      const was = spread()
      fingers.current.set(move.pointerId, [move.clientX, move.clientY])
      if (was > 0) set((view) => zoomed(view, spread() / was))
      else set((view) => ({ ...view, turn: turned(view.turn, (move.clientX - before[0]) / 120, (move.clientY - before[1]) / 120) }))
    },
    onPointerUp: (up: PointerEvent) => fingers.current.delete(up.pointerId),
    onPointerCancel: (up: PointerEvent) => fingers.current.delete(up.pointerId),
    onWheel: (wheel: WheelEvent) => set((view) => zoomed(view, Math.exp(-wheel.deltaY / 500))),
    onKeyDown: (press: KeyboardEvent) => {
      const change = KEYS[press.key]
      if (!change) return
      press.preventDefault()
      press.stopPropagation()
      set(change)
    },
  }
}

function Stage({ mesh, view, set }: { mesh: Mesh; view: View; set: (change: (view: View) => View) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const painter = useRef<MeshPainter | null>(null)
  const [size, setSize] = useState({ width: 0, height: 0 })
  const [failure, setFailure] = useState('')
  const hand = useHand(set)
  useEffect(() => {
    const element = canvas.current
    if (!element) return
    const watch = new ResizeObserver(() => {
      try {
        painter.current ??= new MeshPainter(element, mesh)
        setSize({ width: element.clientWidth, height: element.clientHeight })
      } catch (error) {
        setFailure(error instanceof Error ? error.message : 'The model cannot be drawn.')
      }
    })
    watch.observe(element)
    return () => {
      watch.disconnect()
      painter.current?.dispose()
      painter.current = null
    }
  }, [mesh])
  useEffect(() => {
    const ratio = window.devicePixelRatio || 1
    if (size.width > 0) painter.current?.draw(view.turn, view.zoom, Math.round(size.width * ratio), Math.round(size.height * ratio))
    if (canvas.current && size.width > 0) canvas.current.dataset.drawn = String(Number(canvas.current.dataset.drawn ?? 0) + 1)
  }, [view, size])
  if (failure) return <Failed what={failure} hint="Save the model to look at it with another program." />
  return (
    <div className="object-stage" tabIndex={0} role="application" aria-label="3D model: drag or arrow keys turn it, wheel or plus and minus zoom, Home brings it back" {...hand}>
      <canvas ref={canvas} data-testid="mesh-canvas" />
    </div>
  )
}

async function load(found: EncapsulatedDocument, signal: AbortSignal): Promise<Mesh> {
  return meshOf(await contentOf(found, signal), found.type)
}

function Model({ pane, frame, found }: { pane: PaneProps['pane']; frame: Frame; found: EncapsulatedDocument }) {
  const loaded = useLoaded(frame.id, (signal) => load(found, signal))
  const [view, setView] = useState(START)
  const ways = loaded.status === 'ready' && (
    <div className="object-choice" role="group" aria-label="Seen from">
      {WAYS.map(({ name, turn }) => (
        <button key={name} type="button" onClick={() => setView({ turn, zoom: 1 })}>
          {name}
        </button>
      ))}
    </div>
  )
  const facts = loaded.status === 'ready' ? `${loaded.value.size.map((side) => side.toFixed(1)).join(' × ')} mm · ${(loaded.value.corners.length / 9).toLocaleString('en')} triangles` : ''
  return (
    <ObjectPage pane={pane} frame={frame} title={text(frame.instance.dataset, Tag.DocumentTitle) || undefined} tools={<><span className="object-facts" data-testid="mesh-facts">{facts}</span>{ways}<DownloadLink frame={frame} /></>} testid="mesh">
      {loaded.status === 'loading' && <Waiting />}
      {loaded.status === 'failed' && <Failed what={loaded.what} hint={loaded.hint} />}
      {loaded.status === 'ready' && <Stage key={frame.id} mesh={loaded.value} view={view} set={setView} />}
    </ObjectPage>
  )
}

export default function MeshContent({ pane }: PaneProps) {
  const frame = useObject(pane)
  if (!frame) return <Waiting />
  const found = documentOf(frame.instance.dataset)
  if (found && !found.type.includes('mtl')) return <Model key={frame.id} pane={pane} frame={frame} found={found} />
  return (
    <ObjectPage pane={pane} frame={frame} testid="mesh">
      <Failed what={found ? 'These are the materials of a 3D model in OBJ form; models are shown in one colour here.' : 'The object holds no model.'} hint="Save it to use it with another program.">
        <DownloadLink frame={frame} />
      </Failed>
    </ObjectPage>
  )
}
