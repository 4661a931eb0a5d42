// Tiles of a slide: fetched a few at a time, the middle of the screen first; what left the screen is no longer waited for.
import { send } from '../../../../lib/http'
import { type Colours, coloursBy, profileOf } from '../../engine/colours'
import { bytesOf } from '../../engine/source'
import { throughTable } from '../../model/colourProfile'
import type { Dataset } from '../../model/dataset'
import type { Slide, Tile } from '../../model/objects/slide'

const AT_ONCE = 6
/** Bytes of decoded tiles that are kept. */
const BUDGET = 192 * 1024 * 1024

interface Kept {
  readonly picture: ImageBitmap
  readonly bytes: number
}

async function recoloured(picture: ImageBitmap, table: Exclude<Colours, string>): Promise<ImageBitmap> {
  const { width, height } = picture
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) return picture
  context.drawImage(picture, 0, 0)
  picture.close()
  const seen = context.getImageData(0, 0, width, height)
  const stored = new Uint8Array(width * height * 3)
  for (let pixel = 0; pixel < width * height; pixel++) stored.set(seen.data.subarray(pixel * 4, pixel * 4 + 3), pixel * 3)
  const shown = throughTable(stored, table)
  for (let pixel = 0; pixel < width * height; pixel++) seen.data.set(shown.subarray(pixel * 3, pixel * 3 + 3), pixel * 4)
  return createImageBitmap(seen)
}

export class SlideTiles {
  private readonly kept = new Map<string, Kept>()
  private readonly failed = new Set<string>()
  private readonly coming = new Map<string, AbortController>()
  private wanted: readonly Tile[] = []
  private bytes = 0
  private ended = false
  private colours: Promise<Colours | undefined> | undefined
  private readonly slide: Slide
  private readonly path: number
  private readonly plane: number
  private readonly changed: () => void

  constructor(slide: Slide, path: number, plane: number, changed: () => void) {
    this.slide = slide
    this.path = path
    this.plane = plane
    this.changed = changed
  }

  private keyOf({ level, column, row }: Tile): string {
    return `${level}/${column}/${row}`
  }

  /** Tiles that are still to come of those that are wanted. */
  get waiting(): number {
    return this.wanted.filter((tile) => this.isMissing(tile)).length
  }

  get broken(): number {
    return this.failed.size
  }

  private isMissing(tile: Tile): boolean {
    const key = this.keyOf(tile)
    return !this.kept.has(key) && !this.failed.has(key) && this.frameOf(tile) !== undefined
  }

  private frameOf({ level, column, row }: Tile): number | undefined {
    return this.slide.levels[level]?.frameOf(column, row, this.path, this.plane)
  }

  get(tile: Tile): ImageBitmap | undefined {
    const key = this.keyOf(tile)
    const found = this.kept.get(key)
    if (!found) return undefined
    // Last used, last let go.
    this.kept.delete(key)
    this.kept.set(key, found)
    return found.picture
  }

  /** What is on the screen now, most wanted first. */
  want(tiles: readonly Tile[]): void {
    this.wanted = tiles
    const keys = new Set(tiles.map((tile) => this.keyOf(tile)))
    for (const [key, coming] of this.coming) if (!keys.has(key)) coming.abort()
    this.next()
  }

  private next(): void {
    for (const tile of this.wanted) {
      if (this.ended || this.coming.size >= AT_ONCE) return
      const key = this.keyOf(tile)
      if (this.isMissing(tile) && !this.coming.has(key)) void this.load(tile, key)
    }
  }

  private async load(tile: Tile, key: string): Promise<void> {
    const coming = new AbortController()
    this.coming.set(key, coming)
    try {
      const picture = await this.pictureOf(tile, coming.signal)
      this.keep(key, { picture, bytes: picture.width * picture.height * 4 })
    } catch {
      // A tile that is missing leaves its place to the coarser level, and is counted.
      if (!coming.signal.aborted) this.failed.add(key)
    }
    this.coming.delete(key)
    if (this.ended) return
    this.changed()
    this.next()
  }

  private async pictureOf(tile: Tile, signal: AbortSignal): Promise<ImageBitmap> {
    const level = this.slide.levels[tile.level]
    const frame = this.frameOf(tile)
    if (!level || frame === undefined) throw new Error('no such tile')
    // Stored JPEG as it is; anything else is drawn by the archive, without loss.
    const address = `${level.instance.address}/frames/${frame}${level.plainJpeg ? '' : '/rendered'}`
    const answer = await send(address, { headers: { Accept: level.plainJpeg ? 'image/jpeg' : 'image/png' }, signal })
    // What the archive draws carries the profile of the slide, and the browser follows it; stored tiles mostly do not.
    const colours = level.plainJpeg ? await this.coloursOf(level.instance.dataset) : undefined
    const picture = await createImageBitmap(await answer.blob(), colours ? { colorSpaceConversion: 'none' } : {})
    return colours && typeof colours !== 'string' ? recoloured(picture, colours) : picture
  }

  private coloursOf(dataset: Dataset): Promise<Colours | undefined> {
    const profile = profileOf(dataset)
    this.colours ??= profile ? bytesOf(profile, new AbortController().signal).then(coloursBy, () => undefined) : Promise.resolve(undefined)
    return this.colours
  }

  private keep(key: string, kept: Kept): void {
    this.kept.set(key, kept)
    this.bytes += kept.bytes
    for (const [oldest, { picture, bytes }] of this.kept) {
      if (this.bytes <= BUDGET) return
      this.kept.delete(oldest)
      this.bytes -= bytes
      picture.close()
    }
  }

  dispose(): void {
    this.ended = true
    for (const coming of this.coming.values()) coming.abort()
    for (const { picture } of this.kept.values()) picture.close()
    this.kept.clear()
  }
}
