// One series over all viewports: which images a page of it holds.

/** The page as it can be: none before the first image, and the last one full. */
export const pageAt = (first: number, count: number, size: number): number => Math.max(0, Math.min(first, count - size))

/**
 * The page after somebody went to image `index` in viewport `at` of the page that begins with `first`.
 * One image on or back means one page; further away, the page that holds the image, and never the same.
 */
export function pageAfter(first: number, count: number, size: number, at: number, index: number): number {
  const by = index - (first + at)
  if (by === 0) return first
  const next = Math.abs(by) === 1 ? first + by * size : Math.floor(index / size) * size
  return pageAt(next === first ? first + Math.sign(by) * size : next, count, size)
}
