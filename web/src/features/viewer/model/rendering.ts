// A body as rows of a picture: the one thing that workers and the page itself do when a volume is rendered. Pure.
import { type Bricks, type Labels, emptyFor, withLabels } from './bricks'
import { type Camera, type Crop, type RenderPreset, type Space, type Transfer, cast, castMax, transferOf } from './raycast'
import { type Cut, stencilsOf } from './scalpel'
import type { Volume } from './volume'
import { type Window, grey, rangeOf } from './windows'

export interface Body {
  readonly camera: Camera
  readonly preset: RenderPreset
  readonly shift: number
  readonly crop: Crop
  readonly cuts: readonly Cut[]
  readonly window: Window
  readonly inverted: boolean
  /** Voxels a step may be long. */
  readonly fine: number
  readonly labels?: Labels | undefined
}

/** What is the same for all rows of a picture. */
export interface Prepared {
  readonly transfer: Transfer
  readonly space: Space | undefined
}

const spaces = new WeakMap<Bricks, { readonly key: string; readonly labels: Labels | undefined; readonly empty: Uint8Array }>()

export function prepared({ preset, shift, window, labels }: Body, bricks: Bricks | undefined): Prepared {
  const range = rangeOf(window)
  const transfer = transferOf(preset, shift, range)
  if (!bricks || preset.kind === 'mip') return { transfer, space: undefined }
  // Turning changes nothing of what is empty.
  const key = [preset.id, shift, range.lower, range.upper].join(':')
  const known = spaces.get(bricks)
  const same = known?.key === key && known.labels === labels
  const empty = same ? known.empty : withLabels(emptyFor(bricks, transfer), bricks, labels)
  if (!same) spaces.set(bricks, { key, labels, empty })
  return { transfer, space: { bricks, empty } }
}

/** Rows from..to, four bytes a pixel. */
export function bodyRows(volume: Volume, body: Body, { transfer, space }: Prepared, bricks: Bricks | undefined, from: number, to: number): Uint8ClampedArray<ArrayBuffer> {
  const { camera, preset, crop, window, inverted, fine, labels } = body
  const cuts = stencilsOf(body.cuts, volume.grid)
  const made = new Uint8ClampedArray(camera.width * (to - from) * 4)
  if (preset.kind !== 'mip') {
    cast(volume, camera, transfer, crop, fine, made, from, to, { space, labels, cuts })
    return made
  }
  const values = new Float32Array(camera.width * (to - from))
  castMax(volume, camera, crop, fine, values, from, to, bricks, cuts)
  const empty = inverted ? 255 : 0
  values.forEach((value, at) => {
    const level = value === value ? grey(value, window) : Number.NaN
    const shade = level === level ? (inverted ? 255 - level : level) : empty
    made[at * 4] = made[at * 4 + 1] = made[at * 4 + 2] = shade
    made[at * 4 + 3] = 255
  })
  return made
}
