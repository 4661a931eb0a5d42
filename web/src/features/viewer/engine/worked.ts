// Pictures made of pictures for the eye: filtered ones. Kept as long as the picture they were made of.
import { filtered } from '../model/effects'
import type { Picture } from './picture'

const kept = new WeakMap<Picture, { filter: number; made: Picture }>()

/** The picture as the filter shows it; itself when there is none. */
export function throughFilter(picture: Picture, filter: number): Picture {
  if (filter === 0) return picture
  const before = kept.get(picture)
  if (before?.filter === filter) return before.made
  const { columns, rows } = picture.frame.extent
  const { pixels } = picture
  const made: Picture = pixels.color
    ? { ...picture, pixels: { color: true, data: filtered(pixels.data, columns, rows, 3, filter) } }
    : { ...picture, pixels: { ...pixels, data: filtered(pixels.data, columns, rows, 1, filter) } }
  kept.set(picture, { filter, made })
  return made
}
