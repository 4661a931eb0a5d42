// The window that shows a part of the picture best.
import type { Point } from './geometry'
import { boxOf } from './shapes'
import { type Values, valuesIn } from './statistics'
import { type Window, automatic } from './windows'

/** From the 1st to the 99th percentile of the values in a rectangle; undefined for colour and where there are none. */
export function windowOfRegion(points: readonly Point[], values: Values): Window | undefined {
  const data = values.color ? new Float64Array() : valuesIn({ form: 'box', box: boxOf(points) }, values)
  if (data.length < 2) return undefined
  const window = automatic({ data, min: data.reduce((a, b) => Math.min(a, b)), max: data.reduce((a, b) => Math.max(a, b)) })
  return { ...window, width: Math.max(window.width, 1e-3) }
}
