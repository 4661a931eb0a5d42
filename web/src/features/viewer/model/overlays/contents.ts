// What values lie in segments: volume, mean, highest, and of PET the total lesion glycolysis. Pure.
import type { Values } from '../statistics'
import type { Segmentation } from './segmentation'

export interface Contents {
  /** Millilitres; undefined where nothing tells how far images are apart. */
  readonly volume: number | undefined
  readonly mean: number
  readonly deviation: number
  readonly max: number
  /** Of PET mean SUV times volume (g, for SUVbw): the total lesion glycolysis. */
  readonly glycolysis: number | undefined
}

export interface Table {
  readonly unit: string
  /** The values are SUVbw. */
  readonly uptake: boolean
  readonly segments: ReadonlyMap<number, Contents>
  /** Of all segments, what lies in several of them counted once: of PET the total metabolic tumour volume (TMTV). */
  readonly all: Contents | undefined
}

/** Sums of values, each by the fraction of its voxel that is inside. */
class Sums {
  private cubic = 0
  private weight = 0
  private sum = 0
  private squares = 0
  private max = -Infinity

  /** @param voxel mm³, NaN where not known */
  add(mask: Uint8Array, { data, padding, suv = 1 }: Values, voxel: number): void {
    for (let index = 0; index < mask.length; index++) {
      const part = (mask[index] ?? 0) / 255
      if (part === 0) continue
      this.cubic += part * voxel
      const stored = data[index] ?? Number.NaN
      if (Number.isNaN(stored) || (padding && stored >= padding.from && stored <= padding.to)) continue
      const value = stored * suv
      this.weight += part
      this.sum += part * value
      this.squares += part * value * value
      this.max = Math.max(this.max, value)
    }
  }

  contents(uptake: boolean): Contents | undefined {
    if (this.weight === 0) return undefined
    const mean = this.sum / this.weight
    const volume = Number.isNaN(this.cubic) ? undefined : this.cubic / 1000
    const deviation = Math.sqrt(Math.max(0, this.squares / this.weight - mean * mean))
    return { volume, mean, deviation, max: this.max, glycolysis: uptake && volume !== undefined ? mean * volume : undefined }
  }
}

/**
 * @param drawn what is drawn on each image; layers have the pixels of that image
 * @param valuesOf of an image, asked for one after the other. Throws a sentence where values are colours.
 */
export async function contentsOf<Image>({ step }: Pick<Segmentation, 'step'>, drawn: ReadonlyMap<Image, Segmentation['layers']>, valuesOf: (image: Image) => Promise<Values>): Promise<Table> {
  const sums = new Map<number, Sums>()
  const whole = new Sums()
  let [unit, uptake] = ['', true]
  for (const [image, layers] of drawn) {
    const values = await valuesOf(image)
    if (values.color) throw new Error('Colour images have no values to be measured.')
    if (layers.some(({ mask }) => mask.length !== values.columns * values.rows)) throw new Error('These segments have other pixels than the images. Show the images they were drawn on, then measure again.')
    unit = values.unit
    uptake &&= values.suv !== undefined
    const together = new Uint8Array(values.columns * values.rows)
    let voxel = Number.NaN
    for (const { segment, mask, grid } of layers) {
      voxel = grid && step !== undefined ? grid.spacing[0] * grid.spacing[1] * step : Number.NaN
      const own = sums.get(segment) ?? new Sums()
      sums.set(segment, own)
      own.add(mask, values, voxel)
      for (let index = 0; index < mask.length; index++) together[index] = Math.max(together[index] ?? 0, mask[index] ?? 0)
    }
    whole.add(together, values, voxel)
  }
  uptake &&= drawn.size > 0
  const segments = new Map([...sums].flatMap(([segment, sum]): [number, Contents][] => {
    const contents = sum.contents(uptake)
    return contents ? [[segment, contents]] : []
  }))
  return { unit: uptake ? 'SUVbw' : unit, uptake, segments, all: whole.contents(uptake) }
}
