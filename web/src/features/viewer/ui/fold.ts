// A toolbar that never hides a tool: when it is too narrow, buttons fold into the menus that list them anyway, and in the end it takes two lines.

/** What gives way first: the picture's buttons, words, the measuring buttons, the hand's, one line. The style sheet knows what each step hides. */
export const FOLDS = 5

/** Keeps `bar` folded just as far as its width asks for, in its attribute data-fold. Returns how to stop. */
export function folding(bar: HTMLElement): () => void {
  let waiting = 0
  const measure = (): void => {
    waiting = 0
    for (let fold = 0; fold <= FOLDS; fold++) {
      bar.dataset.fold = String(fold)
      if (bar.scrollWidth <= bar.clientWidth) return
    }
  }
  const soon = (): void => {
    if (waiting === 0) waiting = requestAnimationFrame(measure)
  }
  const sizes = new ResizeObserver(soon)
  sizes.observe(bar)
  // Features bring and take away buttons of their own.
  const children = new MutationObserver(soon)
  children.observe(bar, { childList: true, subtree: true })
  measure()
  return () => {
    cancelAnimationFrame(waiting)
    sizes.disconnect()
    children.disconnect()
  }
}
