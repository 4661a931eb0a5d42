// The reader's own sets of tool, window and layout, kept with the account.
import { prefer, preferences } from '../../../api/preferences'
import { useValue } from '../../../lib/observable'
import { type ToolPreset, parsePresets, withPreset } from '../model/toolPresets'
import type { Tool, ViewerSession } from './session'

const PART = 'tool-presets'

const keep = (presets: readonly ToolPreset[]): Promise<void> => prefer(PART, presets.length > 0 ? { presets } : {})
const now = (): readonly ToolPreset[] => parsePresets(preferences.get()[PART])

export const useToolPresets = (): readonly ToolPreset[] => parsePresets(useValue(preferences)[PART])

/** @param window whether the window on the screen is part of it */
export function keepPreset(session: ViewerSession, name: string, window: boolean): Promise<void> {
  const { tool, layout } = session.state.get()
  const shown = session.activePane.state.get().window
  return keep(withPreset(now(), { name, tool, layout, window: window && shown ? { width: shown.width, center: shown.center } : null }))
}

export const forgetPreset = (name: string): Promise<void> => keep(now().filter((each) => each.name !== name))

/** The window goes to every viewport that shows images of the chosen one's modality: grey values of others mean something else. */
export function takePreset(session: ViewerSession, { tool, layout, window }: ToolPreset): void {
  session.setTool(tool as Tool)
  if (session.state.get().layout !== layout) session.setLayout(layout)
  if (!window) return
  const modalityOf = (series: string | null) => (series ? session.seriesOf(series)?.Modality : undefined)
  const own = modalityOf(session.activePane.state.get().seriesInstanceUID)
  for (const pane of session.engine.panes) {
    const { seriesInstanceUID, window: shown } = pane.state.get()
    if (shown && modalityOf(seriesInstanceUID) === own) pane.setWindow({ ...shown, ...window })
  }
}
