// Cornerstone, loaded when it is needed: its code and its first WebGL context take longer than all the rest of a study's opening,
// and a first picture of grey values is drawn without either (canvasSurface).
import type * as Heavy from './heavy'

let loading: Promise<typeof Heavy> | undefined

/** Cornerstone's code. What could not be loaded is asked for anew. */
export function loadCornerstone(): Promise<typeof Heavy> {
  loading ??= import('./heavy').catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}
