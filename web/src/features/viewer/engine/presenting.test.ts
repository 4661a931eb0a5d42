import { describe, expect, it } from 'vitest'
import { framesOf, instanceOf } from '../model/frame'
import { presentationOf } from '../model/presentations'
import { Tag } from '../model/tags'
import type { Colours } from './colours'
import type { Picture } from './picture'
import { type Ready, presented } from './presenting'


const value = (...Value: unknown[]) => ({ vr: 'XX', Value }) as never
const COLOR = '1.2.840.10008.5.1.4.1.1.11.2'
const [frame] = framesOf(instanceOf({ [Tag.SOPInstanceUID]: value('1.3'), [Tag.SeriesInstanceUID]: value('1.2'), [Tag.Rows]: value(1), [Tag.Columns]: value(1), [Tag.SamplesPerPixel]: value(3), [Tag.PhotometricInterpretation]: value('RGB') }, '1.1', '1.2'))
const state = presentationOf({
  '00080016': value(COLOR),
  '00081115': value({ '0020000E': value('1.2'), '00081140': value({ '00081155': value('1.3') }) }),
})
const table = (name: string): Colours => ({ name, values: new Uint8Array(24), steps: 2 })
const ready = (colours?: Colours): Ready => ({ presentation: state, table: undefined, voi: [], lut: undefined, palette: undefined, planes: [], tables: new Map(), colours })

describe('a colour presentation', () => {
  it('shows images by its own ICC profile instead of theirs (PS3.3 C.11.15), and by theirs when it has none', () => {
    if (!frame) throw new Error('no frame')
    const picture: Picture = { frame, pixels: { color: true, data: Uint8Array.of(1, 2, 3) }, windows: [], bytes: 3, reduction: 0, colours: table('of the image') }
    expect(presented(picture, ready(table('of the state')), new Set()).colours).toMatchObject({ name: 'of the state' })
    expect(presented(picture, ready('plain'), new Set()).colours).toBe('plain')
    expect(presented(picture, ready(), new Set()).colours).toMatchObject({ name: 'of the image' })
  })
})
