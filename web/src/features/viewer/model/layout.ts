// Arrangements of viewports.
export const LAYOUTS = ['1x1', '1x2', '2x1', '2x2'] as const
export type Layout = (typeof LAYOUTS)[number]

/** Rows by columns, as radiologists say it: 1x2 is two side by side. */
export function gridOf(layout: Layout): { rows: number; columns: number } {
  return { rows: Number(layout[0]), columns: Number(layout[2]) }
}

export const panesOf = (layout: Layout): number => {
  const { rows, columns } = gridOf(layout)
  return rows * columns
}

export const layoutName: Readonly<Record<Layout, string>> = { '1x1': 'One viewport', '1x2': 'Two side by side', '2x1': 'Two stacked', '2x2': 'Four viewports' }
