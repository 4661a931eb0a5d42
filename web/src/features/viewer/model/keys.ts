// Keyboard map: the OHIF column of FIELD 5.2 with Weasis' additions where they do not collide.
import { CT_PRESETS } from './windows'

export type Command =
  | 'next-image' | 'previous-image' | 'forward-10' | 'back-10' | 'forward-50' | 'back-50' | 'first-image' | 'last-image' | 'next-series' | 'previous-series' | 'next-part' | 'previous-part' | 'next-study' | 'previous-study' | 'next-in-list' | 'previous-in-list' | 'next-viewport' | 'previous-viewport'
  | 'tool-window' | 'tool-zoom' | 'tool-pan' | 'tool-scroll' | 'tool-length' | 'tool-angle' | 'tool-ellipse' | 'tool-rectangle' | 'tool-probe' | 'tool-bidirectional' | 'tool-polyline' | 'tool-perpendicular' | 'tool-parallel' | 'tool-height' | 'tool-ratio' | 'tool-directional' | 'tool-midAngle' | 'tool-oblique' | 'tool-vertebra' | 'tool-etdrs' | 'tool-openAngle' | 'tool-cobb' | 'tool-circle' | 'tool-circle3' | 'tool-freehand' | 'tool-spline' | 'tool-livewire' | 'tool-arrow' | 'tool-text' | 'tool-marker' | 'tool-calibration' | 'tool-legLength' | 'tool-centreEdge' | 'tool-acetabular' | 'tool-graf' | 'tool-dragProbe' | 'tool-magnify' | 'tool-cursor' | 'tool-regionWindow'
  | 'rotate-right' | 'rotate-left' | 'flip-horizontal' | 'flip-vertical' | 'invert' | 'reset' | 'fit' | 'actual-size' | 'zoom-in' | 'zoom-out'
  | 'preset-0' | 'preset-1' | 'preset-2' | 'preset-3' | 'preset-4' | 'preset-5' | 'preset-6' | 'preset-7' | 'preset-8' | 'preset-9'
  | 'cine' | 'overlay' | 'one-up' | 'layout-1x1' | 'layout-1x2' | 'layout-2x1' | 'layout-2x2' | 'next-stage' | 'previous-stage' | 'fullscreen'
  | 'copy-image' | 'save-picture' | 'print'
  | 'link-scroll' | 'link-here' | 'reference-lines' | 'compare' | 'open-windows'
  | 'key-image' | 'delete' | 'undo' | 'redo' | 'escape' | 'help'

export const GROUPS = ['Images', 'Tools', 'Window', 'Measurements', 'Picture', 'Screen'] as const

export interface Binding {
  readonly command: Command
  readonly keys: readonly string[]
  readonly label: string
  readonly group: (typeof GROUPS)[number]
}

const preset = (digit: number): Binding => ({
  command: `preset-${digit}` as Command,
  keys: [String(digit)],
  label: digit === 0 ? 'Window of the image, or automatic' : `${CT_PRESETS[digit - 1]?.name ?? ''} (CT)`,
  group: 'Window',
})

export const BINDINGS: readonly Binding[] = [
  { command: 'next-image', keys: ['ArrowDown'], label: 'Next image', group: 'Images' },
  { command: 'previous-image', keys: ['ArrowUp'], label: 'Previous image', group: 'Images' },
  { command: 'forward-10', keys: ['Shift+ArrowDown'], label: 'Ten images on', group: 'Images' },
  { command: 'back-10', keys: ['Shift+ArrowUp'], label: 'Ten images back', group: 'Images' },
  { command: 'forward-50', keys: ['Ctrl+Shift+ArrowDown'], label: 'Fifty images on', group: 'Images' },
  { command: 'back-50', keys: ['Ctrl+Shift+ArrowUp'], label: 'Fifty images back', group: 'Images' },
  { command: 'first-image', keys: ['Home'], label: 'First image', group: 'Images' },
  { command: 'last-image', keys: ['End'], label: 'Last image', group: 'Images' },
  { command: 'next-series', keys: ['PageDown'], label: 'Next series', group: 'Images' },
  { command: 'previous-series', keys: ['PageUp'], label: 'Previous series', group: 'Images' },
  { command: 'next-part', keys: ['Shift+PageDown'], label: 'Next echo, phase or plane of the series', group: 'Images' },
  { command: 'previous-part', keys: ['Shift+PageUp'], label: 'Previous echo, phase or plane of the series', group: 'Images' },
  { command: 'next-study', keys: ['Ctrl+ArrowRight'], label: 'Next study of the patient', group: 'Images' },
  { command: 'previous-study', keys: ['Ctrl+ArrowLeft'], label: 'Previous study of the patient', group: 'Images' },
  { command: 'next-in-list', keys: ['Ctrl+ArrowDown'], label: 'Next study of the list', group: 'Images' },
  { command: 'previous-in-list', keys: ['Ctrl+ArrowUp'], label: 'Previous study of the list', group: 'Images' },
  { command: 'cine', keys: ['c'], label: 'Play or stop', group: 'Images' },
  { command: 'tool-window', keys: ['w'], label: 'Window / level', group: 'Tools' },
  { command: 'tool-zoom', keys: ['z'], label: 'Zoom', group: 'Tools' },
  { command: 'tool-pan', keys: ['t'], label: 'Pan', group: 'Tools' },
  { command: 'tool-scroll', keys: ['s'], label: 'Scroll', group: 'Tools' },
  { command: 'tool-magnify', keys: ['Shift+z'], label: 'Magnifying glass', group: 'Tools' },
  { command: 'tool-dragProbe', keys: ['k'], label: 'Value under the hand', group: 'Tools' },
  { command: 'tool-cursor', keys: ['j'], label: '3D cursor', group: 'Tools' },
  { command: 'tool-regionWindow', keys: ['Shift+w'], label: 'Window from a region', group: 'Tools' },
  { command: 'tool-length', keys: ['d'], label: 'Length', group: 'Measurements' },
  { command: 'tool-angle', keys: ['a'], label: 'Angle', group: 'Measurements' },
  { command: 'tool-ellipse', keys: ['e'], label: 'Ellipse', group: 'Measurements' },
  { command: 'tool-rectangle', keys: ['q'], label: 'Rectangle', group: 'Measurements' },
  { command: 'tool-probe', keys: ['p'], label: 'Value at a point', group: 'Measurements' },
  { command: 'key-image', keys: ['Shift+k'], label: 'Mark as a key image, or not', group: 'Measurements' },
  { command: 'tool-bidirectional', keys: ['b'], label: 'Long and short axis', group: 'Measurements' },
  { command: 'tool-polyline', keys: ['Shift+d'], label: 'Length along a path', group: 'Measurements' },
  { command: 'tool-perpendicular', keys: ['Shift+p'], label: 'Distance from a line', group: 'Measurements' },
  { command: 'tool-parallel', keys: ['Shift+l'], label: 'Distance of two parallels', group: 'Measurements' },
  { command: 'tool-height', keys: ['Shift+h'], label: 'Height', group: 'Measurements' },
  { command: 'tool-ratio', keys: ['Shift+t'], label: 'Ratio of two lengths (cardiothoracic)', group: 'Measurements' },
  { command: 'tool-directional', keys: ['Shift+x'], label: 'Along the axes of an ultrasound', group: 'Measurements' },
  { command: 'tool-openAngle', keys: ['Shift+a'], label: 'Angle between two lines', group: 'Measurements' },
  { command: 'tool-cobb', keys: ['Shift+b'], label: 'Cobb angle', group: 'Measurements' },
  { command: 'tool-midAngle', keys: ['Shift+j'], label: 'Angle between middles of lines', group: 'Measurements' },
  { command: 'tool-legLength', keys: ['Ctrl+Shift+l'], label: 'Length of the legs', group: 'Measurements' },
  { command: 'tool-centreEdge', keys: ['Ctrl+Shift+h'], label: 'Centre-edge angle of a hip', group: 'Measurements' },
  { command: 'tool-acetabular', keys: ['Ctrl+Shift+a'], label: 'Acetabular index of both hips', group: 'Measurements' },
  { command: 'tool-graf', keys: ['Ctrl+Shift+u'], label: 'Ultrasound of a hip (Graf)', group: 'Measurements' },
  { command: 'tool-oblique', keys: ['Shift+q'], label: 'Rectangle at an angle', group: 'Measurements' },
  { command: 'tool-circle', keys: ['Shift+e'], label: 'Circle', group: 'Measurements' },
  { command: 'tool-circle3', keys: ['Ctrl+Shift+e'], label: 'Circle through three points', group: 'Measurements' },
  { command: 'tool-freehand', keys: ['g'], label: 'Freehand region', group: 'Measurements' },
  { command: 'tool-spline', keys: ['Shift+g'], label: 'Curved region', group: 'Measurements' },
  { command: 'tool-livewire', keys: ['Ctrl+Shift+g'], label: 'Region along edges (livewire)', group: 'Measurements' },
  { command: 'tool-arrow', keys: ['y'], label: 'Arrow with a note', group: 'Measurements' },
  { command: 'tool-text', keys: ['n'], label: 'Note', group: 'Measurements' },
  { command: 'tool-marker', keys: ['m'], label: 'Numbered marker', group: 'Measurements' },
  { command: 'tool-vertebra', keys: ['Shift+m'], label: 'Labels of a spine', group: 'Measurements' },
  { command: 'tool-etdrs', keys: ['Shift+o'], label: 'ETDRS grid', group: 'Measurements' },
  { command: 'tool-calibration', keys: ['Shift+c'], label: 'Calibrate by a line of known length', group: 'Measurements' },
  { command: 'delete', keys: ['Delete', 'Backspace'], label: 'Delete the selected measurement', group: 'Measurements' },
  { command: 'undo', keys: ['Ctrl+z'], label: 'Undo measurement', group: 'Measurements' },
  { command: 'redo', keys: ['Ctrl+y', 'Ctrl+Shift+z'], label: 'Redo measurement', group: 'Measurements' },
  { command: 'invert', keys: ['i'], label: 'Invert', group: 'Picture' },
  { command: 'rotate-right', keys: ['r'], label: 'Rotate right', group: 'Picture' },
  { command: 'rotate-left', keys: ['l'], label: 'Rotate left', group: 'Picture' },
  { command: 'flip-horizontal', keys: ['h'], label: 'Flip left and right', group: 'Picture' },
  { command: 'flip-vertical', keys: ['v'], label: 'Flip top and bottom', group: 'Picture' },
  { command: 'zoom-in', keys: ['+'], label: 'Zoom in', group: 'Picture' },
  { command: 'zoom-out', keys: ['-'], label: 'Zoom out', group: 'Picture' },
  { command: 'fit', keys: ['='], label: 'Fit to viewport', group: 'Picture' },
  { command: 'actual-size', keys: ['x'], label: 'One image pixel per screen pixel', group: 'Picture' },
  { command: 'reset', keys: ['Space'], label: 'Reset the picture', group: 'Picture' },
  preset(0), preset(1), preset(2), preset(3), preset(4), preset(5), preset(6), preset(7), preset(8), preset(9),
  { command: 'next-viewport', keys: ['ArrowRight'], label: 'Next viewport', group: 'Screen' },
  { command: 'previous-viewport', keys: ['ArrowLeft'], label: 'Previous viewport', group: 'Screen' },
  { command: 'one-up', keys: ['Enter'], label: 'This viewport alone, and back', group: 'Screen' },
  { command: 'layout-1x1', keys: ['Alt+1'], label: 'One viewport', group: 'Screen' },
  { command: 'layout-1x2', keys: ['Alt+2'], label: 'Two side by side', group: 'Screen' },
  { command: 'layout-2x1', keys: ['Alt+3'], label: 'Two stacked', group: 'Screen' },
  { command: 'layout-2x2', keys: ['Alt+4'], label: 'Four viewports', group: 'Screen' },
  { command: 'next-stage', keys: ['.'], label: 'Next stage of the hanging protocol', group: 'Screen' },
  { command: 'previous-stage', keys: [','], label: 'Previous stage of the hanging protocol', group: 'Screen' },
  { command: 'compare', keys: ['Shift+v'], label: 'Beside the best earlier study, linked', group: 'Screen' },
  { command: 'link-scroll', keys: ['u'], label: 'Scroll together: one frame of reference, all, none', group: 'Screen' },
  { command: 'link-here', keys: ['Shift+u'], label: 'These images belong together: scroll from here', group: 'Screen' },
  { command: 'reference-lines', keys: ['Shift+r'], label: 'Reference lines: of one, of all, none', group: 'Screen' },
  { command: 'open-windows', keys: ['Shift+n'], label: 'Open the remembered windows on other screens', group: 'Screen' },
  { command: 'overlay', keys: ['o'], label: 'Text on the picture: all, no patient, none', group: 'Screen' },
  { command: 'copy-image', keys: ['Ctrl+c'], label: 'Copy the image', group: 'Screen' },
  { command: 'save-picture', keys: ['Ctrl+s'], label: 'Save as a picture or film', group: 'Screen' },
  { command: 'print', keys: ['Ctrl+p'], label: 'Print', group: 'Screen' },
  { command: 'fullscreen', keys: ['f'], label: 'Full screen', group: 'Screen' },
  { command: 'escape', keys: ['Escape'], label: 'Cancel, close, back to the list', group: 'Screen' },
  { command: 'help', keys: ['?'], label: 'This list', group: 'Screen' },
]

export interface KeyPress {
  readonly key: string
  readonly code?: string
  readonly ctrlKey: boolean
  readonly altKey: boolean
  readonly metaKey: boolean
  readonly shiftKey: boolean
}

/** One name for a key press. Shift is part of the name only for letters and named keys: "?" and "+" already need it. */
export function nameOf(press: KeyPress): string {
  const digit = /^Digit(\d)$/.exec(press.code ?? '')?.[1]
  // With Alt some layouts type another character; the physical digit is meant.
  const key = press.altKey && digit !== undefined ? digit : press.key === ' ' ? 'Space' : press.key.length === 1 ? press.key.toLowerCase() : press.key
  const shift = press.shiftKey && (key.length > 1 || /^\p{L}$/u.test(key))
  return [press.ctrlKey || press.metaKey ? 'Ctrl' : '', press.altKey ? 'Alt' : '', shift ? 'Shift' : '', key].filter(Boolean).join('+')
}

/** Keys that two commands claim. */
export function conflicts(bindings: readonly Binding[]): { key: string; commands: Command[] }[] {
  const owners = new Map<string, Command[]>()
  for (const binding of bindings) {
    for (const key of binding.keys) owners.set(key, [...(owners.get(key) ?? []), binding.command])
  }
  return [...owners].filter(([, commands]) => commands.length > 1).map(([key, commands]) => ({ key, commands }))
}

export function commandFor(press: KeyPress, bindings: readonly Binding[] = BINDINGS): Command | undefined {
  const name = nameOf(press)
  return bindings.find((binding) => binding.keys.includes(name))?.command
}

const GLYPHS: Readonly<Record<string, string>> = { ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', PageUp: 'PgUp', PageDown: 'PgDn', Escape: 'Esc', Delete: 'Del', '-': '−' }

export const keyText = (key: string): string =>
  key
    .split(/\+(?=.)/)
    .map((part) => GLYPHS[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(' ')
