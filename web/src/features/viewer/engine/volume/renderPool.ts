// The workers that draw bodies: a picture is dealt out in bands, so that all of them are busy until it is done.
import type { Body } from '../../model/rendering'
import type { Volume } from '../../model/volume'
import type { FromWorker, ToWorker } from './messages'

/** One core stays with the page. */
const most = (): number => Math.max(1, Math.min(6, navigator.hardwareConcurrency - 1))
const BANDS = 6 // for each worker: bands take differently long

interface Waiting {
  readonly done: (pixels: Uint8ClampedArray<ArrayBuffer>) => void
  readonly worker: number
}

class RenderPool {
  private readonly workers: Worker[]
  private readonly known = new WeakMap<Volume['values'], number>()
  private readonly waiting = new Map<number, Waiting>()
  private tickets = 0
  private volumes = 0

  constructor() {
    this.workers = Array.from({ length: most() }, () => {
      const worker = new Worker(new URL('./render.worker.ts', import.meta.url), { type: 'module' })
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        const { done } = this.waiting.get(data.ticket) ?? {}
        this.waiting.delete(data.ticket)
        done?.(data.pixels)
      }
      return worker
    })
  }

  /** @param wanted is asked before each band. @returns the picture; null when it was no longer wanted */
  async draw(volume: Volume, body: Body, whole: boolean, wanted: () => boolean): Promise<ImageData | null> {
    const id = this.idOf(volume)
    const { width, height } = body.camera
    const image = new ImageData(width, height)
    const rows = Math.max(4, Math.ceil(height / (this.workers.length * BANDS)))
    let next = 0
    const one = async (worker: number): Promise<void> => {
      while (next < height && wanted()) {
        const from = next
        const to = Math.min(height, from + rows)
        next = to
        const pixels = await this.ask(worker, { kind: 'rows', id, ticket: ++this.tickets, body, from, to, whole })
        image.data.set(pixels, from * width * 4)
      }
    }
    await Promise.all(this.workers.map((_, worker) => one(worker)))
    return wanted() ? image : null
  }

  private ask(worker: number, message: Extract<ToWorker, { kind: 'rows' }>): Promise<FromWorker['pixels']> {
    return new Promise((done) => {
      this.waiting.set(message.ticket, { done, worker })
      this.workers[worker]?.postMessage(message)
    })
  }

  private idOf({ grid, values }: Volume): number {
    const known = this.known.get(values)
    if (known !== undefined) return known
    const id = ++this.volumes
    this.known.set(values, id)
    this.tell({ kind: 'volume', id, grid, values })
    return id
  }

  /** The volume is gone: its memory is only free when no worker holds it. */
  forget(values: Volume['values']): void {
    const id = this.known.get(values)
    if (id === undefined) return
    this.known.delete(values)
    this.tell({ kind: 'forget', id })
  }

  private tell(message: ToWorker): void {
    for (const worker of this.workers) worker.postMessage(message)
  }
}

let pool: RenderPool | undefined

/** Null where a volume cannot be shared: the page then draws by itself. */
export function renderPool({ values }: Volume): RenderPool | null {
  if (typeof SharedArrayBuffer === 'undefined' || !(values.buffer instanceof SharedArrayBuffer)) return null
  pool ??= new RenderPool()
  return pool
}

export const forgetValues = (values: Volume['values']): void => pool?.forget(values)
