// The length of a ruler beside a picture.

const ROUND = [500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1] // mm

export interface Ruler {
  /** CSS pixels. */
  readonly length: number
  readonly divisions: number
  readonly text: string
}

/** The longest round length that fits. @param perMillimetre CSS pixels */
export function rulerOf(perMillimetre: number, most: number): Ruler {
  const millimetres = ROUND.find((each) => each * perMillimetre <= most) ?? 0.1
  const text = millimetres >= 10 ? `${millimetres / 10} cm` : `${millimetres} mm`
  return { length: millimetres * perMillimetre, divisions: /^[15]/.test(String(millimetres).replace(/^0\./, '')) ? 10 : 4, text }
}
