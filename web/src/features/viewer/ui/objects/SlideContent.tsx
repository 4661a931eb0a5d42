// Whole slides: deep zoom over the levels of a pyramid, with a map and a scale.
import { type KeyboardEvent, type PointerEvent, type WheelEvent, useEffect, useMemo, useRef, useState } from 'react'
import { useValue } from '../../../../lib/observable'
import { type Size, type Slide, type SlideView, coarseness, fitted, kept, levelFor, scaleBar, slidesOf, zoomedAt } from '../../model/objects/slide'
import { seriesTitle } from '../../model/rail'
import { SlideTiles } from '../../session/objects/tiles'
import type { PaneProps } from '../additions'
import { DownloadLink, Failed, ObjectPage, Waiting } from './ObjectPage'
import { drawSlide, wantedTiles } from './slideDrawing'

type Change = (change: (view: SlideView) => SlideView) => void

function useHand(slide: Slide, size: Size, set: Change) {
  const fingers = useRef(new Map<number, readonly [number, number]>())
  const spread = (): number => {
    const [one, other] = [...fingers.current.values()]
    return one && other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0
  }
  const at = (event: { clientX: number; clientY: number; currentTarget: Element }): [number, number] => {
    const box = event.currentTarget.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }
  const move = (dx: number, dy: number) => set((view) => kept(slide, { ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale }))
  const middle = [size.width / 2, size.height / 2] as const
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move(80, 0),
    ArrowRight: () => move(-80, 0),
    ArrowUp: () => move(0, 80),
    ArrowDown: () => move(0, -80),
    '+': () => set((view) => zoomedAt(slide, view, 1.5, middle, size)),
    '-': () => set((view) => zoomedAt(slide, view, 1 / 1.5, middle, size)),
    Home: () => set(() => fitted(slide, size)),
  }
  return {
    onPointerDown: (press: PointerEvent) => {
      press.currentTarget.setPointerCapture(press.pointerId)
      fingers.current.set(press.pointerId, at(press))
    },
    onPointerMove: (event: PointerEvent) => {
      const before = fingers.current.get(event.pointerId)
      if (!before) return
      const was = spread()
      const now = at(event)
      fingers.current.set(event.pointerId, now)
      if (was > 0) set((view) => zoomedAt(slide, view, spread() / was, now, size))
      else move(now[0] - before[0], now[1] - before[1])
    },
    onPointerUp: (up: PointerEvent) => fingers.current.delete(up.pointerId),
    onPointerCancel: (up: PointerEvent) => fingers.current.delete(up.pointerId),
    onWheel: (wheel: WheelEvent) => {
      const place = at(wheel)
      set((view) => zoomedAt(slide, view, Math.exp(-wheel.deltaY / 400), place, size))
    },
    onDoubleClick: (click: React.MouseEvent) => {
      const place = at(click)
      set((view) => zoomedAt(slide, view, 2, place, size))
    },
    onKeyDown: (press: KeyboardEvent) => {
      const run = keys[press.key]
      if (!run) return
      press.preventDefault()
      press.stopPropagation()
      run()
    },
  }
}

const MAP = 150

/** Where one is on the slide; a click leads elsewhere. */
function OverviewMap({ slide, tiles, view, size, drawn, set }: { slide: Slide; tiles: SlideTiles; view: SlideView; size: Size; drawn: number; set: Change }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { columns, rows } = slide.levels[0] ?? { columns: 1, rows: 1 }
  const scale = MAP / Math.max(columns, rows)
  const box: Size = { width: columns * scale, height: rows * scale }
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (context) drawSlide(context, slide, tiles, { x: columns / 2, y: rows / 2, scale }, { width: columns * scale, height: rows * scale }, 1)
  }, [slide, tiles, drawn, columns, rows, scale])
  const go = (press: PointerEvent) => {
    press.stopPropagation()
    if (press.buttons === 0) return
    const place = press.currentTarget.getBoundingClientRect()
    set((now) => kept(slide, { ...now, x: (press.clientX - place.left) / scale, y: (press.clientY - place.top) / scale }))
  }
  const [width, height] = [(size.width / view.scale) * scale, (size.height / view.scale) * scale]
  return (
    <div className="slide-map" style={{ width: box.width, height: box.height }} onPointerDown={go} onPointerMove={go} onDoubleClick={(click) => click.stopPropagation()} data-testid="slide-map">
      <canvas ref={canvas} width={box.width} height={box.height} role="img" aria-label="Map of the slide" />
      <span style={{ left: view.x * scale - width / 2, top: view.y * scale - height / 2, width, height }} />
    </div>
  )
}

function Scale({ slide, view }: { slide: Slide; view: SlideView }) {
  const { mm, power } = slide
  const bar = mm && scaleBar(mm[0], view.scale)
  return (
    <p className="slide-scale" data-testid="slide-scale">
      {bar ? <span className="slide-bar" style={{ width: bar.pixels }}>{bar.text}</span> : <span>No millimetres: the object does not say how large its pixels are</span>}
      {power !== undefined && <span>{Number((power * view.scale).toPrecision(2))} ×</span>}
    </p>
  )
}

function useSize(host: React.RefObject<HTMLDivElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useEffect(() => {
    const element = host.current
    if (!element) return
    const watch = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }))
    watch.observe(element)
    return () => watch.disconnect()
  }, [host])
  return size
}

interface StageProps {
  readonly slide: Slide
  readonly path: number
  readonly plane: number
  /** null: all of it. */
  readonly place: SlideView | null
  readonly setPlace: (change: (place: SlideView | null) => SlideView) => void
}

function Stage({ slide, path, plane, place, setPlace }: StageProps) {
  const host = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(host)
  const [drawn, setDrawn] = useState(0)
  const tiles = useMemo(() => new SlideTiles(slide, path, plane, () => setDrawn((now) => now + 1)), [slide, path, plane])
  useEffect(() => () => tiles.dispose(), [tiles])
  const view = useMemo(() => place ?? fitted(slide, size), [place, slide, size])
  const set: Change = (change) => setPlace((now) => change(now ?? fitted(slide, size)))
  const hand = useHand(slide, size, set)
  const ratio = window.devicePixelRatio || 1
  useEffect(() => {
    if (size.width > 0) tiles.want(wantedTiles(slide, { ...view, scale: view.scale * ratio }, { width: size.width * ratio, height: size.height * ratio }))
  }, [tiles, slide, view, size, ratio])
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context || size.width === 0) return
    Object.assign(context.canvas, { width: Math.round(size.width * ratio), height: Math.round(size.height * ratio) })
    drawSlide(context, slide, tiles, view, size, ratio)
    context.canvas.dataset.waiting = String(tiles.waiting)
  }, [slide, tiles, view, size, ratio, drawn])
  const level = levelFor(slide, view.scale * ratio)
  return (
    <div ref={host} className="object-stage" tabIndex={0} role="application" aria-label="Slide: drag or arrow keys move it, wheel or plus and minus zoom, Home shows all of it" data-testid="slide-stage" data-scale={view.scale} data-x={view.x} data-y={view.y} data-level={level} {...hand}>
      <canvas ref={canvas} data-testid="slide-canvas" />
      {size.width > 0 && <OverviewMap slide={slide} tiles={tiles} view={view} size={size} drawn={drawn} set={set} />}
      {size.width > 0 && <Scale slide={slide} view={view} />}
      <p className="slide-level" data-take="no">
        {tiles.broken > 0 && `${tiles.broken} tiles cannot be shown · `}Level {level + 1} of {slide.levels.length} · 1:{Number(coarseness(slide, level).toPrecision(3))}
      </p>
    </div>
  )
}

const middleOf = ({ levels }: Slide): SlideView => ({ x: (levels[0]?.columns ?? 0) / 2, y: (levels[0]?.rows ?? 0) / 2, scale: 1 })

export default function SlideContent({ session, pane }: PaneProps) {
  const { count, seriesInstanceUID } = useValue(pane.state)
  const { frames } = pane
  const found = useMemo(() => slidesOf(frames.slice(0, count).map(({ instance }) => instance)), [frames, count])
  const [at, setAt] = useState(0)
  const [path, setPath] = useState(0)
  const [plane, setPlane] = useState(0)
  const [labelled, setLabelled] = useState(false)
  const [place, setPlace] = useState<SlideView | null>(null)
  const [frame] = frames
  if (!frame) return <Waiting />
  const slide = found.slides[at] ?? found.slides[0]
  const series = seriesInstanceUID === null ? undefined : session.seriesOf(seriesInstanceUID)
  const planes = slide?.levels[0]?.focalPlanes ?? 1
  const choice = (label: string, value: number, names: readonly string[], onChange: (value: number) => void) =>
    names.length > 1 && (
      <select className="object-select" aria-label={label} value={value} onChange={(change) => onChange(Number(change.target.value))}>
        {names.map((name, index) => (
          <option key={index} value={index}>
            {name}
          </option>
        ))}
      </select>
    )
  const tools = (
    <>
      {choice('Slide', at, found.slides.map(({ name }) => name), (next) => {
        setAt(next)
        setPath(0)
        setPlace(null)
      })}
      {choice('Optical path', path, slide?.paths ?? [], setPath)}
      {choice('Focal plane', plane, Array.from({ length: planes }, (_, index) => `Focal plane ${index + 1}`), setPlane)}
      <button type="button" className="button button-small" onClick={() => setPlace(null)}>
        All of it
      </button>
      <button type="button" className="button button-small" onClick={() => slide && setPlace((now) => ({ ...(now ?? middleOf(slide)), scale: 1 / (window.devicePixelRatio || 1) }))}>
        1:1
      </button>
      {found.label && (
        <button type="button" className="button button-small" aria-pressed={labelled} onClick={() => setLabelled(!labelled)}>
          Label
        </button>
      )}
    </>
  )
  return (
    <ObjectPage pane={pane} frame={frame} title={series && seriesTitle(series)} tools={tools} several={false} testid="slide">
      {slide ? <Stage key={`${seriesInstanceUID ?? ''} ${at}`} slide={slide} path={path} plane={plane} place={place} setPlace={setPlace} /> : <Failed what="This slide does not say how its tiles lie."><DownloadLink frame={frame} /></Failed>}
      {labelled && found.label && <img className="slide-label" src={`${found.label.address}/frames/1/rendered`} alt="Label of the slide" data-testid="slide-label" />}
    </ObjectPage>
  )
}
