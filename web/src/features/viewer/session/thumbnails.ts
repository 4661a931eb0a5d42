// Small pictures for the rail: drawn by the server once the first image is shown, or made here from a series' middle image where it cannot.
import type { Series } from '../../../api/types'
import { instanceMetadata, seriesThumbnail } from '../../../dicomweb/client'
import { Observable } from '../../../lib/observable'
import { type Engine, THUMBNAIL_SIDE } from '../engine/engine'
import type { Stack } from '../engine/pane'
import { type Frame, framesOf, instanceOf } from '../model/frame'
import { hasPictures } from '../model/rail'

/** Address of the picture, or 'none' when the series has nothing to show. */
export type Thumbnail = { readonly url: string } | 'none'

const AT_ONCE = 2
// The first image of a study whose pictures do not load is not waited for any longer.
const PATIENCE = 3000

export class Thumbnails {
  readonly state = new Observable<ReadonlyMap<string, Thumbnail>>(new Map())
  private readonly waiting: Series[] = []
  private busy = 0
  private readonly engine: Engine
  private readonly studyOf: (series: string) => string | undefined
  private readonly stackOf: (series: string) => Promise<Stack> | undefined
  private readonly ended: AbortSignal

  constructor(engine: Engine, studyOf: (series: string) => string | undefined, stackOf: (series: string) => Promise<Stack> | undefined, ended: AbortSignal) {
    this.engine = engine
    this.studyOf = studyOf
    this.stackOf = stackOf
    this.ended = ended
  }

  want(series: readonly Series[]): void {
    const known = this.state.get()
    this.waiting.push(...series.filter((entry) => !known.has(entry.SeriesInstanceUID) && !this.waiting.includes(entry)))
    this.next()
  }

  private next(): void {
    while (this.busy < AT_ONCE && !this.ended.aborted) {
      const series = this.waiting.shift()
      if (!series) return
      this.busy++
      void this.make(series).then((thumbnail) => {
        this.busy--
        if (this.ended.aborted) return
        this.state.update((now) => new Map(now).set(series.SeriesInstanceUID, thumbnail))
        this.next()
      })
    }
  }

  private async make(series: Series): Promise<Thumbnail> {
    if (!hasPictures(series)) return 'none'
    await Promise.race([this.engine.firstImage, new Promise((resolve) => setTimeout(resolve, PATIENCE))])
    const drawn = await this.drawnByServer(series)
    if (drawn) return { url: drawn }
    try {
      const frame = await this.middleOf(series)
      const url = frame && (await this.engine.thumbnailOf(frame))
      return url ? { url } : 'none'
    } catch {
      // A rail without one small picture is still a rail; the viewport tells what is wrong with the series.
      return 'none'
    }
  }

  private async drawnByServer(series: Series): Promise<string | null> {
    const study = this.studyOf(series.SeriesInstanceUID)
    if (!study) return null
    try {
      return this.engine.urlOf(await seriesThumbnail(study, series.SeriesInstanceUID, THUMBNAIL_SIDE, this.ended))
    } catch {
      return null
    }
  }

  private async middleOf(series: Series): Promise<Frame | undefined> {
    const uid = series.SeriesInstanceUID
    const stack = this.stackOf(uid)
    if (stack) {
      const { frames } = await stack
      return frames[Math.floor(frames.length / 2)]
    }
    const study = this.studyOf(uid)
    const sop = (series.middle ?? series.first)?.SOPInstanceUID
    if (!study || !sop) return undefined
    const dataset = await instanceMetadata(study, uid, sop, this.ended)
    if (!dataset) return undefined
    const frames = framesOf(instanceOf(dataset, study, uid))
    return frames[Math.floor(frames.length / 2)]
  }
}
