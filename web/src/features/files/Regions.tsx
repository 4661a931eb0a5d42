import { type PointerEvent, useState } from 'react'
import type { Rectangle } from '../../api/deidentification'
import type { Series } from '../../api/types'
import { instanceUrl } from '../../dicomweb/urls'
import { Button, IconButton, SelectField } from '../../ui/controls'

type All = Readonly<Record<string, readonly Rectangle[]>>

interface RegionsProps {
  study: string
  /** Those with pictures. */
  series: readonly Series[]
  title: (series: Series) => string
  regions: All
  onChange: (regions: All) => void
}

/** Rectangles on the pictures of series, whose pixels are made black. */
export function Regions({ study, series, title, regions, onChange }: RegionsProps) {
  const [asked, setAsked] = useState('')
  const current = series.find((each) => each.SeriesInstanceUID === asked) ?? series[0]
  if (!current) return null
  const uid = current.SeriesInstanceUID
  const drawn = regions[uid] ?? []
  const set = (rectangles: readonly Rectangle[]) => onChange({ ...regions, [uid]: rectangles })
  return (
    <details className="files-regions">
      <summary>Make text in the pixels black ({Object.values(regions).flat().length || 'none'})</summary>
      {series.length > 1 && (
        <SelectField label="Series" value={uid} onChange={(event) => setAsked(event.target.value)}>
          {series.map((each) => (
            <option key={each.SeriesInstanceUID} value={each.SeriesInstanceUID}>
              {title(each)}
            </option>
          ))}
        </SelectField>
      )}
      <p className="field-hint">Draw over the text. It is made black on every image of the series that is as large as this one.</p>
      <Board key={uid} study={study} series={current} drawn={drawn} onDrawn={(rectangle) => set([...drawn, rectangle])} />
      <ul className="files-rectangles">
        {drawn.map((rectangle, at) => (
          <li key={at} data-testid="files-rectangle">
            {(['Column', 'Row', 'Columns', 'Rows'] as const).map((name, axis) => (
              <input
                key={name}
                className="input"
                type="number"
                min={axis < 2 ? 0 : 1}
                aria-label={`${name} of rectangle ${at + 1}`}
                value={rectangle[axis]}
                onChange={(event) => set(drawn.map((each, index) => (index === at ? (each.map((value, place) => (place === axis ? Math.max(axis < 2 ? 0 : 1, Math.round(Number(event.target.value))) : value)) as unknown as Rectangle) : each)))}
              />
            ))}
            <IconButton label={`Remove rectangle ${at + 1}`} icon="close" small onClick={() => set(drawn.filter((_, index) => index !== at))} />
          </li>
        ))}
      </ul>
      <Button small onClick={() => set([...drawn, [0, 0, current.middle?.Columns ?? 1, Math.max(1, Math.round((current.middle?.Rows ?? 10) / 10))]])}>
        Add a rectangle
      </Button>
    </details>
  )
}

interface BoardProps {
  study: string
  series: Series
  drawn: readonly Rectangle[]
  onDrawn: (rectangle: Rectangle) => void
}

/** A picture of the series to draw on. */
function Board({ study, series, drawn, onDrawn }: BoardProps) {
  const [draft, setDraft] = useState<{ from: readonly [number, number]; to: readonly [number, number] } | null>(null)
  const { SOPInstanceUID: instance = '', Rows, Columns } = series.middle ?? {}
  const [rows, columns] = [Rows ?? 1, Columns ?? 1]
  const at = (event: PointerEvent<SVGSVGElement>): [number, number] => {
    const box = event.currentTarget.getBoundingClientRect()
    return [Math.min(columns, Math.max(0, ((event.clientX - box.left) / box.width) * columns)), Math.min(rows, Math.max(0, ((event.clientY - box.top) / box.height) * rows))]
  }
  const between = ({ from, to }: NonNullable<typeof draft>): Rectangle => {
    const [left, top] = [Math.floor(Math.min(from[0], to[0])), Math.floor(Math.min(from[1], to[1]))]
    return [left, top, Math.ceil(Math.max(from[0], to[0])) - left, Math.ceil(Math.max(from[1], to[1])) - top]
  }
  const end = () => {
    if (!draft) return
    const rectangle = between(draft)
    setDraft(null)
    if (rectangle[2] > 2 && rectangle[3] > 2) onDrawn(rectangle)
  }
  const shown = draft ? [...drawn, between(draft)] : drawn
  return (
    <div className="files-board">
      <img src={`${instanceUrl(study, series.SeriesInstanceUID, instance)}/rendered?accept=image/jpeg&viewport=800,800`} alt="An image of the series" draggable={false} />
      <svg
        viewBox={`0 0 ${columns} ${rows}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${drawn.length} rectangles`}
        data-testid="files-board"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          setDraft({ from: at(event), to: at(event) })
        }}
        onPointerMove={(event) => draft && setDraft({ ...draft, to: at(event) })}
        onPointerUp={end}
        onPointerCancel={() => setDraft(null)}
      >
        {shown.map(([x, y, width, height], index) => (
          <rect key={index} x={x} y={y} width={width} height={height} vectorEffect="non-scaling-stroke" />
        ))}
      </svg>
    </div>
  )
}
