// Several studies at once: marked in the list, then taken away together.
import { useCallback, useState } from 'react'
import type { Study } from '../../api/types'
import { plural } from '../../lib/numbers'
import { Button } from '../../ui/controls'

export interface Marking {
  readonly studies: ReadonlyMap<string, Study>
  readonly toggle: (study: Study) => void
  readonly clear: () => void
}

export function useMarking(): Marking {
  const [studies, setStudies] = useState<ReadonlyMap<string, Study>>(new Map())
  const toggle = useCallback((study: Study) => {
    setStudies((now) => {
      const next = new Map(now)
      if (!next.delete(study.StudyInstanceUID)) next.set(study.StudyInstanceUID, study)
      return next
    })
  }, [])
  const clear = useCallback(() => setStudies(new Map()), [])
  return { studies, toggle, clear }
}

/** Below the list, as long as studies are marked. */
export function MarkedBar({ marking, onTakeAway }: { marking: Marking; onTakeAway: ((studies: readonly Study[]) => void) | null }) {
  const studies = [...marking.studies.values()]
  if (studies.length === 0) return null
  return (
    <div className="marked-bar" data-testid="marked-bar">
      <span role="status">{`${plural(studies.length, 'study', 'studies')} marked`}</span>
      {onTakeAway && (
        <Button small icon="download" onClick={() => onTakeAway(studies)}>
          Take away
        </Button>
      )}
      <Button small onClick={marking.clear}>
        Unmark
      </Button>
    </div>
  )
}
