// Draws segments, structures and dose on a plane through a volume. One canvas above the picture, in screen pixels.
import type { Rgb } from '../../model/overlays/colors'
import { type Dose, ISODOSES, doseOn, isodose } from '../../model/overlays/dose'
import { type Grid, pixelOf } from '../../model/overlays/grid'
import { borders } from '../../model/overlays/masks'
import { segmentsOn, structureOn } from '../../model/overlays/onPlane'
import type { Layer } from '../../model/overlays/segmentation'
import { contoursOn } from '../../model/overlays/structures'
import type { Affine } from '../../model/view'
import type { Overlay, OverlayState } from '../../session/overlays/store'
import { drawContours, filled, stroke, washed } from '../overlays/drawing'

interface Drawing {
  readonly context: CanvasRenderingContext2D
  readonly plane: Grid
  readonly ratio: number
  readonly state: OverlayState
}

const placeOf = (grid: Grid, { plane, ratio }: Drawing): Affine => {
  const [left, top] = pixelOf(plane, grid.origin)
  return { a: ratio, b: 0, c: 0, d: ratio, e: (left + 0.5) * ratio, f: (top + 0.5) * ratio }
}

function drawLayer(drawing: Drawing, layer: Layer | undefined, color: Rgb, area = true): number {
  if (!layer?.grid || !layer.mask.some((value) => value > 0)) return 0
  const { context, state } = drawing
  const to = placeOf(layer.grid, drawing)
  if (area) {
    context.save()
    context.globalAlpha = state.opacity
    context.imageSmoothingEnabled = false
    context.setTransform(to.a, to.b, to.c, to.d, to.e, to.f)
    context.drawImage(filled(layer, color), -0.5, -0.5)
    context.restore()
  }
  if (state.outlines) stroke(drawing, borders(layer), to, color, 1.5)
  return 1
}

function drawDose(drawing: Drawing, dose: Dose): number {
  const { context, plane, ratio, state } = drawing
  const reference = state.reference ?? dose.max
  const slice = reference > 0 ? doseOn(dose, plane) : undefined
  if (!slice) return 0
  const screen: Affine = { a: ratio, b: 0, c: 0, d: ratio, e: ratio / 2, f: ratio / 2 }
  if (state.wash) {
    context.save()
    context.globalAlpha = state.opacity
    context.setTransform(ratio * slice.stride, 0, 0, ratio * slice.stride, ratio / 2, ratio / 2)
    context.drawImage(washed(slice, reference), -0.5, -0.5)
    context.restore()
  }
  if (state.isodoses) for (const { percent, color } of ISODOSES) stroke(drawing, isodose(slice, (reference * percent) / 100), screen, color, 1.25)
  return 1
}

function drawOne(drawing: Drawing, { content, hidden }: Overlay): number {
  if (content.kind === 'dose') return drawDose(drawing, content.dose)
  if (content.kind === 'segmentation') {
    const colors = new Map(content.segmentation.segments.map((segment) => [segment.number, segment.color]))
    return segmentsOn(content.segmentation, drawing.plane, hidden).reduce((count, layer) => count + drawLayer(drawing, layer, colors.get(layer.segment) ?? [230, 90, 80]), 0)
  }
  const { plane, ratio } = drawing
  const screen: Affine = { a: ratio, b: 0, c: 0, d: ratio, e: ratio / 2, f: ratio / 2 }
  return content.structures.structures.reduce((count, structure) => {
    if (hidden.has(structure.number)) return count
    // Along its contours a structure is its contours; across them what lies between them.
    const lines = contoursOn(structure, plane, undefined)
    return count + (lines.length > 0 ? drawContours(drawing, lines, screen, structure.color) : drawLayer(drawing, structureOn(structure, plane), structure.color, !drawing.state.outlines))
  }, 0)
}

/** @param plane a pixel for each of the canvas's CSS pixels @returns how many segments, structures and doses were drawn */
export function drawOnPlane(canvas: HTMLCanvasElement, plane: Grid, state: OverlayState): number {
  const context = canvas.getContext('2d')
  if (!context) return 0
  const ratio = window.devicePixelRatio || 1
  const [columns, rows] = [Math.max(1, Math.round(plane.columns * ratio)), Math.max(1, Math.round(plane.rows * ratio))]
  if (canvas.width !== columns) canvas.width = columns
  if (canvas.height !== rows) canvas.height = rows
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, columns, rows)
  const order = { dose: 0, segmentation: 1, structures: 2 }
  const shown = state.overlays.filter((overlay) => overlay.shown).sort((a, b) => order[a.content.kind] - order[b.content.kind])
  return shown.reduce((sum, overlay) => sum + drawOne({ context, plane, ratio, state }, overlay), 0)
}
