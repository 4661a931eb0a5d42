// What lies on the pictures of an open viewer: which objects are loaded, what of them is shown and how, and which one is being drawn.
import type { Series } from '../../../../api/types'
import { explain, isAbort } from '../../../../lib/http'
import { Observable } from '../../../../lib/observable'
import type { Frame } from '../../model/frame'
import { hasPictures } from '../../model/rail'
import { type Layer, type Segmentation, layersOn } from '../../model/overlays/segmentation'
import { contoursOn, seriesOfPart } from '../../model/overlays/structures'
import { gridOf } from '../../model/overlays/grid'
import type { ViewerSession } from '../session'
import { type Content, OVERLAYS, loadSeries } from './loading'

export interface Overlay {
  /** SOP Instance UID; of a segmentation that was begun here, the one it will have. */
  readonly id: string
  readonly seriesInstanceUID: string
  readonly title: string
  readonly content: Content
  readonly shown: boolean
  /** Numbers of segments or structures that are not shown. */
  readonly hidden: ReadonlySet<number>
}

/** A series of overlays in the rail: what became of loading it. */
export type Loading = 'loading' | 'loaded' | { readonly failed: string }

export interface OverlayState {
  readonly overlays: readonly Overlay[]
  readonly loading: ReadonlyMap<string, Loading>
  /** Of areas, 0 to 1. */
  readonly opacity: number
  readonly outlines: boolean
  readonly wash: boolean
  readonly isodoses: boolean
  /** Dose that counts as 100 %; null: the highest of the grid. */
  readonly reference: number | null
}

const START: OverlayState = { overlays: [], loading: new Map(), opacity: 0.4, outlines: true, wash: true, isodoses: true, reference: null }

export const isOverlay = (series: Series): boolean => series.SOPClassUIDs.some((sopClass) => OVERLAYS.has(sopClass))

/** Opened by itself it shows nothing: it lies on other images. A dose is a picture, too. */
export const hasNoPictures = (series: Series): boolean => isOverlay(series) && !hasPictures(series)

export const PANEL = 'overlays'

export class Overlays {
  readonly state = new Observable<OverlayState>(START)
  readonly session: ViewerSession

  constructor(session: ViewerSession) {
    this.session = session
  }

  patch(change: Partial<OverlayState>): void {
    this.state.update((now) => ({ ...now, ...change }))
  }

  get(id: string): Overlay | undefined {
    return this.state.get().overlays.find((overlay) => overlay.id === id)
  }

  put(overlay: Overlay): void {
    const { overlays } = this.state.get()
    const known = overlays.some((each) => each.id === overlay.id)
    this.patch({ overlays: known ? overlays.map((each) => (each.id === overlay.id ? overlay : each)) : [...overlays, overlay] })
  }

  remove(id: string): void {
    this.patch({ overlays: this.state.get().overlays.filter((overlay) => overlay.id !== id) })
  }

  private note(series: string, loading: Loading): void {
    this.patch({ loading: new Map(this.state.get().loading).set(series, loading) })
  }

  /** Loads what a series holds, once, and shows it. Failures are told in the panel. */
  async load(seriesInstanceUID: string, study: string): Promise<void> {
    const known = this.state.get().loading.get(seriesInstanceUID)
    if (known === 'loading' || known === 'loaded') return
    this.note(seriesInstanceUID, 'loading')
    try {
      const found = await loadSeries(study, seriesInstanceUID, new AbortController().signal)
      for (const { sopInstanceUID, title, content } of found) {
        if (!this.get(sopInstanceUID)) this.put({ id: sopInstanceUID, seriesInstanceUID, title, content, shown: true, hidden: new Set() })
      }
      this.note(seriesInstanceUID, 'loaded')
    } catch (error) {
      if (!isAbort(error)) this.note(seriesInstanceUID, { failed: explain(error).what })
    }
  }

  toggle(id: string): void {
    const overlay = this.get(id)
    if (overlay) this.put({ ...overlay, shown: !overlay.shown })
  }

  togglePart(id: string, part: number): void {
    const overlay = this.get(id)
    if (!overlay) return
    const hidden = new Set(overlay.hidden)
    if (!hidden.delete(part)) hidden.add(part)
    this.put({ ...overlay, hidden, shown: true })
  }

  /** Series whose images an overlay was drawn on, as far as the viewer knows them. */
  drawnOn({ content }: Overlay, part?: number): string | undefined {
    const named = content.kind === 'segmentation' ? content.segmentation.series : content.kind === 'structures' ? seriesOfPart(content.structures, part) : []
    return named.find((series) => this.session.seriesOf(series))
  }

  /** Brings the picture with most of a segment or structure into the active viewport. */
  async jump(id: string, part: number): Promise<void> {
    const overlay = this.get(id)
    if (!overlay) return
    const pane = this.session.activePane
    let index = placeOf(overlay.content, part, pane.frames)
    const series = this.drawnOn(overlay, part)
    if (index < 0 && series) {
      await this.session.show(series)
      index = placeOf(overlay.content, part, pane.frames)
    }
    if (index >= 0) pane.goTo(index)
  }
}

function placeOf(content: Content, part: number, frames: readonly Frame[]): number {
  let best = -1
  let most = 0
  frames.forEach((frame, index) => {
    const size = sizeOn(content, part, frame)
    if (size > most) [best, most] = [index, size]
  })
  return best
}

function sizeOn(content: Content, part: number, frame: Frame): number {
  if (content.kind === 'segmentation') return inLayers(content.segmentation, part, frame)
  const structure = content.kind === 'structures' ? content.structures.structures.find((each) => each.number === part) : undefined
  const grid = gridOf(frame)
  return structure && grid ? contoursOn(structure, grid, frame.thickness).reduce((sum, { points }) => sum + extentOf(points), 0) : 0
}

function inLayers(segmentation: Segmentation, part: number, frame: Frame): number {
  const found: Layer | undefined = layersOn({ layers: segmentation.layers.filter((layer) => layer.segment === part), step: segmentation.step }, frame)[0]
  return found ? found.mask.reduce((sum, value) => sum + value, 0) : 0
}

/** A measure of how large a contour is; a point has a little, so that it is found. */
function extentOf(points: readonly (readonly [number, number])[]): number {
  const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])]
  return 1 + (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys))
}

const held = new WeakMap<ViewerSession, Overlays>()

/** The overlays of an open viewer; they end with it. */
export function overlaysOf(session: ViewerSession): Overlays {
  const known = held.get(session) ?? new Overlays(session)
  held.set(session, known)
  return known
}
