import { type PointerEvent, useState } from 'react'
import type { Rectangle } from '../../api/deidentification'
import type { Series } from '../../api/types'
import { searchInstances } from '../../dicomweb/client'
import { TAG, number, text } from '../../dicomweb/dataset'
import { instanceUrl } from '../../dicomweb/urls'
import { plural } from '../../lib/numbers'
import { useLoaded } from '../../lib/useLoaded'
import { Button, CheckField, IconButton, SelectField } from '../../ui/controls'

export interface Marked {
  readonly rectangle: Rectangle
  /** SOP Instance UID of the one image it is for; '': every image of the series. */
  readonly instance: string
}

export type All = Readonly<Record<string, readonly Marked[]>>

/** A series with pictures. */
export interface Pictured {
  readonly study: string
  readonly series: Series
  readonly title: string
}

interface RegionsProps {
  series: readonly Pictured[]
  regions: All
  onChange: (regions: All) => void
}

/** Rectangles on the pictures of series, whose pixels are made black. */
export function Regions({ series, regions, onChange }: RegionsProps) {
  const [asked, setAsked] = useState('')
  const current = series.find((each) => each.series.SeriesInstanceUID === asked) ?? series[0]
  if (!current) return null
  const uid = current.series.SeriesInstanceUID
  const drawn = regions[uid] ?? []
  const set = (marked: readonly Marked[]) => onChange({ ...regions, [uid]: marked })
  return (
    <details className="files-regions">
      <summary>Make text in the pixels black ({Object.values(regions).flat().length || 'none'})</summary>
      {series.length > 1 && (
        <SelectField label="Series" value={uid} onChange={(event) => setAsked(event.target.value)}>
          {series.map(({ series: { SeriesInstanceUID }, title }) => (
            <option key={SeriesInstanceUID} value={SeriesInstanceUID}>
              {`${title}${regions[SeriesInstanceUID]?.length ? ` · ${plural(regions[SeriesInstanceUID].length, 'rectangle')}` : ''}`}
            </option>
          ))}
        </SelectField>
      )}
      <p className="field-hint">Draw over the text. It is made black on every image of the series that is as large as this one, or on this image only.</p>
      <Images key={uid} study={current.study} series={current.series} drawn={drawn} set={set} />
    </details>
  )
}

interface Image {
  readonly instance: string
  readonly rows: number
  readonly columns: number
}

/** The images of a series that can be drawn on, in their order. */
async function imagesOf(study: string, series: string, signal: AbortSignal): Promise<Image[]> {
  const found = await searchInstances(study, series, {}, signal)
  return found.flatMap((each) => {
    const [rows, columns] = [number(each, TAG.Rows), number(each, TAG.Columns)]
    return rows && columns ? [{ instance: text(each, TAG.SOPInstanceUID), rows, columns }] : []
  })
}

function Images({ study, series, drawn, set }: { study: string; series: Series; drawn: readonly Marked[]; set: (marked: readonly Marked[]) => void }) {
  const uid = series.SeriesInstanceUID
  const [read] = useState(() => (signal: AbortSignal) => imagesOf(study, uid, signal))
  const images = useLoaded(read).value ?? []
  const [chosen, choose] = useState(-1)
  const [alone, setAlone] = useState(false)
  const { SOPInstanceUID: middle = '', Rows, Columns } = series.middle ?? {}
  const at = chosen >= 0 ? chosen : Math.max(0, images.findIndex((each) => each.instance === middle))
  const image = images[at] ?? { instance: middle, rows: Rows ?? 1, columns: Columns ?? 1 }
  const numberOf = (instance: string): string => `image ${images.findIndex((each) => each.instance === instance) + 1} only`
  const here = alone ? image.instance : ''
  return (
    <>
      {images.length > 1 && (
        <div className="files-image">
          <input type="range" min={1} max={images.length} value={at + 1} aria-label="Image to draw on" data-testid="files-image" onChange={(event) => choose(Number(event.target.value) - 1)} />
          <output>{`Image ${at + 1} of ${images.length}`}</output>
          <CheckField label="On this image only" checked={alone} onChange={setAlone} />
        </div>
      )}
      <Board study={study} series={uid} image={image} drawn={drawn.filter((each) => each.instance === '' || each.instance === image.instance).map((each) => each.rectangle)} onDrawn={(rectangle) => set([...drawn, { rectangle, instance: here }])} />
      <ul className="files-rectangles">
        {drawn.map(({ rectangle, instance }, at) => (
          <li key={at} data-testid="files-rectangle" data-instance={instance}>
            {(['Column', 'Row', 'Columns', 'Rows'] as const).map((name, axis) => (
              <input
                key={name}
                className="input"
                type="number"
                min={axis < 2 ? 0 : 1}
                aria-label={`${name} of rectangle ${at + 1}`}
                value={rectangle[axis]}
                onChange={(event) => set(drawn.map((each, index) => (index === at ? { ...each, rectangle: changed(each.rectangle, axis, Number(event.target.value)) } : each)))}
              />
            ))}
            <span className="muted">{instance === '' ? 'every image' : numberOf(instance)}</span>
            <IconButton label={`Remove rectangle ${at + 1}`} icon="close" small onClick={() => set(drawn.filter((_, index) => index !== at))} />
          </li>
        ))}
      </ul>
      <Button small onClick={() => set([...drawn, { rectangle: [0, 0, image.columns, Math.max(1, Math.round(image.rows / 10))], instance: here }])}>
        Add a rectangle
      </Button>
    </>
  )
}

const changed = (rectangle: Rectangle, axis: number, to: number): Rectangle =>
  rectangle.map((value, place) => (place === axis ? Math.max(axis < 2 ? 0 : 1, Math.round(to)) : value)) as unknown as Rectangle

interface BoardProps {
  study: string
  series: string
  image: Image
  drawn: readonly Rectangle[]
  onDrawn: (rectangle: Rectangle) => void
}

/** A picture of the series to draw on. */
function Board({ study, series, image: { instance, rows, columns }, drawn, onDrawn }: BoardProps) {
  const [draft, setDraft] = useState<{ from: readonly [number, number]; to: readonly [number, number] } | null>(null)
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
      <img src={`${instanceUrl(study, series, instance)}/rendered?accept=image/jpeg&viewport=800,800`} alt="An image of the series" draggable={false} />
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
