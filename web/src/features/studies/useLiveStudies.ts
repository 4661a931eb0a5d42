import { useCallback, useEffect, useRef, useState } from 'react'
import { changes } from '../../api/events'
import type { StudySearch } from '../../api/studies'
import { listStudies, readStudy } from '../../api/studies'
import type { StudyPages } from './studyPages'

/** How a row came to be as it is, for a quiet highlight. */
export type Mark = 'new' | 'changed'

/** Kinds of the change log (domain/events.py) that can alter what the list shows. */
const CONCERNS_LIST = /^(study\.(?!read)|instance\.(stored|version|rejected|restored)|correction\.|patient\.)/

const QUIET_MS = 350 // a series arrives as hundreds of changes: wait for a breath,
const MOST_MS = 2_000 // but not for the whole series
const HIGHLIGHT_MS = 5_000
const MOST_ROWS = 8 // rows renewed one by one while scrolled; more are renewed when the list is next read

interface Options {
  pages: StudyPages
  search: StudySearch
  /** The first row is in view: new rows may simply appear. */
  atTop: boolean
}

export interface LiveStudies {
  marks: ReadonlyMap<string, Mark>
  /** Studies that arrived above while the list is scrolled down. */
  waiting: number
  /** Shows them. */
  show: () => Promise<void>
}

const NONE: ReadonlyMap<string, Mark> = new Map()

/** Keeps the list true while studies arrive, without moving what the reader looks at. */
export function useLiveStudies({ pages, search, atTop }: Options): LiveStudies {
  const [marks, setMarks] = useState(NONE)
  const [waiting, setWaiting] = useState(0)
  const [origin, setOrigin] = useState(pages)
  const now = useRef({ pages, search, atTop })
  useEffect(() => {
    now.current = { pages, search, atTop }
  })
  if (origin !== pages) {
    setOrigin(pages)
    setMarks(NONE)
    setWaiting(0)
  }

  const mark = useCallback((entries: [string, Mark][]) => {
    if (entries.length === 0) return
    setMarks((held) => new Map([...held, ...entries]))
    window.setTimeout(() => {
      setMarks((held) => new Map([...held].filter(([uid]) => !entries.some(([marked]) => marked === uid))))
    }, HIGHLIGHT_MS)
  }, [])

  const renewTop = useCallback(
    async (touched: Iterable<string>) => {
      const { pages } = now.current
      const before = new Set([...touched].filter((uid) => pages.indexOf(uid) >= 0))
      if (!(await pages.refresh())) return
      setWaiting(0)
      mark([...touched].filter((uid) => pages.indexOf(uid) >= 0).map((uid) => [uid, before.has(uid) ? 'changed' : 'new']))
    },
    [mark],
  )

  const renewInPlace = useCallback(
    async (touched: string[]) => {
      const { pages, search } = now.current
      const known = touched.filter((uid) => pages.indexOf(uid) >= 0)
      for (const uid of known.slice(0, MOST_ROWS)) {
        const study = await readStudy(uid, { background: true }).catch(() => null)
        if (study && pages.replace(study)) mark([[uid, 'changed']])
      }
      const unknown = touched.length - known.length
      if (unknown === 0) return
      const probe = await listStudies(search, { limit: 1 }, { background: true }).catch(() => null)
      if (!probe || now.current.pages !== pages) return
      setWaiting((held) => (probe.total_is_estimate ? held + unknown : Math.max(0, probe.total - pages.facts.get().total)))
    },
    [mark],
  )

  const unseen = useRef(new Set<string>())
  useEffect(() => {
    const pending = new Set<string>()
    let since = 0
    let timer = 0
    const flush = () => {
      const touched = [...pending]
      pending.clear()
      since = 0
      if (now.current.atTop) void renewTop(touched)
      else {
        for (const uid of touched) unseen.current.add(uid)
        void renewInPlace(touched)
      }
    }
    const stop = changes.listen((change) => {
      if (change.kind !== 'reset' && !(change.study && CONCERNS_LIST.test(change.kind))) return
      if (change.study) pending.add(change.study)
      since ||= Date.now()
      window.clearTimeout(timer)
      timer = window.setTimeout(flush, Math.min(QUIET_MS, Math.max(0, since + MOST_MS - Date.now())))
    })
    return () => {
      window.clearTimeout(timer)
      stop()
    }
  }, [renewTop, renewInPlace])

  const show = useCallback(async () => {
    const touched = [...unseen.current]
    unseen.current.clear()
    await renewTop(touched)
  }, [renewTop])

  useEffect(() => {
    // Scrolled back up by hand: what waited may appear.
    if (atTop && waiting > 0) void show()
  }, [atTop, waiting, show])

  return { marks, waiting, show }
}
