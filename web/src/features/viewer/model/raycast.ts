// Volume rendering by rays: from front to back through a transfer function with light, or the greatest value on the way. Pure.
import { type Bricks, type Labels, SIDE, labelAt } from './bricks'
import { type Vector, cross } from './geometry'
import type { Orientation } from './planes'
import { valueAt } from './resample'
import { type Stencil, isCut } from './scalpel'
import { type Volume, inverseOf, toVoxel, turnedBy } from './volume'

/** Value, opacity of a millimetre (0 to 1), colour. */
export interface Stop {
  readonly value: number
  readonly opacity: number
  readonly color: readonly [number, number, number]
}

export interface RenderPreset {
  readonly id: string
  readonly name: string
  readonly kind: 'surface' | 'mip'
  /** 'unit': values are the image's (HU); 'range': 0 to 1 of what the window shows. */
  readonly scale: 'unit' | 'range'
  readonly stops: readonly Stop[]
}

const stop = (value: number, opacity: number, color: readonly [number, number, number]): Stop => ({ value, opacity, color })
const BONE: Stop['color'] = [245, 232, 210]
const FLESH: Stop['color'] = [214, 122, 96]
const SKIN: Stop['color'] = [232, 184, 152]
const BLOOD: Stop['color'] = [214, 60, 48]
const AIR: Stop['color'] = [130, 170, 214]

export const RENDER_PRESETS: readonly RenderPreset[] = [
  { id: 'bone', name: 'CT bone', kind: 'surface', scale: 'unit', stops: [stop(130, 0, FLESH), stop(250, 0.25, BONE), stop(900, 0.9, BONE), stop(3000, 1, [255, 255, 255])] },
  { id: 'bone-flesh', name: 'CT bone and muscle', kind: 'surface', scale: 'unit', stops: [stop(-60, 0, SKIN), stop(30, 0.02, FLESH), stop(120, 0.05, FLESH), stop(220, 0.2, BONE), stop(900, 0.9, BONE)] },
  { id: 'vessels', name: 'CT vessels', kind: 'surface', scale: 'unit', stops: [stop(120, 0, BLOOD), stop(190, 0.3, BLOOD), stop(350, 0.5, [236, 140, 110]), stop(600, 0.7, BONE), stop(3000, 1, BONE)] },
  { id: 'coronary', name: 'CT coronary', kind: 'surface', scale: 'unit', stops: [stop(60, 0, FLESH), stop(140, 0.06, FLESH), stop(240, 0.35, BLOOD), stop(500, 0.7, BONE), stop(3000, 1, BONE)] },
  { id: 'skin', name: 'CT skin', kind: 'surface', scale: 'unit', stops: [stop(-600, 0, SKIN), stop(-250, 0.5, SKIN), stop(100, 0.9, SKIN), stop(3000, 1, SKIN)] },
  { id: 'lung', name: 'CT lung and airways', kind: 'surface', scale: 'unit', stops: [stop(-1024, 0, AIR), stop(-920, 0.012, AIR), stop(-700, 0.03, AIR), stop(-500, 0.01, FLESH), stop(-300, 0, FLESH), stop(200, 0.02, BONE), stop(900, 0.4, BONE)] },
  { id: 'liver', name: 'CT organs', kind: 'surface', scale: 'unit', stops: [stop(20, 0, FLESH), stop(70, 0.03, FLESH), stop(130, 0.2, [196, 92, 72]), stop(250, 0.5, BONE), stop(3000, 1, BONE)] },
  { id: 'cta', name: 'CT angiography', kind: 'surface', scale: 'unit', stops: [stop(150, 0, BLOOD), stop(220, 0.35, BLOOD), stop(420, 0.6, [240, 150, 120]), stop(700, 0.08, BONE), stop(3000, 0.15, BONE)] },
  { id: 'pulmonary', name: 'CT lung vessels', kind: 'surface', scale: 'unit', stops: [stop(-650, 0, AIR), stop(-450, 0.05, [150, 120, 190]), stop(-150, 0.12, BLOOD), stop(150, 0.25, BLOOD), stop(500, 0.4, BONE)] },
  { id: 'muscle', name: 'CT muscle', kind: 'surface', scale: 'unit', stops: [stop(-10, 0, FLESH), stop(40, 0.25, FLESH), stop(110, 0.5, [190, 90, 76]), stop(250, 0.7, BONE), stop(3000, 1, BONE)] },
  { id: 'fat', name: 'CT fat', kind: 'surface', scale: 'unit', stops: [stop(-150, 0, [240, 214, 140]), stop(-120, 0.2, [240, 214, 140]), stop(-60, 0.2, [240, 214, 140]), stop(-30, 0, [240, 214, 140])] },
  { id: 'kidneys', name: 'CT kidneys and contrast', kind: 'surface', scale: 'unit', stops: [stop(90, 0, FLESH), stop(150, 0.15, [206, 104, 84]), stop(300, 0.5, [240, 190, 120]), stop(800, 0.8, BONE), stop(3000, 1, BONE)] },
  { id: 'teeth', name: 'CT teeth and dense bone', kind: 'surface', scale: 'unit', stops: [stop(600, 0, BONE), stop(1100, 0.3, BONE), stop(1800, 0.8, [255, 250, 240]), stop(3000, 1, [255, 255, 255])] },
  { id: 'metal', name: 'CT implants', kind: 'surface', scale: 'unit', stops: [stop(200, 0, BONE), stop(700, 0.02, BONE), stop(1900, 0.04, BONE), stop(2400, 0.9, [176, 196, 222]), stop(3000, 1, [220, 230, 245])] },
  { id: 'colon', name: 'CT air inside (colon, airways)', kind: 'surface', scale: 'unit', stops: [stop(-1000, 0, FLESH), stop(-850, 0, FLESH), stop(-700, 0.3, [226, 150, 130]), stop(-500, 0.3, [226, 150, 130]), stop(-350, 0, FLESH)] },
  { id: 'mr', name: 'MR surface', kind: 'surface', scale: 'range', stops: [stop(0.15, 0, SKIN), stop(0.35, 0.12, SKIN), stop(0.7, 0.4, [240, 220, 200]), stop(1, 0.8, [255, 255, 255])] },
  { id: 'mr-vessels', name: 'MR vessels', kind: 'surface', scale: 'range', stops: [stop(0.55, 0, BLOOD), stop(0.75, 0.4, BLOOD), stop(1, 0.9, [255, 200, 180])] },
  { id: 'mr-brain', name: 'MR brain', kind: 'surface', scale: 'range', stops: [stop(0.25, 0, [190, 170, 160]), stop(0.45, 0.05, [206, 176, 160]), stop(0.6, 0.3, [226, 200, 184]), stop(0.9, 0.6, [245, 235, 225])] },
  { id: 'pet', name: 'Hot spots (PET, NM)', kind: 'surface', scale: 'range', stops: [stop(0.3, 0, [120, 20, 10]), stop(0.5, 0.05, [200, 60, 20]), stop(0.8, 0.3, [250, 170, 40]), stop(1, 0.8, [255, 250, 210])] },
  { id: 'mip', name: 'Rotating MIP', kind: 'mip', scale: 'range', stops: [] },
]

const ENTRIES = 1024

/** A transfer function looked up: four numbers (red, green, blue 0-255, opacity a millimetre) for each of 1024 values. */
export interface Transfer {
  readonly low: number
  readonly high: number
  readonly table: Float32Array
}

/** @param shift moves the opacities along the values; @param range what 0 and 1 are for presets by range */
export function transferOf(preset: RenderPreset, shift: number, range: { readonly lower: number; readonly upper: number }): Transfer {
  const place = (value: number): number => (preset.scale === 'unit' ? value : range.lower + value * (range.upper - range.lower)) + shift
  const stops = preset.stops.map((each) => ({ ...each, value: place(each.value) }))
  const low = stops[0]?.value ?? 0
  const high = Math.max(low + 1, stops.at(-1)?.value ?? 1)
  const table = new Float32Array(ENTRIES * 4)
  for (let entry = 0; entry < ENTRIES; entry++) {
    const value = low + ((high - low) * entry) / (ENTRIES - 1)
    const next = Math.max(1, stops.findIndex((each) => each.value >= value))
    const a = stops[next - 1]
    const b = stops[next] ?? a
    if (!a || !b) continue
    const t = b.value > a.value ? Math.min(1, Math.max(0, (value - a.value) / (b.value - a.value))) : 0
    for (let channel = 0; channel < 3; channel++) table[entry * 4 + channel] = (a.color[channel] ?? 0) * (1 - t) + (b.color[channel] ?? 0) * t
    table[entry * 4 + 3] = a.opacity * (1 - t) + b.opacity * t
  }
  return { low, high, table }
}

/** Part of the volume that is shown: from and to on each axis of the grid, 0 to 1. */
export type Crop = readonly (readonly [number, number])[]
export const WHOLE: Crop = [[0, 1], [0, 1], [0, 1]]

export interface Camera {
  readonly orientation: Orientation
  /** Point in the middle of the picture. */
  readonly target: Vector
  /** mm a pixel of the picture */
  readonly step: number
  readonly width: number
  readonly height: number
}

interface Ray {
  readonly direction: Vector
  readonly from: number
  readonly to: number
}

/** Where a ray is inside the box, in steps of its direction. */
function within(start: Vector, direction: Vector, low: Vector, high: Vector): Ray {
  let from = -Infinity
  let to = Infinity
  for (const axis of [0, 1, 2] as const) {
    const d = direction[axis]
    if (Math.abs(d) < 1e-9) {
      if (start[axis] < low[axis] || start[axis] > high[axis]) return { direction, from: 1, to: 0 }
      continue
    }
    const a = (low[axis] - start[axis]) / d
    const b = (high[axis] - start[axis]) / d
    from = Math.max(from, Math.min(a, b))
    to = Math.min(to, Math.max(a, b))
  }
  return { direction, from, to }
}

interface Rays {
  readonly start: Vector
  readonly right: Vector
  readonly below: Vector
  readonly forward: Vector
  /** mm of one step */
  readonly length: number
  readonly low: Vector
  readonly high: Vector
}

function raysOf(volume: Volume, camera: Camera, crop: Crop, fine: number): Rays {
  const inverse = inverseOf(volume.grid)
  const { orientation: { right, below }, step, target, width, height } = camera
  const scaled = (v: Vector, by: number): Vector => [v[0] * by, v[1] * by, v[2] * by]
  const ahead = cross(right, below)
  const across = turnedBy(inverse, scaled(right, step))
  const down = turnedBy(inverse, scaled(below, step))
  const direction = turnedBy(inverse, ahead)
  // A step is at most `fine` voxels along the axis it crosses quickest.
  const length = fine / Math.max(...direction.map(Math.abs))
  const middle = toVoxel(volume.grid, target)
  const start = [0, 1, 2].map((axis) => (middle[axis] ?? 0) - ((across[axis] ?? 0) * (width - 1)) / 2 - ((down[axis] ?? 0) * (height - 1)) / 2) as unknown as Vector
  const low = volume.grid.size.map((count, axis) => (crop[axis]?.[0] ?? 0) * (count - 1)) as unknown as Vector
  const high = volume.grid.size.map((count, axis) => (crop[axis]?.[1] ?? 1) * (count - 1)) as unknown as Vector
  return { start, right: across, below: down, forward: scaled(direction, length), length, low, high }
}

/** What rays may step over: see model/bricks.ts. */
export interface Space {
  readonly bricks: Bricks
  /** 1 for what cannot be seen; of no use to the greatest value. */
  readonly empty: Uint8Array
}

/** How many steps along a ray until the brick that holds a place is left; at least one. */
function stepsOut(x: number, y: number, z: number, dx: number, dy: number, dz: number): number {
  const way = (at: number, d: number): number => (d > 1e-9 ? ((Math.floor(at / SIDE) + 1) * SIDE - at) / d : d < -1e-9 ? (at - Math.floor(at / SIDE) * SIDE) / -d : Infinity)
  return Math.max(1, Math.ceil(Math.min(way(x, dx), way(y, dy), way(z, dz))))
}

function brickAt({ size }: Bricks, x: number, y: number, z: number): number {
  const u = x < 0 ? 0 : Math.min(size[0] - 1, x >> 3)
  const v = y < 0 ? 0 : Math.min(size[1] - 1, y >> 3)
  const w = z < 0 ? 0 : Math.min(size[2] - 1, z >> 3)
  return (w * size[1] + v) * size[0] + u
}

/** Rows from..to of the greatest value along each ray; NaN where there is no volume, or all of it is cut away. `into` begins with row `from`. */
export function castMax(volume: Volume, camera: Camera, crop: Crop, fine: number, into: Float32Array, from = 0, to = camera.height, bricks?: Bricks, cuts: readonly Stencil[] = []): void {
  const rays = raysOf(volume, camera, crop, fine)
  const [dx, dy, dz] = rays.forward
  for (let v = from; v < to; v++) {
    for (let u = 0; u < camera.width; u++) {
      const start = beginning(rays, u, v)
      const ray = within(start, rays.forward, rays.low, rays.high)
      let most = Number.NaN
      for (let n = Math.ceil(ray.from); n <= ray.to; ) {
        const x = start[0] + n * dx
        const y = start[1] + n * dy
        const z = start[2] + n * dz
        if (bricks && (bricks.most[brickAt(bricks, x, y, z)] ?? 0) <= most) {
          n += stepsOut(x, y, z, dx, dy, dz)
          continue
        }
        if (cuts.length === 0 || !isCut(cuts, x, y, z)) {
          const value = valueAt(volume, x, y, z)
          // No value on the way (padding) leaves what was found.
          if (value > most || most !== most) most = value
        }
        n++
      }
      into[(v - from) * camera.width + u] = most
    }
  }
}

function beginning({ start, right, below }: Rays, u: number, v: number): Vector {
  return [start[0] + u * right[0] + v * below[0], start[1] + u * right[1] + v * below[1], start[2] + u * right[2] + v * below[2]]
}

const AMBIENT = 0.35
const OPAQUE = 0.97

export interface Extras {
  readonly space?: Space | undefined
  readonly labels?: Labels | undefined
  /** What the scalpel took away. */
  readonly cuts?: readonly Stencil[]
}

/** Rows from..to of a lit picture, four bytes a pixel, black where nothing is. `into` begins with row `from`. */
export function cast(volume: Volume, camera: Camera, transfer: Transfer, crop: Crop, fine: number, into: Uint8ClampedArray, from = 0, to = camera.height, { space, labels, cuts = [] }: Extras = {}): void {
  const rays = raysOf(volume, camera, crop, fine)
  const { table, low, high } = transfer
  const perValue = (ENTRIES - 1) / (high - low)
  const [dx, dy, dz] = rays.forward
  const beam = lightOf(volume, camera)
  for (let v = from; v < to; v++) {
    for (let u = 0; u < camera.width; u++) {
      const start = beginning(rays, u, v)
      const ray = within(start, rays.forward, rays.low, rays.high)
      let red = 0
      let green = 0
      let blue = 0
      let covered = 0
      for (let n = Math.ceil(ray.from); n <= ray.to && covered < OPAQUE; n++) {
        const x = start[0] + n * dx
        const y = start[1] + n * dy
        const z = start[2] + n * dz
        if (space?.empty[brickAt(space.bricks, x, y, z)] === 1) {
          n += stepsOut(x, y, z, dx, dy, dz) - 1
          continue
        }
        if (cuts.length > 0 && isCut(cuts, x, y, z)) continue
        const label = labels ? labelAt(labels, x, y, z) : 0
        const value = valueAt(volume, x, y, z)
        if (label === 0 && !(value > low)) continue
        const entry = 4 * Math.min(ENTRIES - 1, Math.max(0, ((value - low) * perValue) | 0))
        const dense = label > 0 && labels ? labels.opacity : (table[entry + 3] ?? 0)
        if (dense <= 0) continue
        // Opacity is told for a millimetre; a step may be longer or shorter.
        const opacity = (1 - (1 - Math.min(0.999, dense)) ** rays.length) * (1 - covered)
        const light = opacity * (label > 0 && labels ? facing(labels, x, y, z, beam) : brightness(volume, x, y, z, beam))
        const color = label > 0 ? labels?.colors[label - 1] : undefined
        red += (color ? color[0] : (table[entry] ?? 0)) * light
        green += (color ? color[1] : (table[entry + 1] ?? 0)) * light
        blue += (color ? color[2] : (table[entry + 2] ?? 0)) * light
        covered += opacity
      }
      const at = ((v - from) * camera.width + u) * 4
      into[at] = red
      into[at + 1] = green
      into[at + 2] = blue
      into[at + 3] = 255
    }
  }
}

/** The light on a segment: its border is where its number ends, two voxels smooth. */
function facing(labels: Labels, x: number, y: number, z: number, beam: Beam): number {
  const own = (dx: number, dy: number, dz: number): number => (labelAt(labels, x + dx, y + dy, z + dz) > 0 ? 1 : 0)
  return lit(own(1, 0, 0) + own(2, 0, 0) - own(-1, 0, 0) - own(-2, 0, 0), own(0, 1, 0) + own(0, 2, 0) - own(0, -1, 0) - own(0, -2, 0), own(0, 0, 1) + own(0, 0, 2) - own(0, 0, -1) - own(0, 0, -2), beam)
}

/** For each axis of the grid: how much a rise of the value along it turns a surface towards the eye. */
interface Beam {
  readonly eye: Vector
  readonly axes: readonly [Vector, Vector, Vector]
}

function lightOf(volume: Volume, camera: Camera): Beam {
  const m = inverseOf(volume.grid)
  const forward = cross(camera.orientation.right, camera.orientation.below)
  return { eye: forward, axes: [[m[0], m[1], m[2]], [m[3], m[4], m[5]], [m[6], m[7], m[8]]] }
}

/** Light that comes from the eye: a surface is bright where its gradient points along the ray. */
function brightness(volume: Volume, x: number, y: number, z: number, beam: Beam): number {
  return lit(difference(volume, x + 1, y, z, x - 1, y, z), difference(volume, x, y + 1, z, x, y - 1, z), difference(volume, x, y, z + 1, x, y, z - 1), beam)
}

function lit(gx: number, gy: number, gz: number, { eye, axes }: Beam): number {
  const [a, b, c] = axes
  const px = gx * a[0] + gy * b[0] + gz * c[0]
  const py = gx * a[1] + gy * b[1] + gz * c[1]
  const pz = gx * a[2] + gy * b[2] + gz * c[2]
  const size = Math.hypot(px, py, pz)
  if (size < 1e-6) return AMBIENT + (1 - AMBIENT) / 2
  return AMBIENT + (1 - AMBIENT) * (Math.abs(px * eye[0] + py * eye[1] + pz * eye[2]) / size)
}

function difference(volume: Volume, x1: number, y1: number, z1: number, x2: number, y2: number, z2: number): number {
  const { grid: { size }, values } = volume
  return nearest(values as Float32Array, size, x1, y1, z1) - nearest(values as Float32Array, size, x2, y2, z2)
}

function nearest(values: Float32Array, [columns, rows, slices]: Volume['grid']['size'], x: number, y: number, z: number): number {
  const i = x < 0 ? 0 : x > columns - 1 ? columns - 1 : (x + 0.5) | 0
  const j = y < 0 ? 0 : y > rows - 1 ? rows - 1 : (y + 0.5) | 0
  const k = z < 0 ? 0 : z > slices - 1 ? slices - 1 : (z + 0.5) | 0
  return values[(k * rows + j) * columns + i] ?? 0
}
