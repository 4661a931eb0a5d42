// A reader's sets: the tool in the hand, the window and the layout under one name. Pure.
import { type Layout, parseLayout } from './layout'
import { BINDINGS } from './keys'
import type { Window } from './windows'

export interface ToolPreset {
  readonly name: string
  /** What a key calls a tool: "length" of "tool-length". */
  readonly tool: string
  /** null: the images keep their own. */
  readonly window: { readonly width: number; readonly center: number } | null
  readonly layout: Layout
}

export const MOST_PRESETS = 30
export const LONGEST_NAME = 40

const TOOLS: ReadonlySet<string> = new Set(BINDINGS.map(({ command }) => command).filter((command) => command.startsWith('tool-')).map((command) => command.slice('tool-'.length)))

export const nameOfPreset = (typed: string): string => typed.trim().replace(/\s+/g, ' ').slice(0, LONGEST_NAME)

function windowIn(value: unknown): ToolPreset['window'] {
  const { width, center } = (value ?? {}) as Partial<Window>
  return typeof width === 'number' && width > 0 && typeof center === 'number' && Number.isFinite(width) && Number.isFinite(center) ? { width, center } : null
}

/** What an earlier or later version of the client has kept, as far as it is understood. */
export function parsePresets(kept: unknown): readonly ToolPreset[] {
  const list = (kept as { presets?: unknown } | undefined)?.presets
  if (!Array.isArray(list)) return []
  return list.slice(0, MOST_PRESETS).flatMap((each: unknown): ToolPreset[] => {
    const { name, tool, window, layout } = (each ?? {}) as Record<string, unknown>
    const arranged = parseLayout(layout)
    if (typeof name !== 'string' || nameOfPreset(name) === '' || typeof tool !== 'string' || !TOOLS.has(tool) || !arranged) return []
    return [{ name: nameOfPreset(name), tool, window: windowIn(window), layout: arranged }]
  })
}

/** One of the same name is replaced where it stands. */
export function withPreset(presets: readonly ToolPreset[], preset: ToolPreset): readonly ToolPreset[] {
  const known = presets.some(({ name }) => name === preset.name)
  return known ? presets.map((each) => (each.name === preset.name ? preset : each)) : [...presets, preset].slice(0, MOST_PRESETS)
}
