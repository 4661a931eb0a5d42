// The outlines of masks as closed polygons, exactly along the edges of their pixels.
import type { Point } from '../geometry'
import type { Sheet } from './masks'

/** Corners of pixels, from [0, 0] at the upper left of the first pixel to [columns, rows]. */
type Corner = readonly [number, number]
type Ring = Corner[]

// Directions with the inside at the right hand: right, down, left, up.
const STEPS: readonly Corner[] = [[1, 0], [0, 1], [-1, 0], [0, -1]]

/**
 * Polygons in pixel coordinates (a pixel reaches half around its centre). Each is whole: a hole is joined to what is around it by a channel
 * without width, as PS3.3 C.8.8.6.3 has it. Pieces that touch at a corner only are two.
 * @param most points of a polygon; what has more is cut into bands that lie side by side.
 */
export function contoursOf(sheet: Sheet, most = 1200, level = 128): Point[][] {
  return banded(sheet, 0, sheet.rows, most, level)
}

function banded(sheet: Sheet, from: number, to: number, most: number, level: number): Point[][] {
  const found = joinedHoles(ringsOf(sheet, from, to, level)).map(simplified)
  if (to - from < 2 || found.every((ring) => ring.length <= most)) return found.map((ring) => ring.map(([x, y]): Point => [x - 0.5, y - 0.5]))
  const middle = (from + to) >> 1
  return [...banded(sheet, from, middle, most, level), ...banded(sheet, middle, to, most, level)]
}

/** Rings through every corner on the way; outer ones go clockwise on the screen, holes the other way. */
function ringsOf({ columns, rows, mask }: Sheet, from: number, to: number, level: number): Ring[] {
  const inside = (x: number, y: number): boolean => x >= 0 && x < columns && y >= from && y < Math.min(to, rows) && (mask[y * columns + x] ?? 0) >= level
  const wide = columns + 1
  // Edges by where they begin: bit d of a corner says that one leaves in direction d.
  const leaving = new Uint8Array(wide * (rows + 1))
  const add = (x: number, y: number, direction: number): void => {
    leaving[y * wide + x] = (leaving[y * wide + x] ?? 0) | (1 << direction)
  }
  for (let y = from; y < to; y++) {
    for (let x = 0; x < columns; x++) {
      if (!inside(x, y)) continue
      if (!inside(x, y - 1)) add(x, y, 0)
      if (!inside(x + 1, y)) add(x + 1, y, 1)
      if (!inside(x, y + 1)) add(x + 1, y + 1, 2)
      if (!inside(x - 1, y)) add(x, y + 1, 3)
    }
  }
  const rings: Ring[] = []
  for (let start = from * wide; start < (to + 1) * wide; start++) {
    while ((leaving[start] ?? 0) > 0) rings.push(walked(leaving, wide, start))
  }
  return rings
}

function walked(leaving: Uint8Array, wide: number, start: number): Ring {
  const ring: Ring = []
  let at = start
  let direction = [0, 1, 2, 3].find((each) => ((leaving[start] ?? 0) >> each) & 1) ?? 0
  do {
    ring.push([at % wide, Math.floor(at / wide)])
    leaving[at] = (leaving[at] ?? 0) & ~(1 << direction)
    const [dx, dy] = STEPS[direction] ?? [0, 0]
    at += dy * wide + dx
    const ways = leaving[at] ?? 0
    // Where two pieces touch at a corner turn towards one's own inside, so that they stay two.
    const next = [1, 0, 3].map((turn) => (direction + turn) % 4).find((each) => (ways >> each) & 1)
    if (next === undefined) break
    direction = next
  } while (at !== start)
  return ring
}

/** Twice the area, positive for outer rings. */
const turning = (ring: Ring): number => ring.reduce((sum, [x], index) => sum + x * ((ring[(index + 1) % ring.length]?.[1] ?? 0) - (ring[(index + ring.length - 1) % ring.length]?.[1] ?? 0)), 0)

const keyOf = ([x, y]: Corner): string => `${x},${y}`

/** Holes become part of the ring to their left: the way from a hole's leftmost corner to the left meets that ring first. */
function joinedHoles(rings: readonly Ring[]): Ring[] {
  const outer = rings.filter((ring) => turning(ring) > 0).map((ring) => [...ring])
  const holes = rings.filter((ring) => turning(ring) < 0)
  if (holes.length === 0) return outer
  const owner = new Map<string, Ring>()
  for (const ring of outer) for (const corner of ring) owner.set(keyOf(corner), ring)
  const left = (ring: Ring): number => ring.reduce((least, [x]) => Math.min(least, x), Infinity)
  for (const hole of [...holes].sort((a, b) => left(a) - left(b))) {
    const start = hole.findIndex(([x]) => x === left(hole))
    const [x, y] = hole[start] ?? [0, 0]
    let to = x - 1
    while (to >= 0 && !owner.has(keyOf([to, y]))) to--
    const ring = owner.get(keyOf([to, y]))
    if (!ring) continue
    const at = ring.findIndex((corner) => corner[0] === to && corner[1] === y)
    const around = [...hole.slice(start), ...hole.slice(0, start)]
    ring.splice(at + 1, 0, ...around, [x, y], [to, y])
    for (const corner of hole) owner.set(keyOf(corner), ring)
  }
  return outer
}

/** Without the corners at which a ring goes straight on. */
function simplified(ring: Ring): Ring {
  return ring.filter(([x, y], index) => {
    const [px, py] = ring[(index + ring.length - 1) % ring.length] ?? [x, y]
    const [nx, ny] = ring[(index + 1) % ring.length] ?? [x, y]
    return Math.sign(x - px) !== Math.sign(nx - x) || Math.sign(y - py) !== Math.sign(ny - y)
  })
}
