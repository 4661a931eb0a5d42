import { describe, expect, it } from 'vitest'
import { type Frames, add, addNote, framesOfText, isEmpty, noteOf, takeNote, textOfFrames, unseenWords } from './seen'

describe('what was seen', () => {
  it('is written as the server reads it, and read as it writes it', () => {
    expect(textOfFrames(new Set([7, 1, 3, 2, 30, 31]))).toBe('1-3,7,30-31')
    expect(framesOfText('1-3,7')).toEqual([1, 2, 3, 7])
    expect(framesOfText('')).toEqual([])
    expect(framesOfText('3-1,x,0')).toEqual([])
  })

  it('stays until the server has it: what was seen while a message was under way is not lost', () => {
    const frames: Frames = new Map()
    expect([add(frames, 's', 'a', 1), add(frames, 's', 'a', 1), add(frames, 's', 'b', 1)]).toEqual([true, false, true])
    const note = noteOf(frames)
    expect(note).toEqual([{ SeriesInstanceUID: 's', images: { a: '1', b: '1' } }])
    add(frames, 's', 'a', 2)
    takeNote(frames, note)
    expect(noteOf(frames)).toEqual([{ SeriesInstanceUID: 's', images: { a: '2' } }])
    takeNote(frames, noteOf(frames))
    expect(isEmpty(frames)).toBe(true)
  })

  it('goes in messages of so many images', () => {
    const frames: Frames = new Map()
    addNote(frames, [{ SeriesInstanceUID: 's', images: { a: '1-2', b: '1' } }, { SeriesInstanceUID: 't', images: { c: '1' } }])
    expect(noteOf(frames, 2)).toEqual([{ SeriesInstanceUID: 's', images: { a: '1-2', b: '1' } }])
    takeNote(frames, noteOf(frames, 2))
    expect(noteOf(frames, 2)).toEqual([{ SeriesInstanceUID: 't', images: { c: '1' } }])
  })

  it('has words for what is missing', () => {
    expect([unseenWords(12, 4), unseenWords(1, '4'), unseenWords(2, null)]).toEqual(['12 images of series 4 not seen', '1 image of series 4 not seen', '2 images of a series without a number not seen'])
  })
})
