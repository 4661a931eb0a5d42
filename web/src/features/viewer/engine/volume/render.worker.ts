// Draws rows of bodies out of volumes that it shares with the page.
import { type Bricks, bricksOf } from '../../model/bricks'
import { bodyRows, prepared } from '../../model/rendering'
import type { Volume } from '../../model/volume'
import type { FromWorker, ToWorker } from './messages'

interface Held {
  readonly volume: Volume
  bricks: Bricks | undefined
}

const held = new Map<number, Held>()

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'volume') held.set(data.id, { volume: { grid: data.grid, values: data.values, filled: new Uint8Array(0) }, bricks: undefined })
  else if (data.kind === 'forget') held.delete(data.id)
  else {
    const own = held.get(data.id)
    if (!own) return
    if (data.whole) own.bricks ??= bricksOf(own.volume)
    const pixels = bodyRows(own.volume, data.body, prepared(data.body, own.bricks), own.bricks, data.from, data.to)
    const answer: FromWorker = { ticket: data.ticket, pixels }
    self.postMessage(answer, { transfer: [pixels.buffer] })
  }
}
