// The workers that draw planes and bodies: a picture is dealt out in bands, so that all of them are busy until it is done.
import type { Body } from '../../model/rendering'
import type { Section } from '../../model/section'
import type { Volume } from '../../model/volume'
import type { FromWorker, Request, ToWorker } from './messages'

/** One core stays with the page. */
const most = (): number => Math.max(1, Math.min(6, navigator.hardwareConcurrency - 1))
const BANDS = 6 // for each worker: bands take differently long

type Done = (pixels: FromWorker['pixels'] | null) => void

class RenderPool {
  private readonly workers: Worker[]
  private readonly known = new WeakMap<Volume['values'], number>()
  private readonly waiting = new Map<number, Done>()
  private tickets = 0
  private volumes = 0
  /** A worker could not be started, or fell over: the page draws from now on. */
  broken = false
  private ended = false

  constructor() {
    this.workers = Array.from({ length: most() }, () => {
      const worker = new Worker(new URL('./render.worker.ts', import.meta.url), { type: 'module' })
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        const done = this.waiting.get(data.ticket)
        this.waiting.delete(data.ticket)
        done?.(data.pixels)
      }
      worker.onerror = () => {
        this.broken = true
        this.end()
      }
      return worker
    })
  }

  /** Pictures that are on their way never come: whoever still wants one asks again. */
  end(): void {
    this.ended = true
    for (const worker of this.workers) worker.terminate()
    for (const done of this.waiting.values()) done(null)
    this.waiting.clear()
  }

  /** @param wanted is asked before each band. @returns the picture; null when it was no longer wanted */
  body(volume: Volume, body: Body, whole: boolean, wanted: () => boolean): Promise<ImageData | null> {
    return this.draw(body.camera, { kind: 'body', id: this.idOf(volume), body, whole }, wanted)
  }

  /** @param over what is laid over the volume. @param wanted as for body() */
  section(volume: Volume, over: Volume | undefined, section: Section, wanted: () => boolean): Promise<ImageData | null> {
    return this.draw(section.sheet, { kind: 'section', id: this.idOf(volume), over: over && this.idOf(over), section }, wanted)
  }

  private async draw({ width, height }: { readonly width: number; readonly height: number }, request: Request, wanted: () => boolean): Promise<ImageData | null> {
    const image = new ImageData(width, height)
    const rows = Math.max(4, Math.ceil(height / (this.workers.length * BANDS)))
    let next = 0
    const one = async (worker: number): Promise<void> => {
      while (next < height && !this.ended && wanted()) {
        const from = next
        const to = Math.min(height, from + rows)
        next = to
        const pixels = await this.ask(worker, { kind: 'rows', ticket: ++this.tickets, request, from, to })
        if (!pixels) return
        image.data.set(pixels, from * width * 4)
      }
    }
    await Promise.all(this.workers.map((_, worker) => one(worker)))
    return wanted() && !this.ended ? image : null
  }

  private ask(worker: number, message: Extract<ToWorker, { kind: 'rows' }>): Promise<FromWorker['pixels'] | null> {
    return new Promise((done) => {
      this.waiting.set(message.ticket, done)
      this.workers[worker]?.postMessage(message)
    })
  }

  private idOf({ grid, values, padding }: Volume): number {
    const known = this.known.get(values)
    if (known !== undefined) return known
    const id = ++this.volumes
    this.known.set(values, id)
    this.tell({ kind: 'volume', id, grid, values, padding })
    return id
  }

  knows(values: Volume['values']): boolean {
    return this.known.has(values)
  }

  private tell(message: ToWorker): void {
    for (const worker of this.workers) worker.postMessage(message)
  }
}

let pool: RenderPool | undefined

/** Null where a volume cannot be shared: the page then draws by itself. */
export function renderPool(...volumes: readonly (Volume | undefined)[]): RenderPool | null {
  if (typeof SharedArrayBuffer === 'undefined' || !volumes.every((volume) => !volume || volume.values.buffer instanceof SharedArrayBuffer)) return null
  pool ??= new RenderPool()
  return pool.broken ? null : pool
}

/**
 * Volumes are gone. Their memory is only free when no worker holds it, and a worker that is told to forget has so little rubbish that
 * it does not sweep for hours: half a gigabyte stayed for each study that was looked at. So the workers end, and begin anew when they are needed.
 */
export function forgetValues(values: readonly Volume['values'][]): void {
  if (!pool || !values.some((each) => pool?.knows(each))) return
  pool.end()
  if (!pool.broken) pool = undefined
}
