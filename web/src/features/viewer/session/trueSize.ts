// The size of a millimetre on this screen, as somebody found out with a card. It belongs to the workstation, not to the account.
import { Observable } from '../../../lib/observable'
import type { Pane } from '../engine/pane'
import type { Calibration } from '../model/calibration'
import type { ViewerSession } from './session'

const KEPT = 'isocenter.pixels-per-millimetre'
const LIKELY = [1, 40] as const // CSS pixels per millimetre

function kept(): number | null {
  const value = Number(localStorage.getItem(KEPT))
  return value >= LIKELY[0] && value <= LIKELY[1] ? value : null
}

/** CSS pixels per millimetre; null: nobody has measured this screen yet. */
export const pixelsPerMillimetre = new Observable<number | null>(typeof localStorage === 'undefined' ? null : kept())

export function keepPixelsPerMillimetre(value: number): void {
  localStorage.setItem(KEPT, String(value))
  pixelsPerMillimetre.set(value)
}

/** Millimetres of the unit of a view, which is the smaller side of a pixel; undefined when nobody knows, or it is not the same everywhere. */
export function millimetresOfUnit(calibration: Calibration): number | undefined {
  if (calibration.kind === 'spacing') return Math.min(calibration.x, calibration.y)
  if (calibration.kind === 'none') return undefined
  const lengths = calibration.regions.flatMap(({ millimetres }) => (millimetres ? [...millimetres] : []))
  const [first = 0] = lengths
  return lengths.length > 0 && lengths.every((each) => Math.abs(each / first - 1) < 0.01) ? first : undefined
}

/** Shows a centimetre of the picture as a centimetre of the screen. Returns why not, '' when it does. */
export function showTrueSize(session: ViewerSession, pane: Pane): string {
  const { picture } = pane.state.get()
  const ratio = pixelsPerMillimetre.get()
  if (!picture) return 'There is no picture.'
  const unit = millimetresOfUnit(session.measurements.calibrationOf(picture.frame))
  if (unit === undefined) return 'This image does not say how large its pixels are. Calibrate it by a line of known length first.'
  if (ratio === null) return 'This screen was not measured yet: lay a card on it (below).'
  pane.magnifyTo(unit * ratio)
  return ''
}
