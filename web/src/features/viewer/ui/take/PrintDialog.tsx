import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { createPortal } from 'react-dom'
import { explain, isAbort } from '../../../../lib/http'
import { saveFile } from '../../../../lib/save'
import { useAction } from '../../../../lib/useAction'
import { useValue } from '../../../../lib/observable'
import { Button, CheckField, IconButton, Progress, SelectField, TextField } from '../../../../ui/controls'
import { ErrorNotice } from '../../../../ui/feedback'
import { Dialog } from '../../../../ui/overlay'
import { countText, hasPictures, seriesTitle } from '../../model/rail'
import { MOST_ROWS, PAPERS, PIXELS, type Paper } from '../../model/take/sheet'
import type { ViewerSession } from '../../session/session'
import { keepWishes, keptLook, keptWishes, noted } from '../../session/taking'
import { LookFields, burnedIn } from './PictureDialog'
import { type Job, Printer, type Source, type Wishes, jobOf } from './printing'
import { SheetView } from './Sheets'
import './print.css'

const PATIENCE = 250 // milliseconds after a choice before pictures are made

const whole = (value: unknown, most: number, otherwise: number): number => (typeof value === 'number' && value >= 1 && value <= most ? Math.round(value) : otherwise)

/** As it was printed last; what is printed is chosen anew. */
function beginning(session: ViewerSession): Wishes {
  const kept = keptWishes()
  const series = session.activePane.state.get().seriesInstanceUID
  return {
    source: session.activePane.state.get().count > 1 ? 'series' : 'image',
    series: series ? [series] : [],
    images: '',
    every: 1,
    paper: Object.keys(PAPERS).find((each): each is Paper => each === kept.paper) ?? 'a4',
    landscape: kept.landscape === true,
    rows: whole(kept.rows, MOST_ROWS, 4),
    columns: whole(kept.columns, MOST_ROWS, 3),
    heading: { patient: kept.headPatient !== false, study: kept.headStudy !== false },
    ...keptLook(),
    zoomed: false,
    trueSize: false,
  }
}

const keep = ({ paper, landscape, rows, columns, heading, drawings, text }: Wishes): void =>
  keepWishes({ paper, landscape, rows, columns, headPatient: heading.patient, headStudy: heading.study, drawings, text })

type Planned = { readonly job: Job; readonly failure: null } | { readonly job: null; readonly failure: unknown } | null

/** What would be printed, worked out anew with every choice. */
function usePlanned(session: ViewerSession, wishes: Wishes): Planned {
  const [held, setHeld] = useState<{ wishes: Wishes | null; planned: Planned }>({ wishes: null, planned: null })
  useEffect(() => {
    let left = false
    jobOf(session, wishes).then(
      (job) => left || setHeld({ wishes, planned: { job, failure: null } }),
      (failure: unknown) => left || setHeld({ wishes, planned: { job: null, failure } }),
    )
    return () => {
      left = true
    }
  }, [session, wishes])
  return held.wishes === wishes ? held.planned : null
}

/** The pictures of one page, as they come. */
function usePictures(session: ViewerSession, job: Job | null, wishes: Wishes, page: number): ReadonlyMap<number, HTMLCanvasElement> {
  const [held, setHeld] = useState<{ key: unknown; made: ReadonlyMap<number, HTMLCanvasElement> }>({ key: null, made: new Map() })
  const key = useMemo(() => ({ job, page }), [job, page])
  useEffect(() => {
    const stopping = new AbortController()
    let printer: Printer | null = null
    const timer = window.setTimeout(() => {
      printer = new Printer(session)
      void pagePictures(printer, job, wishes, page, stopping.signal, (made) => setHeld({ key, made })).catch(() => undefined)
    }, PATIENCE)
    return () => {
      window.clearTimeout(timer)
      stopping.abort()
      const made = printer
      // React does not take a tree down from inside another's work.
      if (made) window.setTimeout(() => made.dispose())
    }
  }, [session, job, wishes, page, key])
  return held.key === key ? held.made : new Map<number, HTMLCanvasElement>()
}

async function pagePictures(printer: Printer, job: Job | null, wishes: Wishes, page: number, signal: AbortSignal, tell: (made: ReadonlyMap<number, HTMLCanvasElement>) => void): Promise<void> {
  const made = new Map<number, HTMLCanvasElement>()
  for (const [at, item] of (job?.pages[page] ?? []).entries()) {
    const cell = job?.sheet.cells[at]
    if (!cell) continue
    made.set(at, await printer.picture(item, cell, wishes, 1, signal))
    if (signal.aborted) return
    tell(new Map(made))
  }
}

function Canvas({ canvas }: { canvas: HTMLCanvasElement | undefined }) {
  const box = useRef<HTMLSpanElement>(null)
  useLayoutEffect(() => box.current?.replaceChildren(...(canvas ? [canvas] : [])), [canvas])
  return canvas && <span ref={box} />
}

/** A sheet as large as there is room for. */
function Scaled({ job, children }: { job: Job; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null)
  const [scale, setScale] = useState(0.5)
  const { width, height } = job.sheet
  useLayoutEffect(() => {
    const measure = () => {
      const room = box.current?.getBoundingClientRect()
      if (room) setScale(Math.min(room.width / (width * PIXELS), room.height / (height * PIXELS)))
    }
    measure()
    const observer = new ResizeObserver(measure)
    if (box.current) observer.observe(box.current)
    return () => observer.disconnect()
  }, [width, height])
  return (
    <div ref={box} className="print-preview">
      <div className="print-scaled" style={{ width: width * PIXELS * scale, height: height * PIXELS * scale }}>
        <div style={{ transform: `scale(${scale})`, transformOrigin: '0 0' }}>{children}</div>
      </div>
    </div>
  )
}

function Preview({ session, planned, wishes }: { session: ViewerSession; planned: Planned; wishes: Wishes }) {
  const [asked, setPage] = useState(0)
  const job = planned?.job ?? null
  const pages = job?.pages.length ?? 0
  const page = Math.min(asked, Math.max(0, pages - 1))
  const pictures = usePictures(session, job, wishes, page)
  if (planned?.failure) {
    return (
      <div className="take-preview" role="alert">
        {explain(planned.failure).what}
      </div>
    )
  }
  return (
    <div className="take-preview" data-testid="print-preview" data-pages={pages} data-made={pictures.size} data-of={job?.pages[page]?.length ?? 0}>
      {job && (
        <Scaled job={job}>
          <SheetView job={job} wishes={wishes} page={page} picture={(cell) => <Canvas canvas={pictures.get(cell)} />} />
        </Scaled>
      )}
      {pages > 1 && (
        <div className="print-pages">
          <IconButton label="Previous page" icon="back" small disabled={page === 0} onClick={() => setPage(page - 1)} />
          <span>
            Page {page + 1} of {pages}
          </span>
          <IconButton label="Next page" icon="chevronRight" small disabled={page === pages - 1} onClick={() => setPage(page + 1)} />
        </div>
      )}
    </div>
  )
}

function SeriesChoice({ session, wishes, change }: { session: ViewerSession; wishes: Wishes; change: (change: Partial<Wishes>) => void }) {
  const { groups } = useValue(session.state)
  const series = groups.flatMap((group) => group.series.filter(hasPictures))
  const pick = (uid: string, on: boolean) => change({ series: series.map((each) => each.SeriesInstanceUID).filter((each) => (each === uid ? on : wishes.series.includes(each))) })
  return (
    <>
      <div className="print-series" role="group" aria-label="Series">
        {series.map((each) => (
          <CheckField key={each.SeriesInstanceUID} label={`${each.SeriesNumber ?? ''} ${seriesTitle(each)} · ${countText(each)}`} checked={wishes.series.includes(each.SeriesInstanceUID)} onChange={(on) => pick(each.SeriesInstanceUID, on)} />
        ))}
      </div>
      <div className="take-pair">
        <TextField label="Images" placeholder="all, or 1-20, 25" value={wishes.images} data-testid="print-images" onChange={(event) => change({ images: event.target.value })} />
        <CountField label="Of these every" value={wishes.every} most={100} onChange={(every) => change({ every })} />
      </div>
    </>
  )
}

function CountField({ label, value, most, onChange }: { label: string; value: number; most: number; onChange: (value: number) => void }) {
  return (
    <TextField
      label={label}
      type="number"
      min={1}
      max={most}
      value={value}
      onChange={(event) => {
        const next = Number(event.target.value)
        if (Number.isInteger(next) && next >= 1 && next <= most) onChange(next)
      }}
    />
  )
}

const SOURCES: readonly { readonly source: Source; readonly label: string }[] = [
  { source: 'image', label: 'The image in this viewport' },
  { source: 'screen', label: 'The images in all viewports' },
  { source: 'series', label: 'Images of series' },
  { source: 'keys', label: 'Key images' },
]

function Choices({ session, wishes, change }: { session: ViewerSession; wishes: Wishes; change: (change: Partial<Wishes>) => void }) {
  const { heading } = wishes
  return (
    <div className="take-choices">
      <SelectField label="What" value={wishes.source} data-testid="print-source" onChange={(event) => change({ source: event.target.value as Source })}>
        {SOURCES.map(({ source, label }) => (
          <option key={source} value={source}>
            {label}
          </option>
        ))}
      </SelectField>
      {wishes.source === 'series' && <SeriesChoice session={session} wishes={wishes} change={change} />}
      <div className="take-pair">
        <CountField label="Rows" value={wishes.rows} most={MOST_ROWS} onChange={(rows) => change({ rows })} />
        <CountField label="Columns" value={wishes.columns} most={MOST_ROWS} onChange={(columns) => change({ columns })} />
        <SelectField label="Paper" value={wishes.paper} data-testid="print-paper" onChange={(event) => change({ paper: event.target.value as Paper })}>
          {Object.entries(PAPERS).map(([paper, { name }]) => (
            <option key={paper} value={paper}>
              {name}
            </option>
          ))}
        </SelectField>
        <SelectField label="Held" value={wishes.landscape ? 'landscape' : 'portrait'} data-testid="print-held" onChange={(event) => change({ landscape: event.target.value === 'landscape' })}>
          <option value="portrait">Upright</option>
          <option value="landscape">Across</option>
        </SelectField>
      </div>
      <CheckField label="Patient above the pictures" checked={heading.patient} onChange={(patient) => change({ heading: { ...heading, patient } })} />
      <CheckField label="Institution and study above" checked={heading.study} onChange={(study) => change({ heading: { ...heading, study } })} />
      <LookFields look={wishes} onChange={({ drawings, text }) => change({ drawings, text })} />
      <CheckField label="Zoomed as on the screen" checked={wishes.zoomed} onChange={(zoomed) => change({ zoomed, trueSize: false })} />
      <CheckField label="In true size" checked={wishes.trueSize} onChange={(trueSize) => change({ trueSize, zoomed: false })} />
      {wishes.trueSize && <p className="take-note">Images that say how large their pixels are come out as large as what they show, when the printer prints at 100 %.</p>}
      {burnedIn(session) && <p className="take-warning">The device has written words into the pixels of this image. They stay, and may name the patient.</p>}
    </div>
  )
}

/** Pages in the document, which the browser's printer takes instead of everything else. */
function PrintJob({ job, wishes, urls, onDone }: { job: Job; wishes: Wishes; urls: readonly string[]; onDone: () => void }) {
  const root = useRef<HTMLDivElement>(null)
  useEffect(() => {
    let left = false
    const ended = () => left || onDone()
    window.addEventListener('afterprint', ended)
    const images = [...(root.current?.querySelectorAll('img') ?? [])]
    void Promise.all(images.map((image) => image.decode().catch(() => undefined))).then(() => left || window.print())
    return () => {
      left = true
      window.removeEventListener('afterprint', ended)
    }
  }, [onDone])
  useEffect(() => () => urls.forEach((url) => URL.revokeObjectURL(url)), [urls])
  const each = job.sheet.cells.length
  return createPortal(
    <div ref={root} className="print-job" data-testid="print-job">
      {job.pages.map((_, page) => (
        <SheetView key={page} job={job} wishes={wishes} page={page} picture={(cell) => urls[page * each + cell] && <img src={urls[page * each + cell]} alt="" />} />
      ))}
    </div>,
    document.body,
  )
}

export function PrintDialog({ session, onClose }: { session: ViewerSession; onClose: () => void }) {
  const [wishes, setWishes] = useState(() => beginning(session))
  const [done, setDone] = useState(0)
  const [printing, setPrinting] = useState<{ job: Job; wishes: Wishes; urls: readonly string[] } | null>(null)
  const [stopping] = useState(() => new Stopping())
  const planned = usePlanned(session, wishes)
  const action = useAction()
  const change = (part: Partial<Wishes>) => {
    const next = { ...wishes, ...part }
    setWishes(next)
    keep(next)
  }
  useEffect(() => () => stopping.stop(), [stopping])
  const job = planned?.job ?? null
  const make = (form: 'print' | 'pdf', what: Job) => async () => {
    setDone(0)
    const signal = stopping.begin()
    const printer = new Printer(session)
    try {
      const text = wishes.heading.patient ? 'all' : wishes.text
      await noted(session, what.items.map((item) => item.stack.seriesInstanceUID), { form, count: what.items.length, drawings: wishes.drawings, text })
      if (form === 'pdf') {
        saveFile(await printer.pdf(what, wishes, setDone, signal), 'images.pdf')
        onClose()
      } else setPrinting({ job: what, wishes, urls: await printer.pictures(what, wishes, setDone, signal) })
    } catch (error) {
      if (!isAbort(error)) throw error
    } finally {
      printer.dispose()
    }
  }
  const [closing] = useState(() => () => {
    setPrinting(null)
    onClose()
  })
  return (
    <Dialog
      title="Print"
      wide
      onClose={onClose}
      footer={
        <>
          {action.busy && job && <Progress value={done / job.items.length} label={`Picture ${done} of ${job.items.length}`} />}
          <Button onClick={onClose}>Cancel</Button>
          <Button disabled={!job || action.busy} data-testid="print-pdf" onClick={() => job && action.run(make('pdf', job))}>
            Save as PDF
          </Button>
          <Button look="primary" disabled={!job || action.busy} data-testid="print-paper-button" onClick={() => job && action.run(make('print', job))}>
            Print
          </Button>
        </>
      }
    >
      <div className="take">
        <Preview session={session} planned={planned} wishes={wishes} />
        <Choices session={session} wishes={wishes} change={change} />
      </div>
      {action.failure && <ErrorNotice error={action.failure} />}
      {printing && <PrintJob {...printing} onDone={closing} />}
    </Dialog>
  )
}

/** The work under way, which a closed dialog ends. */
class Stopping {
  private now = new AbortController()

  begin(): AbortSignal {
    this.now = new AbortController()
    return this.now.signal
  }

  stop(): void {
    this.now.abort()
  }
}
