import { describe, expect, it } from 'vitest'
import { CompressedStore } from './compressed'
import type { Bytes } from './frames'

const frame = (size: number, syntax = '1.2.840.10008.1.2.4.70', reduction = 0): Bytes => ({ bytes: new Uint8Array(size), syntax, reduction })

describe('compressed frames', () => {
  it('stay within a budget of bytes, the least recently used go first', () => {
    const store = new CompressedStore(1000)
    for (const name of ['a', 'b', 'c', 'd']) store.add(name, frame(240))
    expect(store.get('a')?.bytes.byteLength).toBe(240)
    store.add('e', frame(200))
    expect(['a', 'b', 'c', 'd', 'e'].filter((name) => store.get(name))).toEqual(['a', 'c', 'd', 'e'])
    expect(store.bytes).toBe(920)
    for (let n = 0; n < 100; n++) store.add(`more${n}`, frame(1 + (n * 37) % 250))
    expect(store.bytes).toBeLessThanOrEqual(1000)
  })

  it('are only what is whole, compressed and small enough', () => {
    const store = new CompressedStore(1000)
    store.add('plain', frame(10, '1.2.840.10008.1.2.1'))
    store.add('beginning', frame(10, '1.2.840.10008.1.2.4.203', 2))
    store.add('huge', frame(251))
    expect(store.bytes).toBe(0)
    store.add('twice', frame(100))
    store.add('twice', frame(100))
    expect(store.bytes).toBe(100)
  })
})
