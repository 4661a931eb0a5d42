// The study beside the earlier one that helps most: fetched ahead of being asked for, opened by one key, linked.
import type { Series, Study } from '../../../api/types'
import { LATER } from '../engine/queue'
import type { Stack } from '../engine/pane'
import { ofOnePatient } from '../model/patients'
import { helpful, likeliest } from '../model/priors'
import type { ViewerSession } from './session'

/** Behind everything that any viewport shows or may show next. */
const AHEAD_OF_ASKING = LATER + 1
const AROUND = 2 // images on both sides of the one that will be shown first
const OWNER = 'prior'

/** The earlier study that helps most to read the one that was opened. */
export function bestPrior(session: ViewerSession): Study | undefined {
  const [opened, ...others] = ofOnePatient(session.state.get().groups).map((group) => group.study)
  return opened ? helpful(opened, others)[0] : undefined
}

/** What would hang beside the viewport with the given series. */
async function partnerOf(session: ViewerSession, series: Series, prior: Study): Promise<{ series: Series; stack: Stack } | null> {
  const found = likeliest(series, await session.seriesIn(prior.StudyInstanceUID))
  return found ? { series: found, stack: await session.stackOf(found.SeriesInstanceUID, prior.StudyInstanceUID) } : null
}

const shownIn = (session: ViewerSession): Series | undefined => {
  const uid = session.activePane.state.get().seriesInstanceUID
  return uid === null ? undefined : session.seriesOf(uid)
}

/** Brings the first images of the best prior into memory, when there is nothing better to do. */
export async function prepare(session: ViewerSession): Promise<void> {
  const prior = bestPrior(session)
  const series = shownIn(session)
  if (!prior || !series) return
  try {
    const partner = await partnerOf(session, series, prior)
    if (!partner) return
    const { frames } = partner.stack
    const first = session.linking.indexIn(session.activePane, partner.stack)
    const wanted = [first, ...Array.from({ length: AROUND }, (_, at) => [first + at + 1, first - at - 1]).flat(), 0]
    const wishes = [...new Set(wanted)].flatMap((at) => {
      const frame = frames[at]
      return frame?.reason === '' ? [{ id: frame.id, rank: AHEAD_OF_ASKING }] : []
    })
    session.engine.queue.plan(OWNER, wishes)
  } catch {
    // Nobody asked for it: who does will be told.
  }
}

/** Two viewports, linked: what is chosen, and what is most like it in the earlier study. Without one, says why nothing happens. */
export async function compare(session: ViewerSession, prior = bestPrior(session)): Promise<void> {
  const { linking } = session
  const current = shownIn(session)
  if (!prior) {
    linking.say('No earlier study of this patient would help here.')
    return
  }
  try {
    if (!current) return
    const partner = await partnerOf(session, current, prior)
    if (!partner) {
      linking.say('The earlier study has no images to compare with.')
      return
    }
    session.setLayout('1x2', false)
    const index = linking.indexIn(session.activePane, partner.stack)
    await session.show(partner.series.SeriesInstanceUID, 1, index)
    session.setActive(0)
    linking.setGroup(0, 'A')
    linking.setGroup(1, 'A')
    linking.choose({ scroll: 'group' })
    linking.say(`Beside ${prior.StudyDescription || 'the earlier study'}: ${prior.relevance?.reason ?? ''}`)
  } catch (error) {
    linking.say(error instanceof Error ? `The earlier study cannot be opened: ${error.message}` : 'The earlier study cannot be opened.')
  }
}
