// What each command of the keyboard map does.
import { flipHorizontal, flipVertical, rotateLeft, rotateRight } from '../model/view'
import { IMAGES } from '../model/gestures'
import type { Command } from '../model/keys'
import { besideIn } from '../model/parts'
import { compare } from './comparing'
import { LINES, SCROLLS } from './linking'
import type { ViewerSession } from './session'
import { takingOf } from './taking'

const ZOOM_STEP = 1.2

/** Where the keys lead out of the study. */
export interface WaysOut {
  /** Back to the study list as it was. */
  readonly leave: () => void
  /** DICOM files of a study, or of one of its series to begin with. */
  readonly files: (study: string, series: string | null) => void
  /** A link to a study for somebody without an account; not there for who may not make one. */
  readonly share?: ((study: string) => void) | undefined
  /** To the list's next (1) or previous (-1) study. */
  readonly step: (by: 1 | -1) => void
}

export function run(command: Command, session: ViewerSession, ways: WaysOut): void {
  const pane = session.activePane
  const { measurements, linking } = session
  if (command.startsWith('preset-')) {
    const key = command.slice('preset-'.length)
    const preset = pane.presets().find((candidate) => candidate.key === key)
    if (preset) pane.applyPreset(preset)
    return
  }
  if (command.startsWith('tool-')) {
    session.setTool(command.slice('tool-'.length) as Parameters<typeof session.setTool>[0])
    return
  }
  if (command.startsWith('layout-')) {
    session.setLayout(command.slice('layout-'.length) as Parameters<typeof session.setLayout>[0])
    return
  }
  const last = pane.state.get().count - 1
  const actions: Partial<Record<Command, () => void>> = {
    'next-image': () => pane.scroll(IMAGES.plain),
    'previous-image': () => pane.scroll(-IMAGES.plain),
    'forward-10': () => pane.scroll(IMAGES.fast),
    'back-10': () => pane.scroll(-IMAGES.fast),
    'forward-50': () => pane.scroll(IMAGES.veryFast),
    'back-50': () => pane.scroll(-IMAGES.veryFast),
    'first-image': () => pane.goTo(0),
    'last-image': () => pane.goTo(last),
    'next-series': () => session.stepSeries(1),
    'previous-series': () => session.stepSeries(-1),
    'next-part': () => pane.goTo(besideIn(pane.frames, pane.state.get().index, 1)),
    'previous-part': () => pane.goTo(besideIn(pane.frames, pane.state.get().index, -1)),
    'next-study': () => void session.stepStudy(1),
    'previous-study': () => void session.stepStudy(-1),
    'next-in-list': () => ways.step(1),
    'previous-in-list': () => ways.step(-1),
    'next-viewport': () => session.stepActive(1),
    'previous-viewport': () => session.stepActive(-1),
    'rotate-right': () => pane.turn(rotateRight),
    'rotate-left': () => pane.turn(rotateLeft),
    'flip-horizontal': () => pane.turn(flipHorizontal),
    'flip-vertical': () => pane.turn(flipVertical),
    invert: () => pane.invert(),
    reset: () => pane.reset(),
    fit: () => pane.fit(),
    'actual-size': () => pane.actualSize(),
    'zoom-in': () => pane.zoom(ZOOM_STEP),
    'zoom-out': () => pane.zoom(1 / ZOOM_STEP),
    cine: () => (pane.state.get().playing ? pane.stop() : pane.play()),
    overlay: () => session.cycleDetail(),
    compare: () => void compare(session),
    'open-windows': () => void session.windows.openKept(),
    'link-scroll': () => linking.choose({ scroll: after(SCROLLS, linking.links.scroll) }),
    'link-here': () => linking.linkHere(),
    'reference-lines': () => linking.choose({ lines: after(LINES, linking.links.lines) }),
    'next-stage': () => session.hanging.step(1),
    'previous-stage': () => session.hanging.step(-1),
    'one-up': () => finished(session) || session.toggleAlone(),
    fullscreen: () => void toggleFullscreen(),
    'key-image': () => session.markKey(),
    delete: () => measurements.deleteSelected(),
    undo: () => measurements.undo(),
    redo: () => measurements.redo(),
    'copy-image': () => takingOf(session).ask('copy'),
    'save-picture': () => takingOf(session).ask('picture'),
    print: () => takingOf(session).ask('print'),
    help: () => session.setHelp(true),
    escape: () => escape(session, ways.leave),
  }
  actions[command]?.()
}

/** The choice that follows, and after the last the first. */
function after<T extends string>(choices: Readonly<Record<T, string>>, now: T): T {
  const all = Object.keys(choices) as T[]
  return all[(all.indexOf(now) + 1) % all.length] ?? now
}

/** Enter ends a line that is being drawn. */
function finished(session: ViewerSession): boolean {
  const { picture } = session.activePane.state.get()
  return picture !== null && session.measurements.finish(picture)
}

/** One thing at a time: menu, draft, selection, lone viewport, and only then the way out. */
function escape(session: ViewerSession, leave: () => void): void {
  const { menu, alone } = session.state.get()
  if (menu) session.openMenu(null)
  else if (session.measurements.cancel() || session.measurements.select(null) || session.linking.dropCursor()) return
  else if (alone) session.toggleAlone()
  else leave()
}

async function toggleFullscreen(): Promise<void> {
  try {
    if (document.fullscreenElement) await document.exitFullscreen()
    else await document.documentElement.requestFullscreen()
  } catch {
    // The browser refuses outside a user gesture or in a frame; the page is as usable without.
  }
}
