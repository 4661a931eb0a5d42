// Draws rows of bodies and planes out of volumes that it shares with the page.
import { type Bricks, bricksOf } from '../../model/bricks'
import { bodyRows, prepared } from '../../model/rendering'
import { sectionRows } from '../../model/section'
import type { Volume } from '../../model/volume'
import type { FromWorker, Request, ToWorker } from './messages'

interface Held {
  readonly volume: Volume
  bricks: Bricks | undefined
}

const held = new Map<number, Held>()

function rows(request: Request, from: number, to: number): Uint8ClampedArray<ArrayBuffer> {
  const own = held.get(request.id)
  if (!own) return new Uint8ClampedArray(0)
  if (request.kind === 'section') return sectionRows(own.volume, held.get(request.over ?? -1)?.volume, request.section, from, to)
  if (request.whole) own.bricks ??= bricksOf(own.volume)
  return bodyRows(own.volume, request.body, prepared(request.body, own.bricks), own.bricks, from, to)
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'volume') held.set(data.id, { volume: { grid: data.grid, values: data.values, filled: new Uint8Array(0), padding: data.padding }, bricks: undefined })
  else {
    const pixels = rows(data.request, data.from, data.to)
    const answer: FromWorker = { ticket: data.ticket, pixels }
    self.postMessage(answer, { transfer: [pixels.buffer] })
  }
}
