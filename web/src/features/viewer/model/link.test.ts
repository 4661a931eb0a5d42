import { describe, expect, it } from 'vitest'
import { Link, type Told } from './link'

/** A link over which answers came: [begin, end, bytes] in ms. */
function measured(...answers: readonly (readonly [number, number, number])[]): Link {
  const link = new Link()
  const events = answers.flatMap(([begin, end, bytes]) => [
    { at: begin, do: () => link.began(begin) },
    { at: end, do: () => link.received(bytes, end) },
    { at: end, do: () => link.ended(end) },
  ])
  for (const event of events.sort((a, b) => a.at - b.at)) event.do()
  return link
}

describe('the line', () => {
  it('is not judged before enough has come over it', () => {
    expect(measured([0, 100, 1000]).rate).toBeUndefined()
    expect(measured([0, 400, 1000]).rate).toBe(2.5) // little in a long time is enough
    expect(measured([0, 10, 1_000_000]).rate).toBe(100_000)
  })

  it('is shared by answers that come at once, and waits between them are nobody’s fault', () => {
    expect(measured([0, 100, 50_000], [0, 100, 50_000]).rate).toBe(1000)
    expect(measured([0, 50, 50_000], [5000, 5050, 50_000]).rate).toBe(1000)
  })

  it('is judged by what came last', () => {
    const link = measured([0, 5000, 50_000_000])
    expect(link.isSlow('automatic')).toBe(false)
    for (let round = 0; round < 6; round++) {
      link.began(10_000 + round * 3000)
      link.received(100_000, 13_000 + round * 3000)
      link.ended(13_000 + round * 3000)
    }
    expect(link.isSlow('automatic')).toBe(true)
  })

  it.each<[Told, boolean]>([
    [{ saveData: true }, true], [{ effectiveType: '3g' }, true], [{ effectiveType: '4g', downlink: 0.8 }, true], [{ effectiveType: '4g', downlink: 1.3 }, false],
    [{ effectiveType: '4g', downlink: 10 }, false], [{}, false],
  ])('is first what the browser tells of it: %o', (told, slow) => {
    expect(new Link(() => told).isSlow('automatic')).toBe(slow)
  })

  it('that was quick is slow from the moment an answer hardly comes', () => {
    const link = measured([0, 500, 50_000_000])
    expect([link.stumbles(200_000, 200, 'automatic'), link.stumbles(900_000, 400, 'automatic'), link.stumbles(30_000, 400, 'never')]).toEqual([false, false, false])
    expect(link.isSlow('automatic')).toBe(false)
    expect(link.stumbles(30_000, 400, 'automatic')).toBe(true)
    expect(link.isSlow('automatic')).toBe(true)
  })

  it('obeys the reader', () => {
    const quick = measured([0, 10, 1_000_000])
    expect([quick.isSlow('always'), quick.wantsCopies('always')]).toEqual([true, true])
    const slow = measured([0, 1000, 100_000])
    expect([slow.isSlow('never'), slow.wantsCopies('never')]).toEqual([false, false])
  })

  it('of middling pace is worth copies, but no small pictures', () => {
    const middling = measured([0, 100, 800_000])
    expect([middling.isSlow('automatic'), middling.wantsCopies('automatic')]).toEqual([false, true])
  })
})
