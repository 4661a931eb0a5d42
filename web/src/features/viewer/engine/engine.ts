// Everything behind the viewports of one open viewer: loading, memory, decoding, thumbnails. Ends with dispose().
import type { Frame } from '../model/frame'
import type { Pace } from '../model/link'
import { thumbnail } from './canvasSurface'
import { Pane } from './pane'
import { type Picture, PictureStore, bornInverted, ownWindow } from './picture'
import { FrameSource } from './frames'
import { LATER, NEARBY, Queue, THUMBNAIL, URGENT } from './queue'
import { addressOf, canBeSmaller, loadPicture, loadSmaller } from './source'

const GIGABYTE = 1024 ** 3
// HTTP/1.1 gives six connections a host; the live feed holds one of them.
const AT_ONCE = 5
const ON_GPU = 4 // viewports; with 25 Cornerstone's one context left all of them black
/** Share of the memory for frames as they came: at three to one three quarters of as many as there are pictures. */
const COMPRESSED = 1 / 8
/** And for pictures: with a volume beside them, and what the browser has not swept away yet, a page of 2 GB must not break. */
const PICTURES = 1 / 2
export const THUMBNAIL_SIDE = 192

/** A gigabyte, or a quarter of the machine where that is less. Chromium's deviceMemory is in gigabytes; others do not tell. */
export function budget(deviceMemory: number | undefined): number {
  return Math.min(GIGABYTE, ((deviceMemory ?? 4) * GIGABYTE) / 4)
}

/** A wish for a small picture of a frame, for the queue. */
const SMALLER = 'smaller:'

let count = 0

export class Engine {
  private crowded = false
  readonly queue: Queue<Picture>
  readonly pictures: PictureStore
  readonly panes: readonly Pane[]
  private readonly source: FrameSource
  private readonly frames = new Map<string, Frame>()
  private readonly limit: number
  private readonly urls = new Set<string>()
  private disposed = false
  private firstDrawn = false
  private tellFirst: () => void = () => undefined
  /** When the first picture is on the screen, or cannot be expected any more: what is less urgent waits for it. */
  readonly firstImage = new Promise<void>((resolve) => {
    this.tellFirst = resolve
  })
  /** When drawing on the GPU may begin; null where it must not. */
  readonly gpu: Promise<void> | null
  private noteTimer = 0
  private readonly endings: (() => void)[] = []

  /** @param pace when small pictures come first */
  constructor(panes: number, pace: () => Pace) {
    this.gpu = new URLSearchParams(window.location.search).has('nogpu') ? null : this.firstImage
    this.limit = budget((navigator as { deviceMemory?: number }).deviceMemory)
    this.source = new FrameSource(pace, undefined, this.limit * COMPRESSED)
    this.pictures = new PictureStore(this.limit * PICTURES, () => this.onScreen(), () => this.noteLoaded())
    this.queue = new Queue(
      (id, signal) => this.fetch(id, signal),
      (id) => (id.startsWith(SMALLER) ? this.pictures.get(id.slice(SMALLER.length)) !== undefined : this.pictures.has(id)),
      AT_ONCE,
      () => (this.source.isSlow ? (this.allShow() ? NEARBY : URGENT) : LATER),
    )
    const viewer = ++count
    this.panes = Array.from({ length: panes }, (_, index) => new Pane(this, `viewer-${viewer}-pane-${index}`))
  }

  /** Frames must be known before they are asked for. */
  register(frames: readonly Frame[]): void {
    for (const frame of frames) this.frames.set(frame.id, frame)
  }

  /** Memory one viewport may fill by loading ahead. */
  share(): number {
    const showing = this.panes.filter((pane) => pane.state.get().count > 0).length
    return (this.pictures.room * 0.8) / Math.max(1, showing)
  }

  /** How many viewports there are to be on the screen; to be said before they get their sizes. */
  arrange(viewports: number): void {
    this.crowded = viewports > ON_GPU
  }

  /** Whether there are more viewports than the GPU is asked to draw. */
  isCrowded(): boolean {
    return this.crowded
  }

  private onScreen(): ReadonlySet<string> {
    return new Set(this.panes.flatMap((pane) => pane.state.get().picture?.frame.id ?? []))
  }

  private async fetch(wish: string, signal: AbortSignal): Promise<Picture> {
    const smaller = wish.startsWith(SMALLER)
    const id = smaller ? wish.slice(SMALLER.length) : wish
    const frame = this.frames.get(id)
    if (!frame) throw new Error('This image is no longer part of an open series.')
    const held = this.pictures.get(id)
    if (held && (smaller || held.reduction === 0)) return held
    const keep = (made: Picture): void => this.keep(made, signal)
    const picture = smaller ? await loadSmaller(frame, this.source, signal) : await loadPicture(frame, this.source, signal, keep)
    this.keep(picture, signal)
    return picture
  }

  private keep(picture: Picture, signal: AbortSignal): void {
    if (this.disposed || signal.aborted || !this.pictures.add(picture)) return
    this.noteLoaded()
    for (const pane of this.panes) pane.arrived(picture)
    if (picture.reduction > 0) this.queue.look()
  }

  /** Every viewport has at least a small picture of what it was asked for. */
  private allShow(): boolean {
    return this.panes.every((pane) => pane.wanted === undefined || this.pictures.get(pane.wanted.id) !== undefined)
  }

  /** How to wish for a small picture of a frame; null when it would be no quicker than the full one, or is here. */
  smaller(frame: Frame): string | null {
    // Asked of every image of a series at each step: what is cheap to know goes first.
    const wanted = this.source.isSlow && !this.pictures.get(frame.id) && this.source.hasBeginnings(addressOf(frame)) && canBeSmaller(frame)
    return wanted ? SMALLER + frame.id : null
  }

  /** Tells the scrollbars, at most ten times a second: 500 images arriving must not mean 500 renderings. */
  private noteLoaded(): void {
    if (this.noteTimer || this.disposed) return
    this.noteTimer = window.setTimeout(() => {
      this.noteTimer = 0
      for (const pane of this.panes) if (pane.state.get().count > 0) pane.noteLoaded()
    }, 100)
  }

  /** Marks the moment the first picture was on the screen, for measurements. */
  noteFirstImage(): void {
    if (this.firstDrawn) return
    this.firstDrawn = true
    performance.mark('isocenter:first-image')
    this.tellFirst()
  }

  /** The first picture cannot be shown: nothing waits for it any longer. */
  noteNoImage(): void {
    this.tellFirst()
  }

  /** A small picture of a frame as a blob address that lives until dispose(); null when it cannot be made. */
  async thumbnailOf(frame: Frame): Promise<string | null> {
    if (frame.reason || this.disposed) return null
    this.register([frame])
    const wish = this.smaller(frame) ?? frame.id
    this.queue.plan(`thumbnail:${frame.id}`, [{ id: wish, rank: THUMBNAIL }])
    const picture = this.pictures.get(frame.id) ?? (await this.background(wish))
    if (!picture || this.isDisposed()) return null
    const blob = await thumbnail(picture, { window: ownWindow(picture), inverted: bornInverted(picture) }, THUMBNAIL_SIDE)
    return blob ? this.urlOf(blob) : null
  }

  /** The address of a picture, which lives until dispose(). */
  urlOf(blob: Blob): string | null {
    if (this.disposed) return null
    const url = URL.createObjectURL(blob)
    this.urls.add(url)
    return url
  }

  private isDisposed(): boolean {
    return this.disposed
  }

  private background(id: string): Promise<Picture | null> {
    return this.queue.follow(id).catch(() => null)
  }

  release(url: string): void {
    URL.revokeObjectURL(url)
    this.urls.delete(url)
  }

  /** For what lives as long as this and is loaded later (volumes). */
  whenEnded(ending: () => void): void {
    this.endings.push(ending)
  }

  dispose(): void {
    this.disposed = true
    for (const ending of this.endings) ending()
    this.tellFirst()
    window.clearTimeout(this.noteTimer)
    for (const pane of this.panes) pane.dispose()
    this.queue.close()
    this.pictures.clear()
    this.frames.clear()
    for (const url of this.urls) URL.revokeObjectURL(url)
    this.urls.clear()
  }
}
