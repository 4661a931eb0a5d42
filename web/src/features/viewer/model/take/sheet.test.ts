import { expect, it } from 'vitest'
import { FOOT, LINE, MARGIN, MOST_ROWS, PAPERS, chosen, pagesOf, sheetOf, trueScale } from './sheet'

it('puts every picture inside the margins, none on another, in rows', () => {
  for (const paper of Object.keys(PAPERS) as (keyof typeof PAPERS)[]) {
    for (const landscape of [false, true]) {
      for (const [rows, columns] of [[1, 1], [3, 2], [5, 4], [MOST_ROWS, MOST_ROWS]] as const) {
        const { width, height, cells, head, foot } = sheetOf({ paper, landscape, rows, columns, lines: 3 })
        expect(width > height).toBe(landscape)
        expect(cells).toHaveLength(rows * columns)
        for (const cell of cells) {
          expect(cell.x).toBeGreaterThanOrEqual(MARGIN - 1e-9)
          expect(cell.x + cell.width).toBeLessThanOrEqual(width - MARGIN + 1e-9)
          expect(cell.y).toBeGreaterThanOrEqual(head.y + head.height - 1e-9)
          expect(cell.y + cell.height).toBeLessThanOrEqual(foot.y + 1e-9)
        }
        for (const [at, one] of cells.entries()) {
          for (const other of cells.slice(at + 1)) {
            expect(one.x + one.width < other.x || one.y + one.height < other.y || other.x + other.width < one.x).toBe(true)
          }
        }
        expect(foot.y + FOOT).toBeCloseTo(height - MARGIN)
      }
    }
  }
  expect(sheetOf({ paper: 'a4', landscape: false, rows: 1, columns: 1, lines: 0 }).cells[0]).toEqual({ x: 10, y: 10, width: 190, height: 271 })
  expect(sheetOf({ paper: 'a4', landscape: false, rows: 1, columns: 1, lines: 2 }).cells[0]?.y).toBe(10 + 2 * LINE + 2)
})

it('reads which images are wanted, as print dialogs do', () => {
  expect(chosen('', 3)).toEqual([0, 1, 2])
  expect(chosen('2', 3)).toEqual([1])
  expect(chosen('1-3, 7', 10)).toEqual([0, 1, 2, 6])
  expect(chosen('8-', 10)).toEqual([7, 8, 9])
  expect(chosen('-2 5', 10)).toEqual([0, 1, 4])
  expect(chosen('3,1,3', 10)).toEqual([2, 0])
  expect(chosen('5-99', 6)).toEqual([4, 5])
  expect(chosen('', 10, 4)).toEqual([0, 4, 8])
  expect(chosen('2-9', 10, 3)).toEqual([1, 4, 7])
  for (const wrong of ['x', '0', '4-2', '11', '1-2-3', '-']) expect(chosen(wrong, 10), wrong).toBeNull()
})

it('leaves nothing out on its pages', () => {
  expect(pagesOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
  expect(pagesOf([], 4)).toEqual([])
})

it('knows how large a picture is on paper only when the image knows it', () => {
  // 0.5 mm a pixel: 254 pixels are 127 mm, five inches, 480 CSS pixels.
  expect(254 * (trueScale({ kind: 'spacing', x: 0.5, y: 0.5, note: '' }) ?? 0)).toBeCloseTo(480)
  expect(trueScale({ kind: 'none' })).toBeUndefined()
})
