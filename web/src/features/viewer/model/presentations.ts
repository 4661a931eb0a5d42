// Softcopy presentation states (PS3.3 A.33, C.10, C.11): how images are meant to be looked at. What they draw is in annotated.ts.
import { type Drawn, type GraphicLayer, drawnOf, elsewhereOf, layersOf } from './annotated'
import { type Dataset, items, number, numbers, text, texts } from './dataset'
import { type Palette, type Table, paletteOf, tableOf } from './frame'
import { pictureless } from './reasons'
import { Tag } from './tags'
import { type Targets, isFor, targetsOf } from './targets'
import { type Turn, UPRIGHT, flipHorizontal, rotateRight } from './view'
import type { Window } from './windows'

const CLASSES: Readonly<Record<string, string>> = {
  '1.2.840.10008.5.1.4.1.1.11.1': 'Presentation',
  '1.2.840.10008.5.1.4.1.1.11.2': 'Presentation in colour',
  '1.2.840.10008.5.1.4.1.1.11.3': 'Presentation in pseudo-colour',
}
const COLOR = '1.2.840.10008.5.1.4.1.1.11.2'

export interface Voi {
  readonly for: Targets
  readonly windows: readonly { readonly name: string; readonly window: Window }[]
  readonly tables: readonly Table[]
}

export interface Area {
  readonly for: Targets
  /** Columns and rows of the corners, both included, from 1 (PS3.3 C.10.4): left, top, right, bottom. */
  readonly box: readonly [number, number, number, number]
  readonly mode: 'SCALE TO FIT' | 'TRUE SIZE' | 'MAGNIFY'
  /** Height of a pixel by its width; undefined: as the image says. */
  readonly ratio: number | undefined
  /** Of rows and columns, mm. */
  readonly spacing: readonly [number, number] | undefined
  readonly magnification: number
}

export interface Presentation {
  readonly sopInstanceUID: string
  readonly kind: string
  readonly title: string
  /** Who made it, and when (YYYYMMDD). */
  readonly creator: string
  readonly date: string
  /** Series Instance UID -> images. */
  readonly series: ReadonlyMap<string, NonNullable<Targets>>
  /** null: the images are in colour and stay as they are. */
  readonly gray: { readonly slope: number; readonly intercept: number; readonly table: Table | undefined; readonly voi: readonly Voi[]; readonly lut: Table | undefined } | null
  /** Of a pseudo-colour state. */
  readonly palette: Palette | undefined
  readonly turn: Turn
  readonly inverted: boolean
  readonly areas: readonly Area[]
  readonly layers: readonly GraphicLayer[]
  readonly drawn: readonly Drawn[]
  /** Graphics that cannot be drawn here. */
  readonly elsewhere: number
  /** By overlay group (6000, 6002...), of the image or the state: the layer it is drawn in (PS3.3 C.11.7). */
  readonly overlays: ReadonlyMap<string, string>
  /** With its shutters and overlay planes. */
  readonly dataset: Dataset
}

/** Whether an object is a presentation state that can be shown here. */
export const isPresentation = (dataset: Dataset): boolean => CLASSES[text(dataset, '00080016')] !== undefined && items(dataset, '00081115').length > 0

/** A state of a kind that is not applied here, and the word for it. */
export interface Unapplied {
  readonly sopInstanceUID: string
  readonly title: string
  readonly word: string
}

/** undefined for states that are applied, and for what is none. */
export function unappliedOf(dataset: Dataset): Unapplied | undefined {
  const sopClass = text(dataset, '00080016')
  if (!sopClass.startsWith('1.2.840.10008.5.1.4.1.1.11.') || CLASSES[sopClass] !== undefined) return undefined
  return { sopInstanceUID: text(dataset, '00080018'), title: titleOf(dataset), word: pictureless(sopClass) }
}

const titleOf = (dataset: Dataset): string => text(dataset, '00700081') || text(dataset, '00700080') || 'Presentation'

/** Whether a state is for a frame of an image. */
export const isMeant = (presentation: Presentation, series: string, sopInstanceUID: string, frame: number): boolean => {
  const targets = presentation.series.get(series)
  return targets !== undefined && isFor(targets, sopInstanceUID, frame)
}

function turnOf(dataset: Dataset): Turn {
  const quarters = Math.round((number(dataset, '00700042') ?? 0) / 90)
  let turn = UPRIGHT
  for (let at = 0; at < ((quarters % 4) + 4) % 4; at++) turn = rotateRight(turn)
  return text(dataset, '00700041') === 'Y' ? flipHorizontal(turn) : turn
}

function voiOf(item: Dataset): Voi {
  const widths = numbers(item, Tag.WindowWidth)
  const names = texts(item, Tag.WindowCenterWidthExplanation)
  const said = text(item, Tag.VOILUTFunction)
  const shape = said === 'SIGMOID' || said === 'LINEAR_EXACT' ? said : 'LINEAR'
  const windows = numbers(item, Tag.WindowCenter).flatMap((center, at) => {
    const width = widths[at]
    return width === undefined || width <= 0 || (shape === 'LINEAR' && width < 1) ? [] : [{ name: names[at] ?? '', window: { center, width, shape } as const }]
  })
  return { for: targetsOf(item), windows, tables: items(item, Tag.VOILUTSequence).flatMap((each) => lutOf(each) ?? []) }
}

const lutOf = (item: Dataset | undefined): Table | undefined => item && tableOf(item, Tag.LUTDescriptor, Tag.LUTData, item[Tag.LUTDescriptor]?.vr === 'SS')

function areaOf(item: Dataset): Area[] {
  const [left, top] = numbers(item, '00700052')
  const [right, bottom] = numbers(item, '00700053')
  if (left === undefined || top === undefined || right === undefined || bottom === undefined) return []
  const said = text(item, '00700100')
  const pair = (tag: string): readonly [number, number] | undefined => {
    const [rows, columns] = numbers(item, tag)
    return rows !== undefined && columns !== undefined && rows > 0 && columns > 0 ? [rows, columns] : undefined
  }
  const spacing = pair('00700101')
  const ratio = spacing ?? pair('00700102')
  return [{
    for: targetsOf(item),
    box: [Math.min(left, right), Math.min(top, bottom), Math.max(left, right), Math.max(top, bottom)],
    mode: (said === 'TRUE SIZE' && spacing) || said === 'MAGNIFY' ? said : 'SCALE TO FIT',
    ratio: ratio && ratio[0] / ratio[1],
    spacing,
    magnification: number(item, '00700103') ?? 1,
  }]
}

function grayOf(dataset: Dataset): Presentation['gray'] {
  if (text(dataset, '00080016') === COLOR) return null
  const slope = number(dataset, Tag.RescaleSlope)
  return {
    slope: slope === undefined || slope === 0 ? 1 : slope,
    intercept: number(dataset, Tag.RescaleIntercept) ?? 0,
    table: lutOf(items(dataset, Tag.ModalityLUTSequence)[0]),
    voi: items(dataset, '00283110').map(voiOf),
    lut: lutOf(items(dataset, '20500010')[0]),
  }
}

function overlaysOf(dataset: Dataset): Map<string, string> {
  const found = Object.keys(dataset).filter((tag) => /^60[0-9A-F]{2}1001$/.test(tag))
  return new Map(found.map((tag) => [tag.slice(0, 4), text(dataset, tag)]))
}

export function presentationOf(dataset: Dataset): Presentation {
  const sopClass = text(dataset, '00080016')
  return {
    sopInstanceUID: text(dataset, '00080018'),
    kind: CLASSES[sopClass] ?? 'Presentation',
    title: titleOf(dataset),
    creator: text(dataset, '00700084').replaceAll('^', ' ').trim(),
    date: text(dataset, '00700082'),
    series: new Map(items(dataset, '00081115').map((each) => [text(each, '0020000E'), targetsOf(each) ?? new Map<string, readonly number[]>()])),
    gray: grayOf(dataset),
    palette: sopClass.endsWith('.11.3') ? paletteOf(dataset) : undefined,
    turn: turnOf(dataset),
    inverted: text(dataset, Tag.PresentationLUTShape) === 'INVERSE' && items(dataset, '20500010').length === 0,
    areas: items(dataset, '0070005A').flatMap(areaOf),
    layers: layersOf(dataset),
    drawn: drawnOf(dataset),
    elsewhere: elsewhereOf(dataset),
    overlays: overlaysOf(dataset),
    dataset,
  }
}
