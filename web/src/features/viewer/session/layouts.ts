// The layout studies open in, kept with the account.
import { prefer, preferences } from '../../../api/preferences'
import { useValue } from '../../../lib/observable'
import { type Layout, parseLayout } from '../model/layout'

const PART = 'layout'

const read = (all: ReturnType<typeof preferences.get>): Layout | null => parseLayout((all[PART] as { opens?: unknown } | undefined)?.opens)

export const keptLayout = (): Layout | null => read(preferences.get())

export const useKeptLayout = (): Layout | null => read(useValue(preferences))

/** null: one viewport again, as delivered. */
export const keepLayout = (layout: Layout | null): Promise<void> => prefer(PART, layout ? { opens: layout } : {})
