/** Numbers no further apart than this are the same: a point moved within a plane comes back with the noise of its arithmetic. */
const NOISE = 1e-9

const isPlain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)

/** Whether two pieces of plain data say the same. Volumes and other arrays of bytes are only like themselves. */
export function alike(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= NOISE * Math.max(1, Math.abs(a))
  if (!isPlain(a) || !isPlain(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => alike(a[key], b[key]))
}
