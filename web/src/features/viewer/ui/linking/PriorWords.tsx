// Beside an earlier study in the rail: how much it helps and why, and the way to compare.
import type { Study } from '../../../../api/types'
import { useValue } from '../../../../lib/observable'
import { HELPFUL } from '../../model/priors'
import { bestPrior, compare } from '../../session/comparing'
import { keyOf } from '../../session/controls'
import type { ViewerSession } from '../../session/session'
import './linking.css'

export function PriorWords({ session, study }: { session: ViewerSession; study: Study }) {
  useValue(session.state)
  const { relevance } = study
  if (!relevance?.reason) return null
  const best = bestPrior(session)?.StudyInstanceUID === study.StudyInstanceUID
  return (
    <div className="prior-words" data-testid="prior-words">
      <p className={relevance.score >= HELPFUL ? undefined : 'prior-words-far'}>{relevance.reason}</p>
      {relevance.score >= HELPFUL && (
        <button type="button" className={best ? 'prior-compare prior-compare-best' : 'prior-compare'} data-key={best ? keyOf('compare') : ''} data-tip={best ? 'The best earlier study, beside this one' : 'Beside this one'} onClick={() => void compare(session, study)}>
          Compare
        </button>
      )}
    </div>
  )
}
