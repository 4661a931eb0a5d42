import type { RefObject } from 'react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { StudySearch } from '../../api/studies'
import { listStudies } from '../../api/studies'
import type { Study } from '../../api/types'
import { useHotkeys } from '../../lib/hotkeys'
import { explain } from '../../lib/http'
import { PHONE, keep, recall, useMedia } from '../../lib/media'
import { formatCount, plural } from '../../lib/numbers'
import { useValue } from '../../lib/observable'
import { navigate, usePlace } from '../../lib/router'
import { useRowWindow } from '../../lib/useRowWindow'
import { Button } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { Icon } from '../../ui/icons'
import { SearchBar } from './SearchBar'
import { CorrectDialog } from './CorrectDialog'
import { HoldDialog, RejectDialog } from './RejectDialog'
import { MarkedBar, useMarking } from './marking'
import { SendDialog } from './SendDialog'
import { SensitiveDialog } from './SensitiveDialog'
import { SplitDialog } from './SplitDialog'
import type { StudyRights } from './StudyInspector'
import { StudyInspector } from './StudyInspector'
import { StudyTable } from './StudyTable'
import type { SearchState, SortColumn } from './searchState'
import { NO_SEARCH, formatSearch, isSearching, nextSort, parseSearch, toStudySearch } from './searchState'
import { PAGE, StudyPages } from './studyPages'
import { useLiveStudies } from './useLiveStudies'
import './studies.css'

const ROW = 34
const CARD = 88
const HEAD = 31 // studies.css: the sticky header and its line
const SKELETON_ROWS = 14

/** The page stays in place behind the viewer; while away it keeps the search it had. */
function useSearchState(active: boolean): [SearchState, (change: Partial<SearchState>) => void] {
  const place = usePlace()
  const [text, setText] = useState(place.search)
  if (active && place.search !== text) setText(place.search)
  const state = useMemo(() => parseSearch(text), [text])
  const change = useCallback((change: Partial<SearchState>) => {
    navigate(`/${formatSearch({ ...parseSearch(window.location.search), ...change })}`, { replace: true })
  }, [])
  return [state, change]
}

/** The pages of the search, and those to show: while a new search is on its way the old rows stay, so that typing does not flicker. */
function usePages(search: StudySearch): { pages: StudyPages; shown: StudyPages } {
  const key = JSON.stringify(search)
  const pages = useMemo(() => {
    const asked = JSON.parse(key) as StudySearch
    return new StudyPages((page, asking) => listStudies(asked, page, asking))
  }, [key])
  useEffect(() => () => pages.dispose(), [pages])
  const coming = useValue(pages.facts)
  const [shown, setShown] = useState(pages)
  useEffect(() => {
    if (shown !== pages) pages.need(0, PAGE)
  }, [shown, pages])
  if (shown !== pages && (!coming.loading || coming.error !== null)) setShown(pages)
  return { pages, shown }
}

/** A new calendar day makes "today" another day, also on a page that stays open over night. */
function useToday(): string {
  const [today, setToday] = useState(() => new Date().toDateString())
  useEffect(() => {
    const timer = window.setInterval(() => setToday(new Date().toDateString()), 60_000)
    return () => window.clearInterval(timer)
  }, [])
  return today
}

/** The selection is a study, not a row number: it stays with its study when rows move. */
function useSelection(pages: StudyPages): { uid: string; index: number; select: (index: number) => void; clear: () => void } {
  const [held, setHeld] = useState({ uid: '', index: -1 })
  const found = held.uid ? pages.indexOf(held.uid) : -1
  const arrived = held.index >= 0 && !held.uid ? pages.at(held.index) : undefined
  if (arrived) setHeld({ uid: arrived.StudyInstanceUID, index: held.index })
  const select = useCallback((index: number) => setHeld({ uid: pages.at(index)?.StudyInstanceUID ?? '', index }), [pages])
  const clear = useCallback(() => setHeld({ uid: '', index: -1 }), [])
  return { uid: held.uid, index: found >= 0 ? found : held.uid ? -1 : held.index, select, clear }
}

/** The list's neighbour of a study, which becomes the selected one; undefined at either end and where the list does not hold the study. */
export type Step = (uid: string, by: 1 | -1) => Study | undefined

interface StudiesPageProps {
  active: boolean
  may: StudyRights
  onOpen: (study: Study) => void
  /** onDone: when the files have left. */
  onTakeAway: (studies: readonly Study[], onDone?: () => void) => void
  onShare: (study: Study) => void
  /** Is given the list's step, for whoever reads through it. */
  stepRef: RefObject<Step | null>
  /** For who may open what they do not find, in an emergency. */
  onEmergency: (() => void) | null
}

export function StudiesPage({ active, may, onOpen, onTakeAway, onShare, stepRef, onEmergency }: StudiesPageProps) {
  const [state, change] = useSearchState(active)
  const today = useToday()
  const search = useMemo(() => toStudySearch(state, new Date(today)), [state, today])
  const { pages: current, shown: pages } = usePages(search)
  const facts = useValue(pages.facts)
  const cards = useMedia(PHONE)
  const count = facts.loading && !facts.error ? SKELETON_ROWS : facts.total
  const rowHeight = cards ? CARD : ROW
  const view = useRowWindow({ count, rowHeight, head: cards ? 0 : HEAD })
  const live = useLiveStudies({ pages: current, search, atTop: view.atTop })
  const selection = useSelection(pages)
  const marking = useMarking()
  const wide = useMedia('(min-width: 1500px)')
  const [panel, setPanel] = useState<boolean | null>(() => (recall('inspector') ? recall('inspector') === 'open' : null))
  const [correcting, setCorrecting] = useState<Study | null>(null)
  const [rejecting, setRejecting] = useState<Study | null>(null)
  const [splitting, setSplitting] = useState<Study | null>(null)
  const [holding, setHolding] = useState<Study | null>(null)
  const [guarding, setGuarding] = useState<Study | null>(null)
  const [sending, setSending] = useState<Study | null>(null)
  const box = useRef<HTMLInputElement>(null)

  const first = view.rows[0]?.index ?? 0
  const last = (view.rows.at(-1)?.index ?? 0) + 1
  useEffect(() => pages.need(first, last), [pages, first, last, facts.version])

  const { toTop, reveal } = view
  useEffect(() => toTop(), [pages, toTop])

  const selected = selection.index >= 0 ? pages.at(selection.index) : undefined
  const panelOpen = selected !== undefined && (panel ?? (wide && !cards))
  const showPanel = (open: boolean) => {
    setPanel(open)
    if (!cards) keep('inspector', open ? 'open' : 'closed')
  }
  const select = (index: number) => {
    selection.select(index)
    if (cards) setPanel(true)
  }
  const move = (to: number) => {
    if (facts.total === 0) return
    const index = Math.max(0, Math.min(facts.total - 1, to))
    selection.select(index)
    reveal(index)
  }
  useEffect(() => {
    stepRef.current = (uid, by) => {
      const from = pages.indexOf(uid)
      if (from < 0) return undefined
      move(from + by)
      return pages.at(from + by)
    }
  })
  const go = (key: KeyboardEvent, to: number) => {
    key.preventDefault()
    move(to)
  }
  const at = selection.index
  useHotkeys(
    {
      '/': (key) => {
        key.preventDefault()
        box.current?.focus()
        box.current?.select()
      },
      ArrowDown: (key) => go(key, at + 1),
      ArrowUp: (key) => go(key, at < 0 ? 0 : at - 1),
      j: (key) => go(key, at + 1),
      k: (key) => go(key, at < 0 ? 0 : at - 1),
      Home: (key) => go(key, 0),
      End: (key) => go(key, facts.total - 1),
      PageDown: (key) => go(key, Math.max(at, 0) + view.pageSize),
      PageUp: (key) => go(key, Math.max(at, 0) - view.pageSize),
      Enter: (key) => {
        if (selected && !(key.target instanceof HTMLButtonElement || key.target instanceof HTMLAnchorElement)) onOpen(selected)
      },
      t: () => {
        if (selected && may.send) setSending(selected)
      },
      x: () => {
        if (selected) marking.toggle(selected)
      },
      ' ': (key) => {
        if (key.target instanceof HTMLButtonElement) return
        key.preventDefault()
        if (selected) showPanel(!panelOpen)
      },
      Escape: () => {
        if (panelOpen && (cards || !wide)) showPanel(false)
        else if (at >= 0) selection.clear()
        else if (isSearching(state)) change({ ...NO_SEARCH, sort: state.sort })
      },
    },
    active,
  )

  const failed = facts.error !== null
  const lost = failed && facts.total === 0
  const nothing = !facts.loading && facts.total === 0 && !failed
  return (
    <div className="studies">
      <h1 className="visually-hidden">Studies</h1>
      <SearchBar
        state={state}
        onChange={change}
        box={box}
        onLeave={(open) => {
          box.current?.blur()
          const target = Math.max(0, at)
          const study = pages.at(target)
          move(target)
          // While the answer to what was typed is on its way, the one row on the screen is somebody else.
          if (open && study && facts.total === 1 && current === pages) onOpen(study)
        }}
      />
      <div className="studies-main">
        <div className="studies-list" aria-busy={current !== pages || facts.loading}>
          {current !== pages && <div className="studies-busy" />}
          {failed && !lost && (
            <div className="studies-notice">
              <ErrorNotice
                error={explain(facts.error)}
                action={
                  <Button small icon="retry" onClick={() => pages.retry()}>
                    Try again
                  </Button>
                }
              />
            </div>
          )}
          {lost ? (
            <LostList error={facts.error} onRetry={() => pages.retry()} />
          ) : nothing ? (
            <NoStudies searching={isSearching(state)} canUpload={may.upload} onEmergency={onEmergency} onClear={() => change({ ...NO_SEARCH, sort: state.sort })} />
          ) : (
            <StudyTable
              cards={cards}
              view={view}
              total={facts.total}
              rowHeight={rowHeight}
              at={(index) => pages.at(index)}
              marks={live.marks}
              selected={selection.index}
              sort={state.sort}
              onSort={(column: SortColumn) => change({ sort: nextSort(state.sort, column) })}
              onSelect={select}
              onOpen={onOpen}
              marked={marking.studies}
              onMark={marking.toggle}
            />
          )}
          {live.waiting > 0 && !view.atTop && (
            <button
              type="button"
              className="new-studies"
              onClick={() => {
                toTop()
                void live.show()
              }}
            >
              <Icon name="arrowUp" size={14} />
              {plural(live.waiting, 'new study', 'new studies')}
            </button>
          )}
          <MarkedBar marking={marking} onTakeAway={may.takeAway ? (studies) => onTakeAway(studies, marking.clear) : null} />
          <Footer facts={facts} lost={lost} cards={cards} />
        </div>
        {panelOpen && <StudyInspector study={selected} may={may} onClose={() => showPanel(false)} onOpen={() => onOpen(selected)} onTakeAway={() => onTakeAway([selected])} onShare={() => onShare(selected)} onSend={() => setSending(selected)} onCorrect={() => setCorrecting(selected)} onReject={() => setRejecting(selected)} onSplit={() => setSplitting(selected)} onHold={() => setHolding(selected)} onSensitive={() => setGuarding(selected)} />}
      </div>
      {correcting && <CorrectDialog study={correcting} onClose={() => setCorrecting(null)} />}
      {rejecting && <RejectDialog study={rejecting} canSee={may.seeRejected} onClose={() => setRejecting(null)} />}
      {splitting && <SplitDialog study={splitting} onClose={() => setSplitting(null)} />}
      {holding && <HoldDialog study={holding} onClose={() => setHolding(null)} />}
      {guarding && <SensitiveDialog study={guarding} onDone={() => void pages.refresh()} onClose={() => setGuarding(null)} />}
      {sending && <SendDialog study={sending} onClose={() => setSending(null)} />}
    </div>
  )
}

function LostList({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { what, kept, hint } = explain(error)
  return (
    <div role="alert">
      <Empty
        icon="alert"
        title={what}
        actions={
          <Button look="primary" icon="retry" onClick={onRetry}>
            Try again
          </Button>
        }
      >
        {[kept, hint].filter(Boolean).join(' ')}
      </Empty>
    </div>
  )
}

function Footer({ facts, lost, cards }: { facts: { loading: boolean; total: number; estimate: boolean }; lost: boolean; cards: boolean }) {
  const what = facts.total === 1 ? 'study' : 'studies'
  const count = `${facts.estimate ? 'about ' : ''}${formatCount(facts.total)} ${what}`
  return (
    <div className="studies-foot" role="status">
      <span>{facts.loading ? 'Searching…' : lost ? 'The list could not be read' : count}</span>
      {!cards && (
        <span className="faint">
          <b>↑↓</b> move <b>Enter</b> open <b>Space</b> details <b>/</b> search <b>?</b> all keys
        </span>
      )}
    </div>
  )
}

function NoStudies({ searching, canUpload, onClear, onEmergency }: { searching: boolean; canUpload: boolean; onClear: () => void; onEmergency: (() => void) | null }) {
  if (searching) {
    return (
      <Empty icon="search" title="No study matches" actions={
          <>
            <Button onClick={onClear}>Clear search and filters</Button>
            {onEmergency && (
              <Button look="danger" icon="alert" onClick={onEmergency}>
                Emergency access
              </Button>
            )}
          </>
        }
      >
        Names match from their beginning, family name first. Fewer letters or a wider date range find more.
      </Empty>
    )
  }
  const upload = (
    <Button look="primary" icon="upload" onClick={() => navigate('/upload')}>
      Upload images
    </Button>
  )
  return (
    <Empty icon="studies" title="No studies yet" actions={canUpload && upload}>
      Send from any DICOM device, or drop files, folders or ZIPs here. New studies appear by themselves.
    </Empty>
  )
}
