// Draws what lies on a picture: areas and outlines of segments, contours, dose. One canvas above the picture, in screen pixels.
import type { Frame } from '../../model/frame'
import { type Dose, ISODOSES, type Slice, doseOn, isodose, wash } from '../../model/overlays/dose'
import { type Grid, between, chained, gridOf } from '../../model/overlays/grid'
import { borders } from '../../model/overlays/masks'
import type { Rgb } from '../../model/overlays/colors'
import { type Layer, type Segmentation, layersOn } from '../../model/overlays/segmentation'
import { type Drawn, type StructureSet, contoursOn } from '../../model/overlays/structures'
import { type Affine, apply } from '../../model/view'
import type { Overlay, OverlayState } from '../../session/overlays/store'

const HERE: Affine = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 }
const css = ([r, g, b]: Rgb, alpha = 1): string => `rgb(${r} ${g} ${b} / ${alpha})`

interface Drawing {
  readonly context: CanvasRenderingContext2D
  readonly frame: Frame
  readonly grid: Grid | undefined
  /** From picture to screen, in pixels of the canvas. */
  readonly affine: Affine
  readonly ratio: number
  readonly state: OverlayState
}

/** @returns how many segments, contours and doses were drawn */
export function drawOverlays(canvas: HTMLCanvasElement, frame: Frame, view: Affine, state: OverlayState): number {
  const context = canvas.getContext('2d')
  if (!context) return 0
  const ratio = window.devicePixelRatio || 1
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, canvas.width, canvas.height)
  const affine = chained(view, { a: ratio, b: 0, c: 0, d: ratio, e: 0, f: 0 })
  const drawing: Drawing = { context, frame, grid: gridOf(frame), affine, ratio, state }
  const order = { dose: 0, segmentation: 1, structures: 2 }
  const shown = state.overlays.filter((overlay) => overlay.shown).sort((a, b) => order[a.content.kind] - order[b.content.kind])
  return shown.reduce((sum, overlay) => sum + drawOne(drawing, overlay), 0)
}

function drawOne(drawing: Drawing, { content, hidden }: Overlay): number {
  if (content.kind === 'segmentation') return drawSegments(drawing, content.segmentation, hidden)
  if (content.kind === 'structures') return drawStructures(drawing, content.structures, hidden)
  return drawDose(drawing, content.dose)
}

// --- segments

/** From the layer's pixels to those of the picture. */
function placeOf(layer: Layer, { grid, frame }: Drawing): Affine {
  if (layer.grid && grid) return between(layer.grid, grid)
  const { columns, rows } = frame.extent
  const [x, y] = [columns / layer.columns, rows / layer.rows]
  return { ...HERE, a: x, d: y, e: (x - 1) / 2, f: (y - 1) / 2 }
}

const areas = new WeakMap<Uint8Array, { readonly color: string; readonly image: HTMLCanvasElement }>()

function areaOf(layer: Layer, color: Rgb): HTMLCanvasElement {
  const known = areas.get(layer.mask)
  if (known?.color === css(color)) return known.image
  const image = filled(layer, color, known?.image)
  areas.set(layer.mask, { color: css(color), image })
  return image
}

/** A mask as a picture of one colour. */
export function filled({ columns, rows, mask }: Layer, color: Rgb, image = document.createElement('canvas')): HTMLCanvasElement {
  image.width = columns
  image.height = rows
  const context = image.getContext('2d')
  const data = context?.createImageData(columns, rows)
  if (context && data) {
    for (let index = 0; index < mask.length; index++) data.data.set([color[0], color[1], color[2], mask[index] ?? 0], index * 4)
    context.putImageData(data, 0, 0)
  }
  return image
}

const lines = new WeakMap<Uint8Array, readonly number[]>()

function bordersOf(layer: Layer): readonly number[] {
  const found = lines.get(layer.mask) ?? borders(layer)
  lines.set(layer.mask, found)
  return found
}

function drawSegments(drawing: Drawing, segmentation: Segmentation, hidden: ReadonlySet<number>): number {
  const { context, state, frame } = drawing
  const colors = new Map(segmentation.segments.map((segment) => [segment.number, segment.color]))
  const here = layersOn(segmentation, frame).filter((layer) => !hidden.has(layer.segment))
  for (const layer of here) {
    const color = colors.get(layer.segment) ?? [230, 90, 80]
    const to = chained(placeOf(layer, drawing), drawing.affine)
    context.save()
    context.globalAlpha = state.opacity
    context.imageSmoothingEnabled = false
    context.setTransform(to.a, to.b, to.c, to.d, to.e, to.f)
    context.drawImage(areaOf(layer, color), -0.5, -0.5)
    context.restore()
    if (state.outlines) stroke(drawing, bordersOf(layer), to, color, 1.5)
  }
  return here.length
}

/** Line pieces [x1, y1, x2, y2], as wide on the screen whatever the magnification. */
export function stroke({ context, ratio }: Pick<Drawing, 'context' | 'ratio'>, pieces: readonly number[], to: Affine, color: Rgb, width: number): void {
  context.beginPath()
  for (let at = 0; at + 3 < pieces.length; at += 4) {
    context.moveTo(...apply(to, [pieces[at] ?? 0, pieces[at + 1] ?? 0]))
    context.lineTo(...apply(to, [pieces[at + 2] ?? 0, pieces[at + 3] ?? 0]))
  }
  context.lineWidth = width * ratio
  context.strokeStyle = css(color)
  context.stroke()
}

// --- structures

function drawStructures(drawing: Drawing, set: StructureSet, hidden: ReadonlySet<number>): number {
  const { grid, frame, affine } = drawing
  if (!grid) return 0
  return set.structures.reduce((count, structure) => (hidden.has(structure.number) ? count : count + drawContours(drawing, contoursOn(structure, grid, frame.thickness), affine, structure.color)), 0)
}

/** Contours in pixels of a picture. @returns how many */
export function drawContours({ context, ratio, state }: Pick<Drawing, 'context' | 'ratio' | 'state'>, contours: readonly Drawn[], affine: Affine, color: Rgb): number {
  for (const { closed, points } of contours) {
    const path = new Path2D()
    points.forEach((point, index) => {
      const [x, y] = apply(affine, point)
      if (points.length === 1) path.rect(x - 3 * ratio, y - 3 * ratio, 6 * ratio, 6 * ratio)
      else if (index === 0) path.moveTo(x, y)
      else path.lineTo(x, y)
    })
    if (closed) path.closePath()
    if (closed && !state.outlines) {
      context.fillStyle = css(color, state.opacity)
      context.fill(path, 'evenodd')
    }
    context.lineWidth = 1.75 * ratio
    context.strokeStyle = css(color)
    context.stroke(path)
  }
  return contours.length
}

// --- dose

interface Painted {
  readonly slice: Slice | undefined
  readonly reference: number
  image?: HTMLCanvasElement
}

const doses = new WeakMap<Dose, Map<string, Painted>>()
const KEPT = 24

function paintedOf(dose: Dose, grid: Grid, frame: Frame, reference: number): Painted {
  const kept = doses.get(dose) ?? new Map<string, Painted>()
  doses.set(dose, kept)
  const known = kept.get(frame.id)
  if (known?.reference === reference) return known
  const made: Painted = { slice: known ? known.slice : doseOn(dose, grid), reference }
  kept.set(frame.id, made)
  const [oldest] = kept.keys()
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest)
  return made
}

export function washed({ values, columns, rows }: Slice, reference: number): HTMLCanvasElement {
  const image = document.createElement('canvas')
  image.width = columns
  image.height = rows
  const context = image.getContext('2d')
  const data = context?.createImageData(columns, rows)
  if (context && data) {
    values.forEach((value, index) => {
      const color = wash(value / reference)
      if (color) data.data.set([...color, 255], index * 4)
    })
    context.putImageData(data, 0, 0)
  }
  return image
}

function drawDose(drawing: Drawing, dose: Dose): number {
  const { context, grid, frame, affine, state } = drawing
  const reference = state.reference ?? dose.max
  if (!grid || reference <= 0) return 0
  const painted = paintedOf(dose, grid, frame, reference)
  const { slice } = painted
  if (!slice) return 0
  if (state.wash) {
    painted.image ??= washed(slice, reference)
    const to = chained({ ...HERE, a: slice.stride, d: slice.stride }, affine)
    context.save()
    context.globalAlpha = state.opacity
    context.setTransform(to.a, to.b, to.c, to.d, to.e, to.f)
    context.drawImage(painted.image, -0.5, -0.5)
    context.restore()
  }
  if (state.isodoses) for (const { percent, color } of ISODOSES) stroke(drawing, isodose(slice, (reference * percent) / 100), affine, color, 1.25)
  return 1
}
