// The presentation states of the open studies: found after the first image, offered where they apply, put on the screen by name.
import { isAbort } from '../../../lib/http'
import { Observable } from '../../../lib/observable'
import type { Pane } from '../engine/pane'
import { prepared } from '../engine/presenting'
import { frameIdOf } from '../model/annotations'
import { type Presentation, type Unapplied, isPresentation, presentationOf, unappliedOf } from '../model/presentations'
import type { ViewerSession } from './session'
import { readObjects } from './stored'

/** All states of the open studies; read again when a series of them grows. */
class Presentations {
  readonly found = new Observable<readonly Presentation[]>([])
  /** States of kinds that are not applied here. */
  readonly unapplied = new Observable<readonly Unapplied[]>([])
  readonly failed = new Observable(false)
  private readonly session: ViewerSession
  private which = ''

  constructor(session: ViewerSession) {
    this.session = session
    // The first image does not wait for what may be laid over it.
    void session.engine.firstImage.then(() => {
      session.state.subscribe(() => void this.look())
      void this.look()
    })
  }

  private async look(): Promise<void> {
    const { groups } = this.session.state.get()
    const series = groups.filter((group) => group.state === 'open').flatMap((group) => group.series).filter((each) => each.Modality === 'PR')
    const which = series.map((each) => `${each.SeriesInstanceUID} ${each.NumberOfSeriesRelatedInstances}`).join(',')
    if (which === this.which) return
    this.which = which
    try {
      const objects = await Promise.all(series.map((each) => readObjects(this.session, each)))
      if (which !== this.which) return
      this.failed.set(false)
      this.unapplied.set(objects.flat().flatMap((each) => unappliedOf(each) ?? []))
      this.found.set(objects.flat().filter(isPresentation).map(presentationOf))
    } catch (error) {
      if (!isAbort(error)) this.failed.set(true)
    }
  }
}

const held = new WeakMap<ViewerSession, Presentations>()

export function presentationsOf(session: ViewerSession): Presentations {
  const known = held.get(session) ?? new Presentations(session)
  held.set(session, known)
  return known
}

/** Those that are for images of a series. */
export const offeredFor = (all: readonly Presentation[], series: string | null): readonly Presentation[] => (series === null ? [] : all.filter((each) => each.series.has(series)))

/** The image that a state is looked at by: the first that it draws on, else the first that it names. */
function placeIn(presentation: Presentation, series: string): { readonly instance: string; readonly frame: number } | undefined {
  const images = presentation.series.get(series)
  const drawnOn = presentation.drawn.flatMap((each) => [...(each.for ?? [])]).find(([instance]) => images?.has(instance))
  const [instance, frames] = drawnOn ?? [...(images ?? [])][0] ?? []
  return instance === undefined ? undefined : { instance, frame: frames?.[0] ?? 1 }
}

/** Shows the images of a presentation as it says; false when none of them is here. */
export async function present(session: ViewerSession, presentation: Presentation): Promise<boolean> {
  const shown = session.activePane.state.get().seriesInstanceUID
  const known = [...presentation.series.keys()].filter((each) => session.seriesOf(each) !== undefined)
  const series = known.find((each) => each === shown) ?? known[0]
  const study = series === undefined ? undefined : session.studyOf(series)
  const place = series === undefined ? undefined : placeIn(presentation, series)
  if (series === undefined || study === undefined) return false
  const { frames } = await session.imagesOf(series)
  const ready = await prepared(presentation, frames, new AbortController().signal)
  const here = session.activePane.wanted
  // Whoever looks at an image that it is for stays there.
  const stays = here !== undefined && shown === series && presentation.series.get(series)?.has(here.instance.sopInstanceUID) === true
  if (!stays) {
    if (!place || !frames.some((frame) => frame.instance.sopInstanceUID === place.instance)) return false
    await session.goToFrame(frameIdOf({ study, series, ...place }))
  }
  session.activePane.lay({ ready, hidden: new Set() })
  return true
}

/** Shows or hides a layer of what is presented. */
export function toggleLayer(pane: Pane, layer: string): void {
  const presenting = pane.hung?.presenting
  if (!presenting) return
  const hidden = new Set(presenting.hidden)
  if (!hidden.delete(layer)) hidden.add(layer)
  pane.lay({ ...presenting, hidden })
}

export const isShown = (pane: Pane, presentation: Presentation): boolean => pane.hung?.presenting?.ready.presentation.sopInstanceUID === presentation.sopInstanceUID
