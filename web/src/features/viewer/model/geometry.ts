// Where a picture lies in the patient, and what a distance on it is worth.

export type Vector = readonly [number, number, number]
export type Point = readonly [number, number]

export interface Plane {
  /** Direction of a row (towards higher columns) and of a column (towards higher rows), PS3.3 C.7.6.2.1.1. */
  readonly row: Vector
  readonly column: Vector
  readonly position?: Vector
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]

export const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]

const length = (a: Vector): number => Math.sqrt(dot(a, a))

export function vector(values: readonly number[], from = 0): Vector | undefined {
  const [x, y, z] = values.slice(from, from + 3)
  return x === undefined || y === undefined || z === undefined ? undefined : [x, y, z]
}

/** Plane from ImageOrientationPatient; undefined unless both directions are unit vectors at a right angle. */
export function planeOf(orientation: readonly number[], position: readonly number[]): Plane | undefined {
  const row = vector(orientation)
  const column = vector(orientation, 3)
  if (!row || !column) return undefined
  if (Math.abs(length(row) - 1) > 0.02 || Math.abs(length(column) - 1) > 0.02 || Math.abs(dot(row, column)) > 0.02) return undefined
  const origin = vector(position)
  return origin ? { row, column, position: origin } : { row, column }
}

const LETTERS: Readonly<Record<string, Vector>> = { L: [1, 0, 0], R: [-1, 0, 0], P: [0, 1, 0], A: [0, -1, 0], H: [0, 0, 1], F: [0, 0, -1] }

/** PatientOrientation (PS3.3 C.7.6.1.1.1), e.g. "L\F" or "AR\FP", as directions. */
export function planeOfLetters(values: readonly string[]): Plane | undefined {
  const [row, column] = values.map(directionOfLetters)
  return row && column ? { row, column } : undefined
}

function directionOfLetters(letters: string): Vector | undefined {
  let sum: Vector = [0, 0, 0]
  let weight = 1
  for (const letter of letters.trim().toUpperCase()) {
    const unit = LETTERS[letter]
    if (!unit) return undefined
    sum = [sum[0] + unit[0] * weight, sum[1] + unit[1] * weight, sum[2] + unit[2] * weight]
    weight /= 2 // the first letter is the main direction
  }
  const size = length(sum)
  return size === 0 ? undefined : [sum[0] / size, sum[1] / size, sum[2] / size]
}

/** Letters of a patient direction, strongest first; parts under a quarter are left out ("L", "LP", "HA"). */
export function lettersOf(direction: Vector): string {
  const parts = [
    { letter: direction[0] > 0 ? 'L' : 'R', size: Math.abs(direction[0]) },
    { letter: direction[1] > 0 ? 'P' : 'A', size: Math.abs(direction[1]) },
    { letter: direction[2] > 0 ? 'H' : 'F', size: Math.abs(direction[2]) },
  ]
  return parts
    .filter((part) => part.size >= 0.25)
    .sort((a, b) => b.size - a.size)
    .map((part) => part.letter)
    .join('')
}

export interface Markers {
  readonly top: string
  readonly right: string
  readonly bottom: string
  readonly left: string
}

/**
 * Letters at the four edges of a viewport.
 * @param turn how the picture lies on the screen: rows (a,b) / columns (c,d) of the image-to-screen matrix, entries -1, 0, 1
 */
export function markersOf(plane: Plane | undefined, turn: { readonly a: number; readonly b: number; readonly c: number; readonly d: number }): Markers | undefined {
  if (!plane) return undefined
  // A turn is orthonormal: its inverse is its transpose, so a screen direction (x, y) is (a x + c y, b x + d y) in the image.
  const towards = (x: number, y: number): string => {
    const along = turn.a * x + turn.c * y
    const down = turn.b * x + turn.d * y
    return lettersOf([
      plane.row[0] * along + plane.column[0] * down,
      plane.row[1] * along + plane.column[1] * down,
      plane.row[2] * along + plane.column[2] * down,
    ])
  }
  return { right: towards(1, 0), left: towards(-1, 0), bottom: towards(0, 1), top: towards(0, -1) }
}

/** Where a plane stands along a direction, mm. */
export function depth(plane: Plane | undefined, normal: Vector): number | undefined {
  return plane?.position && dot(plane.position, normal)
}

export const normalOf = (plane: Plane): Vector => cross(plane.row, plane.column)

export function parallel(a: Plane, b: Plane): boolean {
  return dot(a.row, b.row) > 0.999 && dot(a.column, b.column) > 0.999
}
