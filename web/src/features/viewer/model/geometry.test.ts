import { describe, expect, it } from 'vitest'
import { lettersOf, markersOf, planeOf, planeOfLetters } from './geometry'
import { UPRIGHT, flipHorizontal, flipVertical, rotateLeft, rotateRight } from './view'

const AXIAL = planeOf([1, 0, 0, 0, 1, 0], [0, 0, 0])
const SAGITTAL = planeOf([0, 1, 0, 0, 0, -1], [])
const CORONAL = planeOf([1, 0, 0, 0, 0, -1], [])

describe('orientation', () => {
  it('names the edges of the three planes', () => {
    expect(markersOf(AXIAL, UPRIGHT)).toEqual({ top: 'A', right: 'L', bottom: 'P', left: 'R' })
    expect(markersOf(SAGITTAL, UPRIGHT)).toEqual({ top: 'H', right: 'P', bottom: 'F', left: 'A' })
    expect(markersOf(CORONAL, UPRIGHT)).toEqual({ top: 'H', right: 'L', bottom: 'F', left: 'R' })
  })

  it('follows rotation and flips', () => {
    expect(markersOf(AXIAL, rotateRight(UPRIGHT))).toEqual({ top: 'R', right: 'A', bottom: 'L', left: 'P' })
    expect(markersOf(AXIAL, rotateLeft(UPRIGHT))).toEqual({ top: 'L', right: 'P', bottom: 'R', left: 'A' })
    expect(markersOf(AXIAL, flipHorizontal(UPRIGHT))).toEqual({ top: 'A', right: 'R', bottom: 'P', left: 'L' })
    expect(markersOf(AXIAL, flipVertical(rotateRight(UPRIGHT)))).toEqual({ top: 'L', right: 'A', bottom: 'R', left: 'P' })
  })

  it('names oblique directions by their strongest parts', () => {
    expect(lettersOf([0.8, 0.6, 0])).toBe('LP')
    expect(lettersOf([0.1, -0.99, 0.05])).toBe('A')
    expect(lettersOf([-0.5, 0.4, -0.76])).toBe('FRP')
  })

  it('reads the letters of radiographs', () => {
    expect(markersOf(planeOfLetters(['L', 'F']), UPRIGHT)).toEqual({ top: 'H', right: 'L', bottom: 'F', left: 'R' })
    expect(markersOf(planeOfLetters(['A', 'FR']), UPRIGHT)).toEqual({ top: 'HL', right: 'A', bottom: 'FR', left: 'P' })
    expect(planeOfLetters(['X', 'F'])).toBeUndefined()
  })

  it('says nothing rather than guess when the directions are no directions', () => {
    expect(planeOf([0, 0, 0, 0, 0, 0], [0, 0, 0])).toBeUndefined()
    expect(planeOf([1, 0, 0, 1, 0, 0], [0, 0, 0])).toBeUndefined()
    expect(planeOf([], [])).toBeUndefined()
    expect(markersOf(undefined, UPRIGHT)).toBeUndefined()
  })
})
