import { useState } from 'react'
import { explain, isAbort } from '../../../../lib/http'
import type { Frame } from '../../model/frame'
import { type Contents, type Table, contentsOf } from '../../model/overlays/contents'
import { nameOf, placeOf } from '../../model/overlays/drawn'
import { type Layer, type Segmentation, fittedTo } from '../../model/overlays/segmentation'
import { imageValues } from '../../session/overlays/growing'
import type { Overlay, Overlays } from '../../session/overlays/store'

const show = (value: number | undefined, digits = 2): string => (value === undefined ? '–' : Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(digits))

/** What is drawn on each of the images it was drawn on. Throws a sentence when they cannot be had. */
async function layersByImage(store: Overlays, overlay: Overlay, segmentation: Segmentation): Promise<Map<Frame, Layer[]>> {
  const { session } = store
  const series = store.drawnOn(overlay)
  const frames = series === undefined ? session.activePane.frames : (await session.imagesOf(series)).frames
  const fitted = fittedTo(segmentation, frames)
  if (!fitted) throw new Error('These segments have other pixels than the images. Show the images they were drawn on, then measure again.')
  const byName = new Map<string, Layer[]>()
  for (const layer of fitted) byName.set(placeOf(layer), [...(byName.get(placeOf(layer)) ?? []), layer])
  return new Map(frames.flatMap((frame) => (byName.has(nameOf(frame)) ? [[frame, byName.get(nameOf(frame)) ?? []] as const] : [])))
}

function Row({ label, contents, uptake, last }: { label: string; contents: Contents; uptake: boolean; last?: boolean }) {
  const { volume, mean, deviation, max, glycolysis } = contents
  return (
    <tr className={last ? 'overlay-sum' : undefined} data-segment={label}>
      <th scope="row">{label}</th>
      <td>{show(volume)}</td>
      <td>{show(mean)}</td>
      {!uptake && <td>{show(deviation)}</td>}
      <td>{show(max)}</td>
      {uptake && <td>{show(glycolysis)}</td>}
    </tr>
  )
}

/** Values of segments: of PET with metabolic volume and total lesion glycolysis. */
export function ContentsTable({ store, overlay, segmentation }: { store: Overlays; overlay: Overlay; segmentation: Segmentation }) {
  const [measured, setMeasured] = useState<{ readonly of: readonly Layer[]; readonly table?: Table; readonly said?: string } | null>(null)
  const { layers, segments } = segmentation
  const measure = async () => {
    setMeasured({ of: layers, said: 'Reading the images…' })
    try {
      const table = await contentsOf(segmentation, await layersByImage(store, overlay, segmentation), (frame) => imageValues(store.session, frame))
      setMeasured({ of: layers, table })
    } catch (error) {
      setMeasured(isAbort(error) ? null : { of: layers, said: explain(error).what })
    }
  }
  if (layers.length === 0) return null
  // What was drawn on since is to be measured anew.
  const { table, said } = measured?.of === layers ? measured : {}
  return (
    <>
      {!table && (
        <button type="button" className="button button-small button-quiet" onClick={() => void measure()} data-testid="contents-measure">
          Measure the values
        </button>
      )}
      {said && (
        <p className="overlay-note" role="status">
          {said}
        </p>
      )}
      {table && (
        <table className="dose-table" data-testid="contents-table">
          <thead>
            <tr>
              <th scope="col">{table.unit}</th>
              <th scope="col">ml</th>
              <th scope="col">mean</th>
              {!table.uptake && <th scope="col">SD</th>}
              <th scope="col">max</th>
              {table.uptake && (
                <th scope="col">
                  <abbr title="Total lesion glycolysis: mean SUVbw times volume, g">TLG</abbr>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {segments.map(({ number, label }) => {
              const contents = table.segments.get(number)
              return contents && <Row key={number} label={label} contents={contents} uptake={table.uptake} />
            })}
            {table.all && <Row last label={table.uptake ? 'All (TMTV)' : 'All'} contents={table.all} uptake={table.uptake} />}
          </tbody>
        </table>
      )}
    </>
  )
}
