// Mouse, pen and fingers on one viewport (FIELD 5.1): as delivered left = tool, middle = pan, right drag = zoom; right click = menu, left and right
// together = fast scroll, wheel = scroll; one finger = tool (scroll by default), two = pinch and pan, three = scroll.
import type { Pane } from '../engine/pane'
import { BUTTONS, type Drag, dragOf } from '../model/controls'
import { DRAG, DragScroll, IMAGES, Wheel, paceOf, pixelsPerImage } from '../model/gestures'
import type { Point } from '../model/geometry'
import { KINDS, type Kind } from '../model/measure'
import { windowOfRegion } from '../model/regionWindow'
import { apply, invert } from '../model/view'
import { controlsNow } from '../session/controls'
import { valuesOf } from '../session/measurements'
import type { Tool, ViewerSession } from '../session/session'

const CLICK = 4 // pixels a hand may tremble during a click
const BOTH = 3 // left and right in PointerEvent.buttons
const ZOOM_PER_PIXEL = 1.008

const isKind = (tool: Tool): tool is Kind => (KINDS as readonly string[]).includes(tool)

type Action = Exclude<Drag, 'tool'> | 'cursor' | 'regionWindow' | 'dragProbe' | 'magnify' | 'draw' | 'edit' | 'pinch' | 'chord' | 'swipe'

/** Scrollbar, cine player and buttons lie on the picture but are not the picture. */
// Pages and objects with a hand of their own: they scroll, select and measure as they do.
const inContent = (event: Event): boolean => event.target instanceof Element && event.target.closest('.object, .report-page') !== null
const onControl = (event: Event): boolean => event.target instanceof Element && event.target.closest('button, .cine, .pane-scroll') !== null

interface Grip {
  readonly id: string
  /** Index of the point, or -1 for the whole. */
  readonly point: number
  readonly from: Point
  readonly points: readonly Point[]
  /** Its words are moved and not the shape: where they began. */
  readonly words: Point | null
}

export class PaneInput {
  private readonly host: HTMLElement
  private readonly pane: Pane
  private readonly session: ViewerSession
  private readonly index: number
  private readonly pointers = new Map<number, Point>()
  private readonly listening = new AbortController()
  private action: Action | null = null
  private start: Point = [0, 0]
  private last: Point = [0, 0]
  private moved = false
  private button = 0
  private held = false
  private grip: Grip | null = null
  private scrolling = new DragScroll()
  private readonly wheel = new Wheel()

  constructor(host: HTMLElement, pane: Pane, session: ViewerSession, index: number) {
    this.host = host
    this.pane = pane
    this.session = session
    this.index = index
    const { signal } = this.listening
    host.addEventListener('pointerdown', (event) => (inContent(event) ? session.setActive(index) : this.down(event)), { signal })
    host.addEventListener('pointermove', (event) => this.move(event), { signal })
    host.addEventListener('pointerup', (event) => this.up(event), { signal })
    host.addEventListener('pointercancel', (event) => this.lost(event), { signal })
    host.addEventListener('wheel', (event) => !inContent(event) && this.turned(event), { signal, passive: false })
    host.addEventListener('dblclick', (event) => !onControl(event) && !inContent(event) && this.double(event), { signal })
    host.addEventListener('contextmenu', (event) => !inContent(event) && this.menu(event), { signal })
    // The middle button would start the browser's own scrolling.
    host.addEventListener('mousedown', (event) => event.button === 1 && event.preventDefault(), { signal })
  }

  dispose(): void {
    this.listening.abort()
  }

  private at(event: PointerEvent | MouseEvent): Point {
    const box = this.host.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  private inImage(at: Point): Point | null {
    const affine = this.pane.affine()
    return affine && apply(invert(affine), at)
  }

  private down(event: PointerEvent): void {
    if (onControl(event)) return
    this.session.setActive(this.index)
    this.session.openMenu(null)
    const at = this.at(event)
    this.pointers.set(event.pointerId, at)
    this.host.setPointerCapture(event.pointerId)
    if (this.pointers.size === 2) {
      this.session.measurements.cancel()
      this.action = 'pinch'
      return
    }
    this.scrolling = new DragScroll()
    if (this.pointers.size === 3) this.action = 'swipe'
    if (this.pointers.size > 1) return
    this.start = this.last = at
    this.moved = false
    this.button = event.button
    this.action = this.begin(event, at)
  }

  private begin(event: PointerEvent, at: Point): Action | null {
    const button = BUTTONS[event.button]
    if (!button) return null
    const { drag, held } = dragOf(button, event, controlsNow().hand)
    this.held = held
    return drag === 'tool' ? this.beginTool(event, at) : drag
  }

  private beginTool(event: PointerEvent, at: Point): Action | null {
    const { measurements } = this.session
    const point = this.inImage(at)
    const { picture } = this.pane.state.get()
    const { draft, all } = measurements.state.get()
    if (draft && picture && point) {
      measurements.press(point, picture)
      return 'draw' // the next point of an angle
    }
    const held = (event.target as Element).closest<SVGElement>('[data-measurement]')
    const measurement = held && all.find((candidate) => candidate.id === held.dataset.measurement)
    if (measurement && point && this.mayMeasure()) {
      measurements.beginEdit(measurement.id)
      this.grip = { id: measurement.id, point: Number(held.dataset.handle ?? -1), from: point, points: measurement.points, words: this.wordsOf(held) }
      return 'edit'
    }
    measurements.select(null)
    const { tool } = this.session.state.get()
    if (tool === 'cursor' && point) this.session.linking.pointAt(this.pane, point)
    if (tool !== 'regionWindow' && tool !== 'dragProbe' && !isKind(tool)) return tool
    if (!picture || !point || !this.mayMeasure()) return null
    // Both are drawn and not kept: what they say is gone with the press.
    if (tool === 'regionWindow' || tool === 'dragProbe') {
      measurements.begin(tool === 'dragProbe' ? 'probe' : 'rectangle', point, picture)
      return tool
    }
    measurements.begin(tool, point, picture)
    return 'draw'
  }

  /** Where words that are held begin on the image; null when something else is held. */
  private wordsOf({ dataset: { words } }: SVGElement): Point | null {
    const [x, y] = words?.split(',').map(Number) ?? []
    return x === undefined || y === undefined ? null : this.inImage([x, y])
  }

  /** Only on the image's own pixels: values and edges of a smaller picture are others. */
  private mayMeasure(): boolean {
    const { picture } = this.pane.state.get()
    if (picture?.reduction === 0) return true
    if (picture) this.pane.refuse()
    return false
  }

  private move(event: PointerEvent): void {
    const at = this.at(event)
    if (!this.pointers.has(event.pointerId)) {
      this.hover(at)
      return
    }
    const before = this.pointers.get(event.pointerId) ?? at
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point)
    this.pointers.set(event.pointerId, at)
    if (this.action === 'pinch') {
      if (others[0]) this.pinch(before, at, others[0])
      return
    }
    if (this.action === 'swipe') {
      // Each of three fingers brings a third of the way.
      this.dragScroll((at[1] - before[1]) / 3)
      return
    }
    // A second button is no new press (Pointer Events 10.1): it shows here.
    if (event.pointerType === 'mouse' && this.isChord(event, at)) return
    let by: Point = [at[0] - this.last[0], at[1] - this.last[1]]
    this.last = at
    if (!this.moved && Math.hypot(at[0] - this.start[0], at[1] - this.start[1]) < (event.pointerType === 'touch' ? CLICK * 2 : CLICK)) {
      if (this.action !== 'draw' && this.action !== 'edit') return
    } else if (!this.moved) {
      this.moved = true
      // Nothing of the way is lost to the threshold, so that a drag of n pixels is worth n pixels.
      by = [at[0] - this.start[0], at[1] - this.start[1]]
    }
    // A held key that chose the action says nothing about its pace.
    const pace = DRAG[this.held ? 'plain' : paceOf(event)]
    this.drag(at, by, pace)
  }

  /** Left and right together scroll fast, until both are up again: what the first of them had begun is taken back. */
  private isChord(event: PointerEvent, at: Point): boolean {
    const both = (event.buttons & BOTH) === BOTH
    if (both && this.action !== 'chord') {
      this.session.measurements.cancel()
      if (this.action === 'edit') this.session.measurements.endEdit()
      this.action = 'chord'
    } else if (both) this.dragScroll(at[1] - this.last[1], true)
    if (this.action !== 'chord') return false
    this.last = at
    return true
  }

  /** An angle's last point follows the pointer without a button. */
  private hover(at: Point): void {
    const { draft } = this.session.measurements.state.get()
    const { picture } = this.pane.state.get()
    const point = draft && this.inImage(at)
    if (picture && point) this.session.measurements.move(point, picture)
  }

  private drag(at: Point, by: Point, pace: number): void {
    const point = this.inImage(at)
    const { picture } = this.pane.state.get()
    switch (this.action) {
      case 'window':
        // Up is brighter unless the reader learnt it the other way round.
        this.pane.dragWindow([by[0] * pace, by[1] * pace * (controlsNow().upIsDarker ? -1 : 1)])
        break
      case 'pan':
        this.pane.pan(by)
        break
      case 'zoom':
        // Up is closer; the point under the first press stays.
        this.pane.zoom(ZOOM_PER_PIXEL ** -by[1], this.start)
        break
      case 'scroll':
        this.dragScroll(by[1] * pace)
        break
      case 'cursor':
        if (point) this.session.linking.pointAt(this.pane, point)
        break
      case 'draw':
      case 'regionWindow':
      case 'dragProbe':
        if (point && picture) this.session.measurements.move(point, picture)
        break
      case 'edit':
        if (point && picture) this.reshape(point)
        break
    }
  }

  private dragScroll(by: number, fast = false): void {
    const { count, size } = this.pane.state.get()
    const images = this.scrolling.images(by, pixelsPerImage(count, size.height, fast))
    if (images !== 0) this.pane.scroll(images)
  }

  private reshape(to: Point): void {
    const { grip } = this
    const { picture } = this.pane.state.get()
    if (!grip || !picture) return
    if (grip.words) this.session.measurements.moveWords(grip.id, [grip.words[0] + to[0] - grip.from[0], grip.words[1] + to[1] - grip.from[1]])
    else this.session.measurements.reshape(grip.id, grip.points, grip.point, grip.from, to, picture)
  }

  private pinch(before: Point, at: Point, other: Point): void {
    const was = Math.hypot(before[0] - other[0], before[1] - other[1])
    const is = Math.hypot(at[0] - other[0], at[1] - other[1])
    const middle: Point = [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2]
    this.pane.pan([(at[0] - before[0]) / 2, (at[1] - before[1]) / 2])
    if (was > 10 && is > 10) this.pane.zoom(is / was, middle)
  }

  private up(event: PointerEvent): void {
    if (!this.pointers.delete(event.pointerId)) return
    const { measurements } = this.session
    const { picture } = this.pane.state.get()
    const point = this.inImage(this.at(event))
    if (this.action === 'draw' && picture && point) {
      // A click sets the first point and the second click the next; a drag sets both.
      const { draft } = measurements.state.get()
      if (this.moved || draft?.points.length === 1 || !measurements.isDot()) measurements.place(point, picture)
    } else if (this.action === 'regionWindow') this.windowFromRegion()
    else if (this.action === 'dragProbe') measurements.cancel()
    else if (this.action === 'edit') measurements.endEdit()
    else if (this.button === 2 && !this.moved && this.action && this.action !== 'chord') this.session.openMenu({ x: event.clientX, y: event.clientY })
    // Fingers leave one after the other; the last ones must not begin something else.
    if (this.pointers.size === 0 || (this.action !== 'pinch' && this.action !== 'swipe')) this.action = null
    this.grip = null
  }

  /** The grey values under the rectangle fill the window. */
  private windowFromRegion(): void {
    const { draft } = this.session.measurements.state.get()
    const { picture } = this.pane.state.get()
    this.session.measurements.cancel()
    const window = draft && picture && windowOfRegion(draft.points, valuesOf(picture))
    if (window) this.pane.setWindow(window)
  }

  private lost(event: PointerEvent): void {
    this.pointers.delete(event.pointerId)
    this.session.measurements.cancel()
    this.action = null
    this.grip = null
  }

  private turned(event: WheelEvent): void {
    event.preventDefault()
    this.session.setActive(this.index)
    // Trackpad pinches arrive as wheel with Ctrl.
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey) {
      this.pane.zoom(Math.exp(-event.deltaY / 200), this.at(event))
      return
    }
    // Shift turns the wheel sideways in some browsers.
    const notches = this.wheel.notches(event.deltaY || event.deltaX, event.deltaMode === WheelEvent.DOM_DELTA_LINE)
    if (notches !== 0) this.pane.scroll(notches * IMAGES[paceOf(event)])
  }

  private double(event: MouseEvent): void {
    const { measurements } = this.session
    const { picture } = this.pane.state.get()
    // The pane holds the pointer, so it is the target whatever lies below.
    const named = document.elementFromPoint(event.clientX, event.clientY)?.closest<SVGElement>('[data-measurement]')?.dataset.measurement
    if (picture && measurements.finish(picture)) return
    if (named) measurements.beginNaming(named)
    else if (!isKind(this.session.state.get().tool)) this.session.toggleAlone()
  }

  private menu(event: MouseEvent): void {
    event.preventDefault()
    // A mouse opens ours on release, when it is known that it was no drag; a long touch and the menu key open it here.
    if (event.button !== 2 || (event as PointerEvent).pointerType === 'touch') this.session.openMenu({ x: event.clientX, y: event.clientY })
  }
}
