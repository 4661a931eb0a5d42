// Expected values worked out by hand, and by numpy where it says so.
import { describe, expect, it } from 'vitest'
import { difference, maskAskedFor, mean } from './subtraction'

const size = { columns: 3, rows: 2 }
const value = (...Value: (string | number)[]) => ({ vr: 'XX', Value })

describe('subtraction', () => {
  it('takes the mask from each pixel', () => {
    expect([...difference([10, 20, 30, 40, 50, 60], Float32Array.of(1, 2, 3, 4, 5, 6), size, [0, 0], false)]).toEqual([9, 18, 27, 36, 45, 54])
  })

  it('moves the mask by whole pixels to the right and down; beyond its edge it is as at its edge', () => {
    const mask = Float32Array.of(1, 2, 3, 4, 5, 6)
    expect([...difference([0, 0, 0, 0, 0, 0], mask, size, [1, 0], false)]).toEqual([-1, -1, -2, -4, -4, -5])
    expect([...difference([0, 0, 0, 0, 0, 0], mask, size, [0, 1], false)]).toEqual([-1, -2, -3, -1, -2, -3])
  })

  it('moves the mask by parts of a pixel', () => {
    // numpy: -(0.75 * m + 0.25 * roll) with the edge repeated
    expect([...difference([0, 0, 0, 0, 0, 0], Float32Array.of(0, 4, 8, 0, 4, 8), size, [0.25, 0], false)]).toEqual([0, -3, -7, 0, -3, -7].map((each) => each + 0))
  })

  it('is logarithmic for linear intensities: half is half everywhere', () => {
    const [one, other] = difference([50, 500], Float32Array.of(100, 1000), { columns: 2, rows: 1 }, [0, 0], true)
    expect(one).toBeCloseTo(1000 * Math.log(0.5), 2)
    expect(other).toBeCloseTo(one ?? 0, 2)
  })

  it('averages masks, and believes the object which frames they are and where', () => {
    expect([...(mean([[2, 4], [4, 8]]) ?? [])]).toEqual([3, 6])
    expect(mean([[2, 4], [4]])).toBeUndefined()
    const item = { '00286101': value('AVG_SUB'), '00286110': value(2, 3), '00286114': value(0.5, -1) }
    expect(maskAskedFor({ '00286100': { vr: 'SQ', Value: [item] } })).toEqual({ frames: [2, 3], shift: [-1, 0.5] })
    expect(maskAskedFor({})).toEqual({ frames: [1], shift: [0, 0] })
  })
})
