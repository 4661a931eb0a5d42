// What a further window shows of the study that the first one has opened.
import type { Series } from '../../../api/types'
import { panesOf } from '../model/layout'
import { likeliest } from '../model/priors'
import { hasPictures } from '../model/rail'
import { type WindowPlace, restFor } from '../model/screens'
import { bestPrior } from './comparing'
import type { ViewerSession } from './session'

/** The earlier study that helps most: what is most like the series that the first window reads, then its others. */
async function ofPrior(session: ViewerSession, reads: string | undefined): Promise<readonly Series[]> {
  const prior = bestPrior(session)
  if (!prior) return []
  const series = (await session.seriesIn(prior.StudyInstanceUID)).filter(hasPictures)
  const read = reads === undefined ? undefined : session.seriesOf(reads)
  const best = read && likeliest(read, series)
  return best ? [best, ...series.filter((each) => each !== best)] : series
}

/** @param before viewports of further windows between the first and this one */
export async function takePlace(session: ViewerSession, { layout, shows }: WindowPlace, shown: readonly string[], before: number): Promise<void> {
  try {
    const own = session.state.get().groups[0]?.series.filter(hasPictures) ?? []
    const earlier = shows === 'prior' ? await ofPrior(session, shown[0]) : []
    if (shows === 'prior' && earlier.length === 0) session.linking.say('No earlier study of this patient would help here: this window shows the series that follow.')
    const wanted = earlier.length > 0 ? earlier : restFor(own, shown, before)
    session.setLayout(layout, false)
    for (const [at, pane] of session.engine.panes.slice(0, panesOf(layout)).entries()) {
      const series = wanted[at]
      session.setContent(at, null)
      if (series) void session.show(series.SeriesInstanceUID, at)
      else pane.clear()
    }
    session.setActive(0)
  } catch (error) {
    session.linking.say(error instanceof Error ? `The earlier study cannot be opened: ${error.message}` : 'The earlier study cannot be opened.')
  }
}
