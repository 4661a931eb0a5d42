import { describe, expect, it } from 'vitest'
import { affineOn, isOn, itemOn, keyOf, middleOfShape, patientAt, planeThrough, shapeOf } from './measuredPlane'
import type { Measurement } from './measure'
import { UPRIGHT_PLANES, fromScreen, planesWith, normalOfPlane, rotated, turnedIn } from './planes'
import { apply } from './view'
import { dot } from './geometry'

const grid = { size: [40, 30, 20] as const, origin: [-20, -15, 100] as const, across: [0.5, 0, 0] as const, down: [0, 0.5, 0] as const, through: [0, 0, 2] as const }
const of = { study: '1.2', series: '1.2.3', frameOfReference: '1.9' }
const thin = { projection: 'none' as const, thickness: 10, phase: 0 }

describe('planes on which somebody measures', () => {
  it('have the pixels of the slices where they are slices, and cover all of the volume', () => {
    const plane = planeThrough(of, grid, UPRIGHT_PLANES.axial, [3, 4, 110], thin)
    expect(plane.origin).toEqual([-20, -15, 110])
    expect([plane.columns, plane.rows, plane.step, plane.thickness]).toEqual([40, 30, 0.5, 0])
    expect(patientAt(plane, [39, 29])).toEqual([-0.5, -0.5, 110])
    // Another place of the cross within the plane is the same plane.
    expect(keyOf(planeThrough(of, grid, UPRIGHT_PLANES.axial, [-7, 1, 110], thin))).toBe(keyOf(plane))
    expect(keyOf(planeThrough(of, grid, UPRIGHT_PLANES.axial, [3, 4, 112], thin))).not.toBe(keyOf(plane))
  })

  it('lie on the screen where their points lie, also on an oblique plane that was turned since', () => {
    const turned = turnedIn(UPRIGHT_PLANES, 'axial', 0.4).coronal
    const plane = planeThrough(of, grid, turned, [-10, -8, 120], thin)
    const normal = normalOfPlane(turned)
    const spun = { right: rotated(turned.right, normal, 0.7), below: rotated(turned.below, normal, 0.7) }
    const [view, size] = [{ centre: [-9, -9, 118] as const, scale: 3 }, { width: 400, height: 300 }]
    const pixel = [11, 7] as const
    const screen = apply(affineOn(plane, view, spun, size), [...pixel])
    const back = fromScreen(screen, view, spun, [-10, -8, 120], size)
    patientAt(plane, pixel).forEach((value, axis) => expect(back[axis]).toBeCloseTo(value, 9))
  })

  it('are shown within half a step of the wheel, from both sides, at their moment', () => {
    const plane = planeThrough(of, grid, UPRIGHT_PLANES.axial, [0, 0, 110], thin)
    const { axial, coronal } = UPRIGHT_PLANES
    expect(isOn(plane, axial, [5, 5, 110.9], 0, 1)).toBe(true)
    expect(isOn(plane, axial, [5, 5, 112], 0, 1)).toBe(false)
    expect(isOn(plane, { right: [-1, 0, 0], below: [0, 1, 0] }, [5, 5, 110], 0, 1)).toBe(true)
    expect(isOn(plane, coronal, [5, 5, 110], 0, 1)).toBe(false)
    expect(isOn(plane, axial, [5, 5, 110], 1, 1)).toBe(false)
  })

  it('are kept and read again; what is damaged is none', () => {
    const plane = planeThrough(of, grid, UPRIGHT_PLANES.sagittal, [-10, 0, 110], { projection: 'max', thickness: 8, phase: 2 })
    const measurement: Measurement = { id: 'a1', kind: 'length', frameId: keyOf(plane), seriesInstanceUID: of.series, points: [[1, 2], [5, 2]], lines: ['2.00 mm'], label: 'duct' }
    const item = itemOn(measurement, plane, [])
    expect(shapeOf(JSON.parse(JSON.stringify(item)) as typeof item)).toEqual({ measurement, plane })
    expect(item.patient).toEqual([patientAt(plane, [1, 2]), patientAt(plane, [5, 2])])
    expect(middleOfShape(plane, measurement.points)).toEqual(patientAt(plane, [3, 2]))
    for (const damage of [{ plane: null }, { plane: { ...plane, origin: [1, 2] } }, { plane: { ...plane, step: 0 } }, { points: [] }, { points: [[1, Number.NaN]] }, { kind: 'hexagon' }, { type: 'measurement' }]) expect(shapeOf({ ...item, ...damage })).toBeUndefined()
  })

  it('are laid again with the other two at right angles', () => {
    const oblique = turnedIn(turnedIn(UPRIGHT_PLANES, 'axial', 0.3), 'coronal', -0.5)
    for (const name of ['axial', 'coronal', 'sagittal'] as const) {
      const laid = planesWith(name, oblique[name])
      expect(laid[name]).toBe(oblique[name])
      const normals = (['axial', 'coronal', 'sagittal'] as const).map((each) => normalOfPlane(laid[each]))
      for (const [one, other] of [[0, 1], [1, 2], [0, 2]] as const) expect(dot(normals[one]!, normals[other]!)).toBeCloseTo(0, 9)
      const upright = planesWith(name, UPRIGHT_PLANES[name])
      for (const each of ['axial', 'coronal', 'sagittal'] as const) expect([...upright[each].right, ...upright[each].below].map((part) => part + 0)).toEqual([...UPRIGHT_PLANES[each].right, ...UPRIGHT_PLANES[each].below])
    }
  })
})
