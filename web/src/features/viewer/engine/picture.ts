// A decoded picture and the store that keeps as many of them as memory allows.
import { text } from '../model/dataset'
import type { Frame } from '../model/frame'
import type { Point } from '../model/geometry'
import type { Drawing } from '../model/graphics'
import type { ColorPixels, GreyPixels, Resolved } from '../model/pixels'
import type { Rgb } from '../model/overlays/colors'
import { Tag } from '../model/tags'
import type { Colours } from './colours'
import { type LookUp, type Window, automatic, rangeOf } from '../model/windows'

export interface Picture {
  readonly frame: Frame
  readonly pixels: GreyPixels | ColorPixels
  /** Windows and VOI LUTs of the image, in its order. */
  readonly windows: readonly { readonly name: string; readonly window: Window }[]
  readonly bytes: number
  /** How often the pixels were halved before they were enlarged to the frame's size; 0: they are the image's own. */
  readonly reduction: number
  /** Mean of the sphere of 1 cm³ around a pixel, of a plane through a volume of PET (model/peak). */
  readonly peakAt?: ((at: Point) => number | undefined) | undefined
  /** Pixels that a shutter covers or an overlay plane draws on (model/graphics), and the colour of the shutter. */
  readonly mask?: { readonly pixels: Uint8Array; readonly shutter: Rgb; readonly drawings: readonly Drawing[] }
  /** Its presentation LUT, when it brings one (PS3.3 C.11.6). */
  readonly output?: LookUp
  /** Colours for what comes out of the window, as a pseudo-colour presentation says. */
  readonly palette?: readonly [Resolved, Resolved, Resolved]
  /** Whether a presentation wants it inverted, whatever the object says of itself. */
  readonly inverse?: boolean
  /** What the ICC profile of a colour image, or of its presentation, makes of its colours. */
  readonly colours?: Colours
}

/** Shows colour as it is. */
export const COLOR_WINDOW: Window = { center: 127.5, width: 255, shape: 'LINEAR_EXACT' }

const CAPTURES = '1.2.840.10008.5.1.4.1.1.7'

/** Window before anybody chose one: the image's first, else one its values suggest. */
export function ownWindow(picture: Picture): Window {
  const own = picture.windows[0]?.window
  if (picture.pixels.color) return COLOR_WINDOW
  return own ?? automatic(picture.pixels)
}

/** The windows of a frame without those that frame grabbers write though no value lies in them (0 and 1, say): all black, or white. */
export function usable(windows: Picture['windows'], frame: Frame, pixels: Picture['pixels']): Picture['windows'] {
  if (pixels.color || pixels.max <= pixels.min || !text(frame.instance.dataset, Tag.SOPClassUID).startsWith(CAPTURES)) return windows
  return windows.filter(({ window }) => {
    const { lower, upper } = rangeOf(window)
    return window.table !== undefined || (upper > pixels.min && lower < pixels.max)
  })
}

/** White is low for MONOCHROME1; PET is read dark on white. */
export const bornInverted = (picture: Picture): boolean => {
  if (picture.inverse !== undefined) return picture.inverse
  if (picture.pixels.color) return false
  const { format, dataset } = picture.frame.instance
  const pet = text(dataset, Tag.Modality) === 'PT'
  // PS3.3 C.7.6.3: MONOCHROME1, or the opposite said by its presentation LUT.
  const inverse = format.photometric === 'MONOCHROME1' || text(dataset, Tag.PresentationLUTShape) === 'INVERSE'
  return inverse !== pet
}

/** Least recently used pictures go first when the budget is spent; pinned ones (on the screen) stay. */
export class PictureStore {
  private readonly pictures = new Map<string, Picture>()
  private used = 0
  private lent = 0
  private readonly budget: number
  private readonly pinned: () => ReadonlySet<string>
  private readonly evicted: (id: string) => void

  constructor(budget: number, pinned: () => ReadonlySet<string>, evicted: (id: string) => void) {
    this.budget = budget
    this.pinned = pinned
    this.evicted = evicted
  }

  /** In full resolution. */
  has(id: string): boolean {
    return this.pictures.get(id)?.reduction === 0
  }

  /** The best there is. */
  get(id: string): Picture | undefined {
    const picture = this.pictures.get(id)
    if (picture) {
      // A Map remembers insertion order: put back in last means used last.
      this.pictures.delete(id)
      this.pictures.set(id, picture)
    }
    return picture
  }

  /** Takes the place of one in lower resolution. False: the one that is here is as good. */
  add(picture: Picture): boolean {
    const { id } = picture.frame
    const before = this.pictures.get(id)
    if (before && before.reduction <= picture.reduction) return false
    if (before) this.used -= before.bytes
    this.pictures.delete(id)
    this.makeRoom(picture, id)
    return true
  }

  private makeRoom(picture: Picture, id: string): void {
    this.pictures.set(id, picture)
    this.used += picture.bytes
    this.evictDownTo(id)
  }

  /** Bytes of the budget that volumes use; a quarter of it stays with the pictures. */
  lend(bytes: number): void {
    this.lent = Math.min(bytes, this.budget * 0.75)
    this.evictDownTo('')
  }

  /** Bytes that pictures may use. */
  get room(): number {
    return this.budget - this.lent
  }

  private evictDownTo(id: string): void {
    const { room } = this
    if (this.used <= room) return
    const pinned = this.pinned()
    for (const [candidate, held] of this.pictures) {
      if (this.used <= room) return
      if (candidate === id || pinned.has(candidate)) continue
      this.pictures.delete(candidate)
      this.used -= held.bytes
      this.evicted(candidate)
    }
  }

  get bytes(): number {
    return this.used
  }

  clear(): void {
    this.pictures.clear()
    this.used = 0
  }
}
