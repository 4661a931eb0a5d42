import { describe, expect, it } from 'vitest'
import { BadMesh, FROM_FRONT, meshOf, turned } from './mesh'

function binary(triangles: readonly (readonly number[])[], words = 'a model'): Uint8Array {
  const view = new DataView(new ArrayBuffer(84 + triangles.length * 50))
  new TextEncoder().encode(words).forEach((byte, at) => view.setUint8(at, byte))
  view.setUint32(80, triangles.length, true)
  triangles.forEach((corners, index) => corners.forEach((value, at) => view.setFloat32(84 + index * 50 + 12 + at * 4, value, true)))
  return new Uint8Array(view.buffer)
}

const FLAT = [0, 0, 0, 4, 0, 0, 0, 3, 0]

describe('a surface model', () => {
  it('is read from binary and text alike, with normals of its own planes', () => {
    const text = new TextEncoder().encode('solid a\nfacet normal 9 9 9\nouter loop\nvertex 0 0 0\nvertex 4 0 0\nvertex 0 3e0 0\nendloop\nendfacet\nendsolid a')
    for (const bytes of [binary([FLAT]), binary([FLAT], 'solid but binary'), text]) {
      const mesh = meshOf(bytes, 'model/stl')
      expect([...mesh.corners]).toEqual(FLAT)
      expect([...mesh.normals]).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 1])
      expect(mesh).toMatchObject({ center: [2, 1.5, 0], size: [4, 3, 0], radius: 2.5 })
    }
  })

  it('of OBJ has faces of any number of corners, counted from either end', () => {
    const obj = 'v 0 0 0\nv 4 0 0\nv 4 3 0\nv 0 3 0\nf 1/1/1 2/2/2 3//3 4\nf -4 -3 -2\n'
    expect([...meshOf(new TextEncoder().encode(obj), 'model/obj').corners]).toEqual([0, 0, 0, 4, 0, 0, 4, 3, 0, 0, 0, 0, 4, 3, 0, 0, 3, 0, 0, 0, 0, 4, 0, 0, 4, 3, 0])
  })

  it('says why it is not shown', () => {
    expect(() => meshOf(binary([FLAT]).subarray(0, 100), 'model/stl')).toThrow('ends before')
    expect(() => meshOf(new TextEncoder().encode('f 1 2 3'), 'model/obj')).toThrow('does not have')
    expect(() => meshOf(new TextEncoder().encode('solid x\nendsolid x'), 'model/stl')).toThrow(BadMesh)
    expect(() => meshOf(binary([[Number.NaN, ...FLAT.slice(1)]]), 'model/stl')).toThrow('no numbers')
  })

  it('is seen from the front at first: the patient’s left at the right, the head above; and turns without growing', () => {
    const seen = (rotation: readonly number[], [x, y, z]: readonly [number, number, number]) => [0, 1, 2].map((row) => (rotation[row * 3] ?? 0) * x + (rotation[row * 3 + 1] ?? 0) * y + (rotation[row * 3 + 2] ?? 0) * z)
    expect(seen(FROM_FRONT, [1, 0, 0])[0]).toBe(1)
    expect(seen(FROM_FRONT, [0, 0, 1])[1]).toBe(1)
    // What lies in front (-y) is nearer to the eye (+z of the screen).
    expect(seen(FROM_FRONT, [0, -1, 0])[2]).toBe(1)
    const later = turned(turned(FROM_FRONT, 0.7, 0.3), -1.9, 2)
    expect(Math.hypot(...seen(later, [3, 4, 12]))).toBeCloseTo(13, 10)
    // A quarter to the right brings what was at the right to the back.
    expect(seen(turned(FROM_FRONT, Math.PI / 2, 0), [1, 0, 0])[2]).toBeCloseTo(-1, 10)
  })
})
