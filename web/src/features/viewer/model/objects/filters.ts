// Display filters of waveforms: second-order sections, run forwards and backwards so that nothing is moved in time. Off unless somebody chooses them.

export interface FilterChoice {
  /** Hz below which is taken away (wander of the baseline); 0: nothing. */
  readonly low: number
  /** Hz above which is taken away (muscle); 0: nothing. */
  readonly high: number
  /** Hz of the mains; 0: nothing. */
  readonly notch: number
}

export const UNFILTERED: FilterChoice = { low: 0, high: 0, notch: 0 }

interface Section {
  readonly b: readonly [number, number, number]
  readonly a: readonly [number, number]
}

/** Bilinear transforms of Butterworth's second order (Q = 1/sqrt 2) and of a notch of Q 30, as in the Audio EQ Cookbook (W3C Note 2021). */
function section(kind: 'low' | 'high' | 'notch', frequency: number, rate: number): Section {
  const omega = (2 * Math.PI * frequency) / rate
  const cos = Math.cos(omega)
  const alpha = Math.sin(omega) / (2 * (kind === 'notch' ? 30 : Math.SQRT1_2))
  const scale = 1 / (1 + alpha)
  const b: [number, number, number] = kind === 'high' ? [(1 - cos) / 2, 1 - cos, (1 - cos) / 2] : kind === 'low' ? [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2] : [1, -2 * cos, 1]
  return { b: [b[0] * scale, b[1] * scale, b[2] * scale], a: [-2 * cos * scale, (1 - alpha) * scale] }
}

/** Starts as if its first value had stood there for ever. */
function run({ b, a }: Section, values: Float64Array): void {
  const first = values[0] ?? 0
  const gain = (b[0] + b[1] + b[2]) / (1 + a[0] + a[1])
  let [x1, x2, y1, y2] = [first, first, first * gain, first * gain]
  for (let at = 0; at < values.length; at++) {
    const x = values[at] ?? 0
    const y = b[0] * x + b[1] * x1 + b[2] * x2 - a[0] * y1 - a[1] * y2
    ;[x2, x1, y2, y1] = [x1, x, y1, y]
    values[at] = y
  }
}

/** The values filtered; what was not recorded stays so. */
export function filtered(values: Float64Array, rate: number, choice: FilterChoice): Float64Array {
  const sections = (['low', 'high', 'notch'] as const).flatMap((kind) => (choice[kind] > 0 && choice[kind] < rate / 2 ? [section(kind, choice[kind], rate)] : []))
  if (sections.length === 0) return values
  // Its own mirror on both sides, so that the ends do not ring.
  const edge = Math.min(values.length - 1, Math.ceil(rate * 3))
  const padded = new Float64Array(values.length + 2 * edge)
  const clean = values.map((value) => (Number.isNaN(value) ? 0 : value))
  const [start, end] = [clean[0] ?? 0, clean[clean.length - 1] ?? 0]
  for (let at = 0; at < edge; at++) {
    padded[at] = 2 * start - (clean[edge - at] ?? 0)
    padded[edge + values.length + at] = 2 * end - (clean[clean.length - 2 - at] ?? 0)
  }
  padded.set(clean, edge)
  for (const each of sections) {
    run(each, padded)
    padded.reverse()
    run(each, padded)
    padded.reverse()
  }
  return padded.slice(edge, edge + values.length).map((value, at) => (Number.isNaN(values[at]) ? Number.NaN : value))
}
