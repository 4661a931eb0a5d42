// Series as volumes: filled slice by slice from the viewer's own loading, within a budget of bytes that all volumes of a viewer share.
import { Observable } from '../../../../lib/observable'
import type { Frame } from '../../model/frame'
import type { GreyPixels } from '../../model/pixels'
import { NoVolume, type Plan, type Volume, emptyVolume, fillOrder, lend, planVolume, sharesOf, writeSlice } from '../../model/volume'
import { type Engine, budget } from '../engine'
import type { Picture } from '../picture'
import { LATER } from '../queue'
import { forgetValues } from './renderPool'

/** Half of what the viewer may use: of a gigabyte, a thousand slices of 512 x 512 in 16 bits just fit. */
const volumeBudget = (): number => budget((navigator as { deviceMemory?: number }).deviceMemory) / 2
/** Loaded and not yet written: few, so that pictures are not held twice. */
const AT_ONCE = 6

export interface VolumeState {
  readonly status: 'loading' | 'ready' | 'failed'
  readonly reason: string
  /** Slices that have their own values, of all phases. */
  readonly loaded: number
  readonly total: number
  readonly missing: number
}

/** Least and greatest value that is no padding. */
function rangeOf({ data, padding, min, max }: GreyPixels): readonly [number, number] {
  if (!padding) return [min, max]
  let [least, most] = [Infinity, -Infinity]
  for (const value of data) {
    if (value >= padding.from && value <= padding.to) continue
    if (value < least) least = value
    if (value > most) most = value
  }
  return [least, most]
}

export class SeriesVolume {
  readonly plan: Plan
  readonly phases: readonly Volume[]
  readonly state: Observable<VolumeState>
  /** Of everything that has come so far. */
  min = Infinity
  max = -Infinity
  private readonly engine: Engine
  private readonly owner: string
  private stopped = false
  private told = 0

  constructor(engine: Engine, plan: Plan, owner: string) {
    this.engine = engine
    this.plan = plan
    this.owner = owner
    this.phases = plan.phases.map(() => emptyVolume(plan))
    this.state = new Observable<VolumeState>({ status: 'loading', reason: '', loaded: 0, total: plan.grid.size[2] * plan.phases.length, missing: 0 })
    void this.fill()
  }

  /** Every phase's coarse slices come before anything fine, so that scrubbing works early. */
  private async fill(): Promise<void> {
    const work = fillOrder(this.plan.grid.size[2]).flatMap((step) => this.phases.map((_, phase) => ({ ...step, phase })))
    const wishes = [...new Set(work.flatMap(({ slice, phase }) => sharesOf(this.plan, slice).map(({ frame }) => this.plan.phases[phase]?.[frame]?.id ?? '')))]
    this.engine.queue.plan(this.owner, wishes.filter(Boolean).map((id) => ({ id, rank: LATER })))
    const next = work[Symbol.iterator]()
    const worker = async (): Promise<void> => {
      for (const step of next) {
        if (this.stopped) return
        await this.fillSlice(step.phase, step.slice, step.reach)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    if (this.stopped) return
    const { total } = this.state.get()
    this.state.update((now) => (this.loadedNow === 0 ? { ...now, status: 'failed', reason: this.why || 'None of the images could be loaded.' } : { ...now, status: 'ready', loaded: this.loadedNow, missing: total - this.loadedNow }))
  }

  private loadedNow = 0
  private lost = 0
  private why = ''

  private async fillSlice(phase: number, slice: number, reach: number): Promise<void> {
    const volume = this.phases[phase]
    const frames = this.plan.phases[phase]
    if (!volume || !frames) return
    try {
      const parts = await Promise.all(sharesOf(this.plan, slice).map(async ({ frame, share }) => ({ share, picture: await this.pictureOf(frames[frame]) })))
      if (this.stopped) return
      const usable = parts.flatMap(({ share, picture }) => (picture.pixels.color ? [] : [{ share, pixels: picture.pixels.data, padding: picture.pixels.padding, frame: picture.frame, range: rangeOf(picture.pixels) }]))
      const first = usable[0]?.frame.extent
      if (!first || usable.length !== parts.length) throw new Error('Colour images make no volume.')
      for (const { range } of usable) this.widen(...range)
      writeSlice(volume, this.plan, slice, usable, first.columns, first.rows)
      lend(volume, slice, reach)
      this.loadedNow++
    } catch (error) {
      this.lost++
      this.why = error instanceof Error ? error.message : ''
    }
    this.tell()
  }

  private widen(min: number, max: number): void {
    this.min = Math.min(this.min, min)
    this.max = Math.max(this.max, max)
  }

  private async pictureOf(frame: Frame | undefined): Promise<Picture> {
    if (!frame) throw new Error('An image of this volume is missing.')
    const held = this.engine.pictures.get(frame.id)
    if (held?.reduction === 0) return held
    return this.engine.queue.follow(frame.id).catch(() => this.engine.queue.want(frame.id))
  }

  /** A few times a second is enough for the screen. */
  private tell(): void {
    const now = performance.now()
    if (now - this.told < 150 && this.loadedNow + this.lost < this.state.get().total) return
    this.told = now
    this.state.update((state) => ({ ...state, loaded: this.loadedNow }))
  }

  dispose(): void {
    this.stopped = true
    forgetValues(this.phases.map(({ values }) => values))
    this.engine.queue.plan(this.owner, [])
  }
}

interface Held {
  readonly volume: SeriesVolume
  users: number
}

/** The volumes of one viewer, shared by its viewports; the least recently left goes when another needs the room. */
export class Volumes {
  private readonly held = new Map<string, Held>()
  private readonly engine: Engine
  private readonly budget: number

  constructor(engine: Engine, bytes = volumeBudget()) {
    this.engine = engine
    this.budget = bytes
  }

  /** Throws NoVolume with a sentence for the reader. Whoever opens one closes it. */
  open(seriesInstanceUID: string, frames: readonly Frame[]): SeriesVolume {
    const known = this.held.get(seriesInstanceUID)
    if (known && known.volume.plan.phases.flat().length > 0 && known.volume.state.get().status !== 'failed') {
      known.users++
      return known.volume
    }
    if (known) this.drop(seriesInstanceUID)
    const plan = this.planned(frames)
    const volume = new SeriesVolume(this.engine, plan, `volume:${seriesInstanceUID}`)
    this.held.set(seriesInstanceUID, { volume, users: 1 })
    this.lend()
    return volume
  }

  private planned(frames: readonly Frame[]): Plan {
    const wish = planVolume(frames, this.budget)
    for (const [uid, { users }] of this.held) if (users === 0 && this.used + wish.bytes > this.budget) this.drop(uid)
    const room = this.budget - this.used
    // Beside others on the screen it may have to be coarser still; an eighth of the budget is always to be had.
    return wish.bytes <= room ? wish : planVolume(frames, Math.max(room, this.budget / 8))
  }

  get used(): number {
    return [...this.held.values()].reduce((sum, { volume }) => sum + volume.plan.bytes, 0)
  }

  close(seriesInstanceUID: string): void {
    const known = this.held.get(seriesInstanceUID)
    if (known) known.users = Math.max(0, known.users - 1)
  }

  private drop(uid: string): void {
    this.held.get(uid)?.volume.dispose()
    this.held.delete(uid)
    this.lend()
  }

  /** Volumes and pictures together stay within what the viewer may use. */
  private lend(): void {
    this.engine.pictures.lend(this.used)
  }

  dispose(): void {
    for (const uid of [...this.held.keys()]) this.drop(uid)
  }
}

const byEngine = new WeakMap<Engine, Volumes>()

export function volumesOf(engine: Engine): Volumes {
  const known = byEngine.get(engine)
  if (known) return known
  const volumes = new Volumes(engine)
  byEngine.set(engine, volumes)
  engine.whenEnded(() => volumes.dispose())
  return volumes
}

export { NoVolume }
