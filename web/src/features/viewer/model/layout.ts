// Arrangements of viewports: rows by columns, as radiologists say it; 1x2 is two side by side.
export type Layout = `${number}x${number}`

export const MOST_ROWS = 5
export const MOST_COLUMNS = 5
export const MOST_PANES = MOST_ROWS * MOST_COLUMNS

/** Those with a key of their own. */
export const LAYOUTS = ['1x1', '1x2', '2x1', '2x2'] as const satisfies readonly Layout[]

export const layoutOf = (rows: number, columns: number): Layout => `${rows}x${columns}`

/** What a text says, if it is an arrangement that there is. */
export const parseLayout = (text: unknown): Layout | null => (typeof text === 'string' && /^[1-5]x[1-5]$/.test(text) ? (text as Layout) : null)

export function gridOf(layout: Layout): { rows: number; columns: number } {
  return { rows: Number(layout[0]), columns: Number(layout[2]) }
}

export const panesOf = (layout: Layout): number => {
  const { rows, columns } = gridOf(layout)
  return rows * columns
}

const NAMES: Readonly<Partial<Record<Layout, string>>> = { '1x1': 'One viewport', '1x2': 'Two side by side', '2x1': 'Two stacked', '2x2': 'Four viewports' }

export const layoutName = (layout: Layout): string => NAMES[layout] ?? `${gridOf(layout).rows} rows of ${gridOf(layout).columns}`
