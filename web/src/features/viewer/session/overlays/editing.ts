// Drawing a segmentation: which one, with what, undo, and saving it as an object of its own.
import { newUid } from '../../../../dicomweb/store'
import { explain } from '../../../../lib/http'
import { Observable } from '../../../../lib/observable'
import type { Picture } from '../../engine/picture'
import type { Frame } from '../../model/frame'
import type { Point } from '../../model/geometry'
import { nameOf, placeOf, segmentNamed, stepOf, whole, without } from '../../model/overlays/drawn'
import { gridOf } from '../../model/overlays/grid'
import { type Allowed, brushed, cut, isEmpty } from '../../model/overlays/masks'
import { type Layer, type Segmentation, fittedTo } from '../../model/overlays/segmentation'
import type { ViewerSession } from '../session'
import { type Chosen, type EditState, begun } from './editState'
import { Growing } from './growing'
import { type Change, Keeping, keptFor } from './kept'
import { type Stored, nextSeriesNumber, stored } from './saving'
import { type Overlay, type Overlays, overlaysOf } from './store'

interface Stroke {
  readonly frame: Frame
  readonly picture: Picture
  readonly before: Layer | undefined
  readonly mask: Uint8Array<ArrayBuffer>
  last: Point
}

/** Unsaved segmentations by study, so that going to the list and back loses nothing. */
const unsaved = new Map<string, { readonly overlay: Overlay; readonly frames: readonly Frame[]; readonly keeping: Keeping | null }>()

// What the browser has kept comes back by itself; who closes is asked only for what it has not.
window.addEventListener('beforeunload', (leaving) => {
  if ([...unsaved.values()].some(({ keeping }) => !keeping || keeping.failed || keeping.isBusy)) leaving.preventDefault()
})

export class Editing {
  readonly state = new Observable<EditState>(begun())
  private readonly store: Overlays
  private readonly session: ViewerSession
  /** The images that are drawn on. */
  frames: readonly Frame[] = []
  private readonly growing: Growing
  private past: (readonly Change[])[] = []
  private future: (readonly Change[])[] = []
  private stroke: Stroke | null = null
  private keeping: Keeping | null = null

  constructor(session: ViewerSession) {
    this.session = session
    this.store = overlaysOf(session)
    this.growing = new Growing(session, this)
    let { tool } = session.state.get()
    session.state.subscribe(() => {
      const now = session.state.get().tool
      // Another tool was taken into the hand.
      if (now !== tool) this.patch({ tool: null })
      tool = now
    })
    const kept = unsaved.get(this.study)
    if (kept) {
      this.start(kept.overlay, kept.frames, true)
      this.keeping = kept.keeping
    } else void session.engine.firstImage.then(() => this.restore())
  }

  /** What another window, or this one before it was closed, has left undone. */
  private async restore(): Promise<void> {
    const kept = await keptFor(this.study).catch(() => undefined)
    if (!kept || this.state.get().target !== null || !this.session.seriesOf(kept.series)) return
    const { frames } = await this.session.imagesOf(kept.series)
    this.start(kept.overlay, frames, true)
    this.past = [...kept.past]
    this.future = [...kept.future]
    this.keeping = new Keeping(this.study, kept.overlay.id)
    unsaved.set(this.study, { overlay: kept.overlay, frames, keeping: this.keeping })
    this.patch({ tool: null, message: 'This is what you drew before; it is not saved in the archive yet.' })
    this.tell()
  }

  /** Into the browser, after each step. */
  private keep(): void {
    const { target, dirty } = this.state.get()
    const overlay = this.store.get(target ?? '')
    const series = this.frames[0]?.instance.seriesInstanceUID
    if (!overlay || !dirty || series === undefined) return
    this.keeping ??= new Keeping(this.study, overlay.id)
    this.keeping.keep({ overlay, series, past: this.past, future: this.future, at: Date.now() })
    unsaved.set(this.study, { overlay, frames: this.frames, keeping: this.keeping })
  }

  private forget(): void {
    this.keeping?.forget()
    this.keeping = null
    unsaved.delete(this.study)
  }

  private get study(): string {
    return this.session.state.get().groups[0]?.study.StudyInstanceUID ?? ''
  }

  private patch(change: Partial<EditState>): void {
    this.state.update((now) => ({ ...now, ...change }))
  }

  set(change: Partial<Pick<EditState, keyof Chosen | 'tool' | 'fraction' | 'segment'>>): void {
    this.patch({ ...change, message: '' })
  }

  /** The segmentation that is drawn. */
  get target(): (Overlay & { readonly segmentation: Segmentation }) | undefined {
    const overlay = this.store.get(this.state.get().target ?? '')
    return overlay?.content.kind === 'segmentation' ? { ...overlay, segmentation: overlay.content.segmentation } : undefined
  }

  /** Whether a picture is one that can be drawn on now. */
  isOn(frame: Frame): boolean {
    return this.target !== undefined && this.frames.some((each) => each.id === frame.id)
  }

  // --- beginning

  /** A new segmentation on the images of the active viewport. */
  begin(): void {
    const { frames } = this.session.activePane
    const first = frames[0]
    if (!first || !gridOf(first)) {
      this.patch({ message: 'Segments can be drawn on images that say where they lie in the patient. Those of this viewport do not.' })
      return
    }
    const segmentation: Segmentation = { type: 'BINARY', label: '', segments: [segmentNamed(1, 'Segment 1')], layers: [], step: stepOf(frames), series: [first.instance.seriesInstanceUID] }
    this.start(this.made('New segmentation', segmentation), frames, false)
  }

  /** What is loaded, to be changed and saved as another object; the one it comes from stays as it is. */
  edit(overlay: Overlay): void {
    if (overlay.content.kind !== 'segmentation') return
    const { segmentation } = overlay.content
    const { frames } = this.session.activePane
    const fitted = fittedTo(segmentation, frames)
    if (!fitted) {
      this.patch({ message: 'This segmentation has other pixels than the images of the chosen viewport. Show the images it was drawn on, then try again.' })
      return
    }
    if (overlay.shown) this.store.toggle(overlay.id)
    this.start(this.made(overlay.title, { ...segmentation, layers: fitted, step: stepOf(frames) ?? segmentation.step }), frames, false)
  }

  private made(title: string, segmentation: Segmentation): Overlay {
    return { id: newUid(), seriesInstanceUID: '', title, content: { kind: 'segmentation', segmentation }, shown: true, hidden: new Set() }
  }

  private start(overlay: Overlay, frames: readonly Frame[], dirty: boolean): void {
    this.frames = frames
    this.past = []
    this.future = []
    this.keeping = null
    this.store.put(overlay)
    const first = overlay.content.kind === 'segmentation' ? overlay.content.segmentation.segments[0]?.number : undefined
    this.patch({ ...begun(this.state.get()), target: overlay.id, segment: first ?? 1, tool: 'brush', dirty })
  }

  /** Leaves drawing; what is not saved is thrown away when the person says so. */
  end(discard: boolean): void {
    const { target, dirty } = this.state.get()
    if (dirty && !discard) return
    const overlay = target === null ? undefined : this.store.get(target)
    if (overlay?.seriesInstanceUID === '') this.store.remove(overlay.id)
    this.forget()
    this.patch(begun(this.state.get()))
  }

  // --- segments

  addSegment(): void {
    const { target } = this
    if (!target) return
    const number = Math.max(0, ...target.segmentation.segments.map((segment) => segment.number)) + 1
    this.change({ ...target.segmentation, segments: [...target.segmentation.segments, segmentNamed(number, `Segment ${number}`)] })
    this.patch({ segment: number })
    this.keep()
  }

  rename(number: number, label: string): void {
    const { target } = this
    if (target) this.change({ ...target.segmentation, segments: target.segmentation.segments.map((segment) => (segment.number === number ? { ...segment, label } : segment)) })
    this.keep()
  }

  setType(type: Segmentation['type']): void {
    const { target } = this
    if (!target) return
    const { layers } = target.segmentation
    this.change({ ...target.segmentation, type, layers: type === 'FRACTIONAL' ? layers : layers.map(whole) })
    this.keep()
  }

  private change(segmentation: Segmentation): void {
    const overlay = this.store.get(this.state.get().target ?? '')
    if (!overlay) return
    const next: Overlay = { ...overlay, content: { kind: 'segmentation', segmentation } }
    this.store.put(next)
    unsaved.set(this.study, { overlay: next, frames: this.frames, keeping: this.keeping })
    this.patch({ dirty: true, message: '' })
  }

  private put(segment: number, place: string, layer: Layer | undefined): void {
    const { target } = this
    if (!target) return
    const others = target.segmentation.layers.filter((each) => each.segment !== segment || placeOf(each) !== place)
    this.change({ ...target.segmentation, layers: layer ? [...others, layer] : others })
  }

  /** What is drawn of the segment on an image. */
  layerOn(frame: Frame): Layer | undefined {
    const { segment } = this.state.get()
    return this.target?.segmentation.layers.find((layer) => layer.segment === segment && placeOf(layer) === nameOf(frame))
  }

  private layerOf(frame: Frame, mask: Uint8Array): Layer {
    const { columns, rows } = frame.extent
    return { segment: this.state.get().segment, columns, rows, grid: gridOf(frame), sources: [{ sopInstanceUID: frame.instance.sopInstanceUID, frame: frame.number }], mask }
  }

  // --- strokes

  press(at: Point, picture: Picture): void {
    const { frame } = picture
    if (!this.isOn(frame) || picture.reduction > 0) return
    const { tool } = this.state.get()
    if (tool === 'grow') this.growing.from(at, picture)
    if (tool === 'drop') void this.growing.drop(at, frame)
    if (tool === 'grow' || tool === 'drop') return
    const before = this.layerOn(frame)
    const mask = before ? Uint8Array.from(before.mask) : new Uint8Array(frame.extent.columns * frame.extent.rows)
    this.stroke = { frame, picture, before, mask, last: at }
    this.move(at)
  }

  move(to: Point): void {
    const { stroke } = this
    const { tool, radius, line } = this.state.get()
    if (!stroke || tool === null) return
    if (tool === 'fill' || tool === 'cut') {
      this.patch({ line: [...line, to] })
      return
    }
    const { columns, rows } = stroke.frame.extent
    brushed({ columns, rows, mask: stroke.mask }, stroke.last, to, radius, gridOf(stroke.frame)?.spacing ?? [1, 1], tool === 'eraser' ? 0 : this.painted, tool === 'threshold' ? this.within(stroke.picture) : undefined)
    stroke.last = to
    this.show(stroke)
  }

  release(): void {
    const { stroke } = this
    const { tool, line } = this.state.get()
    this.stroke = null
    if (!stroke || tool === null) return
    if (line.length > 2) cut({ columns: stroke.frame.extent.columns, rows: stroke.frame.extent.rows, mask: stroke.mask }, line, tool === 'cut' ? 0 : this.painted)
    this.patch({ line: [] })
    this.show(stroke)
    this.remember([{ segment: this.state.get().segment, frame: nameOf(stroke.frame), before: stroke.before, after: this.layerOn(stroke.frame) }, ...this.takenFromOthers(stroke)])
  }

  /** The value a stroke gives. */
  private get painted(): number {
    return this.target?.segmentation.type === 'FRACTIONAL' ? Math.round(this.state.get().fraction * 255) : 255
  }

  /** In a label map a pixel belongs to one segment: the one that it was painted as last. */
  private takenFromOthers({ frame, mask }: Pick<Stroke, 'frame' | 'mask'>): Change[] {
    const { target } = this
    const { segment } = this.state.get()
    if (target?.segmentation.type !== 'LABELMAP') return []
    const others = target.segmentation.layers.filter((layer) => layer.segment !== segment && placeOf(layer) === nameOf(frame))
    return others.flatMap((before): Change[] => {
      const after = without(before, mask)
      if (after === before) return []
      this.put(before.segment, nameOf(frame), after)
      return [{ segment: before.segment, frame: nameOf(frame), before, after }]
    })
  }

  /** Same bytes, another array: whoever keeps something by the mask notices. */
  private show({ frame, mask }: Stroke): void {
    this.put(this.state.get().segment, nameOf(frame), isEmpty(mask) ? undefined : this.layerOf(frame, new Uint8Array(mask.buffer)))
  }

  private within({ pixels }: Picture): Allowed {
    const [low, high] = this.state.get().range
    if (pixels.color) return () => true
    return (index) => {
      const value = pixels.data[index] ?? Number.NaN
      return value >= low && value <= high
    }
  }

  // --- all images at once

  /** Tells what becomes of looking through the images. */
  note(message: string, growing = false): void {
    this.patch({ message, growing })
  }

  markAll(): void {
    this.growing.everywhere()
  }

  stop(): void {
    this.growing.stop()
  }

  /** Adds masks, by the place of their image in the stack, to the segment as one step, or takes them from it. */
  mark(masks: ReadonlyMap<number, Uint8Array>, inside: boolean): void {
    const { segment } = this.state.get()
    const value = inside ? this.painted : 0
    const changes = [...masks].flatMap(([place, marked]): Change[] => {
      const frame = this.frames[place]
      if (!frame) return []
      const before = this.layerOn(frame)
      const mask = marked.map((each, index) => (each > 0 ? value : (before?.mask[index] ?? 0)))
      const after = isEmpty(mask) ? undefined : this.layerOf(frame, mask)
      this.put(segment, nameOf(frame), after)
      return [{ segment, frame: nameOf(frame), before, after }, ...(inside ? this.takenFromOthers({ frame, mask }) : [])]
    })
    this.remember(changes)
  }

  /** Fills the images between those that are drawn, by the shapes on both sides. */
  fillBetween(): void {
    this.growing.between()
  }

  private remember(changes: readonly Change[]): void {
    this.past.push(changes)
    this.future = []
    this.tell()
  }

  private tell(): void {
    this.patch({ canUndo: this.past.length > 0, canRedo: this.future.length > 0 })
    this.keep()
  }

  undo(): void {
    const changes = this.past.pop()
    if (!changes) return
    this.future.push(changes)
    for (const { segment, frame, before } of changes) this.put(segment, frame, before)
    this.tell()
  }

  redo(): void {
    const changes = this.future.pop()
    if (!changes) return
    this.past.push(changes)
    for (const { segment, frame, after } of changes) this.put(segment, frame, after)
    this.tell()
  }

  // --- saving

  /** Stores it as a series of its own in the study of its images. Failures are told; nothing that was drawn is lost by them. */
  async save(label: string, author: string, as: 'segmentation' | 'structures' = 'segmentation'): Promise<void> {
    const { target } = this
    if (!target) return
    this.patch({ saving: true, message: '' })
    const { segmentation } = target
    try {
      const made = await stored({ label, author, seriesNumber: nextSeriesNumber(this.session), segmentation, frames: this.frames }, as)
      if (as === 'segmentation') this.saved(target, made, label, segmentation)
      else this.patch({ saving: false, message: 'Saved in the archive as RT structures, a series of its own. The segments are still here.' })
    } catch (error) {
      this.patch({ saving: false, message: `${explain(error).what} What you drew is still here.` })
    }
  }

  private saved(target: Overlay, { sopInstanceUID, series, contentLabel }: Stored, label: string, drawn: Segmentation): void {
    const latest = this.target?.segmentation ?? drawn
    this.store.remove(target.id)
    this.store.put({ ...target, id: sopInstanceUID, seriesInstanceUID: series, title: label, content: { kind: 'segmentation', segmentation: { ...latest, label: contentLabel } } })
    this.store.patch({ loading: new Map(this.store.state.get().loading).set(series, 'loaded') })
    // Drawn while it was being stored?
    const dirty = latest !== drawn
    this.forget()
    this.patch({ target: sopInstanceUID, saving: false, dirty, message: 'Saved in the archive as a series of its own.' })
    this.keep()
  }
}

const held = new WeakMap<ViewerSession, Editing>()

export function editingOf(session: ViewerSession): Editing {
  const known = held.get(session) ?? new Editing(session)
  held.set(session, known)
  return known
}
