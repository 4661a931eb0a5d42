// Surface models: STL (binary and text) and Wavefront OBJ, as triangles in millimetres (PS3.3 A.85: the patient's axes).

export interface Mesh {
  /** Three corners of three coordinates for each triangle. */
  readonly corners: Float32Array
  /** One for each corner, of the triangle's plane. */
  readonly normals: Float32Array
  readonly center: readonly [number, number, number]
  /** From the centre to the furthest corner. */
  readonly radius: number
  readonly size: readonly [number, number, number]
}

/** Why a model is not shown, in words. */
export class BadMesh extends Error {}

const MOST_TRIANGLES = 8_000_000

/** @throws BadMesh */
export function meshOf(bytes: Uint8Array, type: string): Mesh {
  const corners = type.includes('obj') ? cornersOfObj(new TextDecoder().decode(bytes)) : cornersOfStl(bytes)
  if (corners.length === 0) throw new BadMesh('This model has no surface.')
  if (corners.some((value) => !Number.isFinite(value))) throw new BadMesh('This model has corners that are no numbers.')
  return { corners, normals: normalsOf(corners), ...boundsOf(corners) }
}

/** 80 bytes of words, the number of triangles, then 50 bytes for each: normal, three corners, two bytes. */
function cornersOfStl(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = bytes.length >= 84 ? view.getUint32(80, true) : 0
  // Binary files may begin with "solid", too: their length tells.
  if (count > 0 && bytes.length >= 84 + count * 50 && bytes.length <= 84 + count * 50 + 3) {
    if (count > MOST_TRIANGLES) throw new BadMesh('This model has more triangles than a page can hold.')
    const corners = new Float32Array(count * 9)
    for (let at = 0; at < count; at++) for (let part = 0; part < 9; part++) corners[at * 9 + part] = view.getFloat32(84 + at * 50 + 12 + part * 4, true)
    return corners
  }
  const source = new TextDecoder().decode(bytes)
  if (!/^\s*solid/i.test(source)) throw new BadMesh('This is no STL file that can be read: it ends before its triangles do, or it is of another kind.')
  const numbers = [...source.matchAll(/\bvertex\s+(\S+)\s+(\S+)\s+(\S+)/gi)].flatMap(([, x, y, z]) => [Number(x), Number(y), Number(z)])
  return Float32Array.from(numbers.slice(0, Math.floor(numbers.length / 9) * 9))
}

/** Faces of any number of corners, as fans; indices count from 1, negative ones from the last. */
function cornersOfObj(source: string): Float32Array {
  const places: number[] = []
  const corners: number[] = []
  for (const line of source.split('\n')) {
    const [word = '', ...rest] = line.trim().split(/\s+/)
    if (word === 'v') places.push(Number(rest[0]), Number(rest[1]), Number(rest[2]))
    if (word !== 'f') continue
    const count = places.length / 3
    const named = rest.map((each) => Number.parseInt(each, 10)).map((index) => (index < 0 ? count + index : index - 1))
    if (named.some((index) => !(index >= 0 && index < count))) throw new BadMesh('This model names corners that it does not have.')
    for (let at = 1; at + 1 < named.length; at++) for (const index of [named[0] ?? 0, named[at] ?? 0, named[at + 1] ?? 0]) corners.push(places[index * 3] ?? 0, places[index * 3 + 1] ?? 0, places[index * 3 + 2] ?? 0)
    if (corners.length > MOST_TRIANGLES * 9) throw new BadMesh('This model has more triangles than a page can hold.')
  }
  return Float32Array.from(corners)
}

/** Of the planes themselves: what files say of them is often missing or wrong. */
function normalsOf(corners: Float32Array): Float32Array {
  const normals = new Float32Array(corners.length)
  const get = (at: number): number => corners[at] ?? 0
  for (let at = 0; at < corners.length; at += 9) {
    const [ux, uy, uz] = [get(at + 3) - get(at), get(at + 4) - get(at + 1), get(at + 5) - get(at + 2)]
    const [vx, vy, vz] = [get(at + 6) - get(at), get(at + 7) - get(at + 1), get(at + 8) - get(at + 2)]
    const normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx] as const
    const length = Math.hypot(...normal) || 1
    for (let part = 0; part < 9; part++) normals[at + part] = (normal[part % 3] ?? 0) / length
  }
  return normals
}

function boundsOf(corners: Float32Array): Pick<Mesh, 'center' | 'radius' | 'size'> {
  const least = [Infinity, Infinity, Infinity]
  const most = [-Infinity, -Infinity, -Infinity]
  corners.forEach((value, at) => {
    least[at % 3] = Math.min(least[at % 3] ?? value, value)
    most[at % 3] = Math.max(most[at % 3] ?? value, value)
  })
  const of = (make: (low: number, high: number) => number): [number, number, number] => [make(least[0] ?? 0, most[0] ?? 0), make(least[1] ?? 0, most[1] ?? 0), make(least[2] ?? 0, most[2] ?? 0)]
  const size = of((low, high) => high - low)
  return { center: of((low, high) => (low + high) / 2), size, radius: Math.hypot(...size) / 2 || 1 }
}

/** Row by row, 3 x 3. */
export type Rotation = readonly [number, number, number, number, number, number, number, number, number]

/** From the front, head upwards: the patient's left at the right, the feet below. */
export const FROM_FRONT: Rotation = [1, 0, 0, 0, 0, 1, 0, -1, 0]

export function turned(now: Rotation, right: number, up: number): Rotation {
  const [cy, sy, cx, sx] = [Math.cos(right), Math.sin(right), Math.cos(up), Math.sin(up)]
  const about: Rotation = [cy, 0, sy, sx * sy, cx, -sx * cy, -cx * sy, sx, cx * cy]
  const cell = (row: number, column: number): number => [0, 1, 2].reduce((sum, at) => sum + (about[row * 3 + at] ?? 0) * (now[at * 3 + column] ?? 0), 0)
  return [cell(0, 0), cell(0, 1), cell(0, 2), cell(1, 0), cell(1, 1), cell(1, 2), cell(2, 0), cell(2, 1), cell(2, 2)]
}
