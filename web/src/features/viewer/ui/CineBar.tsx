import { useValue } from '../../../lib/observable'
import type { Pane } from '../engine/pane'
import { RATES, clampRate } from '../model/cine'
import { Glyph } from './icons'

/** Player of a multi-frame object; for stacks of slices it shows while playing. */
export function CineBar({ pane, active }: { pane: Pane; active: boolean }) {
  const { playing, rate, loop, count, status } = useValue(pane.state)
  const multiframe = (pane.frames[0]?.instance.frames ?? 1) > 1
  if (count < 2 || status === 'opening' || !(playing || (multiframe && active))) return null
  return (
    <div className="cine" onPointerDown={(press) => press.stopPropagation()} onDoubleClick={(press) => press.stopPropagation()}>
      <button type="button" aria-label="One frame back" onClick={() => pane.scroll(-1)}>
        <Glyph name="previous" />
      </button>
      <button type="button" aria-label={playing ? 'Stop' : 'Play'} aria-pressed={playing} onClick={() => (playing ? pane.stop() : pane.play())} data-testid="cine-play">
        <Glyph name={playing ? 'pause' : 'play'} />
      </button>
      <button type="button" aria-label="One frame on" onClick={() => pane.scroll(1)}>
        <Glyph name="next" />
      </button>
      <input type="range" aria-label="Frames per second" min={RATES.least} max={RATES.most} step={1} value={rate} onChange={(change) => pane.setCine({ rate: clampRate(Number(change.target.value)) })} />
      <output>{Number.isInteger(rate) ? rate : rate.toFixed(1)} fps</output>
      <button type="button" aria-label={loop === 'loop' ? 'Starts over at the end' : 'Turns back at the end'} onClick={() => pane.setCine({ loop: loop === 'loop' ? 'bounce' : 'loop' })}>
        <Glyph name={loop} />
      </button>
    </div>
  )
}
