// Pictures made of pictures for the eye: subtracted from a mask, filtered. Kept as long as the picture they were made of.
import { text } from '../model/dataset'
import { filtered } from '../model/effects'
import type { Point } from '../model/geometry'
import { difference, mean } from '../model/subtraction'
import { Tag } from '../model/tags'
import type { Picture } from './picture'

const sharpened = new WeakMap<Picture, { filter: number; made: Picture }>()

/** The picture as the filter shows it; itself when there is none. */
export function throughFilter(picture: Picture, filter: number): Picture {
  if (filter === 0) return picture
  const before = sharpened.get(picture)
  if (before?.filter === filter) return before.made
  const { columns, rows } = picture.frame.extent
  const { pixels } = picture
  const made: Picture = pixels.color
    ? { ...picture, pixels: { color: true, data: filtered(pixels.data, columns, rows, 3, filter) } }
    : { ...picture, pixels: { ...pixels, data: filtered(pixels.data, columns, rows, 1, filter) } }
  sharpened.set(picture, { filter, made })
  return made
}

/** The mean of mask pictures; undefined when they are no grey pictures of one size. */
export function maskOf(pictures: readonly Picture[]): Float32Array | undefined {
  const greys = pictures.flatMap(({ pixels }) => (pixels.color ? [] : [pixels.data]))
  return greys.length === pictures.length ? mean(greys) : undefined
}

const subtracted = new WeakMap<Picture, { mask: Float32Array; shift: Point; made: Picture }>()

/** The picture less its mask; itself when they do not fit. */
export function withoutMask(picture: Picture, mask: Float32Array, shift: Point): Picture {
  const { pixels, frame } = picture
  if (pixels.color || pixels.data.length !== mask.length || picture.reduction > 0) return picture
  const before = subtracted.get(picture)
  if (before?.mask === mask && before.shift === shift) return before.made
  // PS3.3 C.7.6.10.1: linear intensities are made logarithmic before they are subtracted.
  const data = difference(pixels.data, mask, frame.extent, shift, text(frame.instance.dataset, Tag.PixelIntensityRelationship) === 'LIN')
  let [min, max] = [Infinity, -Infinity]
  for (const value of data) {
    if (value < min) min = value
    if (value > max) max = value
  }
  const made: Picture = { ...picture, windows: [], pixels: { color: false, data, min, max } }
  subtracted.set(picture, { mask, shift, made })
  return made
}
