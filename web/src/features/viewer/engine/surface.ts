import type { Effects } from '../model/effects'
import type { Size, View } from '../model/view'
import type { Window } from '../model/windows'
import type { Picture } from './picture'

/** How a picture is to be seen. */
export interface Look {
  readonly view: View
  readonly window: Window
  readonly inverted: boolean
  readonly effects?: Effects
}

/** Something that shows a picture in a viewport. Two real ones: Cornerstone on the GPU, and a plain canvas. */
export interface Surface {
  draw: (picture: Picture, look: Look) => void
  resize: (size: Size) => void
  show: (visible: boolean) => void
  dispose: () => void
}
