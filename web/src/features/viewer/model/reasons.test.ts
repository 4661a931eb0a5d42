import { expect, it } from 'vitest'
import { whyNotShown } from './reasons'
import { Tag } from './tags'

const value = (...Value: (string | number)[]) => ({ vr: 'XX', Value })
const named = { [Tag.SOPClassUID]: value('1.2.840.10008.5.1.4.1.1.2'), [Tag.SOPInstanceUID]: value('1.2.3') }

it('says of an object that came with its UIDs only what may be the reason', () => {
  expect(whyNotShown(named)).toBe('This object has no pixel data, or too much in its header.')
  expect(whyNotShown({ ...named, [Tag.PatientID]: value('P1') })).toBe('This object has no pixel data.')
})
