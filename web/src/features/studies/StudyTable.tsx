import type { Study } from '../../api/types'
import { formatDateTime } from '../../lib/dates'
import { plural } from '../../lib/numbers'
import type { RowView } from '../../lib/useRowWindow'
import { Modalities, Skeleton } from '../../ui/controls'
import { Icon } from '../../ui/icons'
import { COLUMNS, PatientName, ageAndSex } from './columns'
import type { Sort, SortColumn } from './searchState'
import type { Mark } from './useLiveStudies'

interface TableProps {
  view: RowView
  total: number
  rowHeight: number
  at: (index: number) => Study | undefined
  marks: ReadonlyMap<string, Mark>
  selected: number
  sort: Sort
  onSort: (column: SortColumn) => void
  onSelect: (index: number) => void
  onOpen: (study: Study) => void
  /** Studies that were marked, to do something with several at once. */
  marked: ReadonlyMap<string, Study>
  onMark: (study: Study) => void
}

export const rowId = (index: number) => `study-row-${index}`

function ariaSort(sort: Sort, column: SortColumn): 'ascending' | 'descending' | 'none' {
  if (sort.column !== column) return 'none'
  return sort.descending ? 'descending' : 'ascending'
}

function Header({ sort, onSort }: Pick<TableProps, 'sort' | 'onSort'>) {
  return (
    <div role="rowgroup" className="studies-head">
      <div role="row" aria-rowindex={1} className="studies-columns">
        {COLUMNS.map((column) => (
          <div key={column.key} role="columnheader" aria-sort={ariaSort(sort, column.sort)} className={`cell cell-${column.key}${column.numeric ? ' num' : ''}`}>
            <button type="button" className="sort" onClick={() => onSort(column.sort)}>
              <span className="truncate">{column.title}</span>
              {sort.column === column.sort && <Icon name={sort.descending ? 'arrowDown' : 'arrowUp'} size={12} />}
            </button>
          </div>
        ))}
      </div>
    </div>
  )
}

function SkeletonCells({ index }: { index: number }) {
  return COLUMNS.map((column, place) => (
    <div key={column.key} role="gridcell" className={`cell cell-${column.key}`}>
      <Skeleton width={`${45 + ((index * 7 + place * 23) % 40)}%`} />
    </div>
  ))
}

function Cells({ study, onOpen }: { study: Study; onOpen: (study: Study) => void }) {
  return COLUMNS.map((column) => (
    <div key={column.key} role="gridcell" className={`cell truncate cell-${column.key}${column.numeric ? ' num' : ''}`}>
      {column.cell(study)}
      {column.key === 'patient' && (
        <button type="button" className="row-open" tabIndex={-1} aria-label="Open the images" onClick={() => onOpen(study)}>
          <Icon name="open" size={14} />
          <span className="row-open-text">Open</span>
        </button>
      )}
    </div>
  ))
}

/** What a phone shows of a study: two lines and the counts. */
function Card({ study }: { study: Study }) {
  return (
    <div role="gridcell" className="card">
      <div className="card-line">
        <span className="card-name truncate">
          <PatientName value={study.PatientName} />
        </span>
        <Modalities codes={study.ModalitiesInStudy} />
      </div>
      <div className="card-line">
        <span className="truncate">{study.StudyDescription || <span className="faint">No description</span>}</span>
        <span className="faint nowrap">{plural(study.NumberOfStudyRelatedInstances, 'image')}</span>
      </div>
      <div className="card-line faint">
        <span className="truncate">{[study.PatientID, ageAndSex(study)].filter(Boolean).join(' · ')}</span>
        <span className="nowrap">{formatDateTime(study.StudyDate, study.StudyTime)}</span>
      </div>
    </div>
  )
}

function CardSkeleton() {
  return (
    <div role="gridcell" className="card">
      <Skeleton width="55%" />
      <Skeleton width="70%" />
      <Skeleton width="40%" />
    </div>
  )
}

/** The grid: a fixed header and only the rows in view. Keys are handled by the page, so they work wherever the focus is. */
export function StudyTable({ cards, ...props }: TableProps & { cards: boolean }) {
  const { total, rowHeight, at, marks, selected, sort, onSort, onSelect, onOpen, marked, onMark } = props
  const { scroller, height, rows } = props.view
  return (
    <div
      role="grid"
      aria-label="Studies"
      aria-rowcount={total + 1}
      aria-activedescendant={selected >= 0 && rows.some((row) => row.index === selected) ? rowId(selected) : undefined}
      tabIndex={0}
      className={cards ? 'studies-grid as-cards' : 'studies-grid'}
      ref={scroller}
    >
      {!cards && <Header sort={sort} onSort={onSort} />}
      <div role="rowgroup" className="studies-rows" style={{ height: height }}>
        {rows.map(({ index, offset }) => {
          const study = at(index)
          const isMarked = study !== undefined && marked.has(study.StudyInstanceUID)
          const mark = study && marks.get(study.StudyInstanceUID)
          return (
            <div
              key={study?.StudyInstanceUID ?? `row-${index}`}
              id={rowId(index)}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={index === selected}
              className={`study-row studies-columns${mark ? ` is-${mark}` : ''}${isMarked ? ' is-marked' : ''}`}
              style={{ top: offset, height: rowHeight }}
              data-marked={isMarked || undefined}
              onClick={(event) => {
                if (!study) return
                if (event.ctrlKey || event.metaKey) onMark(study)
                else onSelect(index)
              }}
              onDoubleClick={() => study && onOpen(study)}
            >
              {cards ? study ? <Card study={study} /> : <CardSkeleton /> : study ? <Cells study={study} onOpen={onOpen} /> : <SkeletonCells index={index} />}
            </div>
          )
        })}
      </div>
    </div>
  )
}
