import { useEffect, useMemo, useState } from 'react'
import { useValue } from '../../../../lib/observable'
import type { Labels } from '../../model/bricks'
import { type Part, labelling } from '../../model/overlays/labels'
import type { Plan } from '../../model/volume'
import { overlaysOf } from '../../session/overlays/store'
import type { ViewerSession } from '../../session/session'

const BREATH = 10 // ms of work before the page is let go on

/** Segments and structures that are shown, as voxels of a volume; made a little at a time. */
export function useLabels(session: ViewerSession, plan: Plan): Labels | undefined {
  const { overlays } = useValue(overlaysOf(session).state)
  const [labels, setLabels] = useState<Labels | undefined>(undefined)
  const parts = useMemo(
    () =>
      overlays.flatMap(({ content, shown, hidden }): Part[] => {
        if (!shown || content.kind === 'dose') return []
        if (content.kind === 'segmentation') return [{ kind: 'segmentation', segmentation: content.segmentation, hidden }]
        return content.structures.structures.filter(({ number }) => !hidden.has(number)).map((structure) => ({ kind: 'structure', structure }))
      }),
    [overlays],
  )
  useEffect(() => {
    let timer = 0
    const work = labelling(plan.grid, plan.frameOfReference, parts)
    const go = (): void => {
      const until = performance.now() + BREATH
      let step = work.next()
      while (!step.done && performance.now() < until) step = work.next()
      if (step.done) setLabels(step.value)
      else timer = window.setTimeout(go)
    }
    timer = window.setTimeout(go)
    return () => window.clearTimeout(timer)
  }, [plan, parts])
  return labels
}
