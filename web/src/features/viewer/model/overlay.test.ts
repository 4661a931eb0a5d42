import { describe, expect, it } from 'vitest'
import { lossyText } from './overlay'

const value = (...Value: (number | string)[]) => ({ vr: 'XX', Value })

describe('lossy compression', () => {
  it.each<[string, Record<string, { vr: string; Value: (number | string)[] }>]>([
    ['', {}],
    ['', { '00282110': value('00'), '00282112': value(10) }],
    ['LOSSY', { '00282110': value('01') }],
    ['LOSSY 8.5:1', { '00282110': value('01'), '00282112': value(8.5) }],
    ['LOSSY 10:1 JPEG', { '00282110': value('01'), '00282112': value(10), '00282114': value('ISO_10918_1') }],
    ['LOSSY 10:1 JPEG, 2.5:1 JPEG 2000', { '00282110': value('01'), '00282112': value(10, 2.5), '00282114': value('ISO_10918_1', 'ISO_15444_1') }],
    ['LOSSY OWN_METHOD', { '00282110': value('01'), '00282114': value('OWN_METHOD') }],
    // An object that says nothing, in a syntax that can be nothing else.
    ['LOSSY', { '00083002': value('1.2.840.10008.1.2.4.50') }],
    ['LOSSY', { '00083002': value('1.2.840.10008.1.2.4.102.1') }],
    ['', { '00083002': value('1.2.840.10008.1.2.4.90') }],
  ])('says %j', (words, dataset) => {
    expect(lossyText(dataset)).toBe(words)
  })
})
