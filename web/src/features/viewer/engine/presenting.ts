// A picture as a presentation state shows it: modality LUT, VOI LUT, presentation LUT, colours, shutters, overlay planes (PS3.4 N.2).
import { NOMINAL_PIXEL, shapedAs, viewOfArea } from '../model/displayedArea'
import type { Frame } from '../model/frame'
import { type Drawing, bitmapShutter, bitsOf, maskOf, planesOf, shutterColor, shuttersOf } from '../model/graphics'
import { type GreyPixels, type Resolved, toModality } from '../model/pixels'
import { type Area, type Presentation, isMeant } from '../model/presentations'
import { type Targets, isFor } from '../model/targets'
import type { Size, Turn, View } from '../model/view'
import type { Window } from '../model/windows'
import { type Colours, coloursBy, profileOf } from './colours'
import type { Picture } from './picture'
import { bytesOf, channels, resolved, voiWindow } from './source'

type Named = Picture['windows'][number]

/** A state with all of its tables at hand. */
export interface Ready {
  readonly presentation: Presentation
  readonly table: Resolved | undefined
  readonly voi: readonly { readonly for: Targets; readonly windows: readonly Named[] }[]
  readonly lut: Resolved | undefined
  readonly palette: readonly [Resolved, Resolved, Resolved] | undefined
  /** The state's own overlay planes, with their bits. */
  readonly planes: readonly { readonly plane: Drawing['plane']; readonly bytes: Uint8Array }[]
  /** Modality LUTs of the images themselves, which lead back to what is stored. */
  readonly tables: ReadonlyMap<string, Resolved>
  /** What the ICC profile of a colour state makes of the images' colours, instead of their own (PS3.3 C.11.15). */
  readonly colours: Colours | undefined
}

/** Fetches what a state and the images it is for refer to. */
export async function prepared(presentation: Presentation, frames: readonly Frame[], signal: AbortSignal): Promise<Ready> {
  const { gray, palette, dataset } = presentation
  const meant = frames.filter((frame) => frame.modality.table && isMeantFor(presentation, frame))
  const profile = gray ? undefined : profileOf(dataset)
  const [table, lut, voi, colors, planes, tables, colours] = await Promise.all([
    gray?.table && resolved(gray.table, signal),
    gray?.lut && resolved(gray.lut, signal),
    Promise.all((gray?.voi ?? []).map(async (each) => ({ for: each.for, windows: [...each.windows, ...(await Promise.all(each.tables.map((one) => resolved(one, signal)))).map(voiWindow)] }))),
    palette && Promise.all(channels(palette).map((each) => resolved(each, signal, palette.segmented))),
    Promise.all(planesOf(dataset).flatMap((plane) => (plane.data ? [bytesOf(plane.data, signal).then((bytes) => ({ plane, bytes }))] : []))),
    Promise.all(meant.map(async (frame) => [frame.id, frame.modality.table && (await resolved(frame.modality.table, signal))] as const)),
    profile && bytesOf(profile, signal).then(coloursBy),
  ])
  const [red, green, blue] = colors ?? []
  return {
    presentation,
    table,
    voi,
    lut,
    palette: red && green && blue ? [red, green, blue] : undefined,
    planes,
    tables: new Map(tables.flatMap(([id, found]) => (found ? [[id, found]] : []))),
    colours,
  }
}

export const isMeantFor = (presentation: Presentation, { instance, number: frame }: Frame): boolean =>
  isMeant(presentation, instance.seriesInstanceUID, instance.sopInstanceUID, frame)

export const areaFor = (presentation: Presentation, { instance, number: frame }: Frame): Area | undefined =>
  presentation.areas.find((area) => isFor(area.for, instance.sopInstanceUID, frame))

/** The same entries, so that the state repeats what the image says (PS3.3 C.11.1). */
const same = (one: Resolved, other: Resolved): boolean =>
  one.first === other.first && one.bits === other.bits && one.values.length === other.values.length && one.values.every((value, at) => value === other.values[at])

/** Stored values out of modality values; undefined when the image's table gives several of them the same value. */
function storedOf({ frame, pixels }: Picture & { readonly pixels: GreyPixels }, own: Resolved | undefined): ArrayLike<number> | undefined {
  const { slope, intercept } = frame.modality
  if (!own) return slope === 1 && intercept === 0 ? pixels.data : Float64Array.from(pixels.data, (value) => Math.round((value - intercept) / slope))
  const back = new Map(Array.from(own.values, (value, at) => [value, own.first + at]))
  if (back.size < own.values.length) return undefined
  return Float64Array.from(pixels.data, (value) => back.get(value) ?? own.first)
}

/** Modality values as the state computes them. */
function modalityOf(picture: Picture & { readonly pixels: GreyPixels }, { presentation, table, tables }: Ready): GreyPixels {
  const { gray } = presentation
  const { frame, pixels } = picture
  const own = tables.get(frame.id)
  if (!gray || (table && own && same(table, own))) return pixels
  const { modality, instance } = frame
  if (!table && !own && modality.slope === gray.slope && modality.intercept === gray.intercept) return pixels
  const stored = storedOf(picture, own)
  return stored ? toModality(stored, instance.format, { slope: gray.slope, intercept: gray.intercept, unit: modality.unit }, table) : pixels
}

/** Without a VOI LUT all that the values can be is shown (PS3.4 N.2.1.3: identity). */
function identity(frame: Frame, { presentation, table }: Ready): Window {
  const { stored, signed } = frame.instance.format
  const { slope = 1, intercept = 0 } = presentation.gray ?? {}
  const first = signed ? -(2 ** (stored - 1)) : 0
  const ends = table ? [0, 2 ** table.bits - 1] : [first * slope + intercept, (first + 2 ** stored - 1) * slope + intercept]
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  return { center: (low + high) / 2, width: Math.max(high - low, 1e-6), shape: 'LINEAR_EXACT' }
}

/** Shutters of the state, with the overlay planes that it activates in layers that are not hidden. */
function maskOn(picture: Picture, { presentation, planes }: Ready, hidden: ReadonlySet<string>): Picture['mask'] {
  const { dataset, overlays } = presentation
  const { frame } = picture
  const bitmap = bitmapShutter(dataset)
  const own = planes.flatMap(({ plane, bytes }): Drawing[] => {
    const bits = bitsOf(plane, bytes, frame.number)
    return bits ? [{ plane, bits }] : []
  })
  const ofImage = picture.mask?.drawings ?? []
  const all = [...ofImage.filter(({ plane }) => !own.some((each) => each.plane.group === plane.group)), ...own]
  const isOn = ({ group }: Drawing['plane']): boolean => group === bitmap || (overlays.has(group) && !hidden.has(overlays.get(group) ?? ''))
  const pixels = maskOf(frame.extent, shuttersOf(dataset), all.filter(({ plane }) => isOn(plane)), bitmap)
  return pixels && { pixels, shutter: shutterColor(dataset), drawings: ofImage }
}

/** The picture as the state wants it seen; one that the state is not for stays as it is. */
export function presented(picture: Picture, ready: Ready, hidden: ReadonlySet<string>): Picture {
  const { presentation, voi, lut, palette } = ready
  const { frame, pixels } = picture
  if (!isMeantFor(presentation, frame)) return picture
  const extent = shapedAs(frame.extent, areaFor(presentation, frame))
  const mask = maskOn(picture, ready, hidden)
  const { windows, bytes, reduction } = picture
  const colours = ready.colours ?? picture.colours
  const base: Picture = { pixels, windows, bytes, reduction, frame: extent === frame.extent ? frame : { ...frame, extent }, ...(mask ? { mask } : {}), ...(colours ? { colours } : {}) }
  if (pixels.color || !presentation.gray) return base
  const chosen = voi.find((each) => isFor(each.for, frame.instance.sopInstanceUID, frame.number))
  return {
    ...base,
    pixels: modalityOf({ ...base, pixels }, ready),
    windows: chosen && chosen.windows.length > 0 ? chosen.windows : [{ name: 'Presentation', window: identity(frame, ready) }],
    inverse: presentation.inverted,
    ...(lut ? { output: lut } : {}),
    ...(palette ? { palette } : {}),
  }
}

/** A state on the screen of a viewport, without the layers that a person has hidden. */
export interface Presenting {
  readonly ready: Ready
  readonly hidden: ReadonlySet<string>
}

/** Scrolling back shows the same object again: surfaces paint what is new to them. */
const made = new WeakMap<Presenting, WeakMap<Picture, Picture>>()

export function shownBy(presenting: Presenting, picture: Picture): Picture {
  const known = made.get(presenting) ?? new WeakMap<Picture, Picture>()
  made.set(presenting, known)
  const shown = known.get(picture) ?? presented(picture, presenting.ready, presenting.hidden)
  known.set(picture, shown)
  return shown
}

/** The view of the displayed area that the state selects for a frame; undefined when it selects none. */
export function viewOf({ ready }: Presenting, frame: Frame, size: Size, turn: Turn): View | undefined {
  const area = isMeantFor(ready.presentation, frame) ? areaFor(ready.presentation, frame) : undefined
  return area && viewOfArea(area, shapedAs(frame.extent, area), size, turn, { ratio: window.devicePixelRatio || 1, millimetres: NOMINAL_PIXEL })
}
