import { describe, expect, it } from 'vitest'
import { type Labels, bricksOf, emptyFor } from './bricks'
import { type Part, labelling } from './overlays/labels'
import { UPRIGHT_PLANES, turnedIn } from './planes'
import { RENDER_PRESETS, WHOLE, cast, castMax, transferOf } from './raycast'
import { type Body, bodyRows, prepared } from './rendering'

/** A body of 300 HU in air with a vessel, off the middle, in a grid that no number divides. */
const size = [45, 38, 29] as const
const grid = { size, origin: [0, 0, 0] as const, across: [1, 0, 0] as const, down: [0, 1, 0] as const, through: [0, 0, 1.5] as const }
const values = new Int16Array(size[0] * size[1] * size[2]).fill(-1000)
for (let k = 0; k < size[2]; k++) for (let j = 0; j < size[1]; j++) for (let i = 0; i < size[0]; i++) if (Math.hypot(i - 17, j - 24, (k - 12) * 1.5) < 9 || (Math.hypot(i - 38, j - 8) < 1.5 && k > 4)) values[(k * size[1] + j) * size[0] + i] = 300 + ((i * 7 + j * 3 + k) % 60)
const volume = { grid, values, filled: new Uint8Array(size[2]).fill(2) }
const planes = turnedIn(turnedIn(UPRIGHT_PLANES, 'axial', 0.7), 'sagittal', 0.4)
const camera = { orientation: planes.coronal, target: [22, 19, 21] as const, step: 1.3, width: 60, height: 50 }
const window = { center: 100, width: 1200, shape: 'LINEAR' as const }

describe('empty space', () => {
  it('is stepped over without changing a pixel, in lit bodies and in greatest values', () => {
    const bricks = bricksOf(volume)
    for (const preset of RENDER_PRESETS.filter(({ scale, kind }) => scale === 'unit' && kind === 'surface')) {
      const transfer = transferOf(preset, 0, { lower: 0, upper: 1 })
      const [slow, quick] = [new Uint8ClampedArray(60 * 50 * 4), new Uint8ClampedArray(60 * 50 * 4)]
      cast(volume, camera, transfer, WHOLE, 0.8, slow)
      cast(volume, camera, transfer, WHOLE, 0.8, quick, 0, 50, { space: { bricks, empty: emptyFor(bricks, transfer) } })
      expect(quick, preset.name).toEqual(slow)
    }
    const [slow, quick] = [new Float32Array(60 * 50), new Float32Array(60 * 50)]
    castMax(volume, camera, WHOLE, 0.8, slow)
    castMax(volume, camera, WHOLE, 0.8, quick, 0, 50, bricks)
    expect(quick).toEqual(slow)
  })

  it('is most of what surrounds a body, and none of what has an opacity', () => {
    const bricks = bricksOf(volume)
    const bone = emptyFor(bricks, transferOf(RENDER_PRESETS[0]!, 0, { lower: 0, upper: 1 }))
    expect(bone.filter((each) => each === 1).length / bone.length).toBeGreaterThan(0.5)
    values.forEach((value, at) => {
      if (value < 0) return
      const [i, j, k] = [at % size[0], Math.floor(at / size[0]) % size[1], Math.floor(at / size[0] / size[1])]
      expect(bone[((k >> 3) * bricks.size[1] + (j >> 3)) * bricks.size[0] + (i >> 3)]).toBe(0)
    })
  })

  it('bands of rows are the picture', () => {
    const bricks = bricksOf(volume)
    for (const preset of [RENDER_PRESETS[0]!, RENDER_PRESETS.find(({ kind }) => kind === 'mip')!]) {
      const body: Body = { camera, preset, shift: 0, crop: WHOLE, cuts: [], window, inverted: false, fine: 1 }
      const ready = prepared(body, bricks)
      const all = bodyRows(volume, body, ready, bricks, 0, 50)
      const parts = [bodyRows(volume, body, ready, bricks, 0, 20), bodyRows(volume, body, ready, bricks, 20, 50)]
      expect([...parts[0]!, ...parts[1]!]).toEqual([...all])
      expect(new Set(all).size).toBeGreaterThan(20)
    }
  })
})

describe('segments in a volume', () => {
  const place = { frameOfReference: '1.2', row: [1, 0, 0] as const, column: [0, 1, 0] as const, spacing: [1, 1] as const, columns: 45, rows: 38 }
  const layers = [10, 11, 12].map((slice) => ({ segment: 3, columns: 45, rows: 38, grid: { ...place, origin: [0, 0, slice * 1.5] as const }, sources: [], mask: Uint8Array.from({ length: 45 * 38 }, (_, at) => (at % 45 >= 30 && at % 45 < 36 && Math.floor(at / 45) >= 4 && Math.floor(at / 45) < 10 ? 255 : 0)) }))
  const part: Part = { kind: 'segmentation', hidden: new Set(), segmentation: { type: 'BINARY', label: '', segments: [{ number: 3, label: 'x', color: [0, 200, 40] }], layers, step: 1.5, series: [] } }
  const labelsOf = (parts: readonly Part[]): Labels | undefined => {
    const work = labelling(grid, '1.2', parts)
    for (;;) {
      const step = work.next()
      if (step.done) return step.value
    }
  }

  it('are the voxels that they were drawn on, and are seen where the volume is air', () => {
    const labels = labelsOf([part])!
    expect(labels.values.filter((value) => value === 1)).toHaveLength(6 * 6 * 3)
    expect([labels.from[2], labels.size[2]]).toEqual([10, 3])
    const front = { orientation: UPRIGHT_PLANES.coronal, target: [22, 19, 21] as const, step: 1, width: 45, height: 44 }
    const bricks = bricksOf(volume)
    const body: Body = { camera: front, preset: RENDER_PRESETS[0]!, shift: 0, crop: WHOLE, cuts: [], window, inverted: false, fine: 1, labels }
    const seen = bodyRows(volume, body, prepared(body, bricks), bricks, 0, 44)
    // Row 22 is in the middle of the picture at z = 21; the segment lies between 15 and 18 mm, so 4 rows below.
    const at = (x: number, y: number): number[] => [...seen.slice((y * 45 + x) * 4, (y * 45 + x) * 4 + 3)]
    expect(at(32, 26)[1]).toBeGreaterThan(80)
    expect(at(32, 26)[0]).toBe(0)
    expect(at(42, 26)).toEqual([0, 0, 0])
    expect(labelsOf([{ ...part, hidden: new Set([3]) }])).toBeUndefined()
  })
})
