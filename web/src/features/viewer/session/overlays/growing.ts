// Marks by a click, on all images at once: what hangs together with a voxel, all above a value, and taking a part away again.
import { explain, isAbort } from '../../../../lib/http'
import type { Picture } from '../../engine/picture'
import type { Frame } from '../../model/frame'
import type { Point } from '../../model/geometry'
import { results } from '../../model/measure'
import { nameOf, placeOf } from '../../model/overlays/drawn'
import { gridOf, heightOf } from '../../model/overlays/grid'
import { GrewTooFar, type Slice, grown, neighboursIn } from '../../model/overlays/growing'
import { interpolated, isEmpty } from '../../model/overlays/masks'
import type { Values } from '../../model/statistics'
import { suvFactor } from '../../model/suv'
import { valuesOf } from '../measurements'
import type { ViewerSession } from '../session'
import type { Editing } from './editing'

/** Something a reader can mend. */
class NotGrown extends Error {}

type Range = readonly [number, number]

const figure = (value: number): string => String(Number(value.toPrecision(4)))

function sliceOf(values: Values, [low, high]: Range): Slice {
  const { columns, rows, data, padding } = values
  const holds = (index: number): boolean => {
    const value = data[index] ?? Number.NaN
    return value >= low && value <= high && !(padding && value >= padding.from && value <= padding.to)
  }
  return { columns, rows, holds }
}

/** The values of an image, from memory or the archive. */
export async function imageValues(session: ViewerSession, frame: Frame, signal?: AbortSignal): Promise<Values> {
  session.engine.register([frame])
  const held = session.engine.pictures.get(frame.id)
  return valuesOf(held?.reduction === 0 ? held : await session.engine.queue.want(frame.id, signal))
}

export class Growing {
  private readonly session: ViewerSession
  private readonly editing: Editing
  private running: AbortController | null = null

  constructor(session: ViewerSession, editing: Editing) {
    this.session = session
    this.editing = editing
  }

  stop(): void {
    this.running?.abort()
  }

  /** What hangs together with a pixel of a picture. */
  from(at: Point, picture: Picture): void {
    void this.marked(async (signal) => {
      const { frames } = this.editing
      const place = frames.findIndex((frame) => frame.id === picture.frame.id)
      const start = this.editing.state.get().rule === 'share' ? await this.highestNear(at, place, signal) : { place, index: this.indexAt(at, picture.frame), value: 0 }
      const range = await this.range(start.value, signal)
      const masks = await grown(async (each) => this.slice(each, range, signal), neighboursIn(frames), start)
      if (masks.size === 0) throw new NotGrown(`The value there is not in the range (${this.words(range)}).`)
      return { masks, range }
    })
  }

  /** All that is in the range, on all images. */
  everywhere(): void {
    void this.marked(async (signal) => {
      const { frames } = this.editing
      const top = this.editing.state.get().rule === 'share' ? await this.highestOf(frames, signal) : 0
      const range = await this.range(top, signal)
      const masks = new Map<number, Uint8Array>()
      for (const place of frames.keys()) {
        const { columns, rows, holds } = await this.slice(place, range, signal)
        const mask = new Uint8Array(columns * rows)
        for (let index = 0; index < mask.length; index++) if (holds(index)) mask[index] = 255
        if (mask.includes(255)) masks.set(place, mask)
      }
      if (masks.size === 0) throw new NotGrown(`No value of these images is in the range (${this.words(range)}).`)
      return { masks, range }
    })
  }

  /** Takes away what of the segment hangs together with a pixel. */
  async drop(at: Point, frame: Frame): Promise<void> {
    const { frames, target } = this.editing
    const { segment } = this.editing.state.get()
    const layers = new Map(target?.segmentation.layers.filter((layer) => layer.segment === segment).map((layer) => [placeOf(layer), layer]))
    const slices = (place: number): Promise<Slice | undefined> => {
      const each = frames[place]
      const layer = each && layers.get(nameOf(each))
      return Promise.resolve(layer && { columns: layer.columns, rows: layer.rows, holds: (index: number) => (layer.mask[index] ?? 0) > 0 })
    }
    const place = frames.findIndex((each) => each.id === frame.id)
    const masks = await grown(slices, neighboursIn(frames), { place, index: this.indexAt(at, frame) }, Infinity)
    if (masks.size > 0) this.editing.mark(masks, false)
    else this.editing.note('There is nothing of this segment.')
  }

  /** The images between those that are drawn, by the shapes on both sides. */
  between(): void {
    const { frames } = this.editing
    const drawn = frames.flatMap((frame, place) => {
      const layer = this.editing.layerOn(frame)
      return layer ? [{ place, layer }] : []
    })
    const masks = new Map<number, Uint8Array>()
    for (const [at, from] of drawn.entries()) {
      const to = drawn[at + 1]
      for (let place = from.place + 1; to && place < to.place; place++) {
        const frame = frames[place]
        if (!frame) continue
        const mask = interpolated(from.layer, to.layer, (place - from.place) / (to.place - from.place), gridOf(frame)?.spacing ?? [1, 1])
        if (!isEmpty(mask)) masks.set(place, mask)
      }
    }
    if (masks.size > 0) this.editing.mark(masks, true)
    else this.editing.note('There is nothing to fill: draw the segment on two images that are not neighbours.')
  }

  private async marked(work: (signal: AbortSignal) => Promise<{ readonly masks: ReadonlyMap<number, Uint8Array>; readonly range: Range }>): Promise<void> {
    this.stop()
    const running = new AbortController()
    this.running = running
    const { target, segment } = this.editing.state.get()
    this.editing.note('Looking through the images…', true)
    try {
      const { masks, range } = await work(running.signal)
      const now = this.editing.state.get()
      // Somebody went on to something else meanwhile.
      if (running.signal.aborted || now.target !== target || now.segment !== segment) return
      this.editing.mark(masks, true)
      this.editing.note(`Marked on ${masks.size} ${masks.size === 1 ? 'image' : 'images'}: ${this.words(range)}.`)
    } catch (error) {
      if (isAbort(error) || running.signal.aborted) this.editing.note('Stopped; nothing was marked.')
      else if (error instanceof GrewTooFar) this.editing.note(`${error.message} Nothing was marked: choose a narrower range.`)
      else this.editing.note(`${error instanceof NotGrown ? error.message : explain(error).what} Nothing was marked.`)
    }
  }

  private indexAt([x, y]: Point, { extent }: Frame): number {
    const [column, row] = [Math.round(x), Math.round(y)]
    const isInside = column >= 0 && row >= 0 && column < extent.columns && row < extent.rows
    return isInside ? row * extent.columns + column : -1
  }

  private async slice(place: number, range: Range, signal: AbortSignal): Promise<Slice> {
    return sliceOf(await this.valuesAt(place, signal), range)
  }

  private async valuesAt(place: number, signal: AbortSignal): Promise<Values> {
    signal.throwIfAborted()
    const frame = this.editing.frames[place]
    if (!frame) throw new NotGrown('An image is missing.')
    const values = await imageValues(this.session, frame, signal)
    if (values.color) throw new NotGrown('Colour images have no range of values.')
    return values
  }

  /** SUVbw of one unit of the values. */
  private get factor(): number | undefined {
    const [first] = this.editing.frames
    return first && suvFactor(first.instance.dataset)
  }

  private words([low, high]: Range): string {
    const { factor } = this
    const [unit, by] = factor === undefined ? [this.editing.frames[0]?.modality.unit ?? '', 1] : ['SUVbw', factor]
    return [figure(low * by), Number.isFinite(high) ? `to ${figure(high * by)}` : 'and more', unit].filter(Boolean).join(' ')
  }

  /** Of the values of the images. */
  private async range(top: number, signal: AbortSignal): Promise<Range> {
    const { rule, range, suv, share } = this.editing.state.get()
    if (rule === 'range') return range
    if (rule === 'share') return [(top * share) / 100, Infinity]
    if (rule === 'liver') return [await this.aboveLiver(signal), Infinity]
    if (this.factor === undefined) throw new NotGrown('These images have no SUV: they are no PET, or do not tell dose, time, half-life, weight and corrections.')
    return [suv / this.factor, Infinity]
  }

  /** PERCIST: 1.5 times the mean of the liver and two standard deviations. It is the same in SUVlbm and SUVbw, each being so many times the other. */
  private async aboveLiver(signal: AbortSignal): Promise<number> {
    const { all, selected } = this.session.measurements.state.get()
    const shape = all.find(({ id }) => id === selected)
    const place = this.editing.frames.findIndex(({ id }) => id === shape?.frameId)
    const frame = this.editing.frames[place]
    const found = shape && frame ? results(shape.kind, shape.points, this.session.measurements.calibrationOf(frame), await this.valuesAt(place, signal)) : []
    const of = (quantity: string): number | undefined => found.find((each) => each.quantity === quantity)?.value
    const [mean, deviation] = [of('mean'), of('SD')]
    if (mean === undefined || deviation === undefined) throw new NotGrown('Draw a circle of 3 cm in the healthy liver on these images and select it, then click again.')
    return 1.5 * mean + 2 * deviation
  }

  private async highestOf(frames: readonly Frame[], signal: AbortSignal): Promise<number> {
    let most = -Infinity
    for (const place of frames.keys()) most = Math.max(most, best(await this.valuesAt(place, signal), () => true).value)
    return most
  }

  /** The highest value of the sphere around a point. */
  private async highestNear([x, y]: Point, middle: number, signal: AbortSignal): Promise<{ place: number; index: number; value: number }> {
    const { frames } = this.editing
    const { radius } = this.editing.state.get()
    const grid = frames[middle] && gridOf(frames[middle])
    let found = { place: middle, index: -1, value: -Infinity }
    if (!grid) return found
    const [sx, sy] = grid.spacing
    for (const [place, frame] of frames.entries()) {
      const other = gridOf(frame)
      const away = other ? heightOf(grid, other.origin) : Infinity
      // Another moment at the same place is another picture of it.
      if (Math.abs(away) > radius || (place !== middle && Math.abs(away) < 0.001)) continue
      const values = await this.valuesAt(place, signal)
      const near = best(values, (index) => Math.hypot(((index % values.columns) - x) * sx, (Math.floor(index / values.columns) - y) * sy, away) <= radius)
      if (near.value > found.value) found = { place, ...near }
    }
    return found
  }
}

function best({ data, columns, rows, padding }: Values, allowed: (index: number) => boolean): { index: number; value: number } {
  let [index, value] = [-1, -Infinity]
  for (let at = 0; at < columns * rows; at++) {
    const each = data[at] ?? Number.NaN
    if (each > value && allowed(at) && !(padding && each >= padding.from && each <= padding.to)) [index, value] = [at, each]
  }
  return { index, value }
}
