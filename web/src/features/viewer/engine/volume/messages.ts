// What the page and the workers that draw volumes tell each other.
import type { Body } from '../../model/rendering'
import type { Section } from '../../model/section'
import type { Grid, Values } from '../../model/volume'

/** Something to be drawn out of volumes that the workers know by number. */
export type Request =
  /** @param whole all slices are there: what is empty will stay so */
  | { readonly kind: 'body'; readonly id: number; readonly body: Body; readonly whole: boolean }
  | { readonly kind: 'section'; readonly id: number; readonly over: number | undefined; readonly section: Section }

export type ToWorker =
  | { readonly kind: 'volume'; readonly id: number; readonly grid: Grid; readonly values: Values; readonly padding: number | undefined }
  | { readonly kind: 'rows'; readonly ticket: number; readonly request: Request; readonly from: number; readonly to: number }

export interface FromWorker {
  readonly ticket: number
  readonly pixels: Uint8ClampedArray<ArrayBuffer>
}
