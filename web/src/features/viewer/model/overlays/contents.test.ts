import { describe, expect, it } from 'vitest'
import type { Values } from '../statistics'
import { contentsOf } from './contents'
import type { Grid } from './grid'
import type { Layer } from './segmentation'

const grid = { spacing: [4, 5] } as unknown as Grid
const layer = (segment: number, ...mask: number[]): Layer => ({ segment, columns: 4, rows: 1, grid, sources: [], mask: Uint8Array.from(mask) })
const values = (suv: number | undefined, ...data: number[]): Values => ({ data, columns: 4, rows: 1, color: false, unit: 'Bq/ml', suv, padding: { from: -9, to: -9 } })

describe('what lies in segments', () => {
  it('is volume, mean, highest and glycolysis; what lies in two segments counts once in the sum', async () => {
    const drawn = new Map([['a', [layer(1, 255, 255, 0, 0), layer(2, 0, 255, 255, 0)]], ['b', [layer(1, 255, 0, 0, 0)]]])
    const images: Record<string, Values> = { a: values(0.5, 2, 4, 12, 100), b: values(0.5, 6, 0, 0, 0) }
    const table = await contentsOf({ step: 10 }, drawn, (image) => Promise.resolve(images[image]!))
    // Voxels of 0.2 ml. Segment 1: SUV 1, 2, 3; segment 2: 2, 6; all: 1, 2, 6, 3.
    const one = table.segments.get(1)!
    expect([one.volume, one.mean, one.max, one.glycolysis, one.deviation].map((each) => Number(each!.toFixed(9)))).toEqual([0.6, 2, 3, 1.2, 0.816496581])
    const two = table.segments.get(2)!
    expect([two.volume, two.mean, two.max, two.glycolysis].map((each) => Number(each!.toFixed(9)))).toEqual([0.4, 4, 6, 1.6])
    expect([table.all!.volume, table.all!.mean, table.all!.max, table.all!.glycolysis].map((each) => Number(each!.toFixed(9)))).toEqual([0.8, 3, 6, 2.4])
    expect([table.uptake, table.unit]).toEqual([true, 'SUVbw'])
  })

  it('counts a fractional voxel by its fraction, leaves padding out of the values, and has no glycolysis of other values', async () => {
    const table = await contentsOf({ step: 10 }, new Map([['a', [layer(1, 255, 51, 255, 0)]]]), () => Promise.resolve(values(undefined, 10, 40, -9, 7)))
    const one = table.segments.get(1)!
    expect(one.volume).toBeCloseTo(0.44, 9)
    expect(one.mean).toBeCloseTo((10 + 0.2 * 40) / 1.2, 9)
    expect([one.max, one.glycolysis, table.uptake, table.unit]).toEqual([40, undefined, false, 'Bq/ml'])
  })

  it('has no volume where nothing tells how far images are apart, and refuses colours and other pixels in words', async () => {
    const drawn = new Map([['a', [layer(1, 255, 0, 0, 0)]]])
    expect((await contentsOf({ step: undefined }, drawn, () => Promise.resolve(values(1, 3, 0, 0, 0)))).all).toMatchObject({ volume: undefined, mean: 3, glycolysis: undefined })
    await expect(contentsOf({ step: 1 }, drawn, () => Promise.resolve({ ...values(1, 3), color: true }))).rejects.toThrow('Colour images')
    await expect(contentsOf({ step: 1 }, drawn, () => Promise.resolve({ ...values(1, 3), columns: 9 }))).rejects.toThrow('other pixels')
  })
})
