import type { RefCallback } from 'react'
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from 'react'
import { LIMIT, RowWindow } from './rowWindow'

interface Options {
  count: number
  rowHeight: number
  overscan?: number
  /** Height of what sticks to the top of the element and covers rows. */
  head?: number
}

export interface RowView {
  /** Put on the element that scrolls. */
  scroller: RefCallback<HTMLElement>
  /** Height of the element inside it. */
  height: number
  rows: { index: number; offset: number }[]
  /** The first row is in view. */
  atTop: boolean
  /** Rows that fit on the screen. */
  pageSize: number
  reveal: (index: number) => void
  toTop: () => void
}

interface Drawn {
  first: number
  last: number
  shiftedBy: number
  viewport: number
  atTop: boolean
}

const NOTHING: Drawn = { first: 0, last: 0, shiftedBy: 0, viewport: 0, atTop: true }

function same(a: Drawn, b: Drawn): boolean {
  return a.first === b.first && a.last === b.last && a.shiftedBy === b.shiftedBy && a.viewport === b.viewport && a.atTop === b.atTop
}

/** Draws only the rows in view of a list of any length; every row has the same height. */
export function useRowWindow({ count, rowHeight, overscan = 8, head = 0 }: Options): RowView {
  const [view] = useState(() => new RowWindow())
  const [element, setElement] = useState<HTMLElement | null>(null)
  const [drawn, setDrawn] = useState<Drawn>(NOTHING)

  const draw = useCallback(() => {
    const next = {
      ...view.range(overscan),
      shiftedBy: view.offsetOf(0),
      viewport: element ? element.clientHeight - head : 0,
      atTop: view.top < rowHeight / 2,
    }
    setDrawn((now) => (same(now, next) ? now : next))
  }, [view, overscan, rowHeight, element, head])

  useLayoutEffect(() => {
    if (!element) return
    const measure = () => {
      view.resize({ count, rowHeight, viewport: element.clientHeight - head })
      view.scrolled(element.scrollTop)
      draw()
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [element, view, count, rowHeight, draw, head])

  useEffect(() => {
    if (!element) return
    const onScroll = () => {
      const corrected = view.scrolled(element.scrollTop)
      if (corrected !== null) element.scrollTo({ top: corrected })
      draw()
    }
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => element.removeEventListener('scroll', onScroll)
  }, [element, view, draw])

  const rows = useMemo(() => {
    const list = []
    for (let index = drawn.first; index < Math.min(drawn.last, count); index += 1) {
      list.push({ index, offset: drawn.shiftedBy + index * rowHeight })
    }
    return list
  }, [drawn, count, rowHeight])

  const reveal = useCallback(
    (index: number) => {
      const top = view.reveal(index)
      if (top !== null && element) {
        element.scrollTo({ top })
        draw()
      }
    },
    [view, element, draw],
  )

  const toTop = useCallback(() => {
    if (!element) return
    element.scrollTo({ top: view.moveTo(0) })
    draw()
  }, [view, element, draw])

  return {
    scroller: setElement,
    height: Math.min(count * rowHeight, LIMIT),
    rows,
    atTop: drawn.atTop,
    pageSize: Math.max(1, Math.floor(drawn.viewport / rowHeight) - 1),
    reveal,
    toTop,
  }
}
