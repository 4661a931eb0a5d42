// Volumes and what is cut out of them, against phantoms whose every point is known by a formula.
import { describe, expect, test } from 'vitest'
import type { Dataset } from './dataset'
import { type Frame } from './frame'
import { type Vector, cross, dot } from './geometry'
import { UPRIGHT_PLANES, fromScreen, rotated, sheetOf, toScreen, turnedIn } from './planes'
import { RENDER_PRESETS, WHOLE, cast, castMax, transferOf } from './raycast'
import { alongPath, resample, resampleCurve, valueIn } from './resample'
import { picturesOf } from './series'
import { suvFactor } from './suv'
import { NoVolume, type Plan, type Volume, emptyVolume, fillOrder, lend, momentsOf, planVolume, sharesOf, toPatient, toVoxel, writeSlice } from './volume'

const el = (vr: string, ...Value: (string | number)[]) => ({ vr, Value })

interface Slice {
  readonly position: Vector
  readonly orientation?: readonly number[]
  readonly extra?: Record<string, unknown>
}

const SIDE = 48
const SPACING: readonly [number, number] = [1.5, 1.25] // rows, columns

function header({ position, orientation = [1, 0, 0, 0, 1, 0], extra = {} }: Slice, index: number, columns = SIDE, rows = SIDE): Dataset {
  return {
    '00080018': el('UI', `1.2.${index + 1}`), '00080060': el('CS', 'CT'), '00200013': el('IS', index + 1), '00200052': el('UI', '1.9'),
    '00200032': el('DS', ...position), '00200037': el('DS', ...orientation), '00280002': el('US', 1), '00280004': el('CS', 'MONOCHROME2'),
    '00280010': el('US', rows), '00280011': el('US', columns), '00280030': el('DS', ...SPACING), '00280100': el('US', 16), '00280101': el('US', 16),
    '00280102': el('US', 15), '00280103': el('US', 1), '00281052': el('DS', 0), '00281053': el('DS', 1), '7FE00010': { vr: 'OW', BulkDataURI: '/x' }, ...extra,
  }
}

/** Where a pixel of a slice lies: PS3.3 C.7.6.2.1.1, written out again here. */
function placeOf({ position, orientation = [1, 0, 0, 0, 1, 0] }: Slice, column: number, row: number): Vector {
  return [0, 1, 2].map((n) => position[n]! + orientation[n]! * SPACING[1] * column + orientation[n + 3]! * SPACING[0] * row) as unknown as Vector
}

function filled(slices: readonly Slice[], value: (point: Vector, slice: number) => number, budget = 1e9): { plan: Plan; volumes: Volume[]; frames: Frame[] } {
  const frames = picturesOf(slices.map((slice, index) => header(slice, index)), '1', '2')
  const plan = planVolume(frames, budget)
  const pixels = new Map<string, Float32Array>()
  slices.forEach((slice, index) => {
    const own = new Float32Array(SIDE * SIDE)
    for (let row = 0; row < SIDE; row++) for (let column = 0; column < SIDE; column++) own[row * SIDE + column] = Math.round(value(placeOf(slice, column, row), index))
    pixels.set(`1.2.${index + 1}`, own)
  })
  const volumes = plan.phases.map((phase) => {
    const volume = emptyVolume(plan)
    for (let slice = 0; slice < plan.grid.size[2]; slice++) {
      writeSlice(volume, plan, slice, sharesOf(plan, slice).map(({ frame, share }) => ({ share, pixels: pixels.get(phase[frame]!.instance.sopInstanceUID)! })), SIDE, SIDE)
    }
    return volume
  })
  return { plan, volumes, frames }
}

const axial = (z: number): Slice => ({ position: [-30, -36, z] })
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** A soft ball at a known place; its centroid in a picture tells where the picture thinks it is. */
const ball = (centre: Vector, radius: number) => (point: Vector): number => 1000 * Math.exp(-((point[0] - centre[0]) ** 2 + (point[1] - centre[1]) ** 2 + (point[2] - centre[2]) ** 2) / (2 * radius * radius))

function centroid(values: Float32Array, width: number): [number, number] {
  let [x, y, sum] = [0, 0, 0]
  values.forEach((value, at) => {
    if (!(value > 50)) return
    x += (at % width) * value
    y += Math.floor(at / width) * value
    sum += value
  })
  return [x / sum, y / sum]
}

describe('an oblique phantom', () => {
  // Acquired at an angle to all three axes of the patient.
  const axis: Vector = [1 / Math.sqrt(3), 1 / Math.sqrt(3), 1 / Math.sqrt(3)]
  const row = rotated([1, 0, 0], axis, 0.5)
  const column = rotated([0, 1, 0], axis, 0.5)
  const normal = cross(row, column)
  const slices = range(40).map((k): Slice => ({ position: [-28 + normal[0] * 2 * k, -30 + normal[1] * 2 * k, -35 + normal[2] * 2 * k], orientation: [...row, ...column] }))
  const markers: Vector[] = [toMiddle([6, -4, 5]), toMiddle([-9, 7, -6]), toMiddle([0, 0, 0])]

  function toMiddle(offset: Vector): Vector {
    const middle = placeOf({ ...slices[20]! }, SIDE / 2, SIDE / 2)
    return [middle[0] + offset[0], middle[1] + offset[1], middle[2] + offset[2]]
  }

  test.each(['axial', 'coronal', 'sagittal'] as const)('every marker is within half a voxel in %s planes and in turned ones', (name) => {
    for (const marker of markers) {
      const { volumes: [volume] } = filled(slices, ball(marker, 4))
      for (const angle of [0, 0.3, -0.8]) {
        const planes = turnedIn(turnedIn(UPRIGHT_PLANES, name === 'axial' ? 'coronal' : 'axial', angle), 'sagittal', angle / 2)
        const view = { centre: marker, scale: 2 }
        const size = { width: 161, height: 141 }
        const sheet = sheetOf(view, planes[name], marker, size, 1)
        const values = new Float32Array(sheet.width * sheet.height)
        resample(volume!, sheet, { projection: 'none', thickness: 0, normal: [0, 0, 1] }, values)
        const [x, y] = centroid(values, sheet.width)
        const found = fromScreen([x + 0.5, y + 0.5], view, planes[name], marker, size)
        const off = [found[0] - marker[0], found[1] - marker[1], found[2] - marker[2]] as Vector
        expect(Math.hypot(...off)).toBeLessThan(0.5 * SPACING[1])
        const back = toScreen(marker, view, planes[name], size)
        expect(Math.abs(back[0] - (x + 0.5)) + Math.abs(back[1] - (y + 0.5))).toBeLessThan(1)
      }
    }
  })

  test('a value that is linear in space is the same wherever a plane cuts it', () => {
    const linear = (point: Vector): number => 4 * point[0] - 7 * point[1] + 3 * point[2]
    const { volumes: [volume], plan } = filled(slices, linear)
    for (const voxel of [[10, 12, 8], [20.3, 31.7, 19.4], [40.5, 5.25, 33.9]] as Vector[]) {
      const point = toPatient(plan.grid, voxel)
      toVoxel(plan.grid, point).forEach((part, n) => expect(part).toBeCloseTo(voxel[n]!, 6))
      expect(Math.abs(valueIn(volume!, point) - linear(point))).toBeLessThan(0.51) // stored values are whole numbers
    }
    expect(valueIn(volume!, toPatient(plan.grid, [-3, 5, 5]))).toBeNaN()
  })
})

test('a gantry tilt shears the grid: every voxel is where its slice says, and the reader is told', () => {
  const tilt = (20 * Math.PI) / 180
  // The table moves along z, the slices lean towards it.
  const orientation = [1, 0, 0, 0, Math.cos(tilt), -Math.sin(tilt)]
  const slices = range(30).map((k): Slice => ({ position: [-30, -30, k * 2.5 - 30], orientation }))
  const marker: Vector = [0, 4, -2]
  const { volumes: [volume], plan } = filled(slices, ball(marker, 4))
  expect(plan.notes).toEqual(['Gantry tilt of 20.0° is corrected.'])
  const sheet = sheetOf({ centre: marker, scale: 2 }, UPRIGHT_PLANES.sagittal, marker, { width: 121, height: 121 }, 1)
  const values = new Float32Array(121 * 121)
  resample(volume!, sheet, { projection: 'none', thickness: 0, normal: [0, 0, 1] }, values)
  const [x, y] = centroid(values, 121)
  expect(Math.hypot(x - 60, y - 60) / 2).toBeLessThan(0.6)
})

test('irregular spacing: values in between are interpolated where they belong, and the reader is told', () => {
  const places = [0, 1, 2, 3, 6, 9, 10, 11]
  const { volumes: [volume], plan } = filled(places.map(axial), (point) => 100 * point[2])
  expect(plan.grid.size[2]).toBe(12)
  expect(plan.notes[0]).toBe('Slice spacing is irregular (1 mm to 3 mm): values in between are interpolated.')
  for (const z of [0.5, 3, 4.25, 5, 7.7, 10.9]) expect(Math.abs(valueIn(volume!, [0, 0, z]) - 100 * z)).toBeLessThan(1)
})

test('slabs: greatest, least and mean against sums written out here', () => {
  const { volumes: [volume] } = filled(range(21).map(axial), (point, slice) => slice * slice + 0 * point[0])
  const sheet = { width: 1, height: 1, origin: [0, 0, 10] as Vector, right: [1, 0, 0] as Vector, below: [0, 1, 0] as Vector }
  const of = (projection: 'max' | 'min' | 'mean' | 'none'): number => {
    const value = new Float32Array(1)
    resample(volume!, sheet, { projection, thickness: 6, normal: [0, 0, 1] }, value)
    return value[0]!
  }
  expect(of('none')).toBe(100)
  expect(of('max')).toBe(169)
  expect(of('min')).toBe(49)
  expect(of('mean')).toBeCloseTo((49 + 64 + 81 + 100 + 121 + 144 + 169) / 7, 3)
})

test('a curved sheet: columns go by length along the path, rows across the plane it was drawn in', () => {
  const { volumes: [volume] } = filled(range(40).map((k) => axial(k - 20)), (point) => 10 * point[0] + 100 * Math.round(point[2]))
  const path = alongPath([[-20, 0, 0], [0, 0, 0], [20, 0, 0]], 0.5)
  expect(path.length).toBe(81)
  path.forEach((point, index) => expect(point[0]).toBeCloseTo(-20 + index * 0.5, 1))
  const sheet = new Float32Array(path.length * 21)
  resampleCurve(volume!, path, [0, 0, 1], 0.5, 21, { projection: 'none', thickness: 0 }, sheet)
  expect(sheet[10 * path.length + 40]).toBeCloseTo(0, 0)
  expect(sheet[10 * path.length + 60]).toBeCloseTo(100, 0)
  expect(sheet[0 * path.length + 40]).toBeCloseTo(500, 0) // 5 mm towards the head
  // An arc is as long as geometry says.
  const arc = alongPath(range(13).map((n): Vector => [20 * Math.cos((n * Math.PI) / 12), 20 * Math.sin((n * Math.PI) / 12), 0]), 0.25)
  expect(Math.abs(arc.length * 0.25 - 20 * Math.PI)).toBeLessThan(0.5)
})

test('a series in time: phases by what tells them apart, a curve of values, and moments in milliseconds', () => {
  const slices = range(4).flatMap((phase) => range(5).map((k): Slice => ({ position: [-30, -36, 3 * k], extra: { '00181060': el('DS', 100 + 50 * ((phase * 3) % 4)) } })))
  const { volumes, plan } = filled(slices, (_, index) => [7, 90, 40, 20][Math.floor(index / 5)]!)
  expect(plan.phases.map((phase) => phase.length)).toEqual([5, 5, 5, 5])
  expect(plan.phaseNames).toEqual(['Trigger time 100 ms', 'Trigger time 150 ms', 'Trigger time 200 ms', 'Trigger time 250 ms'])
  expect(momentsOf(plan)).toEqual({ at: [100, 150, 200, 250], unit: 'ms' })
  expect(volumes.map((volume) => valueIn(volume, [0, 0, 6]))).toEqual([7, 20, 40, 90])
})

describe('pixel padding is nothing', () => {
  // Padding of 2000 to 2010 from the middle of the picture on; beside it a value for each place.
  const padding = { '00280120': el('US', 2000), '00280121': el('US', 2010) }
  const slices = range(12).map((k): Slice => ({ ...axial(2 * k), extra: padding }))
  const edge = -30 + SPACING[1] * 24
  const padded = (x: number): boolean => x >= edge
  const value = (point: Vector): number => (padded(point[0]) ? 2000 + (Math.round(point[1]) % 10 + 10) % 10 : 100)

  function made(budget = 1e9): { plan: Plan; volume: Volume } {
    const { plan, volumes: [volume], frames } = filled(slices, value, budget)
    const part = Float32Array.from({ length: SIDE * SIDE }, (_, at) => value(placeOf(slices[0]!, at % SIDE, Math.floor(at / SIDE))))
    for (let slice = 0; slice < plan.grid.size[2]; slice++) writeSlice(volume!, plan, slice, sharesOf(plan, slice).map(({ share }) => ({ pixels: part, share, padding: { from: 2000, to: 2010 } })), SIDE, SIDE)
    expect(frames[0]!.instance.format.padding).toEqual({ from: 2000, to: 2010 })
    return { plan, volume: volume! }
  }

  test('there is no value in it, and none of it in the values beside it; in slabs only the others count', () => {
    const { plan, volume } = made()
    expect(plan.padded).toBe(true)
    for (const y of [-20.3, 0, 11.7]) {
      expect(valueIn(volume, [edge - SPACING[1] * 0.6, y, 7])).toBe(100) // nearer to the last voxel that has a value
      expect(valueIn(volume, [edge - SPACING[1] * 0.4, y, 7])).toBeNaN()
      expect(valueIn(volume, [edge + 9, y, 7])).toBeNaN()
    }
    const one = new Float32Array(1)
    for (const projection of ['max', 'min', 'mean'] as const) {
      resample(volume, { width: 1, height: 1, origin: [edge - 2, 0, 10], right: [1, 0, 0], below: [0, 1, 0] }, { projection, thickness: 12, normal: [1, 0, 0] }, one)
      expect(one[0], projection).toBe(100)
    }
  })

  test('right between a voxel that has a value and padding there is the value, whatever rounding does', () => {
    const { volume } = made()
    const values = new Float32Array(1000)
    // Half a voxel before the edge, in steps that no binary fraction can hold.
    resample(volume, { width: 1000, height: 1, origin: [edge - SPACING[1] / 2, -20, 3], right: [0, 0.0317, 0.0113], below: [0, 0, 0] }, { projection: 'none', thickness: 0, normal: [1, 0, 0] }, values)
    expect([...new Set(values)]).toEqual([100])
  })

  test('a coarser volume leaves it out, too, and the greatest value on a ray is never padding', () => {
    for (const { volume } of [made(), made(12_000)]) {
      expect([...new Set(volume.values)].sort((a, b) => a - b)).toEqual([volume.padding, 100])
      const most = new Float32Array(41)
      castMax(volume, { orientation: UPRIGHT_PLANES.sagittal, target: [edge, 0, 12], step: 0.5, width: 41, height: 1 }, WHOLE, 1, most)
      expect([...new Set(most)]).toEqual([100])
    }
  })
})

describe('memory', () => {
  const ct = (count: number) => picturesOf(range(count).map((k) => header(axial(k), k, 512, 512)), '1', '2')

  test('1,000 slices of 512 x 512 fit into half a gigabyte in full resolution; 3,000 are made coarser, and it is said', () => {
    const whole = planVolume(ct(1000), 512 * 1024 ** 2)
    expect(whole.reduction).toEqual([1, 1, 1])
    expect(whole.bytes).toBe(1000 * 512 * 512 * 2)
    const large = planVolume(ct(3000), 512 * 1024 ** 2)
    expect(large.bytes).toBeLessThanOrEqual(512 * 1024 ** 2)
    expect(large.grid.size).toEqual([256, 256, 3000])
    expect(large.notes).toEqual(['Lower resolution to stay within memory: 1 of 2 × 2 × 1 voxels.'])
  })

  test('a coarser volume lies where the full one does', () => {
    const slices = range(24).map((k) => axial(2 * k))
    const linear = (point: Vector): number => 10 * point[0] + 6 * point[1] - 8 * point[2]
    const { volumes: [volume], plan } = filled(slices, linear, 20_000)
    expect(plan.reduction).toEqual([2, 2, 2])
    for (const point of [[0, 0, 20], [7.3, -11, 31], [-12, 9.9, 14.6]] as Vector[]) expect(Math.abs(valueIn(volume!, point) - linear(point))).toBeLessThan(1)
  })

  test('coarse comes first: after a sixteenth of the slices every place shows something', () => {
    const { plan } = filled(range(64).map(axial), () => 1)
    const volume = emptyVolume(plan)
    const order = fillOrder(64)
    expect(new Set(order.map(({ slice }) => slice)).size).toBe(64)
    for (const { slice, reach } of order.slice(0, 4)) {
      writeSlice(volume, plan, slice, [{ pixels: new Float32Array(SIDE * SIDE).fill(slice), share: 1 }], SIDE, SIDE)
      lend(volume, slice, reach)
    }
    expect([...volume.filled].every((state) => state > 0)).toBe(true)
    expect(volume.filled[16]).toBe(2)
  })

  test('what makes no volume says why', () => {
    expect(() => planVolume(ct(2), 1e9)).toThrow('A volume needs at least three parallel slices at different places.')
    expect(() => planVolume([], 1e9)).toThrow(NoVolume)
  })
})

describe('rays', () => {
  const { volumes: [volume], plan } = filled(range(48).map((k) => axial(k * 1.25 - 30)), (point) => (Math.hypot(point[0] + 1, point[1], point[2]) < 15 ? 600 : -1000))
  const camera = { orientation: UPRIGHT_PLANES.coronal, target: [-1, 0, 0] as Vector, step: 1, width: 61, height: 61 }

  test('a ball is as wide as it is, lit in its middle and darker at its edge, and black beside it', () => {
    const image = new Uint8ClampedArray(61 * 61 * 4)
    cast(volume!, camera, transferOf(RENDER_PRESETS[0]!, 0, { lower: 0, upper: 1 }), WHOLE, 0.5, image)
    const bright = (x: number, y: number): number => image[(y * 61 + x) * 4]!
    expect(bright(30, 30)).toBeGreaterThan(150)
    expect(bright(30 + 13, 30)).toBeLessThan(bright(30, 30))
    expect(bright(30 + 20, 30)).toBe(0)
    const width = range(61).filter((x) => bright(x, 30) > 20).length
    expect(Math.abs(width - 30)).toBeLessThanOrEqual(2)
  })

  test('every preset is known by one name, and says what it shows by rising values', () => {
    for (const key of ['id', 'name'] as const) expect(new Set(RENDER_PRESETS.map((preset) => preset[key])).size).toBe(RENDER_PRESETS.length)
    for (const { id, kind, stops } of RENDER_PRESETS) {
      expect(stops.length > 0, id).toBe(kind === 'surface')
      stops.slice(1).forEach((stop, at) => expect(stop.value, id).toBeGreaterThan(stops[at]!.value))
      // What lies below the first stop is not seen, something above it is.
      if (kind === 'surface') expect([stops[0]!.opacity, Math.max(...stops.map(({ opacity }) => opacity)) > 0.02], id).toEqual([0, true])
    }
  })

  test('opacity moves along the values; a crop takes half of it away', () => {
    const image = new Uint8ClampedArray(61 * 61 * 4)
    cast(volume!, camera, transferOf(RENDER_PRESETS[0]!, 600, { lower: 0, upper: 1 }), WHOLE, 1, image)
    expect(Math.max(...range(61 * 61).map((at) => image[at * 4]!))).toBe(0) // the ball is below the first opaque value now
    const values = new Float32Array(61 * 61)
    castMax(volume!, camera, [[0.5, 1], [0, 1], [0, 1]], 1, values)
    expect(values[30 * 61 + 40]).toBe(600)
    expect(values[30 * 61 + 20]! > 0).toBe(false)
    expect(dot(plan.grid.across, [0, 1, 0])).toBe(0)
  })
})

describe('SUVbw, a digital reference object', () => {
  // 70 kg, 370 MBq of F-18 injected an hour before: a body that took up everything evenly has SUV 1 everywhere.
  const [weight, dose, half, wait] = [70, 370e6, 6586.2, 3600]
  const pet = (extra: Record<string, unknown> = {}): Dataset =>
    ({
      '00080021': el('DA', '20260105'), '00080022': el('DA', '20260105'), '00080031': el('TM', '110000'), '00080032': el('TM', '110000'), '00080060': el('CS', 'PT'), '00101030': el('DS', weight),
      '00280051': el('CS', 'ATTN', 'DECY'), '00541001': el('CS', 'BQML'), '00541102': el('CS', 'START'),
      '00540016': { vr: 'SQ', Value: [{ '00181072': el('TM', '100000'), '00181074': el('DS', dose), '00181075': el('DS', half) }] }, ...extra,
    })

  test('decay from injection to scan, weight in grams', () => {
    const even = (dose * 0.5 ** (wait / half)) / (weight * 1000) // Bq/ml
    expect(even * suvFactor(pet())!).toBeCloseTo(1, 9)
    expect((dose / (weight * 1000)) * suvFactor(pet({ '00541102': el('CS', 'ADMIN') }))!).toBeCloseTo(1, 9)
    expect(suvFactor(pet({ '00541001': el('CS', 'GML') }))).toBe(1)
  })

  test('no number where the header does not tell: no weight, counts, no decay correction', () => {
    for (const extra of [{ '00101030': undefined }, { '00541001': el('CS', 'CNTS') }, { '00280051': el('CS', 'ATTN') }]) expect(suvFactor(pet(extra))).toBeUndefined()
  })
})
