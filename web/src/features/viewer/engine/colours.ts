// The colours of images that bring an ICC profile, as the screen shows them. The browser's own colour management reads the profile.
import { type Binary, type Dataset, binary, item } from '../model/dataset'
import { type ColourTable, STEPS, colours, isOfRgb, isPlain, nameOfProfile, pngWithProfile, throughTable } from '../model/colourProfile'
import type { Picture } from './picture'

/** 'plain': as they are stored; 'unknown': there is a profile, and it cannot be used. */
export type Colours = ColourTable | 'plain' | 'unknown'

const PROBE = 17
const KEPT = 8

/** The profile of a data set; of a slide that of its first optical path (PS3.3 C.8.12.5). */
export const profileOf = (dataset: Dataset): Binary | undefined => binary(dataset, '00282000') ?? binary(item(dataset, '00480105') ?? {}, '00282000')

async function tried(profile: Uint8Array<ArrayBuffer>, steps: number): Promise<Uint8Array> {
  const width = steps * steps
  const picture = await createImageBitmap(new Blob([await pngWithProfile(colours(steps), width, profile)], { type: 'image/png' }))
  const context = new OffscreenCanvas(width, steps).getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('no canvas')
  context.drawImage(picture, 0, 0)
  picture.close()
  const { data } = context.getImageData(0, 0, width, steps)
  return Uint8Array.from({ length: width * steps * 3 }, (_, at) => data[Math.floor(at / 3) * 4 + (at % 3)] ?? 0)
}

async function tableOf(bytes: Uint8Array): Promise<Colours> {
  if (!isOfRgb(bytes)) return 'unknown'
  const profile = bytes.slice()
  try {
    // Nearly every profile is that of sRGB: a small table tells.
    if (isPlain(await tried(profile, PROBE), PROBE)) return 'plain'
    return { name: nameOfProfile(profile), values: await tried(profile, STEPS), steps: STEPS }
  } catch {
    return 'unknown'
  }
}

/** By what a profile says, since each image of a series brings its own copy of it. */
const known = new Map<string, Promise<Colours>>()

function keyOf(bytes: Uint8Array): string {
  let sum = 0
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0
  return `${bytes.byteLength} ${sum}`
}

/** What a profile makes of stored colours. */
export function coloursBy(profile: Uint8Array): Promise<Colours> {
  const key = keyOf(profile)
  const found = known.get(key) ?? tableOf(profile)
  known.set(key, found)
  return found
}

/** What is told of a profile on the picture; '' when its colours are those of the screen. */
export const colourWords = (found: Colours | undefined): string =>
  found === 'unknown' ? 'Colour profile not usable: colours as stored' : found && found !== 'plain' ? `Colours by ${found.name || 'its ICC profile'}` : ''

/** The last few pictures that went through a table: what is on the screen is drawn again and again. */
const made = new Map<Picture, Picture>()

/** The picture in the colours of the screen; itself when these are its own. */
export function inColours(picture: Picture): Picture {
  const { pixels, colours: table } = picture
  if (!pixels.color || !table || typeof table === 'string') return picture
  const shown = made.get(picture) ?? { ...picture, pixels: { color: true, data: throughTable(pixels.data, table) } }
  made.delete(picture)
  made.set(picture, shown)
  for (const oldest of made.keys()) {
    if (made.size <= KEPT) break
    made.delete(oldest)
  }
  return shown
}
