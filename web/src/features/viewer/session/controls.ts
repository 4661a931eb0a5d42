// The reader's keys and mouse, as kept with the account.
import { prefer, preferences } from '../../../api/preferences'
import { useValue } from '../../../lib/observable'
import { type Controls, bindingsOf, parseControls } from '../model/controls'
import { type Binding, type Command, keyText } from '../model/keys'

const PART = 'controls'

let last: { kept: unknown; controls: Controls; bindings: readonly Binding[] } | null = null

function current() {
  const kept = preferences.get()[PART]
  if (last?.kept === kept && last) return last
  const controls = parseControls(kept)
  last = { kept, controls, bindings: bindingsOf(controls) }
  return last
}

export const controlsNow = (): Controls => current().controls
export const bindingsNow = (): readonly Binding[] => current().bindings

/** For components: they are drawn anew when the reader changes a key. */
export function useControls(): { controls: Controls; bindings: readonly Binding[] } {
  useValue(preferences)
  return current()
}

export const keepControls = (controls: Controls): Promise<void> => prefer(PART, { ...controls })

/** First key of a command, for tooltips and menus. */
export function keyOf(command: Command): string {
  const key = bindingsNow().find((binding) => binding.command === command)?.keys[0]
  return key === undefined ? '' : keyText(key)
}
