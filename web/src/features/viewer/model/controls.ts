// What a reader has chosen about keys and mouse (FIELD 5.1, 5.2): a map that is delivered, and what differs from it.
import { BINDINGS, type Binding, type Command } from './keys'

/** As delivered: OHIF's keys with Weasis' additions, which is what BINDINGS says; then Weasis' own; then one of function keys. */
export const MAPS = {
  isocenter: { title: 'Isocenter (as OHIF, and more)', keys: {} },
  weasis: {
    title: 'Weasis',
    keys: {
      'next-series': ['ArrowRight'], 'previous-series': ['ArrowLeft'], 'next-viewport': ['Tab'], 'previous-viewport': ['Shift+Tab'],
      'rotate-right': ['Alt+r'], 'rotate-left': ['Alt+l'], 'flip-horizontal': ['Alt+f'], 'flip-vertical': ['Alt+Shift+f'],
      invert: ['Alt+i'], reset: ['Escape'], fit: ['Ctrl+Enter'], 'zoom-in': ['Ctrl++'], 'zoom-out': ['Ctrl+-'],
      overlay: ['i', 'Space'], fullscreen: ['F11'], delete: ['Delete'], escape: ['Backspace'],
    },
  },
  functionKeys: {
    title: 'Function keys',
    keys: {
      'next-series': ['Space', 'PageDown'], 'previous-series': ['Shift+Space', 'PageUp'], 'next-viewport': ['Tab', 'ArrowRight'],
      'previous-viewport': ['Shift+Tab', 'ArrowLeft'], 'tool-window': ['F2'], 'tool-zoom': ['F3'], 'tool-pan': ['F4'], 'tool-scroll': ['F6'],
      'tool-length': ['F7'], 'tool-angle': ['F8'], 'tool-ellipse': ['F9'], 'tool-rectangle': ['Shift+F9'], 'tool-probe': ['F10'],
      fullscreen: ['F11'], delete: ['Delete'], reset: ['Backspace'],
    },
  },
} as const satisfies Record<string, { title: string; keys: Partial<Record<Command, readonly string[]>> }>

export type MapName = keyof typeof MAPS

export const BUTTONS = ['left', 'middle', 'right'] as const
export const HELD = ['', 'Shift+', 'Ctrl+', 'Alt+'] as const
export type Button = (typeof BUTTONS)[number]
export type Grasp = `${(typeof HELD)[number]}${Button}`

/** What a drag does; 'tool' is whatever tool is chosen. */
export const DRAGS = { tool: 'the chosen tool', window: 'window', pan: 'pan', zoom: 'zoom', scroll: 'scroll' } as const
export type Drag = keyof typeof DRAGS

export interface Controls {
  readonly map: MapName
  /** Only what differs from the map; an empty list takes a command's keys away. */
  readonly keys: Readonly<Partial<Record<Command, readonly string[]>>>
  /** Only what differs from PLAIN_HAND. */
  readonly hand: Readonly<Partial<Record<Grasp, Drag>>>
  /** Dragging the window upwards makes the picture darker. */
  readonly upIsDarker: boolean
}

export const AS_DELIVERED: Controls = { map: 'isocenter', keys: {}, hand: {}, upIsDarker: false }

const PLAIN_HAND: Readonly<Record<Button, Drag>> = { left: 'tool', middle: 'pan', right: 'zoom' }
const COMMANDS: ReadonlySet<string> = new Set(BINDINGS.map((binding) => binding.command))
const MOST_KEYS = 4

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isKeys = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= MOST_KEYS && value.every((key) => typeof key === 'string' && key.length > 0 && key.length < 40)
const isGrasp = (name: string): name is Grasp => BUTTONS.some((button) => HELD.some((held) => name === held + button))

/** What was kept, by this version or another: what is not understood is left out. */
export function parseControls(kept: unknown): Controls {
  if (!isRecord(kept)) return AS_DELIVERED
  const keys = isRecord(kept.keys) ? Object.entries(kept.keys).filter(([command, value]) => COMMANDS.has(command) && isKeys(value)) : []
  const hand = isRecord(kept.hand) ? Object.entries(kept.hand).filter(([grasp, drag]) => isGrasp(grasp) && typeof drag === 'string' && Object.hasOwn(DRAGS, drag)) : []
  return {
    map: typeof kept.map === 'string' && Object.hasOwn(MAPS, kept.map) ? (kept.map as MapName) : AS_DELIVERED.map,
    keys: Object.fromEntries(keys),
    hand: Object.fromEntries(hand),
    upIsDarker: kept.upIsDarker === true,
  }
}

export function bindingsOf({ map, keys }: Pick<Controls, 'map' | 'keys'>): readonly Binding[] {
  const ofMap: Partial<Record<Command, readonly string[]>> = MAPS[map].keys
  return BINDINGS.map((binding) => ({ ...binding, keys: keys[binding.command] ?? ofMap[binding.command] ?? binding.keys }))
}

/** The controls with other keys for a command; the map's own keys are no difference. */
export function withKeys(controls: Controls, command: Command, keys: readonly string[]): Controls {
  const others = Object.fromEntries(Object.entries(controls.keys).filter(([name]) => name !== command))
  const delivered = bindingsOf({ map: controls.map, keys: {} }).find((binding) => binding.command === command)?.keys ?? []
  const same = keys.length === delivered.length && keys.every((key, index) => key === delivered[index])
  return { ...controls, keys: same ? others : { ...others, [command]: keys.slice(0, MOST_KEYS) } }
}

export interface Hold {
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly altKey: boolean
  readonly metaKey: boolean
}

/** What a drag with a button does, and whether the held key was asked for by that (then it says nothing about the pace). */
export function dragOf(button: Button, hold: Hold, hand: Controls['hand']): { drag: Drag; held: boolean } {
  const held = hold.ctrlKey || hold.metaKey ? 'Ctrl+' : hold.altKey ? 'Alt+' : hold.shiftKey ? 'Shift+' : ''
  const own = hand[`${held}${button}`]
  if (own && held) return { drag: own, held: true }
  return { drag: hand[button] ?? PLAIN_HAND[button], held: false }
}

/** What a grasp does while nothing else was chosen for it: as the button alone. */
export function deliveredDrag(grasp: Grasp, hand: Controls['hand']): Drag {
  const button = BUTTONS.find((each) => grasp.endsWith(each)) ?? 'left'
  return grasp === button ? PLAIN_HAND[button] : (hand[button] ?? PLAIN_HAND[button])
}
