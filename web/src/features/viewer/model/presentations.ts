// Softcopy presentation states (PS3.3 A.33, C.10): how a series is meant to be looked at, and what is drawn on it.
import { type Dataset, item, items, number, numbers, text } from './dataset'
import { type Figure, figureType, pointsOf } from './graphics2d'
import { type Turn, UPRIGHT, flipHorizontal, rotateRight } from './view'
import type { Window } from './windows'

export interface Presentation {
  readonly sopInstanceUID: string
  readonly title: string
  /** Series Instance UID -> SOP Instance UIDs of the images it is for. */
  readonly series: ReadonlyMap<string, readonly string[]>
  readonly window: Window | undefined
  readonly turn: Turn
  readonly inverted: boolean
  readonly figures: readonly Figure[]
}

export const isPresentation = (dataset: Dataset): boolean => text(dataset, '00080060') === 'PR' && items(dataset, '00081115').length > 0

function turnOf(dataset: Dataset): Turn {
  const quarters = Math.round((number(dataset, '00700042') ?? 0) / 90)
  let turn = UPRIGHT
  for (let at = 0; at < ((quarters % 4) + 4) % 4; at++) turn = rotateRight(turn)
  return text(dataset, '00700041') === 'Y' ? flipHorizontal(turn) : turn
}

function windowOf(dataset: Dataset): Window | undefined {
  const voi = item(dataset, '00283110')
  const center = voi && number(voi, '00281050')
  const width = voi && number(voi, '00281051')
  if (!voi || center === undefined || width === undefined) return undefined
  const said = text(voi, '00281056')
  return { center, width, shape: said === 'SIGMOID' || said === 'LINEAR_EXACT' ? said : 'LINEAR' }
}

function figuresOf(dataset: Dataset): Figure[] {
  return items(dataset, '00700001').flatMap((annotation) => {
    const images = items(annotation, '00081140')
    const on = (figure: Omit<Figure, 'sopInstanceUID' | 'frames'>): Figure[] =>
      images.map((image) => ({ ...figure, sopInstanceUID: text(image, '00081155'), frames: numbers(image, '00081160') }))
    const graphics = items(annotation, '00700009').flatMap((graphic) => {
      const type = figureType(text(graphic, '00700023'))
      return type && text(graphic, '00700005') === 'PIXEL' ? on({ type, points: pointsOf(numbers(graphic, '00700022')), lines: [], filled: text(graphic, '00700024') === 'Y' }) : []
    })
    const words = items(annotation, '00700008').flatMap((each) => {
      const pixel = text(each, '00700004') === 'PIXEL' ? numbers(each, '00700014') : text(each, '00700003') === 'PIXEL' ? numbers(each, '00700010') : []
      return pixel.length === 2 ? on({ type: 'TEXT', points: pointsOf(pixel), lines: text(each, '00700006').split(/\r?\n/), filled: false }) : []
    })
    return [...graphics, ...words]
  })
}

export function presentationOf(dataset: Dataset): Presentation {
  const series = new Map(items(dataset, '00081115').map((each) => [text(each, '0020000E'), items(each, '00081140').map((image) => text(image, '00081155'))]))
  return {
    sopInstanceUID: text(dataset, '00080018'),
    title: text(dataset, '00700081') || text(dataset, '00700080') || 'Presentation',
    series,
    window: windowOf(dataset),
    turn: turnOf(dataset),
    inverted: text(dataset, '20500020') === 'INVERSE',
    figures: figuresOf(dataset),
  }
}
