// Which images to load next: nearest first, more of them in the direction of travel.

/**
 * All other indices of a series in the order they are likely to be wanted.
 * Two ahead for each one behind: a reader mostly goes on, and sometimes looks back.
 * @param direction +1 forwards, -1 backwards
 */
export function nearestFirst(index: number, count: number, direction: 1 | -1 = 1): number[] {
  const order: number[] = []
  let ahead = index + direction
  let behind = index - direction
  const inside = (at: number): boolean => at >= 0 && at < count
  while (inside(ahead) || inside(behind)) {
    for (let step = 0; step < 2 && inside(ahead); step++, ahead += direction) order.push(ahead)
    if (inside(behind)) {
      order.push(behind)
      behind -= direction
    }
  }
  return order
}

/** The head of the order that fits a budget; the rest would only push out what is near. */
export function withinBudget(order: readonly number[], bytesEach: number, budget: number): number[] {
  return bytesEach > 0 ? order.slice(0, Math.max(0, Math.floor(budget / bytesEach) - 1)) : [...order]
}

export interface Wanted {
  readonly index: number
  readonly near: boolean
}

/** Images within this distance are loaded before thumbnails and before the rest of the series. */
export const NEAR = 12

export const plan = (index: number, count: number, direction: 1 | -1): Wanted[] =>
  nearestFirst(index, count, direction).map((at) => ({ index: at, near: Math.abs(at - index) <= NEAR }))
