// Sheets of paper as the browser shows and prints them.
import type { CSSProperties, ReactNode } from 'react'
import { userName } from '../../../../api/session'
import { footOf } from '../../model/take/heading'
import type { Rect } from '../../model/take/sheet'
import type { Job, Wishes } from './printing'

const at = ({ x, y, width, height }: Rect): CSSProperties => ({ left: `${x}mm`, top: `${y}mm`, width: `${width}mm`, height: `${height}mm` })

interface SheetProps {
  job: Job
  wishes: Wishes
  /** 0-based. */
  page: number
  picture: (cell: number) => ReactNode
}

export function SheetView({ job: { sheet, heading, pages }, wishes, page, picture }: SheetProps) {
  return (
    <section className={`sheet sheet-${wishes.paper}-${wishes.landscape ? 'landscape' : 'portrait'}`} style={{ width: `${sheet.width}mm`, height: `${sheet.height}mm` }}>
      <header style={at(sheet.head)}>
        {heading.map(({ text, bold }) => (
          <p key={text} className={bold ? 'sheet-patient' : undefined}>
            {text}
          </p>
        ))}
      </header>
      {sheet.cells.map((cell, index) => (
        <figure key={index} style={at(cell)}>
          {picture(index)}
        </figure>
      ))}
      <footer style={at(sheet.foot)}>{footOf(page + 1, pages.length, userName(), new Date())}</footer>
    </section>
  )
}
