import { type PointerEvent, useRef } from 'react'
import { useValue } from '../../../lib/observable'
import type { Pane } from '../engine/pane'

/** Stretches of images that are in memory, as [first, count]. */
function stretches(pane: Pane, count: number): [number, number][] {
  const found: [number, number][] = []
  for (let index = 0; index < count; index++) {
    if (!pane.isLoaded(index)) continue
    const last = found[found.length - 1]
    if (last && last[0] + last[1] === index) last[1]++
    else found.push([index, 1])
  }
  return found
}

/** Where in the series we are, which images are there already, and a handle to move through them. */
export function Scrollbar({ pane }: { pane: Pane }) {
  const { count, index, shown } = useValue(pane.state)
  const track = useRef<HTMLDivElement>(null)
  if (count < 2) return null

  const go = (event: PointerEvent) => {
    const box = track.current?.getBoundingClientRect()
    if (!box || event.buttons !== 1) return
    pane.goTo(Math.floor(((event.clientY - box.top) / box.height) * count))
  }
  return (
    <div
      ref={track}
      className="pane-scroll"
      role="slider"
      aria-label="Image"
      aria-orientation="vertical"
      aria-valuemin={1}
      aria-valuemax={count}
      aria-valuenow={index + 1}
      tabIndex={-1}
      onPointerDown={(event) => {
        event.stopPropagation()
        event.currentTarget.setPointerCapture(event.pointerId)
        go(event)
      }}
      onPointerMove={go}
    >
      <svg viewBox={`0 0 1 ${count}`} preserveAspectRatio="none" aria-hidden="true">
        {stretches(pane, count).map(([from, length]) => (
          <rect key={from} x="0" y={from} width="1" height={length} />
        ))}
      </svg>
      <span className={shown === index ? 'pane-thumb' : 'pane-thumb pane-thumb-ahead'} style={{ top: `calc(10px + (100% - 20px) * ${index / (count - 1)})` }} />
    </div>
  )
}
