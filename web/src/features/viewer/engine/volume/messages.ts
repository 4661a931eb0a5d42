// What the page and the workers that draw bodies tell each other.
import type { Body } from '../../model/rendering'
import type { Grid, Values } from '../../model/volume'

export type ToWorker =
  | { readonly kind: 'volume'; readonly id: number; readonly grid: Grid; readonly values: Values }
  | { readonly kind: 'forget'; readonly id: number }
  /** @param whole all slices are there: what is empty will stay so */
  | { readonly kind: 'rows'; readonly id: number; readonly ticket: number; readonly body: Body; readonly from: number; readonly to: number; readonly whole: boolean }

export interface FromWorker {
  readonly ticket: number
  readonly pixels: Uint8ClampedArray<ArrayBuffer>
}
