// Outlines in the patient (SCOORD3D of reports, PS3.3 C.18.9) on the images that they lie in.
import type { Vector } from './geometry'
import type { Figure } from './graphics2d'
import { type Grid, heightOf, pixelOf, sameSpace } from './overlays/grid'

export interface Outline {
  readonly frameOfReference: string
  readonly type: Figure['type']
  readonly points: readonly Vector[]
  readonly lines: readonly string[]
}

/** The outline as a figure of the image of this grid; undefined when a point of it lies outside of the image's thickness (mm). */
export function figureOn({ frameOfReference, type, points, lines }: Outline, grid: Grid, thickness: number | undefined): Pick<Figure, 'type' | 'points' | 'lines' | 'filled'> | undefined {
  const reach = Math.max(thickness ?? 0, 1) / 2 + 0.001
  if (!sameSpace(frameOfReference, grid.frameOfReference) || points.some((point) => Math.abs(heightOf(grid, point)) > reach)) return undefined
  return { type, points: points.map((point) => pixelOf(grid, point)), lines, filled: false }
}
